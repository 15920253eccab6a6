"""Rates: so many in a second on average, and a few more at once."""

from collections.abc import Callable
from dataclasses import dataclass

MOST_NAMES = 50_000


@dataclass(slots=True)
class _Bucket:
    tokens: float
    at: float


class Buckets:
    """Token buckets by name. Names whose bucket is full again are forgotten when there are too many."""

    def __init__(self, per_second: float, at_once: float, monotonic: Callable[[], float]) -> None:
        """Fill each bucket with `per_second` tokens, up to `at_once`."""
        self._per_second = per_second
        self._at_once = max(at_once, 1.0)
        self._monotonic = monotonic
        self._buckets: dict[str, _Bucket] = {}

    def wait(self, name: str) -> float:
        """Seconds until there is a token, 0 when there is one."""
        return max(0.0, (1.0 - self._filled(name).tokens) / self._per_second)

    def spend(self, name: str) -> None:
        """Take a token, also one that is not there yet: those who come at once pay afterwards."""
        self._filled(name).tokens -= 1.0

    def take(self, name: str) -> float:
        """Take a token if there is one; otherwise the seconds until there is."""
        seconds = self.wait(name)
        if not seconds:
            self.spend(name)
        return seconds

    def _filled(self, name: str) -> _Bucket:
        now = self._monotonic()
        bucket = self._buckets.get(name) or self._fresh(name, now)
        bucket.tokens = min(bucket.tokens + (now - bucket.at) * self._per_second, self._at_once)
        bucket.at = now
        return bucket

    def _fresh(self, name: str, now: float) -> _Bucket:
        if len(self._buckets) >= MOST_NAMES:
            full_after = self._at_once / self._per_second
            owing = {name: one for name, one in self._buckets.items() if now - one.at < full_after}
            self._buckets = owing if len(owing) < MOST_NAMES // 2 else {}
        return self._buckets.setdefault(name, _Bucket(self._at_once, now))
