"""Token import: the inventory grows by the rows of a token file; a second import of it changes nothing."""

from dataclasses import dataclass, replace

from vestibule.core.credentials import Credential, CredentialState, Seed
from vestibule.core.errors import Malformed
from vestibule.core.ports import Reading
from vestibule.core.secret import Secret
from vestibule.core.users import User
from vestibule.flows import inventory
from vestibule.flows.desk import Desk, Progress, Told, quiet, required, user_named
from vestibule.flows.importing import Import, Plan, Way, chunks, lines_of, to_the_end
from vestibule.flows.refused import Refused
from vestibule.flows.waivers import too_short, waiver_end
from vestibule.wire.otpauth import write_key
from vestibule.wire.tabular import RowProblem, Sheet, first_row, margin, read_rows
from vestibule.wire.token_csv import ENTRA_COLUMNS, SHORT_COLUMNS, TokenRow, read_tokens

TOKENS_AT_ONCE = 100
"""A token is two rows, its credential and its seed; an assigned one has a line in the journal too."""

NO_USER = "there is no user of this name; add the user, then import this row again"
OTHER_KEY = "a token with this serial number and another key is there; if this one replaces it, remove that one first"
OTHER_USER = "the token is assigned to somebody else; unassign it, then import this row again"


async def bring_in(
    desk: Desk,
    actor: str,
    *,
    content: str,
    file_name: str,
    dry_run: bool = False,
    waiver_until: str | None = None,
    pending: bool = False,
    progress: Progress = quiet,
) -> Told:
    """Import a token file of 3 or 6 columns; a token whose row names a user is theirs.

    Tokens count at once, for a maker's file is trusted, unless `pending` lets them wait for their first code.
    """
    state = CredentialState.PENDING if pending else CredentialState.ACTIVE
    rows = _Rows(desk, actor, _sheet(content), waiver_end(waiver_until, desk.clock()), state)
    work = Import(desk, actor, "token.import", required(file_name, "file_name"), dry_run, progress)
    tokens = to_the_end(read_tokens(chunks(content)))
    way = Way(rows.plan, TOKENS_AT_ONCE, lambda row: desk.fingerprint(row.secret))
    return await work.run(tokens, way, lines_of(content))


def _sheet(content: str) -> Sheet:
    """The form of the file, as the failures file will have it."""
    try:
        first = first_row(read_rows(chunks(content)))
    except Malformed as malformed:
        raise Refused(f"The file can not be read. {malformed}.", "content") from None
    left = margin(first)
    wide = len(Sheet((), left).cells(first)) == len(ENTRA_COLUMNS)
    return Sheet(ENTRA_COLUMNS if wide else SHORT_COLUMNS, left)


@dataclass(frozen=True, slots=True)
class _Rows:
    """What is to be done about rows; `waiver` is when a short key stops to count, 0 when none is taken."""

    desk: Desk
    actor: str
    sheet: Sheet
    waiver: float
    state: CredentialState

    def plan(self, reading: Reading, rows: list[TokenRow]) -> Plan:
        """Decide on one slice."""
        plan = Plan()
        for row in rows:
            self._row(reading, row, plan)
        return plan

    def _row(self, reading: Reading, row: TokenRow, plan: Plan) -> None:
        owner = user_named(reading, row.upn) if row.upn else None
        known = next(iter(reading.find(Credential, "serial", row.serial)), None)
        seed_id = self.desk.fingerprint(row.secret)
        if row.upn and owner is None:
            self._problem(plan, row, "upn", NO_USER)
        elif known is None:
            self._new(plan, row, seed_id, owner)
        elif known.seed_id != seed_id:
            self._problem(plan, row, "serial number", OTHER_KEY)
        else:
            self._known(plan, row, known, owner)

    def _new(self, plan: Plan, row: TokenRow, seed_id: str, owner: User | None) -> None:
        if row.short_key and not self.waiver:
            return self._problem(plan, row, "secret key", too_short(row.key_bits))
        one = Credential(
            self.desk.new_id(),
            row.method.value,
            owner.id if owner else "",
            state=self.state,
            seed_id=seed_id,
            serial=row.serial,
            manufacturer=row.manufacturer,
            model=row.model,
            algorithm=row.algorithm,
            digits=row.digits,
            period=row.period_seconds,
            waiver_until=self._waived(plan, row),
            created_at=self.desk.clock(),
        )
        plan.create(Seed(seed_id, row.secret, counter=row.counter), one)
        return self._note_owner(plan, one, owner)

    def _known(self, plan: Plan, row: TokenRow, known: Credential, owner: User | None) -> None:
        """A token that is here already: it may find its user now, or a waiver with a new date."""
        changed = replace(known, waiver_until=self.waiver) if row.short_key and self.waiver else known
        if owner is not None and known.user_id not in ("", owner.id):
            return self._problem(plan, row, "upn", OTHER_USER)
        taken = owner if owner is not None and not known.user_id else None
        if taken is not None:
            changed = inventory.bound(changed, taken, pending=self.state is CredentialState.PENDING)
        if changed == known:
            plan.unchanged += 1
            return None
        self._waived(plan, row)
        plan.change(replace(changed, version=known.version + 1))
        return self._note_owner(plan, changed, taken)

    def _waived(self, plan: Plan, row: TokenRow) -> float:
        """When the row's key stops to count, 0 for never; a waived one is named in the report."""
        if not row.short_key:
            return 0.0
        plan.waived.append({"line": row.line, "serial": row.serial, "bits": row.key_bits})
        return self.waiver

    def _note_owner(self, plan: Plan, one: Credential, owner: User | None) -> None:
        if owner is not None:
            detail = {"method": one.method, "serial": one.serial}
            plan.entries.append(self.desk.entry("token.assign", self.actor, owner, one.id, **detail))

    def _problem(self, plan: Plan, row: TokenRow, name: str, reason: str) -> None:
        """Report a row that could be read but not taken, with its cells as they stood in the file."""
        columns = self.sheet.columns
        column = self.sheet.margin + columns.index(name) + 1 if name in columns else 0
        said = (row.upn or "", row.serial, write_key(row.secret), str(row.period_seconds), row.manufacturer, row.model)
        cells = said if columns is ENTRA_COLUMNS else said[1:4]
        raw = tuple(Secret.of(cell) for cell in cells)
        plan.problems.append(RowProblem(row.line, column, name, reason, raw, columns))
