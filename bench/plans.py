"""When requests of an open loop are due: each stream comes at its rate, by chance (Poisson), as people do."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bench.load import Asked, Run

Make = Callable[[int], Asked]
"""Makes the `n`th request of the whole run."""


@dataclass(frozen=True)
class Stream:
    """Requests of one kind: how many a second, and how each is made."""

    rate: float
    make: Make


@dataclass(frozen=True)
class Plan:
    """All requests in order, and which stream each is of."""

    requests: Sequence[tuple[float, Asked]]
    streams: Sequence[int]

    def part(self, run: Run, stream: int) -> Run:
        """What the run saw of one stream."""
        return Run([one for one, number in zip(run.exchanges, self.streams, strict=True) if number == stream])


def planned(seconds: float, *streams: Stream) -> Plan:
    """Merge the streams and make their requests now."""
    arrivals = sorted(
        (due, number) for number, stream in enumerate(streams) for due in _arrivals(stream.rate, seconds, number)
    )
    requests = [(due, streams[number].make(n)) for n, (due, number) in enumerate(arrivals)]
    return Plan(requests, [number for _, number in arrivals])


def _arrivals(rate: float, seconds: float, seed: int) -> list[float]:
    chance, due, arrivals = random.Random(seed), 0.0, []
    while (due := due + chance.expovariate(rate)) < seconds:
        arrivals.append(due)
    return arrivals
