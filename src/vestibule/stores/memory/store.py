"""The reference store: one process, one event loop, no disk. It says in the fewest words what every store must do.

Rules of this file: nothing waits between loading a case and saving it, so every decision is alone; what can fail comes
before the first write.
"""

import asyncio
import time
from collections.abc import Callable
from typing import TypeVar, get_args

from vestibule.core.attempts import Attempt
from vestibule.core.case import Case, Decide, Key, KeyKind, Step
from vestibule.core.credentials import Credential, Seed
from vestibule.core.decisions import Deliver
from vestibule.core.errors import Unavailable
from vestibule.core.failures import FailureKind, Failures
from vestibule.core.outbox import OutboxRow
from vestibule.core.ports import ChainHead, Reading, Record, Writing
from vestibule.core.snapshot import Snapshot
from vestibule.core.users import Alias, User
from vestibule.stores.chain import GENESIS
from vestibule.stores.memory.tables import Journal, MemoryReading, MemoryWriting, Tables, record_id

REMEMBERED_SECONDS = 60.0
REMOVABLE = (Attempt, Failures)  # what a decision may leave out of its case; nobody else goes by a sign-in

T = TypeVar("T")


class MemoryStore:
    """One process's store without a disk. `chain_key` is 32 octets; `clock` counts seconds like time.monotonic."""

    def __init__(
        self,
        chain_key: bytes,
        chance: Callable[[int], bytes],
        *,
        node: str = "memory",
        server_address: str = "",
        started_at: float = 0.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Begin empty, with a journal chain of the node's name."""
        head = ChainHead(node, started_at, node, server_address, 1, GENESIS, 0, GENESIS)
        records: dict[type[Record], dict[str, Record]] = {kind: {} for kind in get_args(Record)}
        self._tables = Tables(records, {}, Journal(chain_key, chance, head, []), Snapshot())
        self._node = node
        self._clock = clock
        self._settled: dict[str, tuple[float, Step]] = {}
        self._watchers: dict[str, set[asyncio.Future[Attempt | None]]] = {}
        self._closed = False

    @property
    def snapshot(self) -> Snapshot:
        """See `Store.snapshot`."""
        return self._tables.snapshot

    async def settle(self, key: Key, event_id: str, decide: Decide, deadline: float) -> Step:
        """See `Store.settle`."""
        self._refuse_when_closed()
        now = self._clock()
        self._forget(now - REMEMBERED_SECONDS)
        if event_id in self._settled:
            return self._settled[event_id][1]
        if deadline <= now:
            raise Unavailable("the deadline has passed; nothing was decided")
        case = self._load(key)
        step = decide(case)
        self._save(case, step)
        self._settled[event_id] = (now, step)
        return step

    async def change(self, act: Callable[[Writing], T]) -> T:
        """See `Store.change`."""
        self._refuse_when_closed()
        writing = MemoryWriting(self._tables.copy())
        outcome = act(writing)
        self._tables = writing.completed()
        for attempt_id in self._watchers:
            self._tell(attempt_id)
        return outcome

    async def read(self, question: Callable[[Reading], T]) -> T:
        """See `Store.read`."""
        self._refuse_when_closed()
        return question(MemoryReading(self._tables))

    async def watch(self, attempt_id: str, until: float) -> Attempt | None:
        """See `Store.watch`; raises Unavailable when the store is closed meanwhile."""
        self._refuse_when_closed()
        told: asyncio.Future[Attempt | None] = asyncio.get_running_loop().create_future()
        waiting = self._watchers.setdefault(attempt_id, set())
        waiting.add(told)
        self._tell(attempt_id)
        try:
            return await asyncio.wait_for(told, until - self._clock())
        except TimeoutError:
            return None
        finally:
            waiting.discard(told)
            if not waiting:
                self._watchers.pop(attempt_id, None)

    async def close(self) -> None:
        """See `Store.close`; nothing can be under way but watching."""
        self._closed = True
        for told in [told for waiting in self._watchers.values() for told in waiting if not told.done()]:
            told.set_exception(Unavailable("the store is closed"))

    def _refuse_when_closed(self) -> None:
        if self._closed:
            raise Unavailable("the store is closed")

    def _forget(self, before: float) -> None:
        """Drop the oldest settled events; they stand in order of time."""
        while self._settled and next(iter(self._settled.values()))[0] <= before:
            del self._settled[next(iter(self._settled))]

    def _load(self, key: Key) -> Case:
        reading = MemoryReading(self._tables)
        attempt = reading.get(Attempt, key.value) if key.kind is KeyKind.ATTEMPT else None
        user = _user(reading, key, attempt)
        if user is None:
            return Case(self.snapshot, attempt=attempt)
        source = key.source or (attempt.source if attempt else "")
        credentials = sorted(reading.find(Credential, "user_id", user.id), key=lambda one: (one.created_at, one.id))
        seeds = [seed for one in credentials if (seed := reading.get(Seed, one.seed_id))]
        rows = reading.find(Failures, "user_id", user.id)
        failures = {(row.kind, row.name): row for row in rows if row.kind is FailureKind.FACTOR or row.name == source}
        return Case(self.snapshot, user, tuple(credentials), {seed.id: seed for seed in seeds}, failures, attempt)

    def _save(self, before: Case, step: Step) -> None:
        """Save what is not the same object any more, the entry first, because it may be refused."""
        tables, old, new = self._tables, _records(before), _records(step.case)
        if step.entry is not None:
            tables.journal.append(step.entry, self.snapshot.settings.journal_fields)
        for kind, key in old.keys() - new.keys():
            if kind in REMOVABLE:
                del tables.records[kind][key]
        for place, record in new.items():
            if record is not old.get(place):
                tables.save(record)
        if isinstance(step.order, Deliver):
            message = step.order.message
            tables.save(OutboxRow(message.id, message, self._node, message.deadline))
        for attempt in (before.attempt, step.case.attempt):
            if attempt is not None:
                self._tell(attempt.id)

    def _tell(self, attempt_id: str) -> None:
        """Wake those who wait for this attempt, if it is not awaited any more."""
        attempt = self._tables.of(Attempt).get(attempt_id)
        if attempt is None or not attempt.awaited:
            for told in self._watchers.get(attempt_id, ()):
                if not told.done():
                    told.set_result(attempt)


def _user(reading: Reading, key: Key, attempt: Attempt | None) -> User | None:
    """The person whom the key leads to."""
    if key.kind is KeyKind.NAME:
        own = next(iter(reading.find(User, "key", key.value)), None)
        alias = reading.get(Alias, key.value)
        return own or (reading.get(User, alias.user_id) if alias else None)
    if key.kind is KeyKind.CREDENTIAL:
        credential = reading.get(Credential, key.value)
        return reading.get(User, credential.user_id) if credential else None
    return reading.get(User, attempt.user_id) if attempt else None


def _records(case: Case) -> dict[tuple[type[Record], str], Record]:
    """All records of a case by kind and id."""
    one = [record for record in (case.user, case.attempt) if record is not None]
    many: list[Record] = [*one, *case.credentials, *case.seeds.values(), *case.failures.values()]
    return {(type(record), record_id(record)): record for record in many}
