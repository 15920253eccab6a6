"""What the reference store keeps, and the two halves of the port over it.

Rule of this file: a change works on a copy that takes the place of the tables only when the change is complete, so
whatever fails leaves nothing behind: no record, no journal line, no settings version.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from operator import attrgetter
from typing import Any, cast

from vestibule.core.api_keys import ApiKey
from vestibule.core.attempts import Attempt
from vestibule.core.clients import Client
from vestibule.core.credentials import Credential
from vestibule.core.directories import DirectoryRecord
from vestibule.core.failures import FailureKind, Failures
from vestibule.core.figures import Figures
from vestibule.core.journal import PERSONAL_FIELDS, Entry, EntryKind, Line, Query, Tally
from vestibule.core.outbox import OutboxRow
from vestibule.core.policy import Rule
from vestibule.core.ports import ChainHead, Conflict, R, Reading, Record, Writing
from vestibule.core.providers import ProviderRecord, Route
from vestibule.core.sends import Send
from vestibule.core.sessions import Session
from vestibule.core.snapshot import Snapshot
from vestibule.core.users import Alias, Group, User
from vestibule.stores.chain import Chain
from vestibule.stores.settings import build_snapshot, settings_from
from vestibule.wire.words import words_of

SALT_OCTETS = 16

INDEXED: dict[type[Any], tuple[str, ...]] = {
    User: ("key", "email", "external_id"),
    Alias: ("user_id",),
    Credential: ("user_id", "serial", "seed_id", "reach"),
    Failures: ("user_id",),
    Attempt: ("user_id",),
    OutboxRow: ("leased_by",),
    ApiKey: ("client_id",),
    Session: ("user_id",),
    Send: ("message_id", "attempt_id", "user_id", "reference"),
}
UNIQUE: dict[type[Any], str] = {User: "key", Credential: "serial"}
RULING = (Client, Rule, Group, DirectoryRecord, ProviderRecord, Route)  # a change of these makes a new snapshot


def record_id(record: Record) -> str:
    """The id that `Reading.get` finds the record by."""
    if isinstance(record, Failures):
        return f"{record.user_id}/{record.kind}/{record.name}"
    return record.id


@dataclass(slots=True)
class Journal:
    """One chain of lines, and its head, which stays when lines are pruned."""

    key: bytes = field(repr=False)
    chance: Callable[[int], bytes]
    head: ChainHead
    lines: list[Line]

    def copy(self) -> "Journal":
        """Another one that can be changed apart from this."""
        return replace(self, lines=list(self.lines))

    def append(self, entry: Entry, shown: tuple[str, ...]) -> None:
        """Link `entry` to the newest line; raises TypeError when its detail is no JSON."""
        chain = Chain(self.head.chain, self.key, self.head.seq, self.head.mac)
        line = chain.link(entry, shown, self.chance(SALT_OCTETS).hex())
        self.lines.append(line)
        self.head = replace(self.head, seq=line.seq, mac=line.mac)

    def prune(self, before: float, limit: int) -> int:
        """Cut off lines at the beginning, up to the first one that is young enough."""
        old = next((i for i, line in enumerate(self.lines) if line.entry.at >= before), len(self.lines))
        gone = self.lines[: min(old, limit)]
        if gone:
            self.lines = self.lines[len(gone) :]
            self.head = replace(self.head, first_seq=gone[-1].seq + 1, first_previous_mac=gone[-1].mac)
        return len(gone)

    def erase(self, user_id: str, limit: int) -> int:
        """Erase personal fields, and the salt with them, so that nobody can find them by guessing."""
        theirs = [i for i, line in enumerate(self.lines) if line.entry.user_id == user_id and not line.erased]
        for i in theirs[:limit]:
            empty = cast("dict[str, Any]", dict.fromkeys(PERSONAL_FIELDS, ""))
            entry = replace(self.lines[i].entry, **empty)
            self.lines[i] = replace(self.lines[i], entry=entry, salt="", erased=True)
        return len(theirs[:limit])


@dataclass(slots=True)
class Tables:
    """Everything that is stored."""

    records: dict[type[Any], dict[str, Any]]
    settings: dict[str, str]
    journal: Journal
    snapshot: Snapshot
    state: dict[str, str] = field(default_factory=dict)

    def copy(self) -> "Tables":
        """Another one that can be changed apart from this; records are frozen and shared."""
        records = {kind: dict(rows) for kind, rows in self.records.items()}
        return Tables(records, dict(self.settings), self.journal.copy(), self.snapshot, dict(self.state))

    def of(self, kind: type[R]) -> dict[str, R]:
        """The records of one kind by id."""
        return cast("dict[str, R]", self.records[kind])

    def save(self, record: Record) -> None:
        """Insert or replace by id."""
        self.records[type(record)][record_id(record)] = record


class MemoryReading(Reading):
    """The reading half of the port, over tables that nobody changes meanwhile."""

    def __init__(self, tables: Tables) -> None:
        """Read these tables."""
        self._tables = tables

    def get(self, kind: type[R], key: str) -> R | None:
        """See `Reading.get`."""
        return self._tables.of(kind).get(key)

    def find(self, kind: type[R], field: str, value: str) -> list[R]:
        """See `Reading.find`."""
        if field not in INDEXED.get(kind, ()):
            raise ValueError(f"{kind.__name__} cannot be found by {field}")
        found = [row for row in self._tables.of(kind).values() if getattr(row, field) == value]
        return sorted(found, key=record_id)

    def page(self, kind: type[R], after: str, limit: int) -> list[R]:
        """See `Reading.page`."""
        above = [row for key, row in self._tables.of(kind).items() if key > after]
        return sorted(above, key=record_id)[:limit]

    def page_by(self, kind: type[R], field: str, after: str, limit: int) -> list[R]:
        """See `Reading.page_by`."""
        if field != UNIQUE.get(kind):
            raise ValueError(f"{kind.__name__} cannot be listed by {field}")
        rows = [row for row in self._tables.of(kind).values() if getattr(row, field) > after]
        return sorted(rows, key=attrgetter(field))[:limit]

    def count(self, kind: type[R]) -> int:
        """See `Reading.count`."""
        return len(self._tables.of(kind))

    def count_by(self, kind: type[R], field: str, value: str) -> int:
        """See `Reading.count_by`."""
        return len(self.find(kind, field, value))

    def people(self, word: str, limit: int) -> list[str]:
        """See `Reading.people`."""
        users = self._tables.of(User).values()
        found = sorted((one, user.id) for user in users for one in words_of(user) if one.startswith(word))
        return list(dict.fromkeys(id for _, id in found))[:limit]

    def figures(self, now: float) -> Figures:
        """See `Reading.figures`."""
        users, held = self._tables.of(User).values(), self._tables.of(Credential).values()
        blocked = sum(user.blocked(now) for user in users)
        with_factor = len({one.user_id for one in held if one.user_id})
        tokens = [bool(one.user_id) for one in held if one.seed_id]
        return Figures(len(users), blocked, with_factor, sum(tokens), len(tokens) - sum(tokens))

    def setting(self, name: str) -> str | None:
        """See `Reading.setting`."""
        return self._tables.settings.get(name)

    def settings(self) -> dict[str, str]:
        """See `Reading.settings`."""
        return dict(self._tables.settings)

    def idle_failures(self, failed_before: float, accepted_before: float, limit: int) -> list[Failures]:
        """See `Reading.idle_failures`."""
        rows = self._tables.of(Failures).values()
        idle = [row for row in rows if row.last_at < failed_before and _idle(row, accepted_before)]
        return sorted(idle, key=lambda row: (row.last_at, row.user_id, row.kind, row.name))[:limit]

    def state(self, name: str) -> str:
        """See `Reading.state`."""
        return self._tables.state.get(name, "")

    def lines(self, query: Query, after: tuple[float, str, int], limit: int) -> list[Line]:
        """See `Reading.lines`."""
        placed = sorted((_place(line), line) for line in self._tables.journal.lines if _asked(line, query))
        return [line for place, line in placed if place > after][:limit]

    def newest(self, query: Query, before: tuple[float, str, int] | None, limit: int) -> list[Line]:
        """See `Reading.newest`."""
        placed = {_place(line): line for line in self._tables.journal.lines if _asked(line, query)}
        below = [place for place in sorted(placed, reverse=True) if before is None or place < before]
        return [placed[place] for place in below[:limit]]

    def chain(self, chain: str, after: int, limit: int) -> list[Line]:
        """See `Reading.chain`."""
        return [line for line in self._tables.journal.lines if line.chain == chain and line.seq > after][:limit]

    def tallies(self, since: float, until: float) -> list[Tally]:
        """See `Reading.tallies`."""
        query = Query(since=since, until=until, kind=EntryKind.SIGN_IN)
        entries = [line.entry for line in self._tables.journal.lines if _asked(line, query)]
        alike = Counter((bool(one.accepted), one.reason, one.method, one.client_id) for one in entries)
        return [Tally(*same, count) for same, count in alike.items()]

    def chains(self) -> list[ChainHead]:
        """See `Reading.chains`."""
        return [self._tables.journal.head]

    def expired_attempts(self, now: float, limit: int) -> list[Attempt]:
        """See `Reading.expired_attempts`."""
        expired = [attempt for attempt in self._tables.of(Attempt).values() if attempt.expires_at < now]
        return sorted(expired, key=lambda attempt: (attempt.expires_at, attempt.id))[:limit]


class MemoryWriting(MemoryReading, Writing):
    """The whole port, over tables of its own until the change is complete."""

    ruling = False

    def put(self, record: Record) -> None:
        """See `Writing.put`."""
        kind = type(record)
        field = UNIQUE.get(kind)
        if field and (value := getattr(record, field)):
            rows = self._tables.records[kind]
            if any(getattr(row, field) == value and key != record_id(record) for key, row in rows.items()):
                raise Conflict(f"{kind.__name__}.{field} is taken")
        self._tables.save(record)
        self.ruling = self.ruling or kind in RULING

    def remove(self, kind: type[R], key: str) -> None:
        """See `Writing.remove`."""
        self._tables.of(kind).pop(key, None)
        self.ruling = self.ruling or kind in RULING

    def set(self, name: str, value: str | None) -> None:
        """See `Writing.set`."""
        self._tables.settings.pop(name, None)
        if value is not None:
            self._tables.settings[name] = value
        self.ruling = True

    def set_state(self, name: str, value: str) -> None:
        """See `Writing.set_state`."""
        self._tables.state[name] = value

    def note(self, entry: Entry) -> None:
        """See `Writing.note`."""
        self._tables.journal.append(entry, self._tables.snapshot.settings.journal_fields)

    def prune_journal(self, before: float, limit: int) -> int:
        """See `Writing.prune_journal`."""
        return self._tables.journal.prune(before, limit)

    def erase(self, user_id: str, limit: int) -> int:
        """See `Writing.erase`."""
        return self._tables.journal.erase(user_id, limit)

    def completed(self) -> Tables:
        """The tables as they rule from now on; raises ValueError when a setting does not fit."""
        if self.ruling:
            self._tables.snapshot = _frozen(self._tables, self._tables.snapshot.version + 1)
        return self._tables


def _frozen(tables: Tables, version: int) -> Snapshot:
    return build_snapshot(
        version,
        settings_from(tables.settings).settings,
        tables.of(Client).values(),
        tables.of(Rule).values(),
        tables.of(Group).values(),
        tables.of(DirectoryRecord).values(),
        tables.of(ProviderRecord).values(),
        tables.of(Route).values(),
    )


def _idle(row: Failures, accepted_before: float) -> bool:
    return not row.count if row.kind is FailureKind.FACTOR else row.accepted_at < accepted_before


def _place(line: Line) -> tuple[float, str, int]:
    return line.entry.at, line.chain, line.seq


def _asked(line: Line, query: Query) -> bool:
    """Whether the line fits: `since` is included, `until` is not."""
    entry = line.entry
    return (
        query.user_id in ("", entry.user_id)
        and query.since <= entry.at
        and (not query.until or entry.at < query.until)
        and query.kind in (None, entry.kind)
        and query.reason in (None, entry.reason)
        and query.accepted in (None, entry.accepted)
        and query.client_id in ("", entry.client_id)
        and query.attempt_id in ("", entry.attempt_id)
        and (not query.actions or entry.action in query.actions)
    )
