"""The store on SQLite: decisions in groups on the writer's thread, questions on reading connections.

What is settled is remembered for a minute under its event's id, so that a retransmission, or a caller that lost the
answer, gets the committed step again and nothing is decided twice.
"""

import asyncio
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from sqlalchemy import Engine
from sqlalchemy.pool import PoolProxiedConnection

from vestibule.core.attempts import Attempt
from vestibule.core.case import Case, Decide, Key, Step
from vestibule.core.errors import Unavailable
from vestibule.core.ports import Reading, Writing
from vestibule.core.snapshot import Snapshot
from vestibule.stores.sql import sqlite
from vestibule.stores.sql.batch import Batches, Item, Outcome
from vestibule.stores.sql.reading import SqlReading
from vestibule.stores.sql.statements import Statements
from vestibule.stores.sql.writer import Waiting, Writer
from vestibule.stores.vault import Vault

T = TypeVar("T")
REMEMBERED_SECONDS = 60.0
READERS = 2
NO_CASE = Case(Snapshot())


class SqlStore:
    """`Store` for one event loop; open it with `vestibule.stores.sql.open_store`."""

    def __init__(
        self,
        engine: Engine,
        statements: Statements,
        vault: Vault,
        open_batches: Callable[[PoolProxiedConnection], Batches],
        queue_limit: int,
        checkpoint_pages: int,
    ) -> None:
        """Start the writer's thread; raises what opening the database raises."""
        self._engine = engine
        self._statements = statements
        self._vault = vault
        self._loop = asyncio.get_running_loop()
        self._queue_limit = queue_limit
        self._closed = False
        self._under_way: dict[str, asyncio.Future[Step]] = {}
        self._settled: dict[str, Step] = {}
        self._ages: deque[tuple[float, str]] = deque()
        self._watchers: dict[str, set[asyncio.Future[Attempt | None]]] = {}
        self._thread_local = threading.local()
        self._readers = ThreadPoolExecutor(READERS, "vestibule-reader")
        self._connections: list[PoolProxiedConnection] = []
        self._writer = self._make_writer(open_batches, checkpoint_pages)
        self._batches = self._writer.start()

    def _make_writer(self, open_batches: Callable[[PoolProxiedConnection], Batches], pages: int) -> Writer:
        opened: list[PoolProxiedConnection] = []

        def open_in_thread() -> Batches:
            opened.append(sqlite.writing_connection(self._engine, pages))
            return open_batches(opened[0])

        return Writer(open_in_thread, lambda: opened[0].close(), self._answer_from_thread)

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
        answer = self._under_way.get(event_id)
        if answer is None:
            answer = self._submit(Waiting(event_id, Item(key, decide, deadline)))
        return await asyncio.shield(answer)  # a caller that leaves does not take the answer from the others

    def _submit(self, waiting: Waiting) -> "asyncio.Future[Step]":
        if self._closed:
            raise Unavailable("the store is closed")
        if self._writer.waiting >= self._queue_limit:
            raise Unavailable("too many decisions wait")
        answer = self._under_way[waiting.event_id] = self._loop.create_future()
        self._writer.settle(waiting)
        return answer

    def _answer_from_thread(self, pairs: list[tuple[Waiting, Outcome]]) -> None:
        self._loop.call_soon_threadsafe(self._answer, pairs)

    def _answer(self, pairs: list[tuple[Waiting, Outcome]]) -> None:
        self._forget()
        for waiting, outcome in pairs:
            answer = self._under_way.pop(waiting.event_id)
            if isinstance(outcome, Step):
                self._remember(waiting.event_id, outcome)
                self._wake(waiting.item.key, outcome.case.attempt)
                answer.set_result(outcome)
            else:
                answer.set_exception(outcome)
                answer.exception()  # mark as seen: its caller may have left

    def _remember(self, event_id: str, step: Step) -> None:
        self._settled[event_id] = Step(NO_CASE, step.decision, step.order)
        self._ages.append((self._loop.time() + REMEMBERED_SECONDS, event_id))

    def _forget(self) -> None:
        now = self._loop.time()
        while self._ages and self._ages[0][0] <= now:
            self._settled.pop(self._ages.popleft()[1], None)

    def _wake(self, key: Key, attempt: Attempt | None) -> None:
        """Tell who waits for an attempt that it went on, or that it is gone."""
        if attempt is not None and attempt.awaited:
            return
        attempt_id = attempt.id if attempt else key.value
        for watcher in self._watchers.pop(attempt_id, ()):
            if not watcher.done():
                watcher.set_result(attempt)

    async def change(self, act: Callable[[Writing], T]) -> T:
        """Run one slice of a change; sign-ins go first."""
        if self._closed:
            raise Unavailable("the store is closed")
        result: T = await asyncio.wrap_future(self._writer.change(act))
        return result

    async def read(self, question: Callable[[Reading], T]) -> T:
        """Answer a question on a reading connection, in one consistent view."""
        if self._closed:
            raise Unavailable("the store is closed")
        return await self._loop.run_in_executor(self._readers, self._ask, question)

    def _ask(self, question: Callable[[Reading], T]) -> T:
        cursor = self._reading_connection().cursor()
        cursor.execute("BEGIN")
        try:
            return question(SqlReading(cursor, self._statements, self._engine.dialect, self._vault))
        finally:
            cursor.execute("ROLLBACK")
            cursor.close()

    def _reading_connection(self) -> PoolProxiedConnection:
        connection: PoolProxiedConnection | None = getattr(self._thread_local, "connection", None)
        if connection is None:
            connection = self._thread_local.connection = sqlite.reading_connection(self._engine)
            self._connections.append(connection)
        return connection

    async def watch(self, attempt_id: str, until: float) -> Attempt | None:
        """Wait until the attempt is not awaited any more; see `core.ports.Store`."""
        watcher: asyncio.Future[Attempt | None] = self._loop.create_future()
        watchers = self._watchers.setdefault(attempt_id, set())
        watchers.add(watcher)
        timer = self._loop.call_at(until, _give_up, watcher)
        try:
            attempt = await self.read(lambda reading: reading.get(Attempt, attempt_id))
            if attempt is None or not attempt.awaited:
                return attempt
            return await watcher
        finally:
            timer.cancel()
            watchers.discard(watcher)
            if not watchers:
                self._watchers.pop(attempt_id, None)

    async def backup(self, target: Path) -> None:
        """Copy a consistent state to `target` while sign-ins go on."""
        await self._loop.run_in_executor(self._readers, sqlite.copy_online, self._engine, target)

    async def close(self) -> None:
        """Finish what is under way; readers close first, so that the writer makes the last checkpoint."""
        if self._closed:
            return
        self._closed = True
        for watcher in [one for watchers in self._watchers.values() for one in watchers]:
            if not watcher.done():
                watcher.set_exception(Unavailable("the store is closing"))
        await asyncio.to_thread(self._readers.shutdown)
        for connection in self._connections:
            connection.close()
        await asyncio.to_thread(self._writer.stop)
        self._engine.dispose()


def _give_up(watcher: "asyncio.Future[Attempt | None]") -> None:
    if not watcher.done():
        watcher.set_result(None)
