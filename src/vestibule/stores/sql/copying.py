"""Copy a whole database into an empty one of the other kind, or of the same: table by table, in order of key.

The copy is one consistent state of the source and one transaction of the target: it is there as a whole or not at all.
Memory stays flat. Before the commit each table is read back, and its digest compared with that of the source's rows.
What expires within a minute (`settled`) is left behind. Servers should be stopped: what is written to the source
meanwhile is not in the copy.
"""

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Table, bindparam, func, insert, select, tuple_

from vestibule.stores.sql import schema
from vestibule.stores.sql.at_once import at_once
from vestibule.stores.sql.postgresql.connecting import Bounds
from vestibule.stores.sql.reading import Cursor
from vestibule.stores.sql.schema_version import OLDEST_PROGRAM, SCHEMA, SchemaWrong, named, schema_of
from vestibule.stores.sql.statements import MOST, Statements, compiled

PAGE = 1000
PATIENT = Bounds(connect_seconds=10.0, statement_seconds=3600.0, idle_seconds=3600.0)
LEFT_BEHIND = frozenset({schema.settled.name})
TABLES: tuple[Table, ...] = tuple(table for table in schema.metadata.sorted_tables if table.name not in LEFT_BEHIND)

Row = Sequence[Any]
Progress = Callable[[str, int, int], None]
"""Called with the table, how many of its rows are done, and how many there are."""


class CopyRefused(Exception):
    """The copy was not made, and the target is as it was; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class Copied:
    """One table of a finished copy; `sha256` is the digest of its rows, in hex."""

    table: str
    rows: int
    sha256: str


class Pages:
    """The statements that walk one table in order of key, on one dialect."""

    def __init__(self, table: Table, statements: Statements) -> None:
        """Compile them."""
        keys = list(table.primary_key)
        ordered = select(table).order_by(*keys).suffix_with(MOST)
        above = tuple_(*keys) > tuple_(*[bindparam(f"after_{key.name}") for key in keys])
        self.table = table
        self._first = compiled(ordered, statements.dialect)
        self._following = compiled(ordered.where(above), statements.dialect)
        self._places = [list(table.columns).index(key) for key in keys]
        self.count = compiled(select(func.count()).select_from(table), statements.dialect)
        self.insert = compiled(insert(table), statements.dialect)

    def rows(self, cursor: Cursor) -> Iterator[Sequence[Row]]:
        """All rows, page by page."""
        cursor.execute(self._first, (PAGE,))
        while page := [tuple(row) for row in cursor.fetchall()]:
            yield page
            cursor.execute(self._following, (*(page[-1][place] for place in self._places), PAGE))


def copy(source: str, target: str, progress: Progress = lambda _table, _done, _rows: None) -> list[Copied]:
    """Copy what is at the URL `source` to the empty database at `target`, both of this program's schema.

    Raises CopyRefused, SchemaWrong, Unavailable.
    """
    if source == target:
        raise CopyRefused("Source and target are the same database.")
    for url in (source, target):
        found = schema_of(url)
        if found != SCHEMA:
            raise SchemaWrong(
                f"{named(url)} has schema {found or 'none'}, and {SCHEMA} is needed; run: vestibule database upgrade"
            )

    def write(reader: Side, writer: Side) -> list[Copied]:
        _refuse_unless_empty(writer)
        return [_copy_one(reader, writer, table, progress) for table in TABLES]

    def read(cursor: Cursor, statements: Statements) -> list[Copied]:
        side = Side(cursor, statements)
        return at_once(target, lambda *other: write(side, Side(*other)), writing=True, bounds=PATIENT)

    return at_once(source, read, bounds=PATIENT)


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two databases, in its transaction."""

    cursor: Cursor
    statements: Statements

    def pages(self, table: Table) -> "Pages":
        """How to walk a table here."""
        return Pages(table, self.statements)


def _copy_one(reader: Side, writer: Side, table: Table, progress: Progress) -> Copied:
    source, target, name = reader.pages(table), writer.pages(table), table.name
    rows, done, read = _count(reader.cursor, source), 0, hashlib.sha256()
    progress(name, 0, rows)
    for page in source.rows(reader.cursor):
        for row in page:
            _refuse_zero_octets(name, row)
            read.update(row_text(row))
        writer.cursor.executemany(target.insert, page)
        done += len(page)
        progress(name, done, rows)
    copied = digest(target, writer.cursor)
    if copied != read.hexdigest():
        raise CopyRefused(f"The table {name} reads back otherwise than it was written; nothing was copied.")
    return Copied(name, done, copied)


def _refuse_unless_empty(side: Side) -> None:
    """What the upgrade noted may be there, and makes room for the source's notes."""
    side.cursor.execute(side.statements.set_state, (OLDEST_PROGRAM, ""))
    full = [table.name for table in TABLES if _count(side.cursor, side.pages(table)) > (table is schema.state)]
    if full:
        raise CopyRefused(f"The target is not empty (it has {', '.join(full)}); name a fresh database.")
    side.cursor.execute(compiled(schema.state.delete(), side.statements.dialect), ())


def _refuse_zero_octets(table: str, row: Row) -> None:
    """PostgreSQL takes none in a text; they come in by no door, so this is a damaged row."""
    if any(isinstance(value, str) and "\0" in value for value in row):
        raise CopyRefused(f"A text of the table {table} holds a zero octet (its key begins with {row[0]!r}).")


def digest(pages: Pages, cursor: Cursor) -> str:
    """SHA-256 over all rows of one table in order of key, hex; the same on both databases."""
    found = hashlib.sha256()
    for page in pages.rows(cursor):
        for row in page:
            found.update(row_text(row))
    return found.hexdigest()


def row_text(row: Row) -> bytes:
    """One row as a line of JSON: numbers as they are exactly, octets in hex."""
    values = [{"hex": bytes(value).hex()} if isinstance(value, bytes | memoryview) else value for value in row]
    return json.dumps(values, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def _count(cursor: Cursor, pages: Pages) -> int:
    cursor.execute(pages.count, ())
    return int(cursor.fetchone()[0])
