"""Synchronises directories when they are due, each in a task of its own: a slow one delays no other."""

import asyncio
from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge
from structlog.typing import FilteringBoundLogger

from vestibule.core.errors import Malformed, Unavailable
from vestibule.flows import directories
from vestibule.flows.desk import Desk
from vestibule.flows.kinds import Takeover
from vestibule.flows.refused import Refused

ACTOR = "schedule"


class Synchronising:
    """Looks every now and then which directory is due; `monotonic` counts seconds."""

    def __init__(
        self, desk: Desk, monotonic: Callable[[], float], registry: CollectorRegistry, log: FilteringBoundLogger
    ) -> None:
        """Register the metrics."""
        self._desk = desk
        self._monotonic = monotonic
        self._log = log
        self._begun: dict[str, float] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._broken: dict[str, str] = {}
        names = ["directory"]
        self._done = Gauge(
            "vestibule_directory_synchronised_at", "When the last good run ended.", names, registry=registry
        )
        self._failed = Counter("vestibule_directory_failed", "Runs that failed.", names, registry=registry)
        self._held = Gauge("vestibule_directory_held", "People gone who wait for approval.", names, registry=registry)

    @property
    def under_way(self) -> tuple[str, ...]:
        """The directories that are being synchronised."""
        return tuple(id for id, task in self._tasks.items() if not task.done())

    async def look(self) -> None:
        """Begin what is due: intervals count from start to start, and a run that takes longer is followed at once."""
        now = self._monotonic()
        for id in self._desk.store.snapshot.directories:
            task = self._tasks.get(id)
            if task is not None and not task.done():
                continue
            takeover = self._takeover(id)
            if takeover is None or not takeover.every or now < self._begun.get(id, -takeover.every) + takeover.every:
                continue
            self._begun[id] = now
            self._tasks[id] = asyncio.create_task(self._run(id), name=f"vestibule directory {id}")

    def _takeover(self, id: str) -> Takeover | None:
        """How it is taken over; one that can not be opened here keeps no other back."""
        try:
            return directories.takeover_of(self._desk, id)
        except Malformed as malformed:
            if self._broken.get(id) != str(malformed):
                self._tell_failed(id, str(malformed))
            self._broken[id] = str(malformed)
            return None

    def _tell_failed(self, id: str, why: str) -> None:
        self._failed.labels(id).inc()
        self._log.warning("directory not synchronised", directory=id, why=why)

    async def close(self) -> None:
        """Stop at the next slice."""
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    async def _run(self, id: str) -> None:
        try:
            report = await directories.sync(self._desk, ACTOR, id=id, changes_only=True)
        except Refused as refused:
            self._log.info("directory not synchronised", directory=id, why=refused.text)
        except (Unavailable, Malformed) as error:
            self._tell_failed(id, str(error))
        except Exception as bug:
            self._failed.labels(id).inc()
            self._log.error("directory not synchronised", directory=id, error=type(bug).__name__)
        else:
            self._done.labels(id).set_to_current_time()
            self._held.labels(id).set(report["held_count"])
            if report["held_count"]:
                self._log.warning("people are gone from a directory and held", directory=id, held=report["held_count"])
