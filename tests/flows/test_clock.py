"""The clock: a step is noticed whichever way it goes, stands in the journal, and is doubted until it is confirmed."""

import secrets

import pytest

from vestibule.core.errors import Unavailable
from vestibule.core.journal import EntryKind, Line, Query
from vestibule.core.ports import Store
from vestibule.flows.clock import Clock, ClockStep, ClockWatch, Doubt, confirm
from vestibule.stores.memory import MemoryStore

NOON = 1_800_000_000.0


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore(bytes(32), secrets.token_bytes)


async def lines_of(store: Store) -> list[Line]:
    return await store.read(lambda reading: reading.lines(Query(), (0.0, "", 0), 99))


def watch() -> ClockWatch:
    return ClockWatch(NOON, 100.0)


@pytest.mark.requirement(56)
@pytest.mark.parametrize("seconds", [5.1, 3600.0, -5.1, -3600.0])
def test_a_step_is_noticed_whichever_way_it_goes(seconds: float) -> None:
    found = watch().look(NOON + 1 + seconds, 101.0)
    assert found is not None
    assert found.seconds == pytest.approx(seconds)
    assert found.at == NOON + 1 + seconds


@pytest.mark.parametrize("seconds", [0.0, 5.0, -5.0])
def test_clocks_that_run_together_make_no_step(seconds: float) -> None:
    looking = watch()
    assert all(looking.look(NOON + tick + seconds, 100.0 + tick) is None for tick in range(100))


@pytest.mark.requirement(56)
def test_a_step_is_told_once_and_then_the_clock_goes_on_from_there() -> None:
    looking = watch()
    assert looking.look(NOON + 61, 101.0)
    assert looking.look(NOON + 62, 102.0) is None
    back = looking.look(NOON + 3, 103.0)
    assert back is not None
    assert back.seconds == -60.0


@pytest.mark.requirement(56)
def test_small_steps_add_up() -> None:
    looking = watch()
    found = [looking.look(NOON + tick * 3.0, 100.0 + tick) for tick in range(1, 6)]
    assert found == [None, None, ClockStep(6.0, NOON + 9.0), None, None]


@pytest.mark.requirement(56)
async def test_a_step_stands_in_the_journal_and_is_doubted_until_it_is_confirmed(store: MemoryStore) -> None:
    clock = Clock(store, watch())
    assert await clock.tick(NOON + 1, 101.0) is None
    assert await clock.doubted() is None
    assert await clock.tick(NOON - 58, 102.0) == ClockStep(-60.0, NOON - 58)
    assert await clock.doubted() == Doubt(NOON - 58, -60.0)
    (line,) = await lines_of(store)
    assert (line.entry.kind, line.entry.action, line.entry.detail) == (
        EntryKind.SYSTEM,
        "clock.step",
        {"seconds": -60.0},
    )
    assert await confirm(store, actor="uid:0", at=NOON) == Doubt(NOON - 58, -60.0)
    assert await clock.doubted() is None
    assert [(one.entry.action, one.entry.actor) for one in await lines_of(store)][-1] == ("clock.confirm", "uid:0")


async def test_nothing_is_confirmed_where_nothing_is_doubted(store: MemoryStore) -> None:
    assert await confirm(store, actor="uid:0", at=NOON) is None
    assert await lines_of(store) == []


@pytest.mark.requirement(56)
async def test_a_doubt_outlives_the_process_that_had_it(store: MemoryStore) -> None:
    await Clock(store, watch()).tick(NOON + 61, 101.0)
    assert await Clock(store, ClockWatch(NOON + 70, 5.0)).doubted() == Doubt(NOON + 61, 60.0)


@pytest.mark.requirement(56)
async def test_a_clock_that_went_back_while_nothing_ran_is_noticed_at_the_start(store: MemoryStore) -> None:
    clock = Clock(store, watch())
    assert await clock.began(NOON + 4, NOON) is None
    assert await clock.began(NOON - 1e6, NOON) is None
    assert await clock.began(NOON + 3600, NOON) == ClockStep(-3600.0, NOON)
    assert await clock.doubted() == Doubt(NOON, -3600.0)


class AwayOnce(MemoryStore):
    """Cannot be written to the first time."""

    away = True

    async def change(self, act):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201 - the port's
        if self.away:
            self.away = False
            raise Unavailable("the store is away")
        return await super().change(act)


@pytest.mark.requirement(56)
async def test_a_step_that_could_not_be_written_is_doubted_and_written_later() -> None:
    store = AwayOnce(bytes(32), secrets.token_bytes)
    clock = Clock(store, watch())
    with pytest.raises(Unavailable):
        await clock.tick(NOON + 61, 101.0)
    assert await clock.doubted() == Doubt(NOON + 61, 60.0)
    assert await lines_of(store) == []
    assert await clock.tick(NOON + 62, 102.0) is None
    assert [line.entry.action for line in await lines_of(store)] == ["clock.step"]
