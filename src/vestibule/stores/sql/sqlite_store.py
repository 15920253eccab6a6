"""The store on SQLite: decisions in groups by the writer's task, questions on reading connections.

One process owns the file, so what was settled is remembered in memory: for a minute a retransmission, or a caller that
lost the answer, gets the committed step again and nothing is decided twice.
"""

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from sqlalchemy import Engine
from sqlalchemy.pool import PoolProxiedConnection

from vestibule.core.case import Case, Decide, Key, Step
from vestibule.core.ports import Reading, Writing
from vestibule.core.snapshot import Snapshot
from vestibule.stores.sql import sqlite
from vestibule.stores.sql.batch import Batches, Item, Outcome
from vestibule.stores.sql.reading import Cursor, SqlReading
from vestibule.stores.sql.sqlite_cursor import SqliteCursor
from vestibule.stores.sql.store import SqlStore
from vestibule.stores.sql.writer import Writer
from vestibule.stores.sql.writing import Means

T = TypeVar("T")
REMEMBERED_SECONDS = 60.0
READERS = 2
NO_CASE = Case(Snapshot())


class SqliteStore(SqlStore):
    """The store of one process on one file."""

    def __init__(
        self,
        engine: Engine,
        means: Means,
        connection: PoolProxiedConnection,
        open_batches: Callable[[Cursor], Batches],
        queue_limit: int,
    ) -> None:
        """Begin to write on `connection`."""
        super().__init__(queue_limit)
        self._engine = engine
        self._statements = means.statements
        self._vault = means.vault
        self._settled: dict[str, Step] = {}
        self._ages: deque[tuple[float, str]] = deque()
        self._thread_local = threading.local()
        self._readers = ThreadPoolExecutor(READERS, "vestibule-reader")
        self._connections: list[PoolProxiedConnection] = []
        self._connection = connection
        self._disk = ThreadPoolExecutor(1, "vestibule-writer")
        self._batches = open_batches(SqliteCursor(connection, self._disk))
        self._writer = Writer(self._batches, self._answer)

    @property
    def snapshot(self) -> Snapshot:
        """The settings that the newest batch was decided with."""
        return self._batches.snapshot

    @property
    def waiting(self) -> int:
        """How many decisions wait for their batch."""
        return self._writer.waiting

    async def settle(self, key: Key, event_id: str, decide: Decide, deadline: float) -> Step:
        """Run `decide` once for this event, in the next batch; see `core.ports.Store`."""
        remembered = self._settled.get(event_id)
        if remembered is not None:
            return remembered
        return await super().settle(key, event_id, decide, deadline)

    def _queue(self, item: Item) -> None:
        self._writer.settle(item)

    def _answer(self, pairs: Iterable[tuple[Item, Outcome]]) -> None:
        self._forget()
        for item, outcome in pairs:
            if isinstance(outcome, Step):
                self._remember(item.event_id, outcome)
        super()._answer(pairs)

    def _remember(self, event_id: str, step: Step) -> None:
        self._settled[event_id] = Step(NO_CASE, step.decision, step.order)
        self._ages.append((self._loop.time() + REMEMBERED_SECONDS, event_id))

    def _forget(self) -> None:
        now = self._loop.time()
        while self._ages and self._ages[0][0] <= now:
            self._settled.pop(self._ages.popleft()[1], None)

    async def change(self, act: Callable[[Writing], T]) -> T:
        """Run one slice of a change; sign-ins go first."""
        self._refuse_when_closed()
        result: T = await self._writer.change(act)
        return result

    async def read(self, question: Callable[[Reading], T]) -> T:
        """Answer a question on a reading connection, in one consistent view."""
        self._refuse_when_closed()
        return await self._loop.run_in_executor(self._readers, self._ask, question)

    def _ask(self, question: Callable[[Reading], T]) -> T:
        cursor = self._reading_connection().cursor()
        cursor.execute("BEGIN")
        try:
            return question(SqlReading(cursor, self._statements, self._vault))
        finally:
            cursor.execute("ROLLBACK")
            cursor.close()

    def _reading_connection(self) -> PoolProxiedConnection:
        connection: PoolProxiedConnection | None = getattr(self._thread_local, "connection", None)
        if connection is None:
            connection = self._thread_local.connection = sqlite.reading_connection(self._engine)
            self._connections.append(connection)
        return connection

    async def backup(self, target: Path) -> None:
        """Copy a consistent state to `target` while sign-ins go on."""
        await self._loop.run_in_executor(self._readers, sqlite.copy_online, self._engine, target)

    async def close(self) -> None:
        """Finish what is under way; readers close first, so that the writer makes the last checkpoint."""
        if self._closed:
            return
        self._closed = True
        self._watchers.close()
        await asyncio.to_thread(self._readers.shutdown)
        for connection in self._connections:
            connection.close()
        await self._writer.stop()
        await self._loop.run_in_executor(self._disk, self._connection.close)
        self._disk.shutdown()
        self._engine.dispose()
