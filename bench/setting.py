"""What all rows share: the cores, the size of the run, and the tally of every answer."""

import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median

from bench.load import Run
from bench.machine import Cores
from bench.past import Past
from bench.population import Population
from bench.processes import Load


@dataclass(frozen=True)
class Scale:
    """How much is run; `seconds` bounds one phase."""

    users: int
    rounds: int
    seconds: float
    parked: int
    tokens: int
    helps: int
    lines: int

    @property
    def population(self) -> Population:
        return Population(self.users, self.parked)

    @property
    def tenfold(self) -> Population:
        """The people of a larger installation, to see growth."""
        return Population(10 * self.users, 0)

    @property
    def past(self) -> Past:
        """The users, and a journal about them."""
        return Past(self.population, self.lines)


FULL = Scale(users=100_000, rounds=3, seconds=8.0, parked=10_000, tokens=100_000, helps=7, lines=10_000_000)
QUICK = Scale(users=2_000, rounds=1, seconds=0.5, parked=200, tokens=2_000, helps=1, lines=50_000)


@dataclass(frozen=True)
class Case:
    """A load in one line of the second table, one value for each time that it was run."""

    loads: list[Load] = field(default_factory=list)

    @property
    def rate(self) -> float:
        return median(load.run.rate for load in self.loads)

    @property
    def cpu_microseconds(self) -> float:
        return median(load.cpu_microseconds for load in self.loads)

    @property
    def busy(self) -> float:
        return median(load.busy for load in self.loads)

    def quantile(self, share: float) -> float:
        return median(load.run.quantile(share) for load in self.loads)

    @property
    def requests(self) -> int:
        return sum(len(load.run.exchanges) for load in self.loads)

    @property
    def lost(self) -> int:
        return sum(load.run.lost for load in self.loads)

    @property
    def wrong(self) -> int:
        return sum(load.run.wrong for load in self.loads)


@dataclass
class Setting:
    """One run of the bench."""

    cores: Cores
    scale: Scale
    cases: defaultdict[str, Case] = field(default_factory=lambda: defaultdict(Case))

    def keep(self, name: str, load: Load) -> Run:
        """Check every answer, and remember what the load showed under this name."""
        self.cases[name].loads.append(load)
        _ = load.run.wrong
        return load.run

    @property
    def wrong(self) -> int:
        return sum(case.wrong for case in self.cases.values())


class People:
    """Hands out each user once, in no order, so that no code is used twice."""

    def __init__(self, count: int) -> None:
        self._order = random.Random(count).sample(range(count), count)
        self._taken = 0

    def take(self, count: int) -> Sequence[int]:
        """At most that many that were not taken before."""
        begin, self._taken = self._taken, min(self._taken + count, len(self._order))
        return self._order[begin : self._taken]

    def __len__(self) -> int:
        """How many are left."""
        return len(self._order) - self._taken
