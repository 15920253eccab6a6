"""Forget what limits do not need any more, numbers that were changed, and sends of long ago."""

from collections.abc import Callable
from typing import TypeVar

from vestibule.core.credentials import Credential
from vestibule.core.phones import earlier
from vestibule.core.ports import Reading, Store, Writing
from vestibule.core.sends import Counted, Send

SLICE = 200
KEPT_SECONDS = 90 * 86400.0
R = TypeVar("R", Counted, Send, Credential)


async def forget(store: Store, now: float) -> int:
    """Forget it, slice by slice; how many rows went. Raises Unavailable."""
    return (
        await _walk(store, Counted, lambda one: now >= one.until)
        + await _walk(store, Send, lambda one: now - one.begun_at >= KEPT_SECONDS)
        + await _walk(store, Credential, lambda one: earlier(one) and now >= one.expires_at)
    )


async def _walk(store: Store, kind: type[R], old: Callable[[R], bool]) -> int:
    gone, after = 0, ""
    while page := await store.read(_page(kind, after)):
        ids = [one.id for one in page if old(one)]
        if ids:
            gone += await store.change(_removing(kind, ids, old))
        after = page[-1].id
    return gone


def _page(kind: type[R], after: str) -> Callable[[Reading], list[R]]:
    return lambda reading: reading.page(kind, after, SLICE)


def _removing(kind: type[R], ids: list[str], old: Callable[[R], bool]) -> Callable[[Writing], int]:
    def act(writing: Writing) -> int:
        still = [id for id in ids if (one := writing.get(kind, id)) is not None and old(one)]
        for id in still:
            writing.remove(kind, id)
        return len(still)

    return act
