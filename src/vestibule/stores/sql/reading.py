"""Questions to the database, as plain synchronous functions on a driver's cursor."""

import json
from collections.abc import Sequence
from typing import Any, Protocol

from sqlalchemy import Dialect, Select, bindparam, literal_column, select, tuple_

from vestibule.core.attempts import Attempt
from vestibule.core.errors import Malformed
from vestibule.core.failures import Failures
from vestibule.core.figures import Figures
from vestibule.core.journal import PERSONAL_FIELDS, Entry, EntryKind, Line, Query, Tally
from vestibule.core.ports import ChainHead, R
from vestibule.core.reasons import Reason, Result
from vestibule.core.snapshot import Snapshot
from vestibule.stores.chain import personal
from vestibule.stores.settings import build_snapshot, settings_from
from vestibule.stores.sql import schema
from vestibule.stores.sql.delivery_shapes import PROVIDERS, ROUTES
from vestibule.stores.sql.key_table import KeyTable
from vestibule.stores.sql.shape import Row, Shape
from vestibule.stores.sql.shapes import (
    ATTEMPTS,
    CLIENTS,
    DIRECTORIES,
    FAILURES,
    GROUPS,
    RULES,
    SHAPE_OF,
)
from vestibule.stores.sql.statements import MOST, Statements, compiled
from vestibule.stores.vault import KeyUnknown, Vault
from vestibule.wire.words import BEYOND, MOST_WORDS

SETTINGS_VERSION = "settings_version"
ALL = 1_000_000
USUAL_WORDS = 3  # of one person that begin alike, at most, but for the rarest names
Place = tuple[float, str, int]
_PLACE = (schema.journal.c.at, schema.journal.c.chain, schema.journal.c.seq)


class Cursor(Protocol):
    """What we use of a DBAPI cursor (PEP 249)."""

    def execute(self, statement: str, parameters: Any = ..., /) -> object:
        """Run one statement."""

    def executemany(self, statement: str, parameters: Any, /) -> object:
        """Run one statement for many rows."""

    def fetchone(self) -> Any:
        """The next row, or None."""

    def fetchall(self) -> Sequence[Any]:
        """All rows."""


class SqlReading:
    """`Reading` on one cursor inside one transaction."""

    def __init__(self, cursor: Cursor, statements: Statements, vault: Vault) -> None:
        """Read through `cursor`."""
        self._cursor = cursor
        self._statements = statements
        self._vault = vault
        self.refused: list[str] = []  # rows that the vault did not open, and why

    @property
    def keys(self) -> KeyTable:
        """The table of keys in this transaction."""
        return KeyTable(self._cursor, self._statements)

    def get(self, kind: type[R], key: str) -> R | None:
        """The record with this id, or None."""
        row = self._row(self._statements.records[kind].get, key_of(kind, key))
        return None if row is None else self._record(kind, row)

    def find(self, kind: type[R], field: str, value: str) -> list[R]:
        """The records whose indexed `field` equals `value`; ValueError for a field without index."""
        statement = self._statements.records[kind].find.get(field)
        if statement is None:
            raise ValueError(f"{kind.__name__} can not be found by {field}")
        return [self._record(kind, row) for row in self._rows(statement, (value,))]

    def page(self, kind: type[R], after: str, limit: int) -> list[R]:
        """Up to `limit` records above `after`, in order of id."""
        rows = self._rows(self._statements.records[kind].page, (*key_of(kind, after), limit))
        return [self._record(kind, row) for row in rows]

    def page_by(self, kind: type[R], field: str, after: str, limit: int) -> list[R]:
        """Up to `limit` records whose unique `field` is above `after`, in order of it; ValueError for another."""
        statement = self._statements.records[kind].page_by.get(field)
        if statement is None:
            raise ValueError(f"{kind.__name__} can not be listed by {field}")
        return [self._record(kind, row) for row in self._rows(statement, (after, limit))]

    def count(self, kind: type[R]) -> int:
        """How many there are."""
        return int(self._row(self._statements.records[kind].count, ())[0])

    def count_by(self, kind: type[R], field: str, value: str) -> int:
        """How many there are whose indexed `field` equals `value`; ValueError for a field without index."""
        statement = self._statements.records[kind].count_by.get(field)
        if statement is None:
            raise ValueError(f"{kind.__name__} can not be counted by {field}")
        return int(self._row(statement, (value,))[0])

    def people(self, word: str, limit: int) -> list[str]:
        """The ids of up to `limit` people of whom a word begins with `word`, in order of the words."""
        found: list[str] = []
        for words_each in (USUAL_WORDS, MOST_WORDS):
            rows = self._rows(self._statements.people_by_word, (word, word + BEYOND, limit * words_each))
            found = list(dict.fromkeys(row[0] for row in rows))[:limit]
            if len(found) == limit or len(rows) < limit * words_each:
                break
        return found

    def figures(self, now: float) -> Figures:
        """How many there are."""
        people, blocked = self._row(self._statements.people_counted, (now,))
        [with_factor] = self._row(self._statements.holders_counted, ())
        tokens, assigned = self._row(self._statements.tokens_counted, ())
        return Figures(people, blocked, with_factor, assigned, tokens - assigned)

    def setting(self, name: str) -> str | None:
        """The JSON text of one setting, or None for its default."""
        row = self._row(self._statements.setting, (name,))
        return None if row is None else str(row[0])

    def settings(self) -> dict[str, str]:
        """All changed settings."""
        return {row[0]: row[1] for row in self._rows(self._statements.settings, ())}

    def expired_attempts(self, now: float, limit: int) -> list[Attempt]:
        """Attempts that expired before `now`, oldest first."""
        return [
            ATTEMPTS.decode(row, self._vault) for row in self._rows(self._statements.expired_attempts, (now, limit))
        ]

    def idle_failures(self, failed_before: float, accepted_before: float, limit: int) -> list[Failures]:
        """Rows that delay and remember nobody any more, oldest first."""
        rows = self._rows(self._statements.idle_failures, (failed_before, accepted_before, limit))
        return [FAILURES.decode(row, self._vault) for row in rows]

    def lines(self, query: Query, after: tuple[float, str, int], limit: int) -> list[Line]:
        """Up to `limit` matching lines above `after`, in order of (at, chain, seq)."""
        statement, parameters = _journal_query(query, after, limit, self._statements.dialect)
        return [line_of(row) for row in self._rows(statement, parameters)]

    def newest(self, query: Query, before: Place | None, limit: int) -> list[Line]:
        """Up to `limit` matching lines below `before`, the newest first."""
        statement, parameters = _newest_query(query, before, limit, self._statements.dialect)
        return [line_of(row) for row in self._rows(statement, parameters)]

    def chain(self, chain: str, after: int, limit: int) -> list[Line]:
        """Up to `limit` lines of one chain above `after`."""
        return [line_of(row) for row in self._rows(self._statements.chain, (chain, after, limit))]

    def tallies(self, since: float, until: float) -> list[Tally]:
        """How many sign-ins of that time ended alike."""
        return [
            Tally(bool(accepted), Reason(reason) if reason else None, method, client_id, count)
            for accepted, reason, method, client_id, count in self._rows(self._statements.tallies, (since, until))
        ]

    def chains(self) -> list[ChainHead]:
        """All chains with their newest line."""
        return [self._head(row) for row in self._rows(self._statements.chains, ())]

    def state(self, name: str) -> str:
        """One value of the table `state`, "" when it was never set."""
        row = self._row(self._statements.state, (name,))
        return "" if row is None else str(row[0])

    def settings_version(self) -> int:
        """The version that every batch compares with its snapshot."""
        return int(self.state(SETTINGS_VERSION) or 0)

    def snapshot(self) -> Snapshot:
        """Read the whole snapshot."""
        settings, _unknown = settings_from(self.settings())
        ruling = (CLIENTS, RULES, GROUPS, DIRECTORIES, PROVIDERS, ROUTES)
        return build_snapshot(self.settings_version(), settings, *(self._all(shape) for shape in ruling))

    def _all(self, shape: Shape[Any]) -> list[Any]:
        """All that the vault opens: a row that it refuses is left out, and no other is harmed."""
        records = []
        for row in self._rows(self._statements.records[shape.kind].page, (*key_of(shape.kind, ""), ALL)):
            try:
                records.append(self._decoded(shape, row))
            except Malformed as refused:
                self.refused.append(str(refused))
        return records

    def _head(self, row: Row) -> ChainHead:
        chain, started_at, server_name, server_address, first_seq, previous = row
        newest = self._row(self._statements.head, (chain,)) or (first_seq - 1, previous)
        return ChainHead(chain, started_at, server_name, server_address, first_seq, previous, *newest)

    def _record(self, kind: type[R], row: Row) -> R:
        record: R = self._decoded(SHAPE_OF[kind], row)
        return record

    def _decoded(self, shape: Shape[Any], row: Row) -> Any:
        """The record; a key that came or went since the vault followed stands in the very state that the row is of."""
        try:
            return shape.decode(row, self._vault)
        except KeyUnknown:
            knowing = self._vault.knowing(self.keys.rows())
            record = shape.decode(row, knowing)
            self._vault = knowing
            return record

    def _rows(self, statement: str, parameters: tuple[Any, ...]) -> Sequence[Any]:
        self._cursor.execute(statement, parameters)
        return self._cursor.fetchall()

    def _row(self, statement: str, parameters: tuple[Any, ...]) -> Any:
        self._cursor.execute(statement, parameters)
        return self._cursor.fetchone()


def key_of(kind: type[Any], key: str) -> tuple[str, ...]:
    """The primary key's values: `Failures` have three, joined by "/" ("" for before the first)."""
    if kind is not Failures:
        return (key,)
    parts = key.split("/", 2)
    return (*parts, *("" for _ in range(3 - len(parts))))


def line_row(line: Line) -> Row:
    """A journal line as its row."""
    entry = line.entry
    return (
        line.chain,
        line.seq,
        entry.at,
        entry.kind.value,
        entry.action,
        entry.actor,
        entry.user_id,
        entry.client_id,
        entry.method,
        None if entry.accepted is None else int(entry.accepted),
        entry.reason.value if entry.reason else "",
        entry.result.value,
        entry.rule,
        entry.attempt_id,
        entry.credential_id,
        json.dumps(entry.detail, ensure_ascii=False, sort_keys=True) if entry.detail else "",
        personal(entry),
        line.salt,
        line.personal_digest,
        line.mac,
    )


def line_of(row: Row) -> Line:
    """A row as its journal line; erased personal fields come back empty."""
    known = dict(zip(PERSONAL_FIELDS, json.loads(row[16]), strict=True)) if row[16] is not None else {}
    entry = Entry(
        at=row[2],
        kind=EntryKind(row[3]),
        action=row[4],
        actor=row[5],
        user_id=row[6],
        client_id=row[7],
        method=row[8],
        accepted=None if row[9] is None else bool(row[9]),
        reason=Reason(row[10]) if row[10] else None,
        result=Result(row[11]),
        rule=row[12],
        attempt_id=row[13],
        credential_id=row[14],
        detail=json.loads(row[15]) if row[15] else {},
        **known,
    )
    return Line(row[0], row[1], entry, row[17], row[18], row[19], erased=row[16] is None)


def _journal_query(query: Query, after: Place, limit: int, dialect: Dialect) -> tuple[str, tuple[Any, ...]]:
    lines, conditions = schema.journal, _wanted(query)
    # one lower bound, since SQLite looks things up by the first only; the row value alone would not use the index
    statement: Select[Any] = (
        select(lines)
        .where(lines.c.at >= bindparam("from"), tuple_(*_PLACE) > tuple_(*_place_named("after")))
        .where(*[condition for condition, _ in conditions])
        .order_by(*_PLACE)
        .suffix_with(MOST)
    )
    values = [value for _, some in conditions for value in some]
    return compiled(statement, dialect), (max(after[0], query.since), *after, *values, limit)


def _newest_query(query: Query, before: Place | None, limit: int, dialect: Dialect) -> tuple[str, tuple[Any, ...]]:
    lines, conditions = schema.journal, _wanted(query)
    if query.since:
        conditions.append((lines.c.at >= bindparam("from"), (query.since,)))
    if before is not None:  # one upper bound beside the row value, see `_journal_query`
        conditions.append((lines.c.at <= bindparam("to"), before[:1]))
        conditions.append((tuple_(*_PLACE) < tuple_(*_place_named("before")), before))
    ordered = select(lines).where(*[condition for condition, _ in conditions]).order_by(*[one.desc() for one in _PLACE])
    values = [value for _, some in conditions for value in some]
    return compiled(ordered.suffix_with(MOST), dialect), (*values, limit)


def _wanted(query: Query) -> list[tuple[Any, tuple[Any, ...]]]:
    """The conditions of a query but for where it begins, each with the values of its parameters."""
    lines = schema.journal
    wanted: list[tuple[Any, Any]] = [
        (lines.c.user_id == bindparam("user_id"), query.user_id),
        (lines.c.client_id == bindparam("client_id"), query.client_id),
        (lines.c.attempt_id == bindparam("attempt_id"), query.attempt_id),
        (lines.c.reason == bindparam("reason"), query.reason.value if query.reason else ""),
        (lines.c.accepted == bindparam("accepted"), "" if query.accepted is None else int(query.accepted)),
        (lines.c.at < bindparam("until"), query.until or ""),
    ]
    conditions: list[tuple[Any, tuple[Any, ...]]]
    conditions = [(condition, (value,)) for condition, value in wanted if value != ""]
    if query.kind is not None:  # literally, since only then a database sees that its index of these lines fits
        conditions.append((lines.c.kind == literal_column(f"'{query.kind.value}'"), ()))
    if query.actions:
        actions: list[Any] = [bindparam(f"action_{i}") for i in range(len(query.actions))]
        conditions.append((lines.c.action.in_(actions), query.actions))
    return conditions


def _place_named(name: str) -> list[Any]:
    return [bindparam(f"{name}_{i}") for i in range(3)]
