"""What each row must reach and what it aims for; docs/performance.md says why."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median


@dataclass(frozen=True)
class Bound:
    """A limit from below or from above."""

    limit: float
    from_below: bool

    def met(self, value: float) -> bool:
        return value >= self.limit if self.from_below else value <= self.limit

    def __str__(self) -> str:
        return f"{'≥' if self.from_below else '≤'} {self.limit:g}"


def least(limit: float) -> Bound:
    return Bound(limit, from_below=True)


def most(limit: float) -> Bound:
    return Bound(limit, from_below=False)


@dataclass(frozen=True)
class Goal:
    """One figure that is measured, its unit and its bounds."""

    row: str
    work: str
    unit: str
    must: Bound | None = None
    aim: Bound | None = None


CODEC = Goal("1", "RADIUS codec only ÷ bare echo", "%", least(35))
ONE_SHOT = Goal("1", "PAP + TOTP one-shot, 64 in flight ÷ codec only", "%", least(10), least(18))
ONE_SHOT_CPU = Goal("1", "the same by CPU time, which other work on the machine touches least", "%")
ONE_SHOT_P99 = Goal("1", "p99, open loop at 70 % of that peak", "ms", most(20))
PASSWORD_P99 = Goal("1b", "p99 of codes, open loop, with passwords hashed beside them", "ms", most(20))
PASSWORD_ALONE = Goal("1b", "the same without passwords", "ms")
SINGLE_P50 = Goal("2", "p50, 1 in flight", "ms", most(1.0), most(0.5))
CHALLENGE = Goal("3", "challenge/response, whole logins ÷ codec only", "%", least(5), least(9))
WEB = Goal("4", "begin-attempt with a code over HTTP, 64 connections", "/s", least(3000))
WEB_P99 = Goal("4", "p99, open loop at 70 % of that peak", "ms", most(30))
WEB_SHARE = Goal("4", "the same rate ÷ a trivial route of FastAPI on the same listener", "%", aim=least(50))
WEB_PLAIN = Goal("4", "the same rate ÷ a trivial endpoint without the framework", "%")
SHARED = Goal("5", "PostgreSQL, one node ÷ SQLite", "%", least(80), least(100))
SHARED_TWO = Goal("5", "PostgreSQL, two nodes on one database ÷ SQLite", "%")
SHARED_TWICE = Goal("5", "codes sent to both nodes at once that were not accepted exactly once", "", most(0))
SHARED_ATTACK = Goal("5", "what five users under attack leave of the others' rate", "%", least(50))
GROWTH = Goal("6", "throughput, ten times the users ÷ before", "×", least(0.8), least(0.95))
GROWTH_MEMORY = Goal("6", "memory, ten times the users − before", "MB", most(50), most(5))
ATTACK_P99 = Goal("7", "p99 of good users under attack", "ms", most(50))
ATTACK_SUCCESS = Goal("7", "good users let in at the first try", "%", least(100))
PARKED_MEMORY = Goal("8", "memory with approvals waiting", "MB", most(250))
PARKED_P99 = Goal("8", "p99 of 500 one-shots a second beside them", "ms", most(30))
REST_MEMORY = Goal("9", "memory after start", "MB", most(120), most(90))
REST_READY = Goal("9", "start to ready", "s", most(2), most(1.5))
REST_HELP = Goal("9", "vestibule --help", "s", most(0.3), most(0.2))
IMPORT_TIME = Goal("10", "import of 100,000 tokens from CSV", "s", most(20), most(5))
IMPORT_MEMORY = Goal("10", "memory of that import", "MB", most(250))
PSKC_TIME = Goal("11", "import of 10,000 tokens from encrypted PSKC", "s", most(30), most(10))
PSKC_MEMORY = Goal("11", "memory of that import", "MB", most(250))

JOURNAL_USER = Goal("12", "all lines about a user, over the API", "ms", most(200), most(50))
JOURNAL_DAY = Goal("12", "a thousand lines of a day, over the API", "ms", most(200), most(50))
JOURNAL_BOTH = Goal("12", "the lines of a day about a user, over the API", "ms", most(200), most(50))
JOURNAL_REPORT = Goal("12", "monthly report by the command line", "s", most(2), most(0.5))
JOURNAL_PRUNE = Goal("12", "retention of half of the journal", "s", most(300), most(120))
JOURNAL_P99 = Goal("12", "p99 of sign-ins meanwhile, open loop", "ms", most(50))


@dataclass(frozen=True)
class Figure:
    """What was measured for a goal, one value for each round; none when it could not be, and `note` says why."""

    goal: Goal
    values: Sequence[float] = field(default_factory=tuple)
    note: str = ""

    @property
    def value(self) -> float | None:
        return median(self.values) if self.values else None

    @property
    def verdict(self) -> str:
        if self.value is None:
            return "skipped"
        if self.goal.must and not self.goal.must.met(self.value):
            return "NOT MET"
        if self.goal.aim and self.goal.aim.met(self.value):
            return "aim met"
        return "met" if self.goal.must else ""
