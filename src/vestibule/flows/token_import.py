"""Token import: the inventory grows by the rows of a token file; a second import of it changes nothing.

The file is read to its end before the first row goes in, so that nothing comes of one that is damaged or was changed.
"""

import asyncio
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Final

from vestibule.core.credentials import Credential, CredentialState, Seed
from vestibule.core.errors import Malformed
from vestibule.core.ports import Reading
from vestibule.core.secret import Secret
from vestibule.core.users import User
from vestibule.flows import inventory
from vestibule.flows.desk import ID_OCTETS, Desk, Progress, Told, quiet, refusal, required, user_named
from vestibule.flows.importing import Import, Plan, Way
from vestibule.flows.refused import Refused
from vestibule.flows.roles import above
from vestibule.flows.waivers import too_short, waiver_end
from vestibule.wire.names import BadField
from vestibule.wire.otpauth import OtpMethod
from vestibule.wire.pskc.protection import KeyMissing
from vestibule.wire.pskc.shared_key import read_shared_key
from vestibule.wire.tabular import RowProblem, Sheet
from vestibule.wire.token_cells import cells_of, column_named
from vestibule.wire.token_csv import TokenRow
from vestibule.wire.token_files import TITLES, TokenFile, read_token_file

TOKENS_AT_ONCE = 100
"""A token is two rows, its credential and its seed; an assigned one has a line in the journal too."""

REMARKS: Final = ("waived", "expired", "numbered", "unowned")
"""What the report names rows for: a short key with a waiver, a key that is over, a number made here, an owner who is
not known."""

SERIAL_DIGITS = 16
HIGHEST_COUNTER = 2**53 - 1
"""The highest counter that JSON carries everywhere."""

NO_USER = "there is no user of this name; add the user, then import this row again"
OTHER_KEY = "a token with this serial number and another key is there; if this one replaces it, remove that one first"
ABOVE = "this person may do more than you; let somebody import it who may do as much"
OTHER_USER = "the token is assigned to somebody else; unassign it, then import this row again"
OTHER_SHAPE = "the token is there with {}; if the file is right, remove the token first"
SAME_KEY = "the same key stands in line {} already; keep one of the two"
TOO_HIGH = "is higher than a token counts; ask the issuer"


async def bring_in(
    desk: Desk,
    actor: str,
    *,
    content: bytes,
    file_name: str,
    key: bytes | None = None,
    passphrase: str | None = None,
    dry_run: bool = False,
    waiver_until: str | None = None,
    pending: bool = False,
    progress: Progress = quiet,
) -> Told:
    """Import a token file of any known form; a token whose row names a user is theirs.

    `key` (a pre-shared key in hexadecimal, Base64 or its octets) or `passphrase` opens an encrypted file. Tokens count
    at once, for a maker's file is trusted, unless `pending` lets them wait for their first code.
    """
    state = CredentialState.PENDING if pending else CredentialState.ACTIVE
    waiver, name = waiver_end(waiver_until, desk.clock()), required(file_name, "file_name")
    file = await asyncio.to_thread(_read, content, name, _key(key), _passphrase(passphrase))
    made: set[str] = set()
    rows = _Rows(desk, actor, file.sheet, waiver, state, made)
    work = Import(desk, actor, "token.import", name, dry_run, progress, lambda plan: _told(file, plan))
    way = Way(rows.plan, TOKENS_AT_ONCE, lambda row: desk.fingerprint(row.secret))
    return await work.run(_numbered(desk, file.rows, made), way, len(file.rows))


def _key(content: bytes | None) -> Secret | None:
    try:
        return None if content is None else read_shared_key(content)
    except BadField as bad:
        raise Refused(f"The pre-shared key {bad.reason}.", "key") from None


def _passphrase(text: str | None) -> Secret | None:
    if text == "":
        raise Refused("The passphrase is empty; give the one that the file's issuer sent you.", "passphrase")
    return None if text is None else Secret.of(text)


def _read(content: bytes, name: str, key: Secret | None, passphrase: Secret | None) -> TokenFile:
    """Read the whole file; refused with the place of what is wrong, or with what is needed to open it.

    It runs in a thread, which lets go of the interpreter after each row: sign-ins do not wait for a file.
    """
    try:
        return read_token_file(content, name, key=key, passphrase=passphrase, pause=os.sched_yield)
    except KeyMissing as missing:
        raise Refused(f"The file can not be read. {missing}.", missing.wanted) from None
    except BadField as bad:
        raise refusal(bad) from None
    except Malformed as malformed:
        text = str(malformed)
        end = "" if text.endswith("?") else "."
        raise Refused(f"The file can not be read. {text}{end}", "content") from None


def _numbered(desk: Desk, rows: Iterable[TokenRow | RowProblem], made: set[str]) -> Iterator[TokenRow | RowProblem]:
    """The rows; one without a serial number gets one that is made of its key, the same each time, noted in `made`."""
    lines: dict[str, int] = {}
    for row in rows:
        if isinstance(row, RowProblem) or row.serial:
            yield row
            continue
        serial = f"key-{desk.fingerprint(row.secret)[:SERIAL_DIGITS]}"
        if serial in lines:
            yield RowProblem(row.line, 0, "secret", SAME_KEY.format(lines[serial]), ())
            continue
        lines[serial] = row.line
        made.add(serial)
        yield replace(row, serial=serial)


def _told(file: TokenFile, plan: Plan) -> Told:
    """What the report of a token file has beside the counts."""
    remarks = {name: sorted(plan.remarks[name], key=lambda one: one["line"]) for name in REMARKS}
    failures = {} if file.sheet else {"failures": ""}  # what is no CSV is corrected in the file itself
    form = {"format": file.format.value, "title": TITLES[file.format]}
    return {**form, "assigned": plan.assigned, **remarks, "notes": list(file.notes), **failures}


@dataclass(frozen=True, slots=True)
class _Rows:
    """What is to be done about rows; `waiver` is when a short key stops to count, 0 when none is taken."""

    desk: Desk
    actor: str
    sheet: Sheet | None
    waiver: float
    state: CredentialState
    made: set[str]

    def plan(self, reading: Reading, rows: list[TokenRow]) -> Plan:
        """Decide on one slice."""
        plan = Plan()
        for row in rows:
            self._row(reading, row, plan)
        return plan

    def _row(self, reading: Reading, row: TokenRow, plan: Plan) -> None:
        owner = user_named(reading, row.upn) if row.upn else None
        seed_id = self.desk.fingerprint(row.secret)
        known = self._found(reading, row, seed_id)
        if row.upn and owner is None and self.sheet:
            self._problem(plan, row, "upn", NO_USER)
        elif any(above(self.desk, reading, person) for person in (owner, _holder(reading, known))):
            self._problem(plan, row, "upn", ABOVE)
        elif row.counter > HIGHEST_COUNTER:
            self._problem(plan, row, "counter", TOO_HIGH)
        elif known is None:
            self._new(plan, row, seed_id, owner)
        elif known.seed_id != seed_id:
            self._problem(plan, row, "serial number", OTHER_KEY)
        elif other := _other_shape(row, known):
            self._problem(plan, row, *other)
        else:
            self._known(plan, row, known, owner)

    def _found(self, reading: Reading, row: TokenRow, seed_id: str) -> Credential | None:
        """The token of this serial number; without one in the file, of this key. An export writes an id for none."""
        found = reading.find(Credential, "serial", row.serial)
        if not found and row.serial in self.made:
            found = [one for one in reading.find(Credential, "seed_id", seed_id) if one.method == row.method]
        if not found and len(row.serial) == 2 * ID_OCTETS:
            return reading.get(Credential, row.serial)
        return next(iter(found), None)

    def _new(self, plan: Plan, row: TokenRow, seed_id: str, owner: User | None) -> None:
        if row.short_key and not self.waiver:
            return self._problem(plan, row, "secret key", too_short(row.key_bits))
        one = Credential(
            self.desk.new_id(),
            row.method.value,
            owner.id if owner else "",
            label=row.issuer,
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
            starts_at=row.starts_at,
            expires_at=row.expires_at,
        )
        if row.serial in self.made:
            plan.remark("numbered", line=row.line, serial=row.serial)
        self._remark(plan, row, one, owner)
        plan.create(Seed(seed_id, row.secret, counter=row.counter, drift=row.drift), one)
        return self._note_owner(plan, one, owner)

    def _known(self, plan: Plan, row: TokenRow, known: Credential, owner: User | None) -> None:
        """A token that is here already: it may find its user now, a waiver with a new date, or other dates."""
        changed = replace(known, waiver_until=self.waiver) if row.short_key and self.waiver else known
        changed = replace(
            changed, starts_at=row.starts_at or known.starts_at, expires_at=row.expires_at or known.expires_at
        )
        if owner is not None and known.user_id not in ("", owner.id):
            return self._problem(plan, row, "upn", OTHER_USER)
        self._remark(plan, row, changed, owner)
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
        plan.remark("waived", line=row.line, serial=row.serial, bits=row.key_bits)
        return self.waiver

    def _remark(self, plan: Plan, row: TokenRow, one: Credential, owner: User | None) -> None:
        """Name a key that is over, and an owner whom nobody knows."""
        if one.expires_at and one.expires_at <= self.desk.clock():
            plan.remark("expired", line=row.line, serial=row.serial, expires_at=one.expires_at)
        if row.upn and owner is None and not one.user_id:
            plan.remark("unowned", line=row.line, serial=row.serial, owner=row.upn)

    def _note_owner(self, plan: Plan, one: Credential, owner: User | None) -> None:
        if owner is not None:
            plan.assigned += 1
            detail = {"method": one.method, "serial": one.serial}
            plan.entries.append(self.desk.entry("token.assign", self.actor, owner, one.id, **detail))

    def _problem(self, plan: Plan, row: TokenRow, name: str, reason: str) -> None:
        """Report a row that could be read but not taken, with its cells under the columns of its file."""
        if self.sheet is None:
            plan.problems.append(RowProblem(row.line, 0, name, reason, ()))
            return
        columns = self.sheet.columns
        named = column_named(name, columns)
        column = self.sheet.margin + columns.index(named) + 1 if named in columns else 0
        plan.problems.append(RowProblem(row.line, column, named, reason, cells_of(row, columns), columns))


def _holder(reading: Reading, known: Credential | None) -> User | None:
    return reading.get(User, known.user_id) if known and known.user_id else None


def _other_shape(row: TokenRow, known: Credential) -> tuple[str, str] | None:
    """Which field of the row says that the token's codes are made in another way than is known here, and how."""
    timed = row.method is OtpMethod.TOTP
    fields = (
        ("type", row.method.value, known.method, ""),
        ("algorithm", row.algorithm.value, known.algorithm.value, ""),
        ("digits", row.digits, known.digits, " digits"),
        ("time interval", row.period_seconds if timed else known.period, known.period, " seconds"),
    )
    others = ((name, OTHER_SHAPE.format(f"{here}{unit}")) for name, said, here, unit in fields if said != here)
    return next(others, None)
