"""Data keys as administration sees them: never a key itself, only which there are and what they seal."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class KeyVersion:
    """One data key. `made_at` is None when nobody noted it; `rows` is how many rows of which table it has sealed."""

    id: int
    purpose: str
    made_at: float | None
    seals: bool
    rows: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Rotation:
    """A change of the sealing key that is under way, as the database remembers it.

    `table` and `after` are where to go on, `table` "" when all tables were walked. `done` of `total` rows are sealed
    anew. `refused` names the rows that do not open, at most the first few of them, `refusals` counts them all.
    """

    to: int
    replaces: tuple[int, ...]
    begun_at: float
    table: str
    after: str = ""
    done: int = 0
    total: int = 0
    refused: tuple[str, ...] = ()
    refusals: int = 0
