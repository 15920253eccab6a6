"""Group commit when several nodes share the database: locked rows, and events that are settled once for all nodes.

A batch holds the guard together with all other batches; an administrative change that touches what decisions read or
write holds it alone, so a change finds a standing world here as it does on SQLite.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from vestibule.core.case import Case, Step
from vestibule.core.decisions import CheckPassword
from vestibule.core.errors import Unavailable
from vestibule.core.outbox import OutboxRow
from vestibule.core.ports import Writing
from vestibule.core.snapshot import Snapshot
from vestibule.stores.chain import Chain
from vestibule.stores.sql.batch import Batches, Item, Outcome, unavailable
from vestibule.stores.sql.postgresql.cursor import PostgresqlCursor
from vestibule.stores.sql.postgresql.faults import Busy, in_the_way, slow
from vestibule.stores.sql.postgresql.loaded import SharedLoaded
from vestibule.stores.sql.postgresql.statements import GUARD, shared
from vestibule.stores.sql.postgresql.step_text import Told, text_of, told
from vestibule.stores.sql.writing import Means, SqlWriting

T = TypeVar("T")
PATIENCE_MILLISECONDS = 200
GUARD_MILLISECONDS = 100
GUARD_TRIES = 20
LONGEST_NOTICE = 7500  # octets; PostgreSQL takes 7999
NO_CASE = Case(Snapshot())


class SharedBatches(Batches):
    """Runs batches and slices of one node on one connection after the other."""

    batch_begins = f"BEGIN; SELECT pg_advisory_xact_lock_shared({GUARD})"
    patient_begins = f"BEGIN; SET LOCAL lock_timeout = {PATIENCE_MILLISECONDS}; {batch_begins.removeprefix('BEGIN; ')}"
    slice_begins = "BEGIN"

    def __init__(self, cursor: PostgresqlCursor, means: Means, begin_chain: Callable[[], Chain]) -> None:
        """Own the writing `cursor`; `begin_chain` runs now, and anew when nobody knows where the chain ends."""
        super().__init__(cursor, means, begin_chain())
        self._own_cursor = cursor
        self._shared = shared(means.statements)
        self._begin_chain = begin_chain
        self._in_doubt = False
        outbox = means.statements.records[OutboxRow]
        self._light = frozenset({means.statements.insert_line, outbox.upsert, outbox.remove})

    def reopen(self) -> None:
        """Go on over a new connection. Where the answer to a COMMIT was lost, the old chain may or may not go on."""
        if self._in_doubt:
            self._chain, self._in_doubt = self._begin_chain(), False
        self._refresh()

    def refresh(self) -> None:
        """Follow the settings while no event comes in."""
        self._refresh()

    # -- batches ------------------------------------------------------------------------------------------------

    def settle_patiently(self, items: Sequence[Item]) -> list[Outcome]:
        """Settle what other nodes had locked again and again: wait for them, but not for long."""
        try:
            return self._transaction(self.patient_begins, lambda: self._decide_locked(items, patient=True))
        except self._faults as error:
            return self._settle_again(items, error)

    def _settle_again(self, items: Sequence[Item], error: Exception) -> list[Outcome]:
        if self._own_cursor.lost:
            raise error
        if in_the_way(error):
            return [Busy() for _ in items]
        if slow(error):
            return [unavailable(error) for _ in items]
        return super()._settle_again(items, error)

    def _commit(self) -> None:
        self._in_doubt = True
        super()._commit()
        self._in_doubt = False

    def _roll_back(self) -> None:
        if not self._own_cursor.lost:
            super()._roll_back()
            self._in_doubt = False

    def _decide_all(self, items: Sequence[Item]) -> list[Outcome]:
        return self._decide_locked(items, patient=False)

    def _decide_locked(self, items: Sequence[Item], *, patient: bool) -> list[Outcome]:
        loaded = SharedLoaded(self._cursor, self._shared, self._vault, self.snapshot, patient=patient)
        loaded.load(item.key for item in items)
        held = self._held_elsewhere(items, loaded, patient=patient)
        before = self._told_before(items)
        fresh: dict[str, Step] = {}
        outcomes = [
            Busy() if item.event_id in held else self._decide_once(item, loaded, before, fresh) for item in items
        ]
        self._save(loaded, list(fresh.values()))
        self._remember(fresh)
        self._tell_attempts(loaded.gone_on())
        return outcomes

    def _decide_once(
        self, item: Item, loaded: SharedLoaded, before: Mapping[str, Told], fresh: dict[str, Step]
    ) -> Outcome:
        if item.event_id in fresh:
            return fresh[item.event_id]
        known = before.get(item.event_id)
        if known is not None:
            return _said_again(known, item, loaded.case(item.key))
        outcome = self._decide(item, loaded)
        if isinstance(outcome, Step):
            fresh[item.event_id] = outcome
        return outcome

    def _held_elsewhere(self, items: Sequence[Item], loaded: SharedLoaded, *, patient: bool) -> set[str]:
        """The events whose person another node has locked, or that it is deciding: one of nobody has a lock itself."""
        held = {item.event_id for item in items if loaded.busy(item.key)}
        nobodys = {item.event_id for item in items if loaded.nobody(item.key)} - held
        if nobodys:
            claim = self._shared.patient_claim if patient else self._shared.claim
            self._cursor.execute(claim, (sorted(nobodys),))
            held |= nobodys - {row[0] for row in self._cursor.fetchall()}
        return held

    def _told_before(self, items: Iterable[Item]) -> dict[str, Told]:
        """What any node settled of these events; read behind the locks, so that none is settled between."""
        self._cursor.execute(self._shared.told, ([item.event_id for item in items],))
        return {event_id: told(text) for event_id, text in self._cursor.fetchall()}

    def _remember(self, fresh: Mapping[str, Step]) -> None:
        """In order of id: two nodes that settle an event of nobody at once wait for one another, not in a circle."""
        if fresh:
            rows = sorted((event_id, text_of(step)) for event_id, step in fresh.items())
            self._cursor.execute(self._shared.remember, tuple(map(list, zip(*rows, strict=True))))

    def _tell_attempts(self, attempts: list[str]) -> None:
        if attempts:
            text = json.dumps(attempts)
            self._notify(text if len(text) <= LONGEST_NOTICE else "all")

    # -- slices -------------------------------------------------------------------------------------------------

    def _act(self, act: Callable[[Writing], T]) -> tuple[T, Snapshot | None]:
        result, changed = super()._act(act)
        if changed is not None:
            self._notify("settings")
        return result, changed

    def _writing(self) -> SqlWriting:
        guarding = GuardingCursor(self._own_cursor, self._light, self._errors)
        return SqlWriting(guarding, self._means, self._chain, self.snapshot)

    def _notify(self, text: str) -> None:
        self._cursor.execute(self._shared.notify, (text,))


class GuardingCursor:
    """A slice's cursor: takes the guard before the first statement that is more than a note or a message's row.

    Other nodes' batches queue behind whoever waits for the guard, so it is waited for in short turns.
    """

    def __init__(self, cursor: PostgresqlCursor, light: frozenset[str], errors: tuple[type[Exception], ...]) -> None:
        """Begin without the guard."""
        self._cursor = cursor
        self._light = light
        self._errors = errors
        self._guarded = False

    def execute(self, statement: str, parameters: Any = None, /) -> None:
        """Run one statement."""
        self._guard(statement)
        self._cursor.execute(statement, parameters)

    def executemany(self, statement: str, parameters: Any, /) -> None:
        """Run one statement for many rows."""
        self._guard(statement)
        self._cursor.executemany(statement, parameters)

    def fetchone(self) -> Any:
        """The next row, or None."""
        return self._cursor.fetchone()

    def fetchall(self) -> Sequence[Any]:
        """All rows."""
        return self._cursor.fetchall()

    def _guard(self, statement: str) -> None:
        if self._guarded or statement in self._light:
            return
        for _ in range(GUARD_TRIES):
            if self._taken():
                self._guarded = True
                return
        raise Unavailable("another node has held the database for too long")

    def _taken(self) -> bool:
        try:
            self._cursor.execute(
                f"SAVEPOINT guard; SET LOCAL lock_timeout = {GUARD_MILLISECONDS}; "
                f"SELECT pg_advisory_xact_lock({GUARD}); RELEASE SAVEPOINT guard"
            )
        except self._errors as error:
            if not in_the_way(error):
                raise
            self._cursor.execute("ROLLBACK TO SAVEPOINT guard; SELECT pg_sleep(0.05)")
            return False
        return True


def _said_again(known: Told, item: Item, case: Case) -> Outcome:
    """The committed step; an order to check a password is made anew, for the password was never written."""
    if not known.asks_password:
        return Step(NO_CASE, known.decision, known.order)
    order = _order_anew(item, case)
    return Step(NO_CASE, known.decision, order) if order else Unavailable("the node that began this is deciding it")


def _order_anew(item: Item, case: Case) -> CheckPassword | None:
    """Let the event be decided as if it had not been before: nothing counted, its code unspent. Nothing is saved."""
    seeds = {one.id: replace(one, last_step=-1, counter=max(one.counter - 1, 0)) for one in case.seeds.values()}
    try:
        order = item.decide(replace(case, failures={}, seeds=seeds)).order
    except Exception:  # noqa: BLE001 # outermost: whatever this decision raises now, it was decided before
        return None
    return order if isinstance(order, CheckPassword) else None
