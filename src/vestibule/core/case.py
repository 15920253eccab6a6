"""Everything that one decision may look at, loaded at once, and what a decision gives back."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from vestibule.core.attempts import Attempt
from vestibule.core.credentials import Credential, Seed
from vestibule.core.decisions import Decision, Order
from vestibule.core.failures import FailureKey, Failures
from vestibule.core.journal import Entry
from vestibule.core.snapshot import Snapshot
from vestibule.core.users import User


class KeyKind(StrEnum):
    """By what a case is found."""

    NAME = "name"  # a user by the compared form of the name
    ATTEMPT = "attempt"  # an attempt, and its user
    CREDENTIAL = "credential"  # a credential, and its user


@dataclass(frozen=True, slots=True)
class Key:
    """Which case to load, and for which source its failures. `source` "" means the attempt's own."""

    kind: KeyKind
    value: str
    source: str = ""


@dataclass(frozen=True, slots=True)
class Case:
    """What is known. A step returns a changed copy; the store saves what is not the same object any more."""

    snapshot: Snapshot
    user: User | None = None
    credentials: tuple[Credential, ...] = ()
    seeds: Mapping[str, Seed] = field(default_factory=dict)
    failures: Mapping[FailureKey, Failures] = field(default_factory=dict)
    attempt: Attempt | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """The result of one event. Nothing else leaves the engine."""

    case: Case
    decision: Decision | None = None
    order: Order | None = None
    entry: Entry | None = None


@dataclass(frozen=True, slots=True)
class Moment:
    """The time (seconds since the epoch) and 32 random octets that one step may use."""

    at: float
    chance: bytes


Decide = Callable[[Case], Step]
