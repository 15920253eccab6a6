"""PostgreSQL's writer, a task: drains what waits into one transaction; sign-ins first, then one slice of other work.

No timer and no delay when idle. What another node has locked goes back to the head of the queue; after some misses, or
when there is nothing else to do, it is waited for, for a moment; then it stands aside, so that it does not hold up the
others. While the database is away for longer than a moment, everybody is told so at once.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any

from vestibule.core.errors import Unavailable
from vestibule.core.ports import Writing
from vestibule.stores.sql.batch import Item, Outcome
from vestibule.stores.sql.postgresql.batch import SharedBatches
from vestibule.stores.sql.postgresql.faults import Away, Busy
from vestibule.stores.sql.postgresql.session import Session

BATCH = 64
MISSES = 3
LOSSES = 2
ASIDE_SECONDS = 0.5
PATIENCE_SECONDS = 3.0
PAUSE_SECONDS = 0.1

Answer = Callable[[list[tuple[Item, Outcome]]], None]
Slice = tuple[Callable[[Writing], Any], "asyncio.Future[Any]"]


class Writer:
    """Owns the task that owns the writing connection."""

    def __init__(self, session: Session, batches: SharedBatches, answer: Answer) -> None:
        """Prepare; `answer` is called after each commit."""
        self._loop = asyncio.get_running_loop()
        self._session = session
        self._batches = batches
        self._answer = answer
        self._inbox: deque[Item] = deque()
        self._tired: list[Item] = []  # to be waited for
        self._aside: dict[str, Item] = {}
        self._misses: dict[str, int] = {}
        self._losses: dict[str, int] = {}
        self._slices: deque[Slice] = deque()
        self._work = asyncio.Event()
        self._stale = False
        self._ended = False
        self._away_since: float | None = None
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to write."""
        self._task = self._loop.create_task(self._run())

    @property
    def waiting(self) -> int:
        """How many decisions wait."""
        return len(self._inbox) + len(self._tired) + len(self._aside)

    @property
    def away(self) -> bool:
        """Whether the database has been away for more than a moment."""
        return self._away_since is not None and self._loop.time() - self._away_since >= PATIENCE_SECONDS

    def settle(self, item: Item) -> None:
        """Queue a decision."""
        self._inbox.append(item)
        self._work.set()

    def change(self, act: Callable[[Writing], Any]) -> "asyncio.Future[Any]":
        """Queue a slice of a change."""
        result = self._loop.create_future()
        self._slices.append((act, result))
        self._work.set()
        return result

    def refresh(self) -> None:
        """Follow the settings soon, also when nobody signs in."""
        self._stale = True
        self._work.set()

    async def stop(self) -> None:
        """Finish what waits, then close the connection."""
        self._ended = True
        self._return(list(self._aside))
        self._work.set()
        if self._task is not None:
            await self._task

    # -- the task -----------------------------------------------------------------------------------------------

    async def _run(self) -> None:
        while not (self._ended and self._idle):
            if not self._pressing:
                self._work.clear()
                await self._work.wait()
                continue
            try:
                await self._turn()
            except Exception:  # noqa: BLE001 # outermost: Away, or a bug that must not end the task that writes
                await self._bear()
        await self._session.close()

    @property
    def _idle(self) -> bool:
        return not (self._inbox or self._tired or self._aside or self._slices or self._stale)

    @property
    def _pressing(self) -> bool:
        """Whether there is something to do now; while the database is away, to find it again."""
        waiting = self._inbox or self._tired or self._slices or self._stale
        return bool(waiting) or self._away_since is not None or self._ended

    async def _turn(self) -> None:
        """One batch, one slice. Raises Away, with what was not decided back in the queue."""
        if not self._session.open:
            await self._session.reopen(self._batches.reopen)
        self._away_since = None
        await self._settle()
        await self._one_slice()
        if self._stale:
            self._stale = False
            await self._session.run(self._batches.refresh)

    async def _bear(self) -> None:
        """The database is away: hope for a moment, then tell everybody, and try again either way."""
        if self._away_since is None:
            self._away_since = self._loop.time()
        if self.away or self._ended:
            self._refuse()
        await asyncio.sleep(PAUSE_SECONDS)

    def _refuse(self) -> None:
        waiting = [*self._tired, *self._aside.values(), *self._inbox]
        self._tired.clear()
        self._aside.clear()
        self._inbox.clear()
        self._give([(item, Unavailable("the database is away")) for item in waiting])
        while self._slices:
            _, result = self._slices.popleft()
            _end(result, Unavailable("the database is away"))
        self._stale = False

    # -- batches ------------------------------------------------------------------------------------------------

    async def _settle(self) -> None:
        if self._tired:
            tired, self._tired = self._tired[:BATCH], self._tired[BATCH:]
            await self._batch(tired, self._batches.settle_patiently, self._stand_aside)
        drained = [self._inbox.popleft() for _ in range(min(BATCH, len(self._inbox)))]
        if drained:
            await self._batch(drained, self._batches.settle, self._put_off)

    async def _batch(
        self, items: list[Item], settle: Callable[[list[Item]], list[Outcome]], put_off: Callable[[list[Item]], None]
    ) -> None:
        try:
            outcomes = await self._session.run(lambda: settle(items))
        except Away:
            self._give_back(items)
            raise
        except Exception as error:  # noqa: BLE001 # outermost: a bug here must not end the task that writes
            outcomes = [error] * len(items)
        pairs = list(zip(items, outcomes, strict=True))
        self._give([(item, outcome) for item, outcome in pairs if not isinstance(outcome, Busy)])
        put_off(self._in_time([item for item, outcome in pairs if isinstance(outcome, Busy)]))

    def _give(self, pairs: list[tuple[Item, Outcome]]) -> None:
        for counts in (self._misses, self._losses):
            if counts:
                for item, _ in pairs:
                    counts.pop(item.event_id, None)
        self._answer(pairs)

    def _put_off(self, items: list[Item]) -> None:
        """Back to the head of the queue, in order; who has missed too often, or has nobody behind, will wait."""
        nobody_behind = not self._inbox
        later: list[Item] = []
        for item in items:
            misses = self._misses[item.event_id] = self._misses.get(item.event_id, 0) + 1
            (self._tired if nobody_behind or misses >= MISSES else later).append(item)
        self._inbox.extendleft(reversed(later))

    def _stand_aside(self, items: list[Item]) -> None:
        """Waiting was in vain: let the others pass for a while."""
        if self._ended:
            self._give([(item, Unavailable("the store is closing")) for item in items])
        elif items:
            self._aside.update((item.event_id, item) for item in items)
            self._loop.call_later(ASIDE_SECONDS, self._return, [item.event_id for item in items])

    def _return(self, event_ids: list[str]) -> None:
        back = [self._aside.pop(event_id) for event_id in event_ids if event_id in self._aside]
        for item in back:
            self._misses.pop(item.event_id, None)
        self._inbox.extendleft(reversed(back))
        self._work.set()

    def _give_back(self, items: list[Item]) -> None:
        """The connection was lost with these: another try may find them settled. Who loses it twice is suspect."""
        kept: list[Item] = []
        suspect: list[Item] = []
        for item in self._in_time(items):
            losses = self._losses[item.event_id] = self._losses.get(item.event_id, 0) + 1
            (kept if losses < LOSSES else suspect).append(item)
        self._inbox.extendleft(reversed(kept))
        self._give([(item, Unavailable("the connection to the database was lost")) for item in suspect])

    def _in_time(self, items: list[Item]) -> list[Item]:
        now = self._loop.time()
        late = Unavailable("the deadline passed before the decision was made")
        self._give([(item, late) for item in items if item.deadline <= now])
        return [item for item in items if item.deadline > now]

    # -- slices -------------------------------------------------------------------------------------------------

    async def _one_slice(self) -> None:
        if not self._slices:
            return
        act, result = self._slices.popleft()
        if result.cancelled():
            return
        try:
            value = await self._session.run(lambda: self._batches.change(act))
        except Away:
            _end(result, Unavailable("the connection to the database was lost; whether it was done is not known"))
            raise
        except Exception as error:  # noqa: BLE001 # outermost: whatever a slice raises is its caller's
            _end(result, error)
        else:
            if not result.done():
                result.set_result(value)


def _end(result: "asyncio.Future[Any]", error: Exception) -> None:
    if not result.done():
        result.set_exception(error)
