"""User import: people are added or changed by the rows of a user file; a second import of it changes nothing."""

from dataclasses import dataclass, replace
from typing import Any

from vestibule.core.errors import Malformed
from vestibule.core.ports import Reading
from vestibule.core.secret import Secret
from vestibule.core.users import Group, User
from vestibule.flows.desk import SLICE, Desk, Progress, Told, quiet, required, user_named
from vestibule.flows.importing import Import, Plan, Way, chunks, lines_of, to_the_end
from vestibule.flows.refused import Refused
from vestibule.wire.names import name_key
from vestibule.wire.tabular import RowProblem, Sheet, column_key, first_row, margin, read_rows
from vestibule.wire.user_csv import USER_COLUMNS, UserRow, read_users

NO_GROUP = "there is no group {}; add the group, then import this row again"
NOTHING = Secret(b"")


async def bring_in(
    desk: Desk, actor: str, *, content: str, file_name: str, dry_run: bool = False, progress: Progress = quiet
) -> Told:
    """Import a user file; empty cells and missing columns leave what is there."""
    rows = _Rows(desk, _column_of_groups(content))
    work = Import(desk, actor, "user.import", required(file_name, "file_name"), dry_run, progress)
    people = (_aligned(row) for row in to_the_end(read_users(chunks(content))))
    way = Way(rows.plan, SLICE - 1, lambda row: name_key(row.name))
    return await work.run(people, way, lines_of(content))


def _column_of_groups(content: str) -> int:
    """In which column of the file the groups stand, counted from 1; 0 when it has none."""
    try:
        header = first_row(read_rows(chunks(content)))
    except Malformed as malformed:
        raise Refused(f"The file can not be read. {malformed}.", "content") from None
    left = margin(header)
    names = [column_key(cell) for cell in Sheet((), left).cells(header)]
    return left + names.index("groups") + 1 if "groups" in names else 0


def _aligned(row: UserRow | RowProblem) -> UserRow | RowProblem:
    """A problem with its cells under all columns, so that every line of the failures file has the same."""
    if isinstance(row, UserRow) or len(row.raw) != len(row.columns):
        return row
    cells = dict(zip(row.columns, row.raw, strict=True))
    return replace(row, raw=tuple(cells.get(column, NOTHING) for column in USER_COLUMNS), columns=USER_COLUMNS)


@dataclass(frozen=True, slots=True)
class _Rows:
    """What is to be done about rows."""

    desk: Desk
    column_of_groups: int

    def plan(self, reading: Reading, rows: list[UserRow]) -> Plan:
        """Decide on one slice."""
        plan = Plan()
        for row in rows:
            self._row(reading, row, plan)
        return plan

    def _row(self, reading: Reading, row: UserRow, plan: Plan) -> None:
        unknown = [name for name in row.groups if reading.get(Group, name) is None]
        known = user_named(reading, row.name)
        if unknown:
            plan.problems.append(self._problem(row, NO_GROUP.format(unknown[0])))
        elif known is None:
            fresh = User(self.desk.new_id(), row.name, name_key(row.name), created_at=self.desk.clock())
            plan.create(replace(fresh, **_said(row)))
        elif (changed := replace(known, **_said(row))) != known:
            plan.change(replace(changed, version=known.version + 1))
        else:
            plan.unchanged += 1

    def _problem(self, row: UserRow, reason: str) -> RowProblem:
        cells: dict[str, str] = {**_said(row), "name": row.name, "groups": ";".join(row.groups)}
        raw = tuple(Secret.of(cells.get(column, "")) for column in USER_COLUMNS)
        return RowProblem(row.line, self.column_of_groups, "groups", reason, raw, USER_COLUMNS)


def _said(row: UserRow) -> dict[str, Any]:
    """The fields that the row says something about."""
    return {name: value for name in USER_COLUMNS[1:] if (value := getattr(row, name))}
