"""What the door counts, and how it tells of its bugs."""

import traceback
from collections.abc import Callable
from typing import Protocol

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

LATENCY_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 2.5, 10.0, 30.0, 60.0)
PLACES = 5  # lines of code that the log names
REFERENCE_OCTETS = 4


class Log(Protocol):
    """Where the door says what it saw."""

    def error(self, event: str, **details: object) -> object:
        """Say it."""


class Counts:
    """The metrics of the API."""

    def __init__(self, registry: CollectorRegistry, log: Log, chance: Callable[[int], bytes]) -> None:
        """Register the metrics."""
        self._log = log
        self._chance = chance
        self._requests = Counter("vestibule_api_requests", "Requests answered.", ["status"], registry=registry)
        self.in_flight = Gauge("vestibule_api_in_flight", "Requests being answered.", registry=registry)
        self.seconds = Histogram(
            "vestibule_api_sign_in_seconds",
            "From request to decision; the delay of refusals and the wait for an approval are not in it.",
            buckets=LATENCY_BUCKETS,
            registry=registry,
        )

    def answered(self, status: int) -> None:
        """Count an answer."""
        self._requests.labels(str(status)).inc()

    def bug(self, bug: BaseException, operation: str) -> str:
        """Log where it happened, without a word of what was given; returns the reference."""
        reference = self._chance(REFERENCE_OCTETS).hex()
        places = [f"{one.filename}:{one.lineno} {one.name}" for one in traceback.extract_tb(bug.__traceback__)]
        self._log.error(
            "bug", operation=operation, reference=reference, error=type(bug).__name__, places=places[-PLACES:]
        )
        return reference
