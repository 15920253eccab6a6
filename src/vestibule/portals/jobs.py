"""Work that takes longer than a page: begun by a form, done in the background, looked at until it is over.

What it leaves behind stays in the memory of this process for an hour, for the person who began it and nobody else.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from vestibule.core.errors import Unavailable
from vestibule.flows.desk import Progress, Told
from vestibule.flows.refused import Refused

KEPT_SECONDS = 3600.0
AT_ONCE = 2
MOST_KEPT = 20

Work = Callable[[Progress], Awaitable[Told]]


@dataclass(slots=True)
class Job:
    """One piece of work. `owner` is the id of who began it; `again` is what it needs to be begun once more."""

    id: str
    owner: str
    name: str
    begun_at: float
    done: int = 0
    total: int | None = None
    report: Told | None = field(default=None, repr=False)
    refused: Refused | None = None
    unavailable: bool = False
    reference: str = ""
    again: bytes = field(default=b"", repr=False)

    @property
    def running(self) -> bool:
        """Whether it is still under way."""
        return self.report is None and self.refused is None and not self.unavailable and not self.reference

    def progress(self, done: int, total: int | None) -> None:
        """Note how far it is."""
        self.done, self.total = done, total


@dataclass(slots=True)
class Jobs:
    """All that is under way, and what was lately."""

    kept: OrderedDict[str, Job] = field(default_factory=OrderedDict, repr=False)
    tasks: set[asyncio.Task[None]] = field(default_factory=set, repr=False)

    @property
    def full(self) -> bool:
        """Whether as much is under way as may be at one time."""
        return sum(job.running for job in self.kept.values()) >= AT_ONCE

    def begin(self, job: Job, work: Work, bug: Callable[[BaseException], str]) -> None:
        """Begin it; `bug` is told of what should not happen, and gives a reference."""
        self.forget(job.begun_at)
        self.kept[job.id] = job
        task = asyncio.create_task(_done(job, work))
        self.tasks.add(task)

        def over(task: asyncio.Task[None]) -> None:
            self.tasks.discard(task)
            fault = None if task.cancelled() else task.exception()
            if fault is not None:
                job.reference = bug(fault)

        task.add_done_callback(over)

    def found(self, id: str, owner: str, now: float) -> Job | None:
        """The job of this id, if it is this person's."""
        self.forget(now)
        job = self.kept.get(id)
        return job if job is not None and job.owner == owner else None

    def forget(self, now: float) -> None:
        """Forget what is over for an hour, and the oldest of too many."""
        over = [job for job in self.kept.values() if not job.running]
        old = [job for job in over if now - job.begun_at > KEPT_SECONDS]
        for job in [*old, *over[: max(0, len(over) - MOST_KEPT)]]:
            self.kept.pop(job.id, None)


async def _done(job: Job, work: Work) -> None:
    try:
        job.report = await work(job.progress)
    except Refused as refused:
        job.refused = refused
    except Unavailable:
        job.unavailable = True
