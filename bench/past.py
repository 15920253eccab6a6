"""A journal as years of sign-ins leave it: lines in real chains, made by the store's own functions, in bulk.

A chain for each month, as if the server had been started anew each time. It is made once and kept beside the users.
"""

import hashlib
import json
import os
import random
import secrets
import shutil
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from sqlalchemy.pool import PoolProxiedConnection
from sqlalchemy.schema import CreateIndex, DropIndex

from bench.packets import home_of
from bench.population import CACHE, CODE_CLIENT, PASSWORD_CLIENT, ROOT, Population, configured, copied, user_name
from vestibule.apps.configuration import load
from vestibule.apps.pieces import open_vault
from vestibule.core.journal import OPTIONAL_FIELDS, Entry, EntryKind, Line
from vestibule.core.reasons import Reason, Result
from vestibule.stores.chain import Chain
from vestibule.stores.sql import schema, sqlite
from vestibule.stores.sql.opening import CHAIN_NAME_OCTETS
from vestibule.stores.sql.reading import line_row
from vestibule.stores.sql.schema_version import SCHEMA
from vestibule.stores.sql.statements import sqlite_statements
from vestibule.stores.sql.writing import SALT_OCTETS
from vestibule.stores.vault import Vault

DAY = 86_400.0
DAYS = 360  # that the lines are spread over
CHAINS = 12
TOGETHER = 10_000  # lines
TOLD_EVERY = 500_000
CHECKPOINT_PAGES = 20_000  # nobody waits, and a half-made journal is thrown away
ENDINGS: Sequence[tuple[int, Reason | None, Result]] = (
    (93, None, Result.OATH_VERIFIED),
    (4, Reason.WRONG_CODE, Result.OATH_INCORRECT),
    (1, Reason.CODE_REUSED, Result.OATH_DUPLICATE),
    (2, Reason.UNKNOWN_USER, Result.NONE),
)  # of each hundred
INDEX = next(index for index in schema.journal.indexes if "user_id" in index.columns)  # made at the end, by one sort


@dataclass(frozen=True)
class Past:
    """So many lines about the users of a population."""

    population: Population
    lines: int

    @property
    def folder(self) -> Path:
        """Where it is kept; another schema, or another form of lines, is another folder."""
        form = hashlib.sha256(Path(__file__).read_bytes()).hexdigest()[:10]
        return CACHE / f"journal-{self.population.users}-{self.lines}-{SCHEMA}-{form}"


@dataclass(frozen=True)
class Span:
    """From when to when the lines are, in seconds since the epoch."""

    since: float
    until: float


def prepared(past: Past) -> tuple[Path, Span]:
    """The folder with the database, made now if it is not there, and when its lines are of."""
    note = past.folder / "span.json"
    if not note.exists():
        for old in CACHE.glob(f"journal-{past.population.users}-{past.lines}-*"):
            shutil.rmtree(old)
        print(f"making {past.lines:,} journal lines in {past.folder.relative_to(ROOT)}", flush=True)
        span = _make(past)
        note.write_text(json.dumps([span.since, span.until]), encoding="ascii")
    return past.folder, Span(*json.loads(note.read_text(encoding="ascii")))


def with_past(past: Past, into: Path) -> tuple[Path, Span]:
    """A fresh copy for one run, as `copied`."""
    folder, span = prepared(past)
    into.mkdir(mode=0o700)
    shutil.copy2(folder / "master.key", into)
    shutil.copytree(folder / "data", into / "data")
    os.sync()
    return configured(into), span


def _make(past: Past) -> Span:
    configuration = load(copied(past.population, past.folder), {})
    until = time.time() // DAY * DAY
    span = Span(until - DAYS * DAY, until)
    engine = sqlite.engine_of(configuration.database.url)
    connection = sqlite.writing_connection(engine, CHECKPOINT_PAGES)
    try:
        _fill(connection, open_vault(configuration), past, span)
    finally:
        connection.close()
    return span


def _fill(connection: PoolProxiedConnection, vault: Vault, past: Past, span: Span) -> None:
    cursor, statements = connection.cursor(), sqlite_statements()
    cursor.execute("PRAGMA synchronous=OFF")
    cursor.execute(str(DropIndex(INDEX).compile(dialect=statements.dialect)))
    begun, done = time.monotonic(), 0
    for number, since, count in _months(past.lines, span):
        name = secrets.token_bytes(CHAIN_NAME_OCTETS).hex()
        chain = Chain(name, vault.derive("journal", name.encode()).reveal())
        cursor.execute(statements.insert_chain, (name, since, "bench", "", 1, ""))
        step = (span.until - span.since) / CHAINS / count
        entries = _entries(random.Random(number), past.population.users, since, step, count)
        while lines := _linked(chain, entries):
            cursor.execute("BEGIN")
            cursor.executemany(statements.insert_line, [line_row(line) for line in lines])
            cursor.execute("COMMIT")
            if (done + len(lines)) // TOLD_EVERY > done // TOLD_EVERY:
                print(f"  {done + len(lines):,} lines in {time.monotonic() - begun:.0f} s", flush=True)
            done += len(lines)
    cursor.execute(str(CreateIndex(INDEX).compile(dialect=statements.dialect)))
    cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _months(lines: int, span: Span) -> Iterator[tuple[int, float, int]]:
    """Number, beginning and lines of each chain."""
    length = (span.until - span.since) / CHAINS
    for number in range(CHAINS):
        count = lines * (number + 1) // CHAINS - lines * number // CHAINS
        if count:
            yield number, span.since + number * length, count


def _linked(chain: Chain, entries: Iterator[Entry]) -> list[Line]:
    """The next lines of the chain."""
    some = tuple(islice(entries, TOGETHER))
    salts, width = secrets.token_hex(SALT_OCTETS * len(some)), 2 * SALT_OCTETS
    return [chain.link(one, OPTIONAL_FIELDS, salts[i * width : (i + 1) * width]) for i, one in enumerate(some)]


def _entries(chance: random.Random, users: int, since: float, step: float, count: int) -> Iterator[Entry]:
    """Sign-ins in order of time, most of them accepted."""
    endings = [(reason, result) for weight, reason, result in ENDINGS for _ in range(weight)]
    for number in range(count):
        index, (reason, result) = chance.randrange(users), endings[chance.randrange(len(endings))]
        yield _entry(since + number * step, index, CODE_CLIENT if index % 4 else PASSWORD_CLIENT, reason, result)


def _entry(at: float, index: int, client: str, reason: Reason | None, result: Result) -> Entry:
    name, known = user_name(index), reason is not Reason.UNKNOWN_USER
    return Entry(
        at=at,
        kind=EntryKind.SIGN_IN,
        action="sign_in",
        user_id=name if known else "",
        user_name=name if known else f"nobody-{index}",
        full_name=f"user {index:07d}" if known else "",
        email=f"{name}@bench.example" if known else "",
        client_address=home_of(index),
        source=home_of(index),
        client_id=client,
        method="totp" if known else "",
        accepted=reason is None,
        reason=reason,
        result=result,
        credential_id=f"token-{name}" if known else "",
    )
