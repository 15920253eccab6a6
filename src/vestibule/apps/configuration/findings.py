"""What one source (the file, the environment) yields: raw values with their places, and what is wrong with it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from vestibule.apps.configuration.problems import Place, Problem


@dataclass(frozen=True)
class Found:
    """A value as it was written, and where."""

    value: object
    place: Place


@dataclass(frozen=True)
class Findings:
    """The values by dotted key; `complete` is False where the source could not be read at all."""

    values: Mapping[str, Found] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()
    complete: bool = True
