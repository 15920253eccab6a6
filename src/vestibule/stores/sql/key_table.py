"""The table of keys, and what is noted about them in `state`: read by everything that opens or seals a value.

Rules of this file: a key is in the table before a value is sealed with it and goes only after the last one; which key
seals is said here, not by whoever seals. What is noted about keys begins with `key.`.
"""

import base64
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Protocol

from sqlalchemy import Dialect, LargeBinary, bindparam, delete, func, literal_column, select, update

from vestibule.stores.sql import schema
from vestibule.stores.sql.shape import Row, Shape
from vestibule.stores.sql.shapes import SHAPES
from vestibule.stores.sql.statements import Statements, compiled
from vestibule.stores.vault import HEADER_OCTETS, KeyRow, Vault, sealed_with

SEALS = "key.sealing"  # the id of the key that seals, while the newest does not yet
SEALED: tuple[Shape[Any], ...] = tuple(shape for shape in SHAPES if shape.sealed_in)
ALL = 1_000_000


class Cursor(Protocol):
    """What we use of a DBAPI cursor (PEP 249)."""

    def execute(self, statement: str, parameters: Any = ..., /) -> object:
        """Run one statement."""

    def fetchall(self) -> Sequence[Any]:
        """All rows."""


@dataclass(frozen=True, slots=True)
class KeySql:
    """The statements of one dialect."""

    notes: str  # ()
    unnote: str  # (name)
    wrap: str  # (sealed, id)
    drop: str  # (id)
    heads: dict[str, str]  # by table with a column of sealed octets: () → how a value begins, how many rows


@cache
def key_sql(dialect: Dialect) -> KeySql:
    """Compile everything once."""
    keys, state = schema.keys, schema.state
    about_keys = (state.c.name >= literal_column("'key.'"), state.c.name < literal_column("'key/'"))
    this_key = keys.c.id == bindparam("this")
    octets = [shape for shape in SEALED if isinstance(shape.table.c[shape.sealed_in].type, LargeBinary)]
    return KeySql(
        notes=compiled(select(state.c.name, state.c.value).where(*about_keys), dialect),
        unnote=compiled(delete(state).where(state.c.name == bindparam("this")), dialect),
        wrap=compiled(update(keys).values(sealed=bindparam("wrapped")).where(this_key), dialect),
        drop=compiled(delete(keys).where(this_key), dialect),
        heads={shape.table.name: _heads(shape, dialect) for shape in octets},
    )


def _heads(shape: Shape[Any], dialect: Dialect) -> str:
    head = func.substr(shape.table.c[shape.sealed_in], literal_column("1"), literal_column(str(HEADER_OCTETS)))
    return compiled(select(head, func.count()).select_from(shape.table).group_by(head), dialect)


class KeyTable:
    """The keys of one database, inside one transaction."""

    def __init__(self, cursor: Cursor, statements: Statements) -> None:
        """Look through `cursor`."""
        self._cursor = cursor
        self._statements = statements
        self._sql = key_sql(statements.dialect)

    def rows(self) -> tuple[KeyRow, ...]:
        """The sealed keys, with what they were sealed as before a change of the master key that is under way."""
        notes = self.notes()
        before = {name: base64.b64decode(value) for name, value in notes.items() if name.endswith(".before")}
        stored = self._rows(self._statements.keys)
        return tuple(KeyRow(row[0], row[1], bytes(row[2]), before.get(before_of(row[0]), b"")) for row in stored)

    def notes(self) -> dict[str, str]:
        """What is noted about keys, by name."""
        return {name: value for name, value in self._rows(self._sql.notes) if value}

    def let_follow(self, vault: Vault) -> None:
        """Bring an open vault to the state of this transaction."""
        vault.follow(self.rows(), int(self.notes().get(SEALS, 0)))

    def note(self, name: str, value: str) -> None:
        """Note something, "" forgets it."""
        if value:
            self._cursor.execute(self._statements.set_state, (name, value))
        else:
            self._cursor.execute(self._sql.unnote, (name,))

    def add(self, row: KeyRow, at: float) -> None:
        """Store a new key, made at `at`."""
        self._cursor.execute(self._statements.insert_key, (row.id, row.purpose, row.sealed))
        self.note(made_at(row.id), repr(at))

    def wrap(self, row: KeyRow) -> None:
        """Store a key as it is sealed now, and as it was before."""
        self._cursor.execute(self._sql.wrap, (row.sealed, row.id))
        self.note(before_of(row.id), base64.b64encode(row.before).decode())

    def drop(self, key_id: int) -> None:
        """Remove a key and what is noted about it."""
        self._cursor.execute(self._sql.drop, (key_id,))
        self.note(made_at(key_id), "")
        self.note(before_of(key_id), "")

    def used(self) -> dict[int, Counter[str]]:
        """How many rows of which table are sealed with which key; 0 stands for values of another format."""
        used: dict[int, Counter[str]] = {}
        for table, key_id, rows in self._uses():
            used.setdefault(key_id, Counter())[table] += rows
        return used

    def _uses(self) -> Iterator[tuple[str, int, int]]:
        for shape in SEALED:
            table = shape.table.name
            if table in self._sql.heads:
                for head, rows in self._rows(self._sql.heads[table]):
                    yield table, sealed_with(bytes(head)), rows
            else:
                for row in self.page(shape, "", ALL):
                    for key_id in {sealed_with(one) for one in sealed_values(shape, row)}:
                        yield table, key_id, 1

    def page(self, shape: Shape[Any], after: str, limit: int) -> Sequence[Row]:
        """Up to `limit` rows as they are stored, above `after`, in order of id."""
        return self._rows(self._statements.records[shape.kind].page, (after, limit))

    def _rows(self, statement: str, parameters: tuple[Any, ...] = ()) -> Sequence[Any]:
        self._cursor.execute(statement, parameters)
        return self._cursor.fetchall()


def sealed_values(shape: Shape[Any], row: Row) -> tuple[bytes, ...]:
    """The sealed values of a row: the octets of its column, or the Base64 texts in its list."""
    value = row[[column.name for column in shape.table.columns].index(shape.sealed_in)]
    if isinstance(value, str):
        return tuple(base64.b64decode(one) for one in json.loads(value))
    return (bytes(value),)


def made_at(key_id: int) -> str:
    """The name of the note on when a key was made."""
    return f"key.{key_id}.made_at"


def before_of(key_id: int) -> str:
    """The name of the note with a key as the master key before has sealed it."""
    return f"key.{key_id}.before"
