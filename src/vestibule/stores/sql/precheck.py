"""A look at a database before it is migrated: everything that would go wrong is told at once, nothing is touched."""

import shutil
from collections.abc import Iterator

from vestibule.stores.sql import sqlite
from vestibule.stores.sql.at_once import at_once, is_postgresql
from vestibule.stores.sql.reading import Cursor
from vestibule.stores.sql.schema_version import SCHEMA, SchemaWrong, named
from vestibule.stores.sql.statements import Statements

OLDEST_POSTGRESQL = 160_000
SPARE = 16 * 1024 * 1024  # octets
FACTS = (
    "SELECT current_setting('server_version_num')::INTEGER, current_setting('server_encoding'), pg_is_in_recovery(), "
    "has_schema_privilege(current_schema(), 'CREATE'), to_regclass('users') IS NOT NULL"
)


def check_before(url: str, schema: str | None) -> None:
    """Raises SchemaWrong when a migration from `schema` (None for a new database) would fail or harm, Unavailable."""
    if schema is not None and schema > SCHEMA:
        raise SchemaWrong(f"{named(url)} has schema {schema} of a newer program; use that one")
    if is_postgresql(url):
        problems = at_once(url, lambda cursor, _: list(_on_postgresql(cursor, schema)))
    else:
        problems = list(_on_sqlite(url)) if schema is not None else []
    if problems:
        raise SchemaWrong(f"{named(url)} cannot be migrated, and nothing was changed. {' '.join(problems)}")


def _on_postgresql(cursor: Cursor, schema: str | None) -> Iterator[str]:
    cursor.execute(FACTS, ())
    server, encoding, standby, may_create, taken = cursor.fetchone()
    if server < OLDEST_POSTGRESQL:
        yield f"The server is version {server // 10000}; version 16 or a newer one is needed."
    if encoding != "UTF8":
        yield f"Its encoding is {encoding}; make a database with the encoding UTF8."
    if standby:
        yield "The server is a standby; name the primary."
    if not may_create:
        yield "This user may not make tables; let the user own the database."
    if schema is None and taken:
        yield "It has a table `users` of another program; give Vestibule a database of its own."


def _on_sqlite(url: str) -> Iterator[str]:
    file = sqlite.file_of(url)
    free, needed = shutil.disk_usage(file.parent).free, 2 * file.stat().st_size + SPARE
    if free < needed:
        yield f"The disk has {free >> 20} MiB free, and {needed >> 20} MiB are needed for a copy; make room."
    found = at_once(url, _damage)
    if found != "ok":
        yield f"The file is damaged ({found}); restore a backup."


def _damage(cursor: Cursor, _statements: Statements) -> str:
    cursor.execute("PRAGMA quick_check(1)")
    return str(cursor.fetchone()[0])
