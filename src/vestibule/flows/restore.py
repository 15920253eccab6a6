"""Restore: make a database that comes from a backup safe to go on with, before anyone signs in to it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, TypeVar

from vestibule.core.attempts import Attempt
from vestibule.core.credentials import Credential, Seed
from vestibule.core.journal import Entry, EntryKind
from vestibule.core.outbox import OutboxRow
from vestibule.core.ports import Passed, Store, Writing
from vestibule.core.sessions import Session

SLICE = 200

Open = TypeVar("Open", Attempt, OutboxRow, Session)

Rule = Callable[[Credential, Seed | None, float], Passed]
"""What becomes of a credential and its seed at this time; see `core.restoring`."""


@dataclass(frozen=True, slots=True)
class Restored:
    """How many of what were changed; `credentials` by method."""

    credentials: Mapping[str, int]
    attempts: int
    messages: int


async def make_safe(
    store: Store, rules: Mapping[str, Rule], *, actor: str, at: float, origin: Mapping[str, Any]
) -> Restored:
    """Journal the restore, then mark used what may have been used, and close what was under way. Raises Unavailable."""
    first = Entry(at, EntryKind.ADMINISTRATION, "restore", actor=actor, detail=dict(origin))
    await store.change(lambda writing: writing.note(first))
    credentials = await _mark_all(store, rules, at)
    attempts = await _empty(store, Attempt)
    messages = await _empty(store, OutboxRow)
    await _empty(store, Session)  # one that was ended since the backup must not come back with it
    detail = {"credentials": credentials, "attempts": attempts, "messages": messages}
    await store.change(lambda writing: writing.note(replace(first, action="restore.safe", detail=detail)))
    return Restored(credentials, attempts, messages)


async def _mark_all(store: Store, rules: Mapping[str, Rule], at: float) -> dict[str, int]:
    marked = dict.fromkeys(rules, 0)
    after = ""
    while found := await store.change(partial(_mark_slice, rules=rules, after=after, at=at)):
        for one in found:
            if one.method in marked:
                marked[one.method] += 1
        after = found[-1].id
    return marked


def _mark_slice(writing: Writing, rules: Mapping[str, Rule], after: str, at: float) -> list[Credential]:
    """Treat one page of credentials; a seed that several share is treated for each of them."""
    page = writing.page(Credential, after, SLICE)
    for one in page:
        if one.method not in rules:
            continue
        marked = rules[one.method](one, writing.get(Seed, one.seed_id), at)
        if marked.credential != one:
            writing.put(marked.credential)
        if marked.seed is not None:
            writing.put(marked.seed)
    return page


async def _empty(store: Store, kind: type[Open]) -> int:
    gone = 0
    while some := await store.change(partial(_remove_slice, kind=kind)):
        gone += some
    return gone


def _remove_slice(writing: Writing, kind: type[Open]) -> int:
    page = writing.page(kind, "", SLICE)
    for one in page:
        writing.remove(kind, one.id)
    return len(page)
