"""Synchronisations that are begun and looked at later: done in the background, one of a directory at a time.

What a run did stays in the memory of this process until the next one; how the last one ended is in the store as well.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from vestibule.core.errors import Malformed, Unavailable
from vestibule.core.ports import Reading
from vestibule.flows import directories
from vestibule.flows.desk import Desk, Told
from vestibule.flows.refused import Refused
from vestibule.flows.sync_memory import last_run, led_until

AWAY = "The directory could not be asked, so nobody is taken for gone: {}"


@dataclass(slots=True)
class Run:
    """One run; `done` counts entries."""

    directory: str
    began_at: float
    dry_run: bool
    done: int = 0
    report: Told | None = None
    why: str = ""

    @property
    def running(self) -> bool:
        """Whether it is under way."""
        return self.report is None and not self.why

    def progress(self, done: int, _total: int | None) -> None:
        """Note how far it is."""
        self.done = done

    def told(self) -> Told:
        """How it stands."""
        return {
            "state": "running" if self.running else "failed" if self.why else "done",
            "began_at": self.began_at,
            "dry_run": self.dry_run,
            "done": self.done,
            "why": self.why,
            "report": self.report,
        }


@dataclass(slots=True)
class SyncRuns:
    """The newest run of each directory."""

    _runs: dict[str, Run] = field(default_factory=dict)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    async def begin(
        self,
        desk: Desk,
        actor: str,
        *,
        id: str,
        dry_run: bool = False,
        approve: str = "",
        changes_only: bool = False,
    ) -> Told:
        """Begin one. Refused while one of this directory is under way here, or where nobody can be listed."""
        known = self._runs.get(id)
        if known is not None and known.running:
            raise Refused(f"The directory {id} is being synchronised just now. Look at how far it is.", "id")
        directories.refuse_unlisted(desk, id)
        run = self._runs[id] = Run(id, desk.clock(), dry_run)

        async def work() -> Told:
            return await directories.sync(
                desk,
                actor,
                id=id,
                dry_run=dry_run,
                approve=approve,
                changes_only=changes_only,
                progress=run.progress,
            )

        task = asyncio.create_task(self._do(run, work), name=f"vestibule synchronisation of {id}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return {"run": run.told()}

    async def show(self, desk: Desk, actor: str, *, id: str) -> Told:  # noqa: ARG002 - every flow is told who asks
        """The newest run that was begun here, whether one is under way anywhere, and how the last one ended."""
        now, run = desk.clock(), self._runs.get(id)

        def question(reading: Reading) -> Told:
            directories.the_directory(reading, id)
            return {
                "run": None if run is None else run.told(),
                "under_way": now < led_until(reading, id),
                "last": last_run(reading, id),
            }

        return await desk.store.read(question)

    async def close(self) -> None:
        """Stop at the next slice."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _do(self, run: Run, work: Callable[[], Awaitable[Told]]) -> None:
        try:
            run.report = await work()
        except Refused as refused:
            run.why = refused.text
        except (Unavailable, Malformed) as away:
            run.why = AWAY.format(away)
        finally:
            run.why = run.why or ("" if run.report is not None else "It was given up; see the log.")
