"""How many there are of what an overview counts."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figures:
    """People, those who are blocked, those who hold a factor; tokens that somebody has, and those that nobody has."""

    people: int = 0
    blocked: int = 0
    with_factor: int = 0
    assigned: int = 0
    free: int = 0
