"""What is asked of a long journal is looked up, not searched for: what is skipped costs nothing."""

import secrets
import sqlite3
from collections.abc import Iterator

import pytest
from sqlalchemy.schema import CreateIndex, CreateTable

from vestibule.core.journal import Entry, EntryKind, Line, Query
from vestibule.core.secret import Secret
from vestibule.stores.sql import schema
from vestibule.stores.sql.reading import SqlReading, line_row
from vestibule.stores.sql.statements import sqlite_statements
from vestibule.stores.vault import Vault

LINES, USERS = 20_000, 100
NEWEST = float(LINES - 20)
AT_ONCE = 100  # instructions of SQLite's machine between two counts
ENOUGH = 100  # counts: 500 instructions for each line that is found; walking the journal once takes more than that
START = (0.0, "", 0)


@pytest.fixture(scope="module")
def journal() -> Iterator[sqlite3.Connection]:
    connection, dialect = sqlite3.connect(":memory:"), sqlite_statements().dialect
    connection.execute(str(CreateTable(schema.journal).compile(dialect=dialect)))
    for index in schema.journal.indexes:
        connection.execute(str(CreateIndex(index).compile(dialect=dialect)))
    connection.executemany(sqlite_statements().insert_line, map(line_row, map(line, range(LINES))))
    yield connection
    connection.close()


def line(number: int) -> Line:
    entry = Entry(float(number), EntryKind.SIGN_IN, "sign_in", user_id=f"user {number % USERS}", accepted=True)
    return Line("chain", number + 1, entry, "salt", "digest", "mac")


@pytest.mark.parametrize(
    ("query", "after", "found"),
    [
        (Query(since=NEWEST), START, 20),
        (Query(since=NEWEST), (NEWEST + 9, "chain", int(NEWEST) + 10), 10),
        (Query(since=NEWEST, until=NEWEST + 5), START, 5),
        (Query(until=NEWEST, since=NEWEST - 5), (3.0, "chain", 4), 5),
        (Query(user_id="user 7", since=NEWEST - USERS), START, 1),
        (Query(), (NEWEST - 1, "chain", int(NEWEST)), 20),
    ],
)
def test_only_the_lines_that_are_asked_for_are_looked_at(
    journal: sqlite3.Connection, query: Query, after: tuple[float, str, int], found: int
) -> None:
    counts: list[None] = []
    vault, _ = Vault.create(Secret(bytes(32)), secrets.token_bytes)
    reading = SqlReading(journal.cursor(), sqlite_statements(), vault)
    journal.set_progress_handler(lambda: counts.append(None), AT_ONCE)
    try:
        lines = reading.lines(query, after, 1000)
    finally:
        journal.set_progress_handler(None, 0)
    assert len(lines) == found
    assert len(counts) < ENOUGH
