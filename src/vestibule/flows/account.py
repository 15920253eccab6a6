"""Account: put what a client reports of a session (start, interim, stop) into the journal, before it is answered."""

from collections.abc import Callable
from dataclasses import dataclass

from vestibule.core.case import Case, Key, KeyKind, Step
from vestibule.core.journal import Entry, EntryKind
from vestibule.core.ports import Store
from vestibule.wire.names import name_key


@dataclass(frozen=True, slots=True)
class Accounting:
    """One report; `status` is start, stop, interim or what the client calls it, `deadline` in monotonic seconds."""

    event_id: str
    client_id: str
    user_name: str
    source: str
    status: str
    session_id: str
    deadline: float


class Account:
    """The flow."""

    def __init__(self, store: Store, clock: Callable[[], float]) -> None:
        """Write to `store`."""
        self._store = store
        self._clock = clock

    async def note(self, report: Accounting) -> None:
        """Journal one report, once however often it is sent. Raises Unavailable."""
        at = self._clock()

        def decide(case: Case) -> Step:
            return Step(case, entry=_entry(report, case, at))

        key = Key(KeyKind.NAME, name_key(report.user_name), report.source)
        await self._store.settle(key, report.event_id, decide, report.deadline)


def _entry(report: Accounting, case: Case, at: float) -> Entry:
    user = case.user
    return Entry(
        at=at,
        kind=EntryKind.SYSTEM,
        action="accounting",
        user_id=user.id if user else "",
        user_name=user.name if user else report.user_name,
        source=report.source,
        client_id=report.client_id,
        detail={"status": report.status, "session": report.session_id},
    )
