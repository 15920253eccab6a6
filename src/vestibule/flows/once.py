"""Once: a write over the network is done once however often it is asked for, and only to what the asker has seen.

Both are decided in the transaction of the write itself: the flow that writes gets a desk whose store looks first.
"""

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeVar

from vestibule.core.api_keys import PastRequest
from vestibule.core.attempts import Attempt
from vestibule.core.case import Decide, Key, Step
from vestibule.core.ports import Reading, Store, Writing
from vestibule.core.secret import Secret
from vestibule.core.snapshot import Snapshot
from vestibule.flows.desk import SLICE, Desk, Told
from vestibule.flows.refused import Refused

REMEMBERED_SECONDS = 86400.0
NOTHING = Secret(b"")

T = TypeVar("T")


class Stale(Exception):
    """What was to be changed is not what the asker has seen; nothing was changed."""


class OtherRequest(Exception):
    """This Idempotency-Key was used for another request; nothing was changed."""


class UnderWay(Exception):
    """The same request was begun before, and how it ended is not known yet."""


@dataclass(frozen=True, slots=True)
class Identity:
    """By what a repeated request is known: `id` stands for the Idempotency-Key, `digest` for the whole request."""

    id: str
    digest: str


@dataclass(frozen=True, slots=True)
class Done:
    """What a write told, and whether it had been done before."""

    told: Told
    before: bool = False


Unchanged = Callable[[Reading], bool]
"""Whether what is to be changed is still what the asker has seen."""


async def once(
    desk: Desk, act: Callable[[Desk], Awaitable[Told]], identity: Identity | None, unchanged: Unchanged | None
) -> Done:
    """Let `act` write unless it did before. Raises Stale, OtherRequest, UnderWay, and what `act` raises."""
    if identity is None:
        return Done(await act(replace(desk, store=Looking(desk, None, unchanged))))
    past = await _past(desk, identity)
    if past is not None:
        return Done(_again(past, identity), before=True)
    return await _first(desk, act, identity, unchanged)


async def forget(store: Store, before: float) -> int:
    """Let go of the requests that were done before this time; how many."""
    gone, after = 0, ""
    while page := await store.read(partial(_page, after=after)):
        old = [past.id for past in page if past.at < before]
        if old:
            await store.change(partial(_remove, ids=old))
        gone, after = gone + len(old), page[-1].id
    return gone


class Looking:
    """A store whose first slice looks before it writes, and remembers the request that it belongs to."""

    def __init__(self, desk: Desk, identity: Identity | None, unchanged: Unchanged | None) -> None:
        """Stand before the desk's own store."""
        self._store = desk.store
        self._now = desk.clock()
        self._identity = identity
        self._unchanged = unchanged
        self.begun = False
        self.answer = NOTHING

    @property
    def snapshot(self) -> Snapshot:
        """See `Store.snapshot`."""
        return self._store.snapshot

    async def settle(self, key: Key, event_id: str, decide: Decide, deadline: float) -> Step:
        """See `Store.settle`."""
        return await self._store.settle(key, event_id, decide, deadline)

    async def read(self, question: Callable[[Reading], T]) -> T:
        """See `Store.read`."""
        return await self._store.read(question)

    async def watch(self, attempt_id: str, until: float) -> Attempt | None:
        """See `Store.watch`."""
        return await self._store.watch(attempt_id, until)

    async def close(self) -> None:
        """Leave the store open: it is not ours."""

    async def change(self, act: Callable[[Writing], T]) -> T:
        """See `Store.change`; raises Stale and Repeated too."""
        if self.begun:
            return await self._store.change(act)
        result, self.answer = await self._store.change(partial(self._looked, act))
        self.begun = True
        return result

    def _looked(self, act: Callable[[Writing], T], writing: Writing) -> tuple[T, Secret]:
        if self._identity is not None:
            past = _of(writing, self._identity, self._now)
            if past is not None:
                raise _Repeated(past)
        if self._unchanged is not None and not self._unchanged(writing):
            raise Stale
        result = act(writing)
        answer = _written(result) if isinstance(result, dict) else NOTHING
        if self._identity is not None:
            writing.put(PastRequest(self._identity.id, self._identity.digest, answer, self._now))
        return result, answer


class _Repeated(Exception):
    """Another one with the same identity came first."""

    def __init__(self, past: PastRequest) -> None:
        super().__init__()
        self.past = past


async def _first(
    desk: Desk, act: Callable[[Desk], Awaitable[Told]], identity: Identity, unchanged: Unchanged | None
) -> Done:
    looking = Looking(desk, identity, unchanged)
    ended = False
    try:
        told = await act(replace(desk, store=looking))
        ended = True
    except _Repeated as repeated:
        return Done(_again(repeated.past, identity), before=True)
    except (Refused, Stale):
        past = None if looking.begun else await _past(desk, identity)
        if past is None:
            raise
        return Done(_again(past, identity), before=True)  # what refuses it may be what it did itself
    finally:
        if looking.begun and not ended:
            await desk.store.change(lambda writing: writing.remove(PastRequest, identity.id))
    if looking.begun and _written(told) != looking.answer:
        past = PastRequest(identity.id, identity.digest, _written(told), desk.clock())
        await desk.store.change(lambda writing: writing.put(past))
    return Done(told)


async def _past(desk: Desk, identity: Identity) -> PastRequest | None:
    now = desk.clock()
    return await desk.store.read(lambda reading: _of(reading, identity, now))


def _of(reading: Reading, identity: Identity, now: float) -> PastRequest | None:
    past = reading.get(PastRequest, identity.id)
    return past if past is not None and now < past.at + REMEMBERED_SECONDS else None


def _again(past: PastRequest, identity: Identity) -> Told:
    if past.digest != identity.digest:
        raise OtherRequest
    if not past.answer:
        raise UnderWay
    told: Told = json.loads(past.answer.reveal())
    return told


def _written(told: object) -> Secret:
    return Secret.of(json.dumps(told, ensure_ascii=False))


def _page(reading: Reading, after: str) -> list[PastRequest]:
    return reading.page(PastRequest, after, SLICE)


def _remove(writing: Writing, ids: list[str]) -> None:
    for id in ids:
        writing.remove(PastRequest, id)
