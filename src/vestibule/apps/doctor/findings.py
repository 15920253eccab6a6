"""What the doctor says of one thing."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How bad it is, the worst last."""

    OK = "ok"
    NOTE = "note"  # worth knowing
    WARNING = "warning"  # weakens the protection, or will become an error
    ERROR = "error"  # something does not work, or is open


_ORDER = list(Level)


@dataclass(frozen=True, slots=True)
class Finding:
    """One sentence of what was found, and one of what to do; no secret stands in either."""

    level: Level
    what: str
    remedy: str = ""


def worst_first(findings: Iterable[Finding]) -> list[Finding]:
    """In order of level, and else as they came."""
    return sorted(findings, key=lambda one: -_ORDER.index(one.level))


def some(names: Iterable[str], most: int = 5) -> str:
    """A few names for a sentence, and how many more there are."""
    listed = list(names)
    more = f" and {len(listed) - most} more" if len(listed) > most else ""
    return f"{', '.join(listed[:most])}{more}"
