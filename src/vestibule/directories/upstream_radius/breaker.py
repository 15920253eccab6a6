"""A server that answers nobody is left alone for a while, so that sign-ins do not wait for it. Pure: time is given.

One request without an answer proves little: servers drop packets that they dislike. So it counts only when nothing at
all came back since it left.
"""

from dataclasses import dataclass

LIMIT = 3  # requests in a row without an answer
REST = 5.0  # seconds, twice as long after each trial that fails
LONGEST_REST = 60.0


@dataclass(slots=True)
class Breaker:
    """Closed while the server answers; open, it lets one request through after each rest."""

    limit: int = LIMIT
    rest: float = REST
    longest_rest: float = LONGEST_REST
    _failures: int = 0
    _heard_at: float = float("-inf")
    _resting: float = 0.0
    _until: float = 0.0

    @property
    def open(self) -> bool:
        """Whether the server is left alone."""
        return self._resting > 0

    def admits(self, now: float) -> bool:
        """Whether a request may go there."""
        return not self.open or now >= self._until

    def asked(self, now: float) -> None:
        """A request goes there; while open it is the trial, and others wait for the next."""
        if self.open:
            self._until = now + self._resting

    def answered(self, now: float) -> bool:
        """Something came back and proved itself; whether the breaker was open until now."""
        was_open, self._failures, self._heard_at, self._resting = self.open, 0, now, 0.0
        return was_open

    def unanswered(self, sent_at: float, now: float) -> bool:
        """A request that left at `sent_at` was given up; whether the breaker opened now."""
        if self._heard_at >= sent_at:
            return False
        if self.open:
            self._resting = min(self._resting * 2, self.longest_rest)
            self._until = now + self._resting
            return False
        self._failures += 1
        if self._failures < self.limit:
            return False
        self._resting, self._until = self.rest, now + self.rest
        return True
