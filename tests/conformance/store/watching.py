"""Whoever waits for an attempt hears of its end at once, on time, or that there is nothing to hear."""

import asyncio
import time
from dataclasses import replace

import pytest

from tests.conformance.store.opening import OpenStore, putting, settle, soon
from vestibule.core.attempts import Attempt, Challenge, Settled
from vestibule.core.case import Case, Key, KeyKind, Step
from vestibule.core.errors import Unavailable
from vestibule.core.ports import Store
from vestibule.core.prompts import Approve, TypeCode

THOUSANDS = 3000
AT_ONCE = 5.0  # seconds; far below `soon`, far above what waking takes
QUESTION = Challenge("nonce", Approve("42"), 61.0, "tap", waits=True)
OPEN = Attempt("attempt", "client", "", "zoe", "zoe", "here", "", 1.0, 61.0, QUESTION)
ASKED = replace(OPEN, challenge=Challenge("nonce", TypeCode(), 61.0))
ENDED = replace(OPEN, settled=Settled(2.0))


def end(case: Case) -> Step:
    """Settle the attempt of the case."""
    assert case.attempt is not None
    return Step(replace(case, attempt=replace(case.attempt, settled=Settled(2.0))))


def change(case: Case) -> Step:
    """Change the attempt of the case and leave it open."""
    assert case.attempt is not None
    return Step(replace(case, attempt=replace(case.attempt, rule="changed")))


async def end_one(store: Store, attempt_id: str) -> None:
    await settle(store, Key(KeyKind.ATTEMPT, attempt_id), end)


async def begin(*watches: "asyncio.Future[Attempt | None]") -> None:
    """Let the watches begin to wait."""
    await asyncio.sleep(0)
    assert not any(watch.done() for watch in watches)


class Watching:
    async def test_a_watcher_wakes_when_the_attempt_is_settled(self, open_store: OpenStore) -> None:
        store = await open_store()
        await store.change(putting(OPEN))
        watch = asyncio.create_task(store.watch("attempt", soon()))
        await begin(watch)
        await end_one(store, "attempt")
        assert await watch == ENDED

    async def test_a_watcher_wakes_when_a_code_is_asked_for_instead(self, open_store: OpenStore) -> None:
        store = await open_store()
        await store.change(putting(OPEN))
        watch = asyncio.create_task(store.watch("attempt", soon()))
        await begin(watch)
        await settle(store, Key(KeyKind.ATTEMPT, "attempt"), lambda case: Step(replace(case, attempt=ASKED)))
        assert await watch == ASKED

    @pytest.mark.parametrize("seconds", [30.0, 0.0, -30.0])
    @pytest.mark.parametrize("attempt", [ENDED, ASKED])
    async def test_an_attempt_that_is_not_awaited_is_told_at_once(
        self, open_store: OpenStore, attempt: Attempt, seconds: float
    ) -> None:
        store = await open_store()
        await store.change(putting(attempt))
        assert await store.watch("attempt", time.monotonic() + seconds) == attempt

    async def test_of_an_attempt_that_is_gone_there_is_nothing_to_tell(self, open_store: OpenStore) -> None:
        store = await open_store()
        assert await store.watch("attempt", soon()) is None

    async def test_an_attempt_that_goes_meanwhile_leaves_nothing_to_tell(self, open_store: OpenStore) -> None:
        store = await open_store()
        await store.change(putting(OPEN))
        watch = asyncio.create_task(store.watch("attempt", soon()))
        await begin(watch)
        await settle(store, Key(KeyKind.ATTEMPT, "attempt"), lambda case: Step(replace(case, attempt=None)))
        async with asyncio.timeout(AT_ONCE):
            assert await watch is None

    @pytest.mark.parametrize("seconds", [0.01, 0.0, -30.0])
    async def test_a_watch_ends_in_time(self, open_store: OpenStore, seconds: float) -> None:
        store = await open_store()
        await store.change(putting(OPEN))
        until = time.monotonic() + seconds
        assert await store.watch("attempt", until) is None
        assert time.monotonic() >= until - 0.001  # event loops count in milliseconds

    async def test_nothing_else_wakes(self, open_store: OpenStore) -> None:
        store = await open_store()
        await store.change(putting(OPEN, replace(OPEN, id="other")))
        watch = asyncio.create_task(store.watch("attempt", soon()))
        await begin(watch)
        await end_one(store, "other")
        await settle(store, Key(KeyKind.ATTEMPT, "attempt"), change)
        await begin(watch)
        await end_one(store, "attempt")
        assert await watch == replace(ENDED, rule="changed")

    async def test_thousands_wait_each_for_their_own(self, open_store: OpenStore) -> None:
        store = await open_store()
        attempts = [replace(OPEN, id=f"{i:04}") for i in range(THOUSANDS)]
        for i in range(0, THOUSANDS, 200):
            await store.change(putting(*attempts[i : i + 200]))
        watches = [asyncio.create_task(store.watch(one.id, soon())) for one in attempts]
        await begin(*watches)
        await asyncio.gather(*(end_one(store, one.id) for one in reversed(attempts)))
        assert await asyncio.gather(*watches) == [replace(one, settled=Settled(2.0)) for one in attempts]

    async def test_thousands_wait_for_the_same(self, open_store: OpenStore) -> None:
        store = await open_store()
        await store.change(putting(OPEN))
        watches = [asyncio.create_task(store.watch("attempt", soon())) for _ in range(THOUSANDS)]
        await begin(*watches)
        await end_one(store, "attempt")
        assert await asyncio.gather(*watches) == [ENDED] * THOUSANDS

    async def test_a_watcher_that_leaves_takes_nobody_along(self, open_store: OpenStore) -> None:
        store = await open_store()
        await store.change(putting(OPEN))
        leaving, staying = (asyncio.create_task(store.watch("attempt", soon())) for _ in range(2))
        await begin(leaving, staying)
        leaving.cancel()
        await end_one(store, "attempt")
        assert await staying == ENDED

    async def test_closing_sends_watchers_away(self, open_store: OpenStore) -> None:
        store = await open_store()
        await store.change(putting(OPEN))
        watches = [asyncio.create_task(store.watch("attempt", soon())) for _ in range(3)]
        await begin(*watches)
        async with asyncio.timeout(AT_ONCE):
            await store.close()
            outcomes = await asyncio.gather(*watches, return_exceptions=True)
        assert [type(one) for one in outcomes] == [Unavailable] * 3
