"""When a provider is left alone: too many of its last calls failed, or its account does not work. Kept in memory.

Each node finds out for itself. After a pause one send is let through; while it fails the pause doubles.
"""

from collections import deque
from dataclasses import dataclass, field

from vestibule.core.delivery import Fault, Medium, Outcome, Sent

WINDOW_CALLS, WINDOW_SECONDS = 20, 60.0
ENOUGH = 5
PAUSE_SECONDS, LONGEST_PAUSE = 30.0, 300.0
HEALTHY = 0.6  # of the health of the best, below which the order of the route is left


@dataclass(frozen=True, slots=True)
class Standing:
    """How a provider stands for one medium: its health from 0 to 1, and for how many seconds it is left alone."""

    medium: Medium
    health: float
    rests: float


@dataclass(slots=True)
class Breaker:
    """One provider, as this node has met it; times are in seconds of one clock."""

    calls: deque[tuple[float, bool]] = field(default_factory=lambda: deque(maxlen=WINDOW_CALLS))
    receipts: deque[tuple[float, bool]] = field(default_factory=lambda: deque(maxlen=WINDOW_CALLS))
    open_until: float = 0.0
    pause: float = PAUSE_SECONDS
    probing: bool = False

    def lets(self, now: float) -> bool:
        """Whether it may be tried; after a pause by one at a time."""
        if not self.open_until:
            return True
        return now >= self.open_until and not self.probing

    def begins(self, now: float) -> None:
        """It is being tried."""
        self.probing = bool(self.open_until) and now >= self.open_until

    def ends(self, sent: Sent, now: float) -> None:
        """What came of it."""
        self.probing = False
        bad = sent.outcome is Outcome.UNKNOWN or sent.fault in {Fault.OTHER, Fault.CONFIGURATION}
        self.calls.append((now, not bad))
        if bad and (self.open_until or sent.fault is Fault.CONFIGURATION or self._failing(now)):
            self.pause = min(self.pause * 2, LONGEST_PAUSE) if self.open_until else PAUSE_SECONDS
            self.open_until = now + self.pause
        elif not bad and self.open_until:
            self.open_until, self.pause = 0.0, PAUSE_SECONDS
            self.calls.clear()

    def receives(self, now: float, *, delivered: bool) -> None:
        """What the network said of a send."""
        self.receipts.append((now, delivered))

    def health(self, now: float) -> float:
        """From 0 to 1: how many were taken lately, and how many of these arrived."""
        return 0.6 * _share(self.calls, now, WINDOW_SECONDS * 15) + 0.4 * _share(
            self.receipts, now, WINDOW_SECONDS * 15
        )

    def standing(self, medium: Medium, now: float) -> Standing:
        """How it stands, as people are told."""
        return Standing(medium, self.health(now), max(0.0, self.open_until - now))

    def _failing(self, now: float) -> bool:
        lately = [good for at, good in self.calls if now - at < WINDOW_SECONDS]
        return len(lately) >= ENOUGH and lately.count(False) * 2 >= len(lately)


def _share(events: deque[tuple[float, bool]], now: float, seconds: float) -> float:
    lately = [good for at, good in events if now - at < seconds]
    return sum(lately) / len(lately) if len(lately) >= ENOUGH else 1.0
