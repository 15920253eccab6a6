"""What the stores of both databases share: each event is decided once, and who waits for an attempt hears of it."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from typing import TypeVar

from vestibule.core.attempts import Attempt
from vestibule.core.case import Decide, Key, Step
from vestibule.core.errors import Unavailable
from vestibule.core.ports import Reading, Writing
from vestibule.core.snapshot import Snapshot
from vestibule.stores.sql.batch import Item, Outcome
from vestibule.stores.sql.turns import Turns
from vestibule.stores.sql.watchers import Watchers

T = TypeVar("T")


class SqlStore(ABC):
    """`Store` for one event loop; open it with `vestibule.stores.sql.open_store`."""

    def __init__(self, queue_limit: int) -> None:
        """Take at most `queue_limit` events that wait for their batch."""
        self._loop = asyncio.get_running_loop()
        self._queue_limit = queue_limit
        self._turns = Turns()
        self._watchers = Watchers()
        self._closed = False

    @property
    @abstractmethod
    def snapshot(self) -> Snapshot:
        """The settings that the newest batch was decided with."""

    @property
    @abstractmethod
    def waiting(self) -> int:
        """How many decisions wait for their batch."""

    @abstractmethod
    async def read(self, question: Callable[[Reading], T]) -> T:
        """Answer a question on a reading connection, in one consistent view."""

    @abstractmethod
    async def change(self, act: Callable[[Writing], T]) -> T:
        """Run one slice of a change; sign-ins go first."""

    @abstractmethod
    async def backup(self, target: Path) -> None:
        """Copy a consistent state to the SQLite file `target` while sign-ins go on."""

    @abstractmethod
    async def close(self) -> None:
        """Finish what is under way and close."""

    @abstractmethod
    def _queue(self, item: Item) -> None:
        """Let the writer decide it; the answer comes by `_answer`."""

    async def settle(self, key: Key, event_id: str, decide: Decide, deadline: float) -> Step:
        """Run `decide` once for this event, in the next batch; see `core.ports.Store`."""
        answer = self._turns.find(event_id) or self._submit(Item(event_id, key, decide, deadline))
        return await asyncio.shield(answer)  # a caller that leaves does not take the answer from the others

    def _submit(self, item: Item) -> "asyncio.Future[Step]":
        self._refuse_when_closed()
        if self.waiting >= self._queue_limit:
            raise Unavailable("too many decisions wait")
        answer = self._turns.begin(item)
        self._queue(item)
        return answer

    def _refuse_when_closed(self) -> None:
        if self._closed:
            raise Unavailable("the store is closed")

    def _answer(self, pairs: Iterable[tuple[Item, Outcome]]) -> None:
        """The writer's answers, after the commit."""
        for item, outcome in pairs:
            if isinstance(outcome, Step):
                attempt = outcome.case.attempt
                self._watchers.tell(attempt.id if attempt else item.key.value, attempt)
            self._turns.answer(item, outcome)

    async def watch(self, attempt_id: str, until: float) -> Attempt | None:
        """Wait until the attempt is not awaited any more; see `core.ports.Store`."""
        self._refuse_when_closed()
        return await self._watchers.watch(attempt_id, until, lambda: self._read_attempt(attempt_id))

    def _read_attempt(self, attempt_id: str) -> Awaitable[Attempt | None]:
        return self.read(lambda reading: reading.get(Attempt, attempt_id))
