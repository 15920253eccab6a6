"""A cursor on SQLite's writing connection: statements run at once, what waits for disk or lock waits in a thread.

Used inside a greenlet (`greenlet_spawn`), so that the plain code of a batch can wait without holding up the event loop.
"""

import asyncio
import sqlite3
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from sqlalchemy.pool import PoolProxiedConnection
from sqlalchemy.util import await_only

from vestibule.stores.sql.sqlite import wait_for_locks

BEGIN = "BEGIN IMMEDIATE"
COMMIT = "COMMIT"


class SqliteCursor:
    """The one cursor that writes."""

    def __init__(self, connection: PoolProxiedConnection, thread: ThreadPoolExecutor) -> None:
        """Wait in `thread`, which has one worker."""
        self._connection = connection
        self._cursor = connection.cursor()
        self._thread = thread
        self._loop = asyncio.get_running_loop()
        wait_for_locks(connection, patient=False)

    def execute(self, statement: str, parameters: Any = (), /) -> None:
        """Run one statement. Raises what the driver raises."""
        if statement == COMMIT:
            self._in_thread(statement)
        elif statement == BEGIN:
            self._begin()
        else:
            self._cursor.execute(statement, parameters)

    def executemany(self, statement: str, parameters: Any, /) -> None:
        """Run one statement for many rows."""
        self._cursor.executemany(statement, parameters)

    def fetchone(self) -> Any:
        """The next row, or None."""
        return self._cursor.fetchone()

    def fetchall(self) -> Sequence[Any]:
        """All rows."""
        return self._cursor.fetchall()

    def _begin(self) -> None:
        """Nobody else writes, so this does not wait; where a stranger does, wait for it aside."""
        try:
            self._cursor.execute(BEGIN)
        except sqlite3.OperationalError:
            wait_for_locks(self._connection, patient=True)
            try:
                self._in_thread(BEGIN)
            finally:
                wait_for_locks(self._connection, patient=False)

    def _in_thread(self, statement: str) -> None:
        await_only(self._loop.run_in_executor(self._thread, self._cursor.execute, statement))
