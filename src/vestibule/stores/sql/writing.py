"""One slice of an administrative change, inside the writer's transaction."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from vestibule.core.errors import Malformed
from vestibule.core.failures import Failures
from vestibule.core.journal import Entry, Line
from vestibule.core.ports import ChainHead, Conflict, R, Record
from vestibule.core.secret import Secret
from vestibule.core.snapshot import Snapshot
from vestibule.core.users import User
from vestibule.stores.chain import Chain
from vestibule.stores.sql.reading import SETTINGS_VERSION, Cursor, SqlReading, key_of, line_row
from vestibule.stores.sql.shape import Row, Shape
from vestibule.stores.sql.shapes import SHAPE_OF
from vestibule.stores.sql.statements import Statements
from vestibule.stores.vault import Chance, KeyRow, Vault
from vestibule.wire.words import words_of

SALT_OCTETS = 16


@dataclass(frozen=True, slots=True)
class Driver:
    """What the database's driver raises: anything, and when a unique value is taken."""

    error: tuple[type[Exception], ...]
    unique_violation: type[Exception]


@dataclass(frozen=True, slots=True)
class Means:
    """What all that writes for one node works with."""

    statements: Statements
    vault: Vault
    chance: Chance
    driver: Driver
    node: str


class SqlWriting(SqlReading):
    """`Writing` on one cursor; the caller commits, or rolls back and rewinds the chain."""

    def __init__(self, cursor: Cursor, means: Means, chain: Chain, snapshot: Snapshot) -> None:
        """Write through `cursor`, journal to `chain`."""
        super().__init__(cursor, means.statements, means.vault)
        self._chain = chain
        self._shown = snapshot.settings.journal_fields
        self._chance = means.chance
        self._unique_violation = means.driver.unique_violation
        self.settings_changed = False
        self._follows = False

    def put(self, record: Record) -> None:
        """Insert or replace by id; Conflict when a unique value is taken (the slice must then be given up)."""
        shape = SHAPE_OF[type(record)]
        self.settings_changed |= shape.settings
        if isinstance(record, User):
            self._follow_words(record.id, words_of(record))
        try:
            self._cursor.execute(self._statements.records[shape.kind].upsert, self._encoded(shape, record))
        except self._unique_violation as violation:
            raise Conflict(_taken(record)) from violation

    def _follow_words(self, user_id: str, new: frozenset[str]) -> None:
        """Bring the words that a person is found by up to date, before the row of the person is."""
        before = self.get(User, user_id)
        old = words_of(before) if before else frozenset[str]()
        if old - new:
            self._cursor.executemany(self._statements.remove_word, [(word, user_id) for word in sorted(old - new)])
        if new - old:
            self._cursor.executemany(self._statements.insert_word, [(word, user_id) for word in sorted(new - old)])

    def seal_anew(self, shape: Shape[Any], rows: Sequence[Row]) -> tuple[int, list[str]]:
        """Open rows of one table and store them as the current key seals them; how many, and what does not open."""
        records, refused = [], []
        for row in rows:
            try:
                records.append(self._decoded(shape, row))
            except Malformed as malformed:
                refused.append(str(malformed))
        encoded = [self._encoded(shape, record) for record in records]
        if encoded:
            self.settings_changed |= shape.settings
            self._cursor.executemany(self._statements.records[shape.kind].upsert, encoded)
        return len(encoded), refused

    def new_sealing_key(self) -> KeyRow:
        """Draw one, sealed under the master key; it is not stored yet. Raises KeyWrong."""
        return self._vault.fresh(self.keys.rows())

    def keys_under(self, master: Secret) -> tuple[KeyRow, ...]:
        """All keys sealed under another master key; they are not stored yet. Raises KeyWrong."""
        return self._vault.rewrapped(self.keys.rows(), master)

    def _encoded(self, shape: Shape[Any], record: Record) -> Row:
        """The row; which key seals is read in this very transaction, so that nothing is sealed with a retired one."""
        if shape.sealed_in and not self._follows:
            self.keys.let_follow(self._vault)
            self._follows = True
        return shape.encode(record, self._vault)

    def remove(self, kind: type[R], key: str) -> None:
        """Remove if it is there."""
        self.settings_changed |= SHAPE_OF[kind].settings
        if SHAPE_OF[kind].kind is User:
            self._follow_words(key, frozenset())
        self._cursor.execute(self._statements.records[kind].remove, key_of(kind, key))

    def set(self, name: str, value: str | None) -> None:
        """Change one setting, or put it back to its default."""
        self.settings_changed = True
        if value is None:
            self._cursor.execute(self._statements.unset, (name,))
        else:
            self._cursor.execute(self._statements.set, (name, value))

    def set_state(self, name: str, value: str) -> None:
        """Change one value of the table `state`."""
        self._cursor.execute(self._statements.set_state, (name, value))

    def note(self, entry: Entry) -> None:
        """Append to the journal."""
        line = self._chain.link(entry, self._shown, self._chance(SALT_OCTETS).hex())
        self.append((line,))

    def append(self, lines: tuple[Line, ...]) -> None:
        """Insert linked lines."""
        self._cursor.executemany(self._statements.insert_line, [line_row(line) for line in lines])

    def prune_journal(self, before: float, limit: int) -> int:
        """Delete up to `limit` old lines from the beginnings of their chains; how many went."""
        pruned = 0
        for head in self.chains():
            if pruned < limit:
                pruned += self._prune(head, before, limit - pruned)
        return pruned

    def erase(self, user_id: str, limit: int) -> int:
        """Erase the personal fields of up to `limit` lines; how many were erased."""
        places = self._rows(self._statements.unerased, (user_id, limit))
        self._cursor.executemany(self._statements.erase_line, [tuple(place) for place in places])
        return len(places)

    def finish(self) -> None:
        """The last statement of the slice: a changed setting rules from the next batch, on every node."""
        if self.settings_changed:
            self.set_state(SETTINGS_VERSION, str(self.settings_version() + 1))

    def _prune(self, head: ChainHead, before: float, limit: int) -> int:
        """Cut one chain up to its first young line: lines are never taken out of the middle."""
        kept, mac = head.first_seq, ""
        for seq, at, line_mac in self._rows(self._statements.beginning, (head.chain, head.first_seq, limit)):
            if at >= before:
                break
            kept, mac = seq + 1, line_mac
        if mac:
            self._cursor.execute(self._statements.delete_until, (head.chain, kept - 1))
            self._cursor.execute(self._statements.cut_chain, (kept, mac, head.chain))
        return kept - head.first_seq


def _taken(record: Any) -> str:
    if isinstance(record, Failures):
        return "this row exists already"
    return {"User": "this name is taken", "Credential": "this serial number is taken"}.get(
        type(record).__name__, "this id is taken"
    )
