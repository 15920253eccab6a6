"""User import: people are added or changed by the rows of a user file; a second import of it changes nothing."""

from dataclasses import dataclass, replace
from typing import Any

from vestibule.core.errors import Malformed
from vestibule.core.ports import Reading
from vestibule.core.secret import Secret
from vestibule.core.users import Group, Mfa, User
from vestibule.flows import roles
from vestibule.flows.desk import SLICE, Desk, Progress, Told, quiet, required, user_named
from vestibule.flows.importing import Import, Plan, Way, chunks, lines_of, to_the_end
from vestibule.flows.refused import Refused
from vestibule.wire.names import name_key
from vestibule.wire.tabular import RowProblem, Sheet, first_row, read_rows
from vestibule.wire.user_csv import USER_COLUMNS, UserRow, read_users, sheet_of

ABOVE = "this person may do more than you; let somebody import the row who may do as much"
NEEDS_MFA = "this person administers, and administrators always use a second factor; take the role first"
NO_GROUP = "there is no group {}; add the group, then import this row again"


async def bring_in(
    desk: Desk, actor: str, *, content: str, file_name: str, dry_run: bool = False, progress: Progress = quiet
) -> Told:
    """Import a user file; empty cells and missing columns leave what is there."""
    await desk.store.read(lambda reading: roles.refuse_below(desk, reading, roles.Right.SETUP))
    rows = _Rows(desk, _sheet(content))
    work = Import(desk, actor, "user.import", required(file_name, "file_name"), dry_run, progress)
    way = Way(rows.plan, SLICE - 1, lambda row: name_key(row.name))
    return await work.run(to_the_end(read_users(chunks(content))), way, lines_of(content))


def _sheet(content: str) -> Sheet:
    """The columns of the file, as the failures file will have them."""
    try:
        return sheet_of(first_row(read_rows(chunks(content))))
    except Malformed as malformed:
        raise Refused(f"The file can not be read. {malformed}.", "content") from None


@dataclass(frozen=True, slots=True)
class _Rows:
    """What is to be done about rows."""

    desk: Desk
    sheet: Sheet

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
        elif known is not None and (refusal := self._why_not(reading, known, row)):
            plan.problems.append(self._problem(row, refusal, "name"))
        elif known is None:
            fresh = User(self.desk.new_id(), row.name, name_key(row.name), created_at=self.desk.clock())
            plan.create(replace(fresh, **_said(row)))
        elif (changed := replace(known, **_said(row))) != known:
            plan.change(replace(changed, version=known.version + 1))
        else:
            plan.unchanged += 1

    def _why_not(self, reading: Reading, known: User, row: UserRow) -> str:
        """Why this person is not changed by an import, "" for no reason."""
        if roles.above(self.desk, reading, known):
            return ABOVE
        return NEEDS_MFA if known.role and row.mfa is Mfa.OFF else ""

    def _problem(self, row: UserRow, reason: str, column: str = "groups") -> RowProblem:
        columns = self.sheet.columns
        cells: dict[str, str] = {**_said(row), "name": row.name, "groups": ";".join(row.groups)}
        raw = tuple(Secret.of(cells.get(column, "")) for column in columns)
        place = self.sheet.margin + columns.index(column) + 1
        return RowProblem(row.line, place, column, reason, raw, columns)


def _said(row: UserRow) -> dict[str, Any]:
    """The fields that the row says something about."""
    return {name: value for name in USER_COLUMNS[1:] if (value := getattr(row, name))}
