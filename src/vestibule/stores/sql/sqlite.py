"""SQLite: one writing and checkpointing connection, some reading ones, and how to open them.

Exactly one connection may write and checkpoint: releases before 3.51.3 can damage the WAL when two reset it at
once. Reading connections are `query_only` and never checkpoint.
"""

import sqlite3
from pathlib import Path

from sqlalchemy import Engine, create_engine
from sqlalchemy.engine import make_url
from sqlalchemy.pool import NullPool, PoolProxiedConnection

BUSY_MILLISECONDS = 5000
CACHED_STATEMENTS = 256


def engine_of(url: str) -> Engine:
    """An engine whose connections begin and end transactions only when told to."""
    arguments = {"isolation_level": None, "check_same_thread": False, "cached_statements": CACHED_STATEMENTS}
    return create_engine(make_url(url).set(drivername="sqlite+pysqlite"), poolclass=NullPool, connect_args=arguments)


def file_of(url: str) -> Path:
    """The database file of a `sqlite:///` URL."""
    return Path(make_url(url).database or "")


def writing_connection(engine: Engine, checkpoint_pages: int) -> PoolProxiedConnection:
    """The one connection that writes: WAL, a sync before each commit returns, small checkpoints."""
    connection = engine.raw_connection()
    _pragmas(connection, "journal_mode=WAL", "synchronous=FULL", f"wal_autocheckpoint={checkpoint_pages}")
    return connection


def wait_for_locks(connection: PoolProxiedConnection, *, patient: bool) -> None:
    """Whether a statement waits for a stranger that writes, or fails at once."""
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout={BUSY_MILLISECONDS if patient else 0}")
    cursor.close()


def reading_connection(engine: Engine) -> PoolProxiedConnection:
    """A connection for questions."""
    connection = engine.raw_connection()
    _pragmas(connection, "query_only=ON", "wal_autocheckpoint=0")
    return connection


def copy_online(engine: Engine, target: Path) -> None:
    """Copy a consistent state to `target` while the writer goes on."""
    connection = engine.raw_connection()
    destination = sqlite3.connect(target)
    try:
        source = connection.driver_connection
        if not isinstance(source, sqlite3.Connection):
            raise TypeError("online copies are made of SQLite databases")
        source.backup(destination)
        destination.execute("PRAGMA journal_mode=DELETE")
    finally:
        destination.close()
        connection.close()


def _pragmas(connection: PoolProxiedConnection, *settings: str) -> None:
    cursor = connection.cursor()
    for setting in (f"busy_timeout={BUSY_MILLISECONDS}", "foreign_keys=ON", "temp_store=MEMORY", *settings):
        cursor.execute(f"PRAGMA {setting}")
    cursor.close()
