"""Clock: notice that the wall clock was moved, write it down, and forget nothing until somebody has looked.

The monotonic clock runs evenly, so what the wall clock does beyond it is a step: by an administrator, by a time service
that found its way late, by a virtual machine that slept. Codes depend on the time, and so does what retention deletes.
"""

import json
from collections import deque
from dataclasses import dataclass
from functools import partial

from vestibule.core.journal import Entry, EntryKind
from vestibule.core.ports import Reading, Store, Writing

LARGEST_STEP = 5.0  # seconds that pass unremarked
STATE = "clock.doubt"


@dataclass(frozen=True, slots=True)
class ClockStep:
    """The wall clock went `seconds` ahead of the monotonic clock, or back (negative); it showed `at` afterwards."""

    seconds: float
    at: float


class ClockWatch:
    """Compares two clocks. Small steps add up until they make a large one."""

    def __init__(self, wall: float, monotonic: float) -> None:
        """Take the clocks to be right now."""
        self._offset = wall - monotonic

    def look(self, wall: float, monotonic: float) -> ClockStep | None:
        """The step since the last one that was told, if it is large."""
        seconds = wall - monotonic - self._offset
        if abs(seconds) <= LARGEST_STEP:
            return None
        self._offset += seconds
        return ClockStep(seconds, wall)


@dataclass(frozen=True, slots=True)
class Doubt:
    """The clock was moved by `seconds` at `since` (its own time), and nobody has confirmed it yet."""

    since: float
    seconds: float


class Clock:
    """Watches, and remembers a step until it stands in the journal."""

    def __init__(self, store: Store, watch: ClockWatch) -> None:
        """Write to `store`."""
        self._store = store
        self._watch = watch
        self._untold: deque[ClockStep] = deque()

    async def tick(self, wall: float, monotonic: float) -> ClockStep | None:
        """Look once; returns a step that was just found. Raises Unavailable, and then tells at the next tick."""
        step = self._watch.look(wall, monotonic)
        if step:
            self._untold.append(step)
        await self._tell()
        return step

    async def began(self, last_seen: float, wall: float) -> ClockStep | None:
        """Compare with the time at which an earlier process was last seen: while none ran, only going back shows."""
        if wall >= last_seen - LARGEST_STEP:
            return None
        step = ClockStep(wall - last_seen, wall)
        self._untold.append(step)
        await self._tell()
        return step

    async def doubted(self) -> Doubt | None:
        """The step that nobody has confirmed yet; an untold one counts."""
        if self._untold:
            return Doubt(self._untold[-1].at, self._untold[-1].seconds)
        return await self._store.read(doubt)

    async def _tell(self) -> None:
        while self._untold:
            await self._store.change(partial(_note, step=self._untold[0]))
            self._untold.popleft()


def doubt(reading: Reading) -> Doubt | None:
    """The newest step that nobody has confirmed."""
    text = reading.state(STATE)
    return Doubt(*json.loads(text)) if text else None


async def confirm(store: Store, *, actor: str, at: float) -> Doubt | None:
    """Somebody has looked and says that the clock is right: retention goes on. Returns what was confirmed."""

    def act(writing: Writing) -> Doubt | None:
        found = doubt(writing)
        if found:
            writing.set_state(STATE, "")
            detail = {"since": found.since, "seconds": found.seconds}
            writing.note(Entry(at, EntryKind.ADMINISTRATION, "clock.confirm", actor=actor, detail=detail))
        return found

    return await store.change(act)


def _note(writing: Writing, step: ClockStep) -> None:
    seconds = round(step.seconds, 1)
    writing.set_state(STATE, json.dumps([step.at, seconds]))
    writing.note(Entry(step.at, EntryKind.SYSTEM, "clock.step", detail={"seconds": seconds}))
