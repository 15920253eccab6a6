"""The SQL store: create a database, read its sealed keys, open it. SQLite for one node, PostgreSQL for several.

Which of the two is said by the URL: `sqlite:////path` or `postgresql://user@host/database`.
"""

import asyncio
from collections.abc import Callable, Iterable

from vestibule.stores.sql.at_once import at_once, is_postgresql
from vestibule.stores.sql.key_table import KeyTable
from vestibule.stores.sql.opening import Node, open_postgresql, open_sqlite
from vestibule.stores.sql.postgresql.connecting import DEFAULT_BOUNDS, Bounds
from vestibule.stores.sql.reading import Cursor
from vestibule.stores.sql.schema_version import SCHEMA, SchemaWrong, check_schema, schema_of
from vestibule.stores.sql.statements import Statements
from vestibule.stores.sql.store import SqlStore
from vestibule.stores.vault import Chance, KeyRow, Vault

__all__ = ["SCHEMA", "Bounds", "SchemaWrong", "SqlStore", "add_keys", "open_store", "read_keys", "schema_of"]


def read_keys(url: str) -> tuple[KeyRow, ...]:
    """The sealed data keys. Raises SchemaWrong, Unavailable."""
    check_schema(url)

    def read(cursor: Cursor, statements: Statements) -> tuple[KeyRow, ...]:
        return KeyTable(cursor, statements).rows()

    return at_once(url, read)


def add_keys(url: str, rows: Iterable[KeyRow]) -> None:
    """Store sealed data keys, before anything is sealed with them. Raises Unavailable."""
    values = [(row.id, row.purpose, row.sealed) for row in rows]
    at_once(url, lambda cursor, statements: cursor.executemany(statements.insert_key, values), writing=True)


async def open_store(
    url: str,
    vault: Vault,
    *,
    node: str,
    now: float,
    chance: Chance,
    server_address: str = "",
    queue_limit: int = 10_000,
    checkpoint_pages: int = 512,
    bounds: Bounds = DEFAULT_BOUNDS,
    current_url: Callable[[], str] | None = None,
) -> SqlStore:
    """Open a database of this version and begin a journal chain. Raises SchemaWrong, Unavailable.

    `checkpoint_pages` is SQLite's; `bounds` and `current_url` (asked before each connection) are PostgreSQL's.
    """
    await asyncio.to_thread(check_schema, url)
    opener = Node(node, server_address, now, vault, chance, queue_limit)
    if is_postgresql(url):
        return await open_postgresql(current_url or (lambda: url), opener, bounds)
    return open_sqlite(url, opener, checkpoint_pages)
