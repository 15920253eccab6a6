"""A database begins with its data keys, and exactly one process puts them there, however many try at once."""

from collections.abc import Iterable

from sqlalchemy import bindparam, delete

from vestibule.stores.sql import read_keys, schema
from vestibule.stores.sql.at_once import at_once, is_postgresql
from vestibule.stores.sql.postgresql.statements import GUARD
from vestibule.stores.sql.reading import Cursor
from vestibule.stores.sql.schema_version import schema_of
from vestibule.stores.sql.statements import Statements, compiled
from vestibule.stores.vault import KeyRow


class NotFirst(Exception):
    """The database has data keys already; nothing was changed."""


def in_use(url: str) -> bool:
    """Whether somebody has put data keys there. Raises SchemaWrong, Unavailable."""
    return schema_of(url) is not None and bool(read_keys(url))


def add_first_keys(url: str, rows: Iterable[KeyRow]) -> None:
    """Store the sealed data keys of a database that has none. Raises NotFirst, Unavailable."""
    values = [(row.id, row.purpose, row.sealed) for row in rows]

    def add(cursor: Cursor, statements: Statements) -> None:
        if is_postgresql(url):
            cursor.execute(f"SELECT pg_advisory_xact_lock({GUARD})")
        cursor.execute(statements.keys, ())
        if cursor.fetchall():
            raise NotFirst
        cursor.executemany(statements.insert_key, values)

    at_once(url, add, writing=True)


def take_back(url: str, rows: Iterable[KeyRow]) -> None:
    """Undo `add_first_keys`, with the journal that was begun under these keys. Raises Unavailable."""
    ids = [row.id for row in rows]

    def remove(cursor: Cursor, statements: Statements) -> None:
        for table in (schema.journal, schema.chains):
            cursor.execute(compiled(delete(table), statements.dialect), ())
        one = compiled(delete(schema.keys).where(schema.keys.c.id == bindparam("id")), statements.dialect)
        for id in ids:
            cursor.execute(one, (id,))

    at_once(url, remove, writing=True)
