"""When a packet is sent again (RFC 5080 section 2.2.1). Pure: chance is a parameter."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds before the first retransmission, the longest between two, how often in all, how long in all.

    The defaults are the RFC's IRT, MRT, MRC and MRD.
    """

    first: float = 2.0
    longest: float = 16.0
    most: int = 5
    in_all: float = 30.0

    def delays(self, jitter: Callable[[], float]) -> Iterator[float]:
        """Seconds to wait after each sending, the last one included; `jitter` gives numbers from -0.1 to 0.1."""
        delay = self.first * (1 + jitter())
        left = self.in_all
        for _ in range(self.most):
            yield min(delay, left)
            left -= delay
            if left <= 0:
                return
            delay *= 2 + jitter()
            if delay > self.longest:
                delay = self.longest * (1 + jitter())


def jitter(octets: bytes) -> float:
    """Make a number from -0.1 to 0.1 of random octets."""
    return (int.from_bytes(octets, "big") / ((1 << 8 * len(octets)) - 1) - 0.5) / 5
