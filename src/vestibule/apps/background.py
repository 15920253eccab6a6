"""What a running server does besides answering: sweep, remember the journal's heads, watch the clock.

Each piece of work has its own task and its own beat, so that a slow one delays no other. What fails is logged and tried
again at the next beat: the server goes on answering, and /metrics tells how old the last good run is.
"""

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from prometheus_client import CollectorRegistry, Counter, Gauge
from structlog.typing import FilteringBoundLogger

from vestibule.apps.configuration import Configuration
from vestibule.core.heads import Heads
from vestibule.core.ports import Channel, Store
from vestibule.flows import once
from vestibule.flows.authenticate import Authenticate
from vestibule.flows.clock import Clock, ClockStep, ClockWatch, Doubt
from vestibule.flows.heads import current_heads, require_whole
from vestibule.flows.sweep import Sweep
from vestibule.stores.heads_file import heads_path, read_heads, write_heads

Seconds = Callable[[], float]


@dataclass(frozen=True, slots=True)
class Beat:
    """One piece of work and the seconds between its runs."""

    name: str
    seconds: float
    work: Callable[[], Awaitable[object]]


def heads_file(configuration: Configuration, environment: Mapping[str, str]) -> Path:
    """Where the heads lie: beside the master key, or in the data directory when systemd hands the key over.

    What systemd hands over lies in memory and can not be written to.
    """
    key, handed_over = configuration.key.file, environment.get("CREDENTIALS_DIRECTORY")
    if handed_over and key.is_relative_to(handed_over):
        return heads_path(configuration.data_directory / key.name)
    return heads_path(key)


class Upkeep:
    """The work itself, one method for each beat; `wall` and `monotonic` are the two clocks."""

    def __init__(
        self,
        store: Store,
        sweep: Sweep,
        heads: Path,
        log: FilteringBoundLogger,
        *,
        wall: Seconds = time.time,
        monotonic: Seconds = time.monotonic,
    ) -> None:
        """Take the clocks to be right now."""
        self._store = store
        self._sweep = sweep
        self._heads = heads
        self._log = log
        self._wall = wall
        self._monotonic = monotonic
        self.clock = Clock(store, ClockWatch(wall(), monotonic()))

    async def begin(self) -> ClockStep | None:
        """What comes before the first sign-in. Raises RolledBack, Malformed for a damaged file of heads."""
        known = await asyncio.to_thread(read_heads, self._heads)
        await require_whole(self._store, known)
        if known is None:
            self._log.warning("no heads of the journal are known yet", file=str(self._heads))
        await self._sweep.outbox(starting=True)
        return await self.clock.began(known.at, self._wall()) if known else None

    async def tick(self) -> ClockStep | None:
        """Look at the clocks."""
        step = await self.clock.tick(self._wall(), self._monotonic())
        if step:
            self._log.error("the clock was moved", seconds=round(step.seconds, 1), confirm="vestibule clock confirm")
        return step

    async def often(self) -> None:
        """What people may wait for."""
        await self._sweep.attempts()
        await self._sweep.outbox()

    async def each_minute(self) -> None:
        """What must be written down soon."""
        await self._sweep.unknown_names()
        await self.remember_heads()

    async def forget(self) -> bool:
        """Delete what is old, unless nobody knows how late it is; whether it was done."""
        await self.tick()
        if await self.clock.doubted():
            return False
        await self._sweep.failures()
        await self._sweep.journal()
        await once.forget(self._store, self._wall() - once.REMEMBERED_SECONDS)
        return True

    async def remember_heads(self) -> Heads:
        """Write the heads to their file."""
        heads = await current_heads(self._store, self._wall())
        await asyncio.to_thread(write_heads, self._heads, heads)
        return heads


class Background:
    """Runs the beats until it is closed, and counts how they end."""

    def __init__(
        self, upkeep: Upkeep, registry: CollectorRegistry, log: FilteringBoundLogger, more: tuple[Beat, ...] = ()
    ) -> None:
        """Register the metrics; `start` begins. `more` is work of others that is kept up here as well."""
        self._upkeep = upkeep
        self._more = more
        self._log = log
        self._tasks: list[asyncio.Task[None]] = []
        self._step = Gauge("vestibule_clock_step_seconds", "The last step of the clock.", registry=registry)
        self._in_doubt = Gauge("vestibule_clock_in_doubt", "1 until a step is confirmed.", registry=registry)
        self._done = Gauge("vestibule_upkeep_done_at", "When a run last ended well.", ["work"], registry=registry)
        self._failed = Counter("vestibule_upkeep_failed", "Runs that failed.", ["work"], registry=registry)

    def beats(self) -> tuple[Beat, ...]:
        """All work with its pace."""
        upkeep = self._upkeep
        return (
            Beat("clock", 1.0, self._clock),
            Beat("sweep", 2.0, upkeep.often),
            Beat("minute", 60.0, upkeep.each_minute),
            Beat("retention", 3600.0, upkeep.forget),
            *self._more,
        )

    async def start(self) -> None:
        """Look at what was found, then begin the beats. Raises RolledBack, Malformed."""
        self._show(await self._upkeep.begin())
        self._tasks = [asyncio.create_task(self._keep(beat), name=f"vestibule {beat.name}") for beat in self.beats()]

    async def close(self) -> None:
        """Stop the beats and remember the heads once more, before the store closes."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.run(Beat("last", 0.0, self._upkeep.each_minute))

    async def run(self, beat: Beat) -> None:
        """Run once; whatever goes wrong is logged, and told by the metrics."""
        try:
            await beat.work()
        except Exception as error:
            self._failed.labels(beat.name).inc()
            self._log.error("upkeep failed", work=beat.name, error=f"{type(error).__name__}: {error}")
        else:
            self._done.labels(beat.name).set_to_current_time()

    async def doubt(self) -> Doubt | None:
        """The step of the clock that nobody has confirmed yet."""
        return await self._upkeep.clock.doubted()

    async def _keep(self, beat: Beat) -> None:
        while True:
            await asyncio.sleep(beat.seconds)
            await self.run(beat)

    async def _clock(self) -> None:
        self._show(await self._upkeep.tick())
        self._in_doubt.set(1 if await self._upkeep.clock.doubted() else 0)

    def _show(self, step: ClockStep | None) -> None:
        if step:
            self._step.set(step.seconds)


def background(  # noqa: PLR0917 - the pieces of one server
    configuration: Configuration,
    store: Store,
    authenticate: Authenticate,
    channels: Mapping[str, Channel],
    registry: CollectorRegistry,
    log: FilteringBoundLogger,
    more: tuple[Beat, ...] = (),
) -> Background:
    """Put the upkeep of a server together."""
    sweep = Sweep(store, authenticate, channels, configuration.server.name, time.time)
    return Background(Upkeep(store, sweep, heads_file(configuration, os.environ), log), registry, log, more)
