"""One short piece of work on a database that no store has open, or besides it: plain code, either database."""

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from vestibule.stores.sql import sqlite
from vestibule.stores.sql.postgresql.connecting import BEGIN_READING, DEFAULT_BOUNDS, Address, Bounds, borrowed
from vestibule.stores.sql.postgresql.faults import CONNECTING, unreachable
from vestibule.stores.sql.postgresql.statements import shared_statements
from vestibule.stores.sql.reading import Cursor
from vestibule.stores.sql.statements import Statements, sqlite_statements

T = TypeVar("T")
Work = Callable[[Cursor, Statements], T]
POSTGRESQL = "postgresql"


def is_postgresql(url: str) -> bool:
    """Whether this URL names a PostgreSQL."""
    return url.startswith(POSTGRESQL)


def at_once(url: str, work: Work[T], *, writing: bool = False, bounds: Bounds = DEFAULT_BOUNDS) -> T:
    """Run `work` in one transaction. Raises Unavailable when a PostgreSQL cannot be reached."""
    if is_postgresql(url):
        begin = "BEGIN" if writing else BEGIN_READING
        return waited_for(lambda: _on_postgresql(url, work, begin, bounds))
    return _on_sqlite(url, work, writing=writing)


def waited_for(begin: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Wait for something asynchronous in plain code, whether or not an event loop runs in this thread."""
    with ThreadPoolExecutor(1, "vestibule-database") as thread:
        return thread.submit(lambda: asyncio.run(begin())).result()


async def _on_postgresql(url: str, work: Work[T], begin: str, bounds: Bounds) -> T:
    address = Address(lambda: url, "vestibule", bounds)
    engine = address.alone()
    try:
        async with borrowed(engine, address.bounds.transaction_seconds) as (connection, cursor):
            return await connection.run_sync(
                lambda _: in_transaction(cursor, begin, lambda: work(cursor, shared_statements()))
            )
    except CONNECTING as error:
        raise unreachable(error) from error
    finally:
        await engine.dispose()


def _on_sqlite(url: str, work: Work[T], *, writing: bool) -> T:
    engine = sqlite.engine_of(url)
    connection = (
        sqlite.writing_connection(engine, checkpoint_pages=64) if writing else sqlite.reading_connection(engine)
    )
    try:
        cursor = connection.cursor()
        return in_transaction(cursor, "BEGIN", lambda: work(cursor, sqlite_statements()))
    finally:
        connection.close()


def in_transaction(cursor: Cursor, begin: str, work: Callable[[], T]) -> T:
    """Run `work`, and commit unless it raises."""
    cursor.execute(begin)
    done = False
    try:
        result = work()
        done = True
    finally:
        cursor.execute("COMMIT" if done else "ROLLBACK")
    return result
