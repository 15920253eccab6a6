"""Group commit: one read of all cases, all decisions in memory, one write of all changes, one commit.

Plain synchronous code on a driver's cursor. On SQLite it runs in the writer's thread, which owns the only writing
connection; on PostgreSQL `postgresql.batch` adds what several nodes on one database need.
"""

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from vestibule.core.case import Decide, Key, Step
from vestibule.core.decisions import Deliver
from vestibule.core.errors import Malformed, Unavailable
from vestibule.core.journal import Line
from vestibule.core.outbox import OutboxRow
from vestibule.core.ports import Writing
from vestibule.core.snapshot import Snapshot
from vestibule.stores.chain import Chain
from vestibule.stores.sql.loaded import Loaded
from vestibule.stores.sql.reading import Cursor, SqlReading, line_row
from vestibule.stores.sql.refusals import Refusals
from vestibule.stores.sql.shapes import OUTBOX
from vestibule.stores.sql.writing import SALT_OCTETS, Means, SqlWriting

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Item:
    """One event that waits for its batch; `deadline` in `time.monotonic()` seconds."""

    event_id: str
    key: Key
    decide: Decide
    deadline: float


Outcome = Step | BaseException


class Batches:
    """Runs batches and slices on one connection, one after the other."""

    batch_begins = "BEGIN IMMEDIATE"
    slice_begins = "BEGIN IMMEDIATE"

    def __init__(self, cursor: Cursor, means: Means, chain: Chain) -> None:
        """Own the writing `cursor` and the `chain`."""
        self._cursor = cursor
        self._means = means
        self._statements = means.statements
        self._vault = means.vault
        self._chain = chain
        self._node = means.node
        self._chance = means.chance
        self._errors = means.driver.error
        self._begun = False  # a batch that could not even begin is not tried again item by item
        self._faults: tuple[type[Exception], ...] = (
            *means.driver.error,
            Malformed,
            Unavailable,  # of a value whose key does not open here
            ValueError,
            TypeError,
            OverflowError,
        )
        self._reading = SqlReading(cursor, means.statements, means.vault)
        self._refusals = Refusals()
        self._follow(self._reading.settings_version())
        self.snapshot = self._reading.snapshot()

    def settle(self, items: Sequence[Item]) -> list[Outcome]:
        """Decide and commit all; a batch that fails is run again item by item, so that none harms another."""
        try:
            return self._transaction(self.batch_begins, lambda: self._decide_all(items))
        except self._faults as error:
            return self._settle_again(items, error)

    def _settle_again(self, items: Sequence[Item], error: Exception) -> list[Outcome]:
        if len(items) == 1 or not self._begun:
            return [unavailable(error) for _ in items]
        return [self.settle([item])[0] for item in items]

    def change(self, act: Callable[[Writing], T]) -> T:
        """Run one slice of an administrative change; anything that it raises rolls it back."""
        try:
            result, changed = self._transaction(self.slice_begins, lambda: self._act(act))
        except self._errors as error:
            raise unavailable(error) from error
        self.snapshot = changed or self.snapshot  # rules from here on, also while no sign-in comes in
        return result

    def _transaction(self, begin: str, body: Callable[[], T]) -> T:
        head, committed, self._begun = self._chain.head, False, False
        try:
            self._cursor.execute(begin)
            self._begun = True
            self._refresh()
            result = body()
            self._commit()
            committed = True
        finally:
            self._refusals.done(committed=committed)
            if not committed:
                self._chain.rewind(head)
                self._roll_back()
        return result

    def _commit(self) -> None:
        self._cursor.execute("COMMIT")

    def _roll_back(self) -> None:
        try:
            self._cursor.execute("ROLLBACK")
        except self._errors:
            return  # the transaction has ended by itself, as after a full disk

    def _refresh(self) -> None:
        version = self._reading.settings_version()
        if version != self._followed:
            self._follow(version)
        if version != self.snapshot.version:
            self.snapshot = self._reading.snapshot()

    def _follow(self, version: int) -> None:
        """Let the vault know the keys as they are: whatever this batch meets has been sealed with one of them."""
        self._reading.keys.let_follow(self._vault)
        self._followed = version

    def _act(self, act: Callable[[Writing], T]) -> tuple[T, Snapshot | None]:
        """Run the slice; the new snapshot is read before the commit, so that a wrong setting is never stored."""
        writing = self._writing()
        result = act(writing)
        writing.finish()
        changed = writing.snapshot() if writing.settings_changed else None
        self._refusals.take(writing.refused)
        return result, changed

    def _writing(self) -> SqlWriting:
        return SqlWriting(self._cursor, self._means, self._chain, self.snapshot)

    def _decide_all(self, items: Sequence[Item]) -> list[Outcome]:
        loaded = Loaded(self._cursor, self._statements, self._vault, self.snapshot)
        loaded.load(item.key for item in items)
        outcomes = [self._decide(item, loaded) for item in items]
        self._save(loaded, [outcome for outcome in outcomes if isinstance(outcome, Step)])
        return outcomes

    def _decide(self, item: Item, loaded: Loaded) -> Outcome:
        if time.monotonic() >= item.deadline:
            return Unavailable("the deadline passed before the decision was made")
        case = loaded.case(item.key)
        try:
            step = item.decide(case)
        except Exception as error:  # noqa: BLE001 # outermost: a poisoned decision reaches its caller only
            return error
        loaded.apply(case, step)
        return step

    def _save(self, loaded: Loaded, steps: Sequence[Step]) -> None:
        loaded.save()
        self._refusals.take((*loaded.refused, *self._reading.refused))
        self._reading.refused.clear()
        self._append([line_row(line) for line in self._lines(steps)])
        self._post(steps)

    def _lines(self, steps: Iterable[Step]) -> list[Line]:
        entries = self._refusals.entries([step.entry for step in steps if step.entry])
        salts = self._chance(SALT_OCTETS * len(entries)).hex()
        shown, width = self.snapshot.settings.journal_fields, 2 * SALT_OCTETS
        return [self._chain.link(entry, shown, salts[i * width : (i + 1) * width]) for i, entry in enumerate(entries)]

    def _append(self, rows: list[Sequence[object]]) -> None:
        if rows:
            self._cursor.executemany(self._statements.insert_line, rows)

    def _post(self, steps: Iterable[Step]) -> None:
        """Commit each message with the step that asked for it, leased to this node."""
        messages = [step.order.message for step in steps if isinstance(step.order, Deliver)]
        rows = [OutboxRow(one.id, one, self._node, one.deadline) for one in messages]
        if rows:
            statement = self._statements.records[OutboxRow].upsert
            self._cursor.executemany(statement, [OUTBOX.encode(row, self._vault) for row in rows])


def unavailable(error: BaseException) -> Unavailable:
    """What a caller hears of a fault of the database; of PostgreSQL's its code, for its words may quote a value."""
    code = getattr(error, "sqlstate", None)
    said = f"SQLSTATE {code}" if code else str(error)
    return Unavailable(f"the database or one of its rows refused: {type(error).__name__}: {said}")
