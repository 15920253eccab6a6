"""The SQL store: create a database, read its sealed keys, open it."""

import asyncio
from collections.abc import Iterable
from pathlib import Path

from sqlalchemy import Engine
from sqlalchemy.pool import PoolProxiedConnection

from vestibule.stores.chain import Chain
from vestibule.stores.sql import sqlite
from vestibule.stores.sql.batch import Batches
from vestibule.stores.sql.statements import Statements
from vestibule.stores.sql.store import SqlStore
from vestibule.stores.vault import Chance, KeyRow, Vault

SCHEMA = "0001"
CHAIN_NAME_OCTETS = 8

__all__ = ["SCHEMA", "SchemaWrong", "SqlStore", "add_keys", "open_store", "read_keys", "schema_of"]


class SchemaWrong(Exception):
    """The database is of another version, or none at all; the text says what to do."""


def schema_of(url: str) -> str | None:
    """The version of the schema in this database, or None when there is no schema yet."""
    if not sqlite.file_of(url).exists():
        return None
    connection = sqlite.reading_connection(sqlite.engine_of(url))
    try:
        cursor = connection.cursor()
        cursor.execute("SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'")
        if cursor.fetchone() is None:
            return None
        cursor.execute("SELECT version_num FROM alembic_version")
        row = cursor.fetchone()
        return None if row is None else str(row[0])
    finally:
        connection.close()


def read_keys(url: str) -> tuple[KeyRow, ...]:
    """The sealed data keys. Raises SchemaWrong."""
    _check_schema(url)
    engine = sqlite.engine_of(url)
    connection = sqlite.reading_connection(engine)
    try:
        cursor = connection.cursor()
        cursor.execute(Statements(engine.dialect).keys)
        return tuple(KeyRow(row[0], row[1], bytes(row[2])) for row in cursor.fetchall())
    finally:
        connection.close()


def add_keys(url: str, rows: Iterable[KeyRow]) -> None:
    """Store sealed data keys, before anything is sealed with them."""
    engine = sqlite.engine_of(url)
    connection = sqlite.writing_connection(engine, checkpoint_pages=64)
    try:
        cursor = connection.cursor()
        cursor.execute("BEGIN IMMEDIATE")
        cursor.executemany(Statements(engine.dialect).insert_key, [(row.id, row.purpose, row.sealed) for row in rows])
        cursor.execute("COMMIT")
    finally:
        connection.close()


async def open_store(  # noqa: PLR0913 - each is a fact of this process, chosen in apps/
    url: str,
    vault: Vault,
    *,
    node: str,
    now: float,
    chance: Chance,
    server_address: str = "",
    queue_limit: int = 10_000,
    checkpoint_pages: int = 64,
) -> SqlStore:
    """Open a database of this version and begin a journal chain. Raises SchemaWrong."""
    await asyncio.to_thread(_check_schema, url)
    engine = sqlite.engine_of(url)
    statements = Statements(engine.dialect)
    name = chance(CHAIN_NAME_OCTETS).hex()

    def open_batches(connection: PoolProxiedConnection) -> Batches:
        chain = Chain(name, vault.derive("journal", name.encode()).reveal())
        cursor = connection.cursor()
        cursor.execute(statements.insert_chain, (name, now, node, server_address, 1, ""))
        return _batches(engine, connection, statements, vault, chain, node, chance)

    return SqlStore(engine, statements, vault, open_batches, queue_limit, checkpoint_pages)


def _batches(  # noqa: PLR0913 - the pieces of one writer
    engine: Engine,
    connection: PoolProxiedConnection,
    statements: Statements,
    vault: Vault,
    chain: Chain,
    node: str,
    chance: Chance,
) -> Batches:
    driver = engine.dialect.loaded_dbapi
    return Batches(
        connection.cursor(),
        statements,
        engine.dialect,
        vault,
        chain,
        node,
        chance,
        driver.Error,
        driver.IntegrityError,
    )


def _check_schema(url: str) -> None:
    found, where = schema_of(url), Path(sqlite.file_of(url))
    if found is None:
        raise SchemaWrong(f"{where} holds no Vestibule database; make one with: vestibule init")
    if found != SCHEMA:
        raise SchemaWrong(
            f"{where} has schema {found}, this program needs {SCHEMA}; migrate it with: vestibule database upgrade"
        )
