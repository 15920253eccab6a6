"""How to reach a PostgreSQL: every wait has an end, on this side and on the server's.

The address is asked for anew at each connection, so that a changed password or server is found without a restart.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import asyncpg
from sqlalchemy import event
from sqlalchemy.exc import DisconnectionError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import AsyncAdaptedQueuePool, NullPool

from vestibule.stores.sql.postgresql.cursor import PostgresqlCursor
from vestibule.stores.sql.postgresql.faults import DRIVER
from vestibule.stores.sql.postgresql.servers import first_of, of_each

T = TypeVar("T")
DRIVER_NAME = "postgresql+asyncpg"  # always named, so that no other driver that is installed is taken
LOCK_MILLISECONDS = 1000
CACHED_STATEMENTS = 256
BEGIN_READING = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"


@dataclass(frozen=True, slots=True)
class Bounds:
    """Seconds that a connection and a statement may take, and how many connections answer questions.

    `idle_seconds` is how long a node that stops in the midst of a transaction can stand in the others' way.
    """

    connect_seconds: float = 3.0
    statement_seconds: float = 5.0
    reading_connections: int = 4
    idle_seconds: float = 5.0

    @property
    def transaction_seconds(self) -> float:
        """How long a batch, a slice or a question may take in all."""
        return 2 * self.statement_seconds


DEFAULT_BOUNDS = Bounds()


@dataclass(frozen=True, slots=True)
class Address:
    """Where the database is, and the name that its administrator sees us by."""

    url: Callable[[], str]
    name: str
    bounds: Bounds = DEFAULT_BOUNDS

    async def connect(self) -> asyncpg.Connection:
        """Open one connection; of several servers, to the one that takes writes. Raises what the driver raises."""
        urls = of_each(self.url().replace(DRIVER_NAME, "postgresql", 1))
        return await first_of(urls, self._connect) if len(urls) > 1 else await self._connect(urls[0])

    async def _connect(self, url: str) -> asyncpg.Connection:
        connection: asyncpg.Connection = await asyncpg.connect(
            dsn=url,
            timeout=self.bounds.connect_seconds,
            statement_cache_size=CACHED_STATEMENTS,
            max_cached_statement_lifetime=0,
            server_settings=self._settings(),
        )
        return connection

    def _settings(self) -> dict[str, str]:
        """Plans are made for an index, even while a table is still empty."""
        return {
            "application_name": self.name,
            "statement_timeout": f"{self.bounds.statement_seconds * 1000:.0f}",
            "lock_timeout": str(LOCK_MILLISECONDS),
            "idle_in_transaction_session_timeout": f"{self.bounds.idle_seconds * 1000:.0f}",
            "enable_seqscan": "off",
            "plan_cache_mode": "force_generic_plan",
            "jit": "off",
        }

    def alone(self) -> AsyncEngine:
        """An engine without a pool."""
        return create_async_engine(
            f"{DRIVER_NAME}://", async_creator=self.connect, poolclass=NullPool, isolation_level="AUTOCOMMIT"
        )

    def pooled(self) -> AsyncEngine:
        """An engine with a pool; a connection that was closed meanwhile is not handed out."""
        engine = create_async_engine(
            f"{DRIVER_NAME}://",
            async_creator=self.connect,
            poolclass=AsyncAdaptedQueuePool,
            pool_size=self.bounds.reading_connections,
            max_overflow=0,
            pool_timeout=self.bounds.statement_seconds,
            isolation_level="AUTOCOMMIT",
        )
        event.listen(engine.sync_engine, "checkout", _refuse_closed)
        return engine


def _refuse_closed(dbapi_connection: Any, _record: Any, _proxy: Any) -> None:
    if dbapi_connection.driver_connection.is_closed():
        raise DisconnectionError


async def use(connection: AsyncConnection, cursor: PostgresqlCursor) -> None:
    """Let the cursor run on this connection. Raises what the driver raises."""
    raw = await connection.get_raw_connection()
    cursor.use(raw.dbapi_connection)  # type: ignore[arg-type]  # the adapted one, since the engine is asynchronous


async def throw_away(connection: AsyncConnection) -> None:
    """Give a connection up without a word to the server, which may not be listening."""
    with contextlib.suppress(SQLAlchemyError, *DRIVER):  # it may be half open, or given up already
        raw = await connection.get_raw_connection()
        if raw.driver_connection is not None:
            raw.driver_connection.terminate()
        await connection.invalidate()
    await connection.close()


@asynccontextmanager
async def borrowed(engine: AsyncEngine, seconds: float) -> AsyncIterator[tuple[AsyncConnection, PostgresqlCursor]]:
    """A connection for at most so many seconds; one that is not in order afterwards is thrown away."""
    cursor = PostgresqlCursor()
    async with asyncio.timeout(seconds):
        connection = await engine.connect()
        try:
            await use(connection, cursor)
            yield connection, cursor
        finally:
            await (throw_away(connection) if cursor.lost else connection.close())
