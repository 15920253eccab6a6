"""Refusals of names that nobody has: beyond ten a minute from one source they share one counted line.

Otherwise whoever sprays names would fill the journal. Called by decisions in the writer's thread and by the sweeper.
"""

import threading
from collections import defaultdict

from vestibule.core.journal import Entry, EntryKind
from vestibule.core.reasons import Reason

LINES_PER_MINUTE = 10
MINUTE = 60.0


class UnknownNames:
    """Counts refusals of unknown names per client and source."""

    def __init__(self) -> None:
        """Start with none."""
        self._lock = threading.Lock()
        self._since = 0.0
        self._seen: dict[tuple[str, str], int] = defaultdict(int)
        self._unwritten: dict[tuple[str, str], int] = defaultdict(int)

    def written(self, entry: Entry) -> bool:
        """Whether this entry gets a line of its own; if not it is counted."""
        if entry.reason is not Reason.UNKNOWN_USER:
            return True
        place = (entry.client_id, entry.source)
        with self._lock:
            if entry.at >= self._since + MINUTE:
                self._since, self._seen = entry.at, defaultdict(int)
            self._seen[place] += 1
            if self._seen[place] <= LINES_PER_MINUTE:
                return True
            self._unwritten[place] += 1
            return False

    def counted(self, now: float) -> tuple[Entry, ...]:
        """One line for each place with uncounted refusals, and start anew."""
        with self._lock:
            unwritten, self._unwritten = self._unwritten, defaultdict(int)
        return tuple(_line(now, *place, count) for place, count in unwritten.items())


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
