"""The vectors of the RFCs, as they stand in their appendices."""

from pathlib import Path


def rows(name: str) -> list[list[str]]:
    """The words of every line of `name` that is no comment."""
    lines = (Path(__file__).parent / name).read_text(encoding="ascii").splitlines()
    return [line.split() for line in lines if line and not line.startswith("#")]
