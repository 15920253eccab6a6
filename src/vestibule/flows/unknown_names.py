"""Refusals of names that nobody has: beyond ten a minute from one source they share one counted line.

Otherwise whoever sprays names would fill the journal. A refusal is counted once however often its decision is run, and
not at all when nothing was committed. Called by decisions in the writer's thread, by flows and by the sweeper.
"""

import threading
from collections import defaultdict
from dataclasses import dataclass, replace

from vestibule.core.case import Step
from vestibule.core.journal import Entry, EntryKind
from vestibule.core.reasons import Reason

LINES_PER_MINUTE = 10
MINUTE = 60.0

Place = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Counted:
    """One refusal: from where, in which minute, and whether it has a line of its own."""

    place: Place
    since: float
    written: bool


class UnknownNames:
    """Counts refusals of unknown names per client and source."""

    def __init__(self) -> None:
        """Start with none."""
        self._lock = threading.Lock()
        self._since = 0.0
        self._seen: dict[Place, int] = defaultdict(int)
        self._unwritten: dict[Place, int] = defaultdict(int)

    def count(self, entry: Entry) -> Counted:
        """Count a refusal that is about to be written."""
        place = (entry.client_id, entry.source)
        with self._lock:
            if entry.at >= self._since + MINUTE:
                self._since, self._seen = entry.at, defaultdict(int)
            self._seen[place] += 1
            written = self._seen[place] <= LINES_PER_MINUTE
            if not written:
                self._unwritten[place] += 1
            return Counted(place, self._since, written)

    def take_back(self, counted: Counted) -> None:
        """Count it no more, for it was not written."""
        with self._lock:
            if counted.since == self._since:
                self._seen[counted.place] -= 1
            if not counted.written and self._unwritten[counted.place]:
                self._unwritten[counted.place] -= 1

    def counted(self, now: float) -> tuple[Entry, ...]:
        """One line for each place with uncounted refusals, and start anew."""
        with self._lock:
            unwritten, self._unwritten = self._unwritten, defaultdict(int)
        return tuple(_line(now, *place, count) for place, count in unwritten.items() if count)


class Refusal:
    """The refusal that one event may turn out to be."""

    def __init__(self, names: UnknownNames) -> None:
        """Count with `names`."""
        self._names = names
        self._counted: Counted | None = None
        self._step: Step | None = None

    def decided(self, step: Step) -> Step:
        """The step as it is to be saved; a store may run the decision again when a batch fails."""
        if step.entry is not None and step.entry.reason is Reason.UNKNOWN_USER:
            self._counted = self._counted or self._names.count(step.entry)
            step = step if self._counted.written else replace(step, entry=None)
        elif self._counted is not None:
            self._forget()
        self._step = step
        return step

    def committed(self, step: Step | None) -> bool:
        """Say what was committed, None for nothing; whether it is what was decided here."""
        ours = step is not None and step is self._step
        if not ours:
            self._forget()
        return ours

    def _forget(self) -> None:
        if self._counted is not None:
            self._names.take_back(self._counted)
            self._counted = None


def _line(now: float, client_id: str, source: str, count: int) -> Entry:
    return Entry(
        at=now,
        kind=EntryKind.SIGN_IN,
        action="sign_in",
        client_id=client_id,
        source=source,
        accepted=False,
        reason=Reason.UNKNOWN_USER,
        detail={"count": count},
    )
