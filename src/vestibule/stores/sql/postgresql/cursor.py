"""What the store uses of a DBAPI cursor, on asyncpg: plain calls that wait inside a greenlet (`run_sync`).

A statement without parameters goes out as it is, so it may be several in one round trip; it gives no rows. A statement
for many rows is begun only: the server works while we go on, and what it raises is raised by the next call.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from types import MappingProxyType
from typing import Any, TypeVar

import asyncpg
from sqlalchemy.engine import AdaptedConnection

from vestibule.stores.sql.postgresql.faults import gone

T = TypeVar("T")
COMMIT = "COMMIT"
ROLLBACK = "ROLLBACK"


class PostgresqlCursor:
    """A cursor on the connection that was last given to `use`."""

    def __init__(self, bulk: Mapping[str, str] = MappingProxyType({})) -> None:
        """Begin without a connection; `bulk` has for statements for one row those that take arrays of many."""
        self._bulk = bulk
        self._begun: asyncio.Task[Any] | None = None
        self._connection: AdaptedConnection | None = None
        self._rows: list[Any] = []
        self._next = 0
        self.lost = True

    def use(self, connection: AdaptedConnection) -> None:
        """Run what follows on this connection."""
        self._connection = connection
        self._begun = None
        self.lost = False

    @property
    def closed(self) -> bool:
        """Whether the server, or the network, has closed the connection meanwhile."""
        return self._connection is None or self._connection.driver_connection.is_closed()

    def cut(self) -> None:
        """Break the connection off: what waits for it fails now, and the server goes on with what it does."""
        if self._connection is not None:
            self._connection.driver_connection.terminate()

    def execute(self, statement: str, parameters: Sequence[Any] | None = None, /) -> None:
        """Run one statement; with parameters (and be they none) its rows can be fetched."""
        self._finish(quietly=statement == ROLLBACK)
        if parameters is None:
            self._rows = []
            done = self._run(lambda connection: connection.execute(statement))
            if statement == COMMIT and done != COMMIT:
                raise asyncpg.InFailedSQLTransactionError("the server has rolled back instead")
        else:
            self._rows = self._run(lambda connection: connection.fetch(statement, *parameters))
        self._next = 0

    def executemany(self, statement: str, parameters: Sequence[Sequence[Any]], /) -> None:
        """Begin to run one statement for many rows, in one go."""
        self._finish()
        bulk = self._bulk.get(statement)
        if bulk is None:
            self._begun = self._run(lambda connection: _begin(connection.executemany(statement, parameters)))
        else:
            columns = tuple(zip(*parameters, strict=True))
            self._begun = self._run(lambda connection: _begin(connection.fetch(bulk, *columns)))

    def fetchone(self) -> Any:
        """The next row, or None."""
        if self._next >= len(self._rows):
            return None
        self._next += 1
        return self._rows[self._next - 1]

    def fetchall(self) -> Sequence[Any]:
        """All rows that were not fetched yet."""
        rows, self._next = self._rows[self._next :], len(self._rows)
        return rows

    def _finish(self, *, quietly: bool = False) -> None:
        """Wait for what was begun."""
        begun, self._begun = self._begun, None
        if begun is None:
            return
        try:
            self._run(lambda _connection: begun)
        except (asyncpg.PostgresError, asyncpg.InterfaceError):
            if not quietly:
                raise

    def _run(self, call: Callable[[Any], Awaitable[T]]) -> T:
        """Run it, and note when the connection is of no use any more: also when its answer is not waited for."""
        if self._connection is None:
            raise asyncpg.InterfaceError("there is no connection")
        self.lost, lost = True, True
        try:
            result = self._connection.run_async(call)
            lost = False
        except (asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            lost = gone(error) or self.closed
            raise
        finally:
            self.lost = lost
        return result


async def _begin(work: Coroutine[Any, Any, Any]) -> "asyncio.Task[Any]":
    """Start it, and go on when its octets are on their way."""
    task = asyncio.get_running_loop().create_task(work)
    await asyncio.sleep(0)
    return task
