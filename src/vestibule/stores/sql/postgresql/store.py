"""The store on PostgreSQL: one of several nodes on one database.

What was settled is remembered in the database for a minute, so that a retransmission to any node, or a caller whose
COMMIT got no answer, gets the committed step again. Every wait ends by itself: at the event's deadline, or at once when
the database has been away for a moment.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeVar

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from vestibule.core.attempts import Attempt
from vestibule.core.errors import Unavailable
from vestibule.core.ports import Reading, Writing
from vestibule.core.snapshot import Snapshot
from vestibule.stores.sql.batch import Item
from vestibule.stores.sql.postgresql.batch import SharedBatches
from vestibule.stores.sql.postgresql.connecting import BEGIN_READING, Address, borrowed
from vestibule.stores.sql.postgresql.cursor import PostgresqlCursor
from vestibule.stores.sql.postgresql.faults import CONNECTING, unreachable
from vestibule.stores.sql.postgresql.listener import Listener
from vestibule.stores.sql.postgresql.looks import Looks
from vestibule.stores.sql.postgresql.session import Session
from vestibule.stores.sql.postgresql.statements import shared
from vestibule.stores.sql.postgresql.writer import Writer
from vestibule.stores.sql.reading import SqlReading
from vestibule.stores.sql.shapes import ATTEMPTS
from vestibule.stores.sql.statements import packed
from vestibule.stores.sql.store import SqlStore
from vestibule.stores.sql.writing import Means

T = TypeVar("T")
TICK_SECONDS = 0.25
SWEEP_SECONDS = 10.0
SWEPT_AT_ONCE = 2000


class PostgresqlStore(SqlStore):
    """The store of one node."""

    def __init__(
        self, address: Address, session: Session, batches: SharedBatches, means: Means, queue_limit: int
    ) -> None:
        """Take the open session, and start the tasks."""
        super().__init__(queue_limit)
        self._address = address
        self._statements = shared(means.statements)
        self._vault = means.vault
        self._batches = batches
        self._readers: AsyncEngine = address.pooled()
        self._writer = Writer(session, batches, self._answer)
        self._listener = Listener(address, self)
        self._tasks: set[asyncio.Task[None]] = set()
        self._looks = Looks(self._attempts)
        self._writer.start()
        self._listener.start()
        self._tick()
        self._sweeper = self._loop.create_task(self._sweep())

    @property
    def snapshot(self) -> Snapshot:
        """The settings that the newest batch was decided with."""
        return self._batches.snapshot

    @property
    def waiting(self) -> int:
        """How many decisions wait for their batch."""
        return self._writer.waiting

    def _queue(self, item: Item) -> None:
        self._writer.settle(item)

    def _refuse_when_closed(self) -> None:
        super()._refuse_when_closed()
        if self._writer.away:
            raise Unavailable("the database is away")

    def _tick(self) -> None:
        """A batch may hang; who waits for it must not."""
        self._turns.expire(self._loop.time())
        self._timer = self._loop.call_later(TICK_SECONDS, self._tick)

    async def change(self, act: Callable[[Writing], T]) -> T:
        """Run one slice of a change; sign-ins go first."""
        self._refuse_when_closed()
        result: T = await self._writer.change(act)
        return result

    async def read(self, question: Callable[[Reading], T]) -> T:
        """Answer a question on a reading connection, in one consistent view."""
        self._refuse_when_closed()
        async with self._question() as (connection, cursor):
            return await connection.run_sync(lambda _: self._ask(cursor, question))

    @asynccontextmanager
    async def _question(self) -> AsyncIterator[tuple[AsyncConnection, PostgresqlCursor]]:
        try:
            async with borrowed(self._readers, self._address.bounds.transaction_seconds) as reader:
                yield reader
        except CONNECTING as error:
            raise unreachable(error) from error

    def _read_attempt(self, attempt_id: str) -> Awaitable[Attempt | None]:
        return self._looks.look(attempt_id)

    def _ask(self, cursor: PostgresqlCursor, question: Callable[[Reading], T]) -> T:
        cursor.execute(BEGIN_READING)
        try:
            return question(SqlReading(cursor, self._statements, self._vault))
        finally:
            if not cursor.lost:
                cursor.execute("ROLLBACK")

    # -- what other nodes say -----------------------------------------------------------------------------------

    def attempts_went_on(self, attempt_ids: list[str] | None) -> None:
        """See `Hearer`."""
        awaited = self._watchers.awaited
        if attempt_ids is not None:
            awaited = awaited.intersection(attempt_ids)
        if awaited:
            task = self._loop.create_task(self._look(awaited))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _look(self, attempt_ids: Collection[str]) -> None:
        with contextlib.suppress(Unavailable):  # the listener looks again when the database is back
            found = await self._attempts(attempt_ids)
            for attempt_id in attempt_ids:
                self._watchers.tell(attempt_id, found.get(attempt_id))

    async def _attempts(self, attempt_ids: Collection[str]) -> dict[str, Attempt]:
        async with self._question() as (connection, cursor):
            return await connection.run_sync(lambda _: self._find_attempts(cursor, attempt_ids))

    def _find_attempts(self, cursor: PostgresqlCursor, attempt_ids: Collection[str]) -> dict[str, Attempt]:
        cursor.execute(self._statements.attempts_by_id, (packed(attempt_ids, self._statements.dialect),))
        found = [ATTEMPTS.decode(row, self._vault) for row in cursor.fetchall()]
        return {attempt.id: attempt for attempt in found}

    def settings_changed(self, version: int | None) -> None:
        """See `Hearer`."""
        if version != self.snapshot.version:
            self._writer.refresh()

    # -- upkeep -------------------------------------------------------------------------------------------------

    async def _sweep(self) -> None:
        """Forget settled events that are old; all nodes do, none in another's way."""
        while True:
            await asyncio.sleep(SWEEP_SECONDS)
            with contextlib.suppress(*CONNECTING):
                while await self._swept() == SWEPT_AT_ONCE:
                    pass

    async def _swept(self) -> int:
        async with borrowed(self._readers, self._address.bounds.transaction_seconds) as (connection, cursor):
            await connection.run_sync(lambda _: cursor.execute(self._statements.forget, (SWEPT_AT_ONCE,)))
            return len(cursor.fetchall())

    async def backup(self, target: Path) -> None:
        """Refuse: a copy of this database is made by its own tools, or by `stores.sql.copying`."""
        raise Unavailable(f"PostgreSQL is not copied to {target}; use its own tools or `vestibule database copy`")

    async def close(self) -> None:
        """Finish what is under way and close."""
        if self._closed:
            return
        self._closed = True
        self._watchers.close()
        await self._listener.stop()
        await self._writer.stop()
        self._timer.cancel()
        self._sweeper.cancel()
        await self._looks.close()
        await asyncio.gather(self._sweeper, *self._tasks, return_exceptions=True)
        await self._readers.dispose()
