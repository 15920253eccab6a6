"""The writing connection of one node: opened when it is needed, opened again when it was lost.

Work that takes too long loses its connection, without a word to the server: one that is told to cancel a COMMIT which
waits for a standby shows everybody what the standby has not got.
"""

import asyncio
from collections.abc import Callable
from typing import TypeVar

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from vestibule.stores.sql.postgresql.connecting import throw_away, use
from vestibule.stores.sql.postgresql.cursor import PostgresqlCursor
from vestibule.stores.sql.postgresql.faults import CONNECTING, Away

T = TypeVar("T")


class Session:
    """Runs plain functions that use `cursor`, one at a time, each for at most `seconds`."""

    def __init__(self, engine: AsyncEngine, cursor: PostgresqlCursor, seconds: float) -> None:
        """Begin without a connection."""
        self._engine = engine
        self._cursor = cursor
        self._seconds = seconds
        self._connection: AsyncConnection | None = None

    @property
    def open(self) -> bool:
        """Whether there is a connection, as far as is known."""
        return self._connection is not None and not self._cursor.lost and not self._cursor.closed

    async def reopen(self, first: Callable[[], T]) -> T:
        """Open a connection and run `first` on it. Raises Away."""
        await self.close()
        try:
            async with asyncio.timeout(self._seconds):
                self._connection = await self._engine.connect()
                await use(self._connection, self._cursor)
        except CONNECTING as error:
            raise Away(type(error).__name__) from error
        return await self.run(first)

    async def run(self, work: Callable[[], T]) -> T:
        """Run `work`. Raises Away when the connection is lost on the way: what was done, nobody knows."""
        if self._connection is None:
            raise Away
        limit = asyncio.get_running_loop().call_later(self._seconds, self._cursor.cut)
        try:
            return await self._connection.run_sync(lambda _connection: work())
        except Exception as error:  # outermost: whatever the loss of a connection looks like
            if self._cursor.lost:
                raise Away(type(error).__name__) from error
            raise
        finally:
            limit.cancel()
            if self._cursor.lost:
                await self.close()

    async def close(self) -> None:
        """Give the connection up."""
        connection, self._connection = self._connection, None
        if connection is not None:
            await throw_away(connection)
