"""Group commit: one read of all cases, all decisions in memory, one write of all changes, one commit.

Plain synchronous code on a driver's cursor; it runs in the writer's thread, which owns the only writing connection.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from sqlalchemy import Dialect

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
from vestibule.stores.sql.shapes import OUTBOX
from vestibule.stores.sql.statements import Statements
from vestibule.stores.sql.writing import SALT_OCTETS, SqlWriting
from vestibule.stores.vault import Chance, Vault

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Item:
    """One decision that waits for its batch; `deadline` in `time.monotonic()` seconds."""

    key: Key
    decide: Decide
    deadline: float


Outcome = Step | BaseException


class Batches:
    """Runs batches and slices on one connection, one after the other."""

    def __init__(  # noqa: PLR0913 - one place that holds what a writer needs
        self,
        cursor: Cursor,
        statements: Statements,
        dialect: Dialect,
        vault: Vault,
        chain: Chain,
        node: str,
        chance: Chance,
        driver_error: type[Exception],
        unique_violation: type[Exception],
    ) -> None:
        """Own the writing `cursor` and the `chain`."""
        self._cursor = cursor
        self._statements = statements
        self._dialect = dialect
        self._vault = vault
        self._chain = chain
        self._node = node
        self._chance = chance
        self._driver_error = driver_error
        self._faults = (driver_error, Malformed, ValueError, TypeError, OverflowError)
        self._unique_violation = unique_violation
        self._reading = SqlReading(cursor, statements, dialect, vault)
        self.snapshot = self._reading.snapshot()

    def settle(self, items: Sequence[Item]) -> list[Outcome]:
        """Decide and commit all; a batch that fails is run again item by item, so that none harms another."""
        try:
            return self._transaction(lambda: self._decide_all(items))
        except self._faults as error:
            if len(items) == 1:
                return [_unavailable(error)]
        return [self.settle([item])[0] for item in items]

    def change(self, act: Callable[[Writing], T]) -> T:
        """Run one slice of an administrative change; anything that it raises rolls it back."""
        try:
            result, changed = self._transaction(lambda: self._act(act))
        except self._driver_error as error:
            raise _unavailable(error) from error
        self.snapshot = changed or self.snapshot  # rules from here on, also while no sign-in comes in
        return result

    def _transaction(self, body: Callable[[], T]) -> T:
        head, committed = self._chain.head, False
        try:
            self._cursor.execute("BEGIN IMMEDIATE")
            self._refresh()
            result = body()
            self._cursor.execute("COMMIT")
            committed = True
        finally:
            if not committed:
                self._chain.rewind(head)
                self._roll_back()
        return result

    def _roll_back(self) -> None:
        try:
            self._cursor.execute("ROLLBACK")
        except self._driver_error:
            return  # the transaction has ended by itself, as after a full disk

    def _refresh(self) -> None:
        if self._reading.settings_version() != self.snapshot.version:
            self.snapshot = self._reading.snapshot()

    def _act(self, act: Callable[[Writing], T]) -> tuple[T, Snapshot | None]:
        """Run the slice; the new snapshot is read before the commit, so that a wrong setting is never stored."""
        writing = SqlWriting(
            self._cursor,
            self._statements,
            self._dialect,
            self._vault,
            self._chain,
            self.snapshot,
            self._chance,
            self._unique_violation,
        )
        result = act(writing)
        writing.finish()
        return result, writing.snapshot() if writing.settings_changed else None

    def _decide_all(self, items: Sequence[Item]) -> list[Outcome]:
        loaded = Loaded(self._cursor, self._statements, self._vault, self.snapshot)
        loaded.load(item.key for item in items)
        outcomes = [self._decide(item, loaded) for item in items]
        steps = [outcome for outcome in outcomes if isinstance(outcome, Step)]
        loaded.save()
        self._append([line_row(line) for line in self._lines(steps)])
        self._post(steps)
        return outcomes

    def _decide(self, item: Item, loaded: Loaded) -> Outcome:
        if time.monotonic() >= item.deadline:  # noqa: TID251 - deadlines are kept here, by the monotonic clock
            return Unavailable("the deadline passed before the decision was made")
        case = loaded.case(item.key)
        try:
            step = item.decide(case)
        except Exception as error:  # noqa: BLE001 # outermost: a poisoned decision reaches its caller only
            return error
        loaded.apply(case, step)
        return step

    def _lines(self, steps: list[Step]) -> list[Line]:
        entries = [step.entry for step in steps if step.entry]
        salts = self._chance(SALT_OCTETS * len(entries)).hex()
        shown, width = self.snapshot.settings.journal_fields, 2 * SALT_OCTETS
        return [
            self._chain.link(entry, shown, salts[i * width : (i + 1) * width]) for i, entry in enumerate(entries)
        ]

    def _append(self, rows: list[Sequence[object]]) -> None:
        if rows:
            self._cursor.executemany(self._statements.insert_line, rows)

    def _post(self, steps: list[Step]) -> None:
        """Commit each message with the step that asked for it, leased to this node."""
        messages = [step.order.message for step in steps if isinstance(step.order, Deliver)]
        rows = [OutboxRow(one.id, one, self._node, one.deadline) for one in messages]
        if rows:
            statement = self._statements.records[OutboxRow].upsert
            self._cursor.executemany(statement, [OUTBOX.encode(row, self._vault) for row in rows])


def _unavailable(error: BaseException) -> Unavailable:
    return Unavailable(f"the database or one of its rows refused: {type(error).__name__}: {error}")
