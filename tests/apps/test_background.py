"""Upkeep: each piece of work is done at its beat, forgets nothing while the clock is in doubt, and stops no server."""

import asyncio
import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import pytest
from prometheus_client import CollectorRegistry
from structlog.typing import FilteringBoundLogger

from tests.conformance.store.opening import noting, sign_in
from vestibule.apps.background import Background, Beat, Upkeep
from vestibule.core.errors import Malformed
from vestibule.core.heads import Heads
from vestibule.flows.authenticate import Authenticate
from vestibule.flows.clock import Doubt, confirm
from vestibule.flows.heads import RolledBack
from vestibule.flows.sweep import Sweep
from vestibule.flows.unknown_names import UnknownNames
from vestibule.stores.heads_file import read_heads, write_heads
from vestibule.stores.memory import MemoryStore

NOON = 1_800_000_000.0


class Log:
    """Keeps what is said."""

    def __init__(self) -> None:
        self.said: list[tuple[str, dict[str, Any]]] = []

    def error(self, event: str, **fields: object) -> None:
        self.said.append((event, fields))

    warning = error


class NobodyAsks:
    """All that a sweep without attempts needs of the flow."""

    unknown_names = UnknownNames()


@dataclass
class Server:
    """The upkeep of a store that lives in memory, with clocks that stand still."""

    heads: Path
    wall: float = NOON
    monotonic: float = 100.0
    store: MemoryStore = field(default_factory=lambda: MemoryStore(bytes(32), secrets.token_bytes, node="mfa1"))
    log: Log = field(default_factory=Log)
    registry: CollectorRegistry = field(default_factory=CollectorRegistry)

    def __post_init__(self) -> None:
        log = cast("FilteringBoundLogger", self.log)
        sweep = Sweep(self.store, cast("Authenticate", NobodyAsks()), {}, "mfa1", lambda: self.wall)
        self.upkeep = Upkeep(
            self.store, sweep, self.heads, log, wall=lambda: self.wall, monotonic=lambda: self.monotonic
        )
        self.background = Background(self.upkeep, self.registry, log)

    def later(self, seconds: float, *, step: float = 0.0) -> None:
        self.wall += seconds + step
        self.monotonic += seconds

    async def lines(self) -> int:
        return (await self.store.read(lambda reading: reading.chains()))[0].seq

    def metric(self, name: str, **labels: str) -> float | None:
        return self.registry.get_sample_value(name, labels)

    async def beat(self, name: str) -> None:
        (beat,) = [beat for beat in self.background.beats() if beat.name == name]
        await self.background.run(beat)


@pytest.fixture
def server(tmp_path: Path) -> Server:
    return Server(tmp_path / "master.key.heads.json")


@pytest.mark.requirement(49)
async def test_the_heads_are_written_each_minute_and_at_the_stop(server: Server) -> None:
    await server.background.start()
    assert server.log.said == [("no heads of the journal are known yet", {"file": str(server.heads)})]
    await server.store.change(noting(sign_in()))
    await server.beat("minute")
    first = read_heads(server.heads)
    await server.store.change(noting(sign_in()))
    await server.background.close()
    last = read_heads(server.heads)
    assert first is not None
    assert last is not None
    assert (first.chains["mfa1"].seq, last.chains["mfa1"].seq, last.at) == (1, 2, NOON)


@pytest.mark.requirement(49)
async def test_an_older_database_does_not_start_and_its_heads_stay(server: Server) -> None:
    await server.store.change(noting(sign_in(), sign_in()))
    known = await server.upkeep.remember_heads()
    older = Server(server.heads)
    with pytest.raises(RolledBack, match="ends at line 0"):
        await older.background.start()
    assert read_heads(server.heads) == known


async def test_damaged_heads_stop_the_start(server: Server) -> None:
    server.heads.write_text("{")
    with pytest.raises(Malformed, match="damaged"):
        await server.background.start()


@pytest.mark.requirement(56)
async def test_a_step_of_the_clock_is_shown_until_it_is_confirmed(server: Server) -> None:
    await server.beat("clock")
    assert (server.metric("vestibule_clock_step_seconds"), server.metric("vestibule_clock_in_doubt")) == (0.0, 0.0)
    server.later(1.0, step=60.0)
    await server.beat("clock")
    assert (server.metric("vestibule_clock_step_seconds"), server.metric("vestibule_clock_in_doubt")) == (60.0, 1.0)
    assert await server.background.doubt() == Doubt(NOON + 61, 60.0)
    assert [event for event, _ in server.log.said] == ["the clock was moved"]
    await confirm(server.store, actor="uid:0", at=server.wall)
    await server.beat("clock")
    assert (server.metric("vestibule_clock_step_seconds"), server.metric("vestibule_clock_in_doubt")) == (60.0, 0.0)


@pytest.mark.requirement(56)
async def test_a_clock_that_went_back_while_the_server_was_off_is_shown(server: Server) -> None:
    write_heads(server.heads, Heads(NOON + 3600))
    await server.background.start()
    assert server.metric("vestibule_clock_step_seconds") == -3600.0
    assert await server.background.doubt() == Doubt(NOON, -3600.0)
    await server.background.close()


@pytest.mark.requirement(56)
async def test_a_clock_that_leaps_a_year_deletes_nothing_until_it_is_confirmed(server: Server) -> None:
    await server.store.change(lambda writing: writing.set("journal_keep_days", "30"))
    await server.store.change(noting(sign_in(NOON)))
    server.later(1.0, step=365 * 86400.0)
    assert not await server.upkeep.forget()
    assert [line.entry.action for line in await all_lines(server)] == ["sign_in", "clock.step"]
    await confirm(server.store, actor="uid:0", at=server.wall)
    assert await server.upkeep.forget()
    assert [line.entry.action for line in await all_lines(server)] == ["clock.step", "clock.confirm", "journal.pruned"]


async def all_lines(server: Server) -> list[Any]:
    return await server.store.read(lambda reading: reading.chain("mfa1", 0, 99))


async def test_work_that_fails_is_counted_and_logged_and_the_rest_goes_on(server: Server) -> None:
    server.heads.with_name(f"{server.heads.name}.new").mkdir()
    await server.beat("minute")
    await server.beat("sweep")
    assert server.metric("vestibule_upkeep_failed_total", work="minute") == 1.0
    assert server.metric("vestibule_upkeep_done_at", work="minute") is None
    assert server.metric("vestibule_upkeep_done_at", work="sweep")
    ((event, fields),) = server.log.said
    assert (event, fields["work"]) == ("upkeep failed", "minute")


async def test_the_beats_run_by_themselves_and_end_with_the_server(server: Server) -> None:
    done = asyncio.Event()

    class Quick(Background):
        def beats(self) -> tuple[Beat, ...]:
            async def work() -> None:
                done.set()

            return (Beat("quick", 0.0, work),)

    background = Quick(server.upkeep, CollectorRegistry(), cast("FilteringBoundLogger", server.log))
    await background.start()
    await done.wait()
    before = asyncio.all_tasks()
    await background.close()
    assert asyncio.all_tasks() < before


def test_every_beat_has_its_own_name_and_pace(server: Server) -> None:
    beats = server.background.beats()
    assert len({beat.name for beat in beats}) == len(beats)
    assert {beat.name: beat.seconds for beat in beats} == {
        "clock": 1.0,
        "sweep": 2.0,
        "minute": 60.0,
        "retention": 3600.0,
    }
