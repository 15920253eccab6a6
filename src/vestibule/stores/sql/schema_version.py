"""Which schema a database has, and whether this program may use it.

A database names its schema and the oldest program that may use it, so that two versions can run side by side while one
replaces the other.
"""

from importlib.metadata import version
from pathlib import Path

from vestibule.stores.sql import sqlite
from vestibule.stores.sql.at_once import at_once, is_postgresql
from vestibule.stores.sql.reading import Cursor
from vestibule.stores.sql.statements import Statements

SCHEMA = "0010"
OLDEST_PROGRAM = "oldest_program"
VERSION_TABLE = "alembic_version"


class SchemaWrong(Exception):
    """The database is of another version, or none at all; the text says what to do."""


def schema_of(url: str) -> str | None:
    """The version of the schema in this database, or None when there is no schema yet. Raises Unavailable."""
    if not is_postgresql(url) and not sqlite.file_of(url).exists():
        return None
    return at_once(url, _schema)


def check_schema(url: str) -> None:
    """Raises SchemaWrong unless this program may use the database, and Unavailable."""
    found, where = schema_of(url), named(url)
    if found is None:
        raise SchemaWrong(f"{where} holds no Vestibule database; make one with: vestibule init")
    if found == SCHEMA:
        return
    if found < SCHEMA:
        raise SchemaWrong(
            f"{where} has schema {found}, this program needs {SCHEMA}; migrate it with: vestibule database upgrade"
        )
    oldest = at_once(url, _oldest_program)
    if not oldest or _parts(version("vestibule")) < _parts(oldest):
        raise SchemaWrong(
            f"{where} has schema {found} of a newer program; use version {oldest or 'that made it'} or a later one"
        )


def named(url: str) -> str:
    """The database for people: a URL may hold a password."""
    return "The PostgreSQL database" if is_postgresql(url) else str(Path(sqlite.file_of(url)))


def _schema(cursor: Cursor, statements: Statements) -> str | None:
    cursor.execute(statements.tables_named, (VERSION_TABLE,))
    if cursor.fetchone() is None:
        return None
    cursor.execute(statements.schema_version, ())
    row = cursor.fetchone()
    return None if row is None else str(row[0])


def _oldest_program(cursor: Cursor, statements: Statements) -> str:
    cursor.execute(statements.state, (OLDEST_PROGRAM,))
    row = cursor.fetchone()
    return "" if row is None else str(row[0])


def _parts(text: str) -> tuple[int, ...]:
    """A version as numbers; what follows the numbers (a pre-release) does not count."""
    return tuple(int(part) for part in text.split(".")[:3] if part.isdecimal())
