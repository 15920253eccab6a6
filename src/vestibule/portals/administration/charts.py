"""Bars for charts that the server draws: SVG with numbers only, so that no style stands in a page. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass

WIDTH = 400
LABEL, ROOM = 100, 80  # what stands before and behind a bar
HEIGHT = 34
THICK = 18


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar: what part of `whole` is `part`; `state` is good, care or bad."""

    label: str
    part: float
    whole: float
    text: str
    state: str = "good"


@dataclass(frozen=True, slots=True)
class Drawn:
    """A bar in its place, in units of the view box."""

    label: str
    text: str
    state: str
    y: int
    long: float
    filled: float


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart: its size, and its bars from above."""

    height: int
    bars: tuple[Drawn, ...]
    width: int = WIDTH
    left: int = LABEL
    thick: int = THICK


def bars(of: Iterable[Bar], *, longest: float = 0.0) -> Chart:
    """Place bars one under the other: as long as `longest` (the longest whole of all) says, each whole without it."""
    given, room = list(of), WIDTH - LABEL - ROOM
    drawn = []
    for row, one in enumerate(given):
        long = room * min(1.0, one.whole / longest) if longest else room
        share = min(1.0, max(0.0, one.part / one.whole)) if one.whole > 0 else 0.0
        drawn.append(Drawn(one.label, one.text, one.state, row * HEIGHT, round(long, 1), round(long * share, 1)))
    return Chart(max(1, len(given)) * HEIGHT, tuple(drawn))
