"""What can be wrong, and how it is said to a person. No text here ever repeats a value: it may be a secret."""

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches


@dataclass(frozen=True, order=True)
class Place:
    """Where a value stands: a file with line and column (from 1, 0 = none), an environment variable, or the default."""

    source: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        """Join with colons, as editors and terminals understand it."""
        return ":".join([self.source, *(str(part) for part in (self.line, self.column) if part)])


DEFAULT = Place("default")


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong; `key` is dotted, or empty where a whole file or variable is meant."""

    place: Place
    key: str
    what: str
    remedy: str

    def __str__(self) -> str:
        """Give place and key, and below them what is wrong and what to do."""
        headline = f"{self.place}: {self.key}" if self.key else str(self.place)
        return f"{headline}\n  {self.what}\n  {self.remedy}"


class Refused(ValueError):
    """A value is not acceptable; without a remedy of its own the key's example is shown."""

    def __init__(self, what: str, remedy: str = "") -> None:
        """Take two sentences, neither of which repeats the value."""
        super().__init__(what)
        self.what = what
        self.remedy = remedy


class ConfigurationWrong(Exception):
    """The program must not start; `str()` is the text for a person, `problems` the same in pieces."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        """Put the problems in the order of the file, then of the environment."""
        self.problems = tuple(sorted(problems, key=lambda problem: (problem.place, problem.key)))
        super().__init__(self._text())

    def _text(self) -> str:
        count = len(self.problems)
        places = "1 place" if count == 1 else f"{count} places"
        return "\n\n".join([f"The configuration is wrong in {places}.", *map(str, self.problems)])


def meant(name: str, known: Iterable[str]) -> str | None:
    """Give the known name that `name` most likely stands for: one that is near, or one that begins with it."""
    names = list(known)
    near = get_close_matches(name, names, n=1, cutoff=0.65) or [one for one in names if one.startswith(name)]
    return near[0] if near else None
