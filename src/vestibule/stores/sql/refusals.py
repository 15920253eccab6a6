"""Rows that the vault does not open (moved, altered, or of a key that was retired): journalled, and nobody else harmed.

A row is journalled once by each process and for each reason, with the first batch that has a line of its own: whoever
signs in by such a row again and again does not fill the journal.
"""

from collections.abc import Iterable

from vestibule.core.journal import Entry, EntryKind

MOST_REMEMBERED = 10_000


class Refusals:
    """What was refused, until its line is committed."""

    def __init__(self) -> None:
        """Begin with none."""
        self._waiting: dict[str, None] = {}
        self._telling: tuple[str, ...] = ()
        self._told: set[str] = set()

    def take(self, refused: Iterable[str]) -> None:
        """Remember texts `place: why`, as the vault raises them."""
        self._waiting.update(dict.fromkeys(one for one in refused if one not in self._told))

    def entries(self, entries: list[Entry]) -> list[Entry]:
        """The entries of a batch, and those about refused rows when there is a moment to write for them."""
        if not self._waiting or not entries:
            return entries
        self._telling = tuple(self._waiting)
        return [*entries, *(_entry(entries[0].at, one) for one in self._telling)]

    def done(self, *, committed: bool) -> None:
        """The batch is over: what was told is told only if it was committed."""
        if not self._telling:
            return
        if committed:
            if len(self._told) > MOST_REMEMBERED:
                self._told.clear()
            self._told.update(self._telling)
            self._waiting = {one: None for one in self._waiting if one not in self._told}
        self._telling = ()


def _entry(at: float, refused: str) -> Entry:
    place, _, why = refused.rpartition(": ")
    return Entry(at, EntryKind.SYSTEM, "row.refused", detail={"row": place, "why": why})
