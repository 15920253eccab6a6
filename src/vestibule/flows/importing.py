"""What all imports share: rows in slices, a plan for each slice, one report at the end.

A plan is made and carried out in one transaction; a dry run makes the same plans and carries none out. A bad row is a
problem of the report and keeps no other row back.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Generic, TypeVar

from vestibule.core.credentials import Seed
from vestibule.core.errors import Malformed
from vestibule.core.journal import Entry
from vestibule.core.ports import Reading, Record, Writing
from vestibule.flows import inventory
from vestibule.flows.desk import Desk, Progress, Told
from vestibule.flows.refused import Refused
from vestibule.wire.tabular import RowProblem
from vestibule.wire.tabular_writing import failures_csv

CHUNK = 1 << 16
STEP = 100
WINDOW = 4000
"""Rows that are put in order before they go in: this halves what a large file writes to the disk."""

Row = TypeVar("Row")


@dataclass(slots=True)
class Plan:
    """What one slice of an import will write, and what it found."""

    created: int = 0
    changed: int = 0
    unchanged: int = 0
    records: list[Record] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)
    problems: list[RowProblem] = field(default_factory=list)
    assigned: int = 0
    remarks: defaultdict[str, list[Told]] = field(default_factory=lambda: defaultdict(list))

    def create(self, *records: Record) -> None:
        """Count one that is new."""
        self.created += 1
        self.records += records

    def change(self, record: Record) -> None:
        """Count one that becomes another."""
        self.changed += 1
        self.records.append(record)

    def remark(self, kind: str, **about: object) -> None:
        """Name one row in the report."""
        self.remarks[kind].append(about)

    def add(self, other: "Plan") -> None:
        """Count what another slice did; its records are done with."""
        self.created += other.created
        self.changed += other.changed
        self.unchanged += other.unchanged
        self.problems += other.problems
        self.assigned += other.assigned
        for kind, found in other.remarks.items():
            self.remarks[kind] += found


@dataclass(frozen=True, slots=True)
class Way(Generic[Row]):
    """How the rows of one kind of file go in: the plan for a slice, its size, and where a row will lie on the disk.

    Of the rows read at one time, those that will lie together go in together: else each would touch pages of its own.
    """

    plan: Callable[[Reading, list[Row]], Plan]
    at_once: int
    place: Callable[[Row], str]


@dataclass(frozen=True, slots=True)
class Import:
    """One import: where it comes from, who asks, whether it is for good, and what its report has besides."""

    desk: Desk
    actor: str
    action: str
    file_name: str
    dry_run: bool
    progress: Progress
    more: Callable[[Plan], Told] = lambda _plan: {}

    async def run(self, rows: Iterable[Row | RowProblem], way: Way[Row], total: int) -> Told:
        """Take all rows, of which there are about `total`, and report."""
        taken, stream, done = Plan(), iter(rows), 0
        while window := await _window(stream):
            bad = [row for row in window if isinstance(row, RowProblem)]
            good = [row for row in window if not isinstance(row, RowProblem)]
            taken.problems += bad
            done += len(bad)
            for slice_ in in_slices(sorted(good, key=way.place), way.at_once):
                taken.add(await self._slice(slice_, way.plan))
                done += len(slice_)
                self.progress(done, max(done, total))
        return self._report(taken)

    async def _slice(self, rows: list[Row], plan: Callable[[Reading, list[Row]], Plan]) -> Plan:
        if self.dry_run:
            return await self.desk.store.read(lambda reading: plan(reading, rows))

        def act(writing: Writing) -> Plan:
            made = plan(writing, rows)
            self._carry_out(writing, made)
            return made

        return await self.desk.store.change(act)

    def _carry_out(self, writing: Writing, plan: Plan) -> None:
        for record in plan.records:
            if isinstance(record, Seed):
                inventory.keep_seed(writing, record)
            else:
                writing.put(record)
        for entry in plan.entries:
            writing.note(entry)
        if plan.records:
            counts: dict[str, Any] = {"created": plan.created, "changed": plan.changed}
            writing.note(self.desk.entry(self.action, self.actor, file=self.file_name, **counts))

    def _report(self, plan: Plan) -> Told:
        problems = sorted(plan.problems, key=lambda problem: problem.line)
        return {
            "file_name": self.file_name,
            "dry_run": self.dry_run,
            "created": plan.created,
            "changed": plan.changed,
            "unchanged": plan.unchanged,
            "problems": [_told(problem) for problem in problems],
            "failures": "".join(failures_csv(problems)),
            **self.more(plan),
        }


async def _window(stream: Iterator[Row | RowProblem]) -> list[Row | RowProblem]:
    """The next rows; reading them takes time, so others get their turn in between."""
    window: list[Row | RowProblem] = []
    while len(window) < WINDOW and (some := list(islice(stream, STEP))):
        window += some
        await asyncio.sleep(0)
    return window


def in_slices(rows: list[Row], size: int) -> Iterator[list[Row]]:
    """The rows, `size` at a time."""
    return (rows[start : start + size] for start in range(0, len(rows), size))


def chunks(content: str) -> Iterator[str]:
    """The text in pieces, so that its lines are cut one after the other."""
    return (content[at : at + CHUNK] for at in range(0, len(content), CHUNK))


def lines_of(content: str) -> int:
    """About how many rows there are."""
    return content.count("\n") + 1


def to_the_end(rows: Iterator[Any]) -> Iterator[Any]:
    """The rows; where reading has to stop, one last problem says so. Refused when not one row can be read."""
    line = 0
    try:
        for row in rows:
            line = row.line
            yield row
    except Malformed as malformed:
        if not line:
            raise Refused(f"The file can not be read. {malformed}.", "content") from None
        yield RowProblem(line + 1, 0, "file", f"reading stopped: {malformed}", ())


def _told(problem: RowProblem) -> Told:
    return {"line": problem.line, "column": problem.column, "field": problem.field, "reason": problem.reason}
