"""Token files with commas from other products: OATH CSV, a CSV with named columns, and both forms of Yubico.

Where the facts come from: OATH CSV is what LinOTP and privacyIDEA document for their import (serial, key in
hexadecimal, type, digits, seconds or counter, hash; privacyIDEA's version 2 has user, resolver and realm in front).
Yubico's forms are the log of its Personalization Tool ("traditional") and its format of five columns and a time
stamp, as privacyIDEA and LinOTP read them. ActivIdentity's tokens come as any CSV with a header.

Rules of this file:
- The first row decides the form of the file, and the columns of a failures file are those of a form.
- A line that begins with # is a comment.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from itertools import chain
from typing import Final, NamedTuple

from vestibule.core.credentials import Algorithm
from vestibule.core.errors import Malformed
from vestibule.core.secret import Secret
from vestibule.wire.names import BadField, checked_text
from vestibule.wire.otpauth import LONGEST_PERIOD, OtpMethod, read_key
from vestibule.wire.tabular import Row, RowProblem, Sheet, column_key, first_row, margin, parse_rows, read_rows
from vestibule.wire.token_csv import LONGEST_MAKER, LONGEST_UPN, TokenRow, unique_serial
from vestibule.wire.token_fields import HIGHEST_COUNTER, Notes, hash_named, hex_key, moment, whole_number

OATH_COLUMNS: Final = ("serial number", "key (hex)", "type", "digits", "interval or counter", "algorithm")
"""The columns of OATH CSV, which has no header; all after the third may be missing."""

OWNED_COLUMNS: Final = ("user", "resolver", "realm", *OATH_COLUMNS)
"""The columns of OATH CSV version 2 of privacyIDEA."""

LOG_COLUMNS: Final = (
    *("event", "time", "slot", "public id", "private id", "secret key", "access code", "new access code"),
    *("option 1", "option 2", "option 3", "digits", *(f"option {number}" for number in range(4, 10))),
)
"""The columns of the Personalization Tool's log."""

YUBICO_COLUMNS: Final = ("serial number", "public id", "private id", "key (hex)", "access code", "time", "option")
"""The columns of Yubico's own format."""

NAMED_COLUMNS: Final = {
    "serial number": "serial number",
    "serial": "serial number",
    "serialnumber": "serial number",
    "token serial": "serial number",
    "secret key": "secret key",
    "secret": "secret key",
    "secretkey": "secret key",
    "base32 secret": "secret key",
    "key (hex)": "key (hex)",
    "hex key": "key (hex)",
    "otpkey": "key (hex)",
    "secret (hex)": "key (hex)",
    "seed (hex)": "key (hex)",
    "type": "type",
    "token type": "type",
    "tokentype": "type",
    "digits": "digits",
    "otplen": "digits",
    "time interval": "time interval",
    "timestep": "time interval",
    "period": "time interval",
    "counter": "counter",
    "interval or counter": "interval or counter",
    "algorithm": "algorithm",
    "hash": "algorithm",
    "hashlib": "algorithm",
    "upn": "upn",
    "user": "upn",
    "owner": "upn",
    "username": "upn",
    "manufacturer": "manufacturer",
    "model": "model",
    "start date": "start date",
    "expiry date": "expiry date",
    "resolver": "resolver",
    "realm": "realm",
}
"""Names of columns that a header may have, in any order, and the name each has here."""

_COMMENT: Final = re.compile(rb"^[ \t]*#[^\r\n]*", re.MULTILINE)
_OWNED: Final = re.compile(rb"\A#\s*version:\s*2\b")
_METHODS: Final = {"hotp": OtpMethod.HOTP, "totp": OtpMethod.TOTP, "hmac": OtpMethod.HOTP}
_OTHER_TYPES: Final = ("ocra", "ocra2", "tan", "motp", "pw", "dpw", "yubikey")
_BY_LENGTH: Final = {32: Algorithm.SHA256, 64: Algorithm.SHA512}
_LOG_EVENTS: Final = ("yubico otp", "oath hotp", "static password", "challenge response", "logging start")
_STAMP: Final = re.compile(r"\d{4}-\d\d-\d\dT[\d:]+.*")

Outcome = TokenRow | RowProblem
Parse = Callable[[int, list[str]], TokenRow]


class VendorFile(NamedTuple):
    """A file whose form was told: its name ("" for none of these), its columns, its rows, read as they are taken."""

    form: str
    sheet: Sheet
    rows: Iterator[Outcome]


def read_vendor_csv(content: bytes, notes: Notes) -> VendorFile:
    """Read a file, without byte order mark, of one of the forms; one that is not known gets no name.

    Raises `Malformed` for one without rows, and for a header with names that are not known.
    """
    rows = read_rows([_COMMENT.sub(b"", content)])
    first = first_row(rows)
    left = margin(first)
    names = _names(first, left)
    unread = chain((first,), rows)
    if names == LOG_COLUMNS:
        return _log_file(rows, Sheet(LOG_COLUMNS, left), notes)
    if names == YUBICO_COLUMNS:
        return _yubico_file(rows, Sheet(YUBICO_COLUMNS, left), notes)
    if names[0].startswith(_LOG_EVENTS):
        return _log_file(unread, Sheet(LOG_COLUMNS), notes)
    if len(names) in {6, 7} and names[0].isdigit() and _STAMP.fullmatch(first.cells[5].strip()):
        return _yubico_file(unread, Sheet(YUBICO_COLUMNS), notes)
    if _OWNED.match(content) and not left:
        return _oath_file(unread, Sheet(OWNED_COLUMNS), notes)
    if _headed(names):
        sheet = Sheet(_columns(first, names), left)
        return VendorFile("named-csv", sheet, _named(rows, sheet, notes))
    if len(names) > 2 and (names[2] in _METHODS or names[2] in _OTHER_TYPES):
        return _oath_file(unread, Sheet(OATH_COLUMNS), notes)
    return VendorFile("", Sheet(()), iter(()))


def _names(first: Row, left: int) -> tuple[str, ...]:
    """Give the cells of the first row as names, at least one, without empty ones at the end."""
    names = [column_key(cell) for cell in first.cells[left:]] or [""]
    while len(names) > 1 and not names[-1]:
        names.pop()
    return tuple(names)


# ------------------------------------------------------------------------------------------- OATH and named columns


def _oath_file(rows: Iterator[Row | RowProblem], sheet: Sheet, notes: Notes) -> VendorFile:
    parse = partial(_named_row, sheet.columns, {}, notes)
    return VendorFile("oath-csv", sheet, parse_rows(_filled(rows, sheet), sheet, parse))


def _headed(names: tuple[str, ...]) -> bool:
    """Whether the first row names a serial number, a key and a type, so that nothing need be guessed."""
    known = {NAMED_COLUMNS.get(name) for name in names}
    return {"serial number", "type"} <= known and bool(known & {"secret key", "key (hex)"})


def _columns(first: Row, names: tuple[str, ...]) -> tuple[str, ...]:
    """Give the columns their names here. Raises `Malformed` with the place of one that is not known or comes twice."""
    columns: list[str] = []
    for place, name in enumerate(names, start=margin(first) + 1):
        column = NAMED_COLUMNS.get(name, "")
        if not column or column in columns:
            wrong = (
                "comes twice" if column else f"is not known; known are {', '.join(sorted(set(NAMED_COLUMNS.values())))}"
            )
            raise Malformed(f"line {first.line}, column {place}: the name of the column {wrong}")
        columns.append(column)
    if {"secret key", "key (hex)"} <= set(columns):
        raise Malformed(f"line {first.line}: the key stands in two columns; keep one")
    return tuple(columns)


def _named(rows: Iterator[Row | RowProblem], sheet: Sheet, notes: Notes) -> Iterator[Outcome]:
    return parse_rows(rows, sheet, partial(_named_row, sheet.columns, {}, notes))


def _named_row(
    columns: tuple[str, ...], serials: dict[str, int], notes: Notes, line: int, cells: list[str]
) -> TokenRow:
    """Check one row whose columns have names; what it does not say has the default of its method."""
    said = dict(zip(columns, cells, strict=True))
    user = said.get("user", said.get("upn", ""))
    serial = unique_serial(said["serial number"], line, serials)
    secret = _key(said)
    method = _method(said["type"], line, notes)
    moving = said.get("interval or counter", "")
    period = said.get("time interval", moving) if method is OtpMethod.TOTP else ""
    counter = said.get("counter", moving) if method is OtpMethod.HOTP else ""
    realm = checked_text(said.get("realm", ""), "realm", LONGEST_UPN)
    if realm:
        notes.say(line, "realms and resolvers are not kept; the user is looked up by name alone")
    return TokenRow(
        line,
        checked_text(user, "user" if "user" in said else "upn", LONGEST_UPN) or None,
        serial,
        secret,
        whole_number(
            period or "30", "time interval" if "time interval" in said else "interval or counter", 1, LONGEST_PERIOD
        ),
        checked_text(said.get("manufacturer", ""), "manufacturer", LONGEST_MAKER),
        checked_text(said.get("model", ""), "model", LONGEST_MAKER),
        method,
        _hash(said.get("algorithm", ""), secret, line, notes),
        whole_number(said.get("digits") or "6", "digits", 6, 8),
        whole_number(counter or "0", "counter" if "counter" in said else "interval or counter", 0, HIGHEST_COUNTER),
        starts_at=moment(said.get("start date", ""), "start date"),
        expires_at=moment(said.get("expiry date", ""), "expiry date"),
    )


def _key(said: dict[str, str]) -> Secret:
    if "key (hex)" in said:
        return hex_key(said["key (hex)"], "key (hex)")
    return read_key(said["secret key"], "secret key")


def _method(text: str, line: int, notes: Notes) -> OtpMethod:
    if not text:
        notes.say(line, "no type; HOTP is taken, as LinOTP and privacyIDEA do")
        return OtpMethod.HOTP
    if found := _METHODS.get(text.lower()):
        return found
    raise BadField("type", "is neither HOTP nor TOTP; other kinds of tokens cannot be imported")


def _hash(text: str, secret: Secret, line: int, notes: Notes) -> Algorithm:
    """Give the hash that is named, or else the one that LinOTP takes for keys of this length."""
    if text:
        return hash_named(text, "algorithm")
    if by_length := _BY_LENGTH.get(len(secret)):
        notes.say(line, f"no hash; {by_length.upper()} is taken for a key of {len(secret)} octets, as LinOTP does")
        return by_length
    return Algorithm.SHA1


def _filled(rows: Iterator[Row | RowProblem], sheet: Sheet) -> Iterator[Row | RowProblem]:
    """Add the empty cells that the end of a row may lack."""
    width = sheet.margin + len(sheet.columns)
    for row in rows:
        missing = width - len(row.cells) if isinstance(row, Row) else 0
        yield replace(row, cells=[*row.cells, *[""] * missing]) if isinstance(row, Row) and missing > 0 else row


# ------------------------------------------------------------------------------------------------------- Yubico


def _log_file(rows: Iterator[Row | RowProblem], sheet: Sheet, notes: Notes) -> VendorFile:
    entries = (row for row in rows if isinstance(row, RowProblem) or not _starts(row))
    return VendorFile("yubico-log", sheet, parse_rows(_filled(entries, sheet), sheet, partial(_log_row, {}, notes)))


def _starts(row: Row) -> bool:
    return column_key(row.cells[0]) == "logging start"


def _log_row(serials: dict[str, int], notes: Notes, line: int, cells: list[str]) -> TokenRow:
    """Check one event: the log knows no serial number, so the public id, which the key types, stands for it."""
    said = dict(zip(LOG_COLUMNS, cells, strict=True))
    if column_key(said["event"]) != "oath hotp":
        raise BadField("event", "is not OATH-HOTP; Yubico OTP, passwords and challenges cannot be imported")
    if not said["public id"]:
        raise BadField("public id", "is empty, so nothing tells which key it is; write its serial number there")
    notes.say(line, "the log knows no serial number; the public id is taken, which the key types before each code")
    return TokenRow(
        line,
        None,
        unique_serial(said["public id"], line, serials),
        hex_key(said["secret key"], "secret key"),
        30,
        "Yubico",
        method=OtpMethod.HOTP,
        digits=whole_number(said["digits"], "digits", 6, 8),
    )


def _yubico_file(rows: Iterator[Row | RowProblem], sheet: Sheet, notes: Notes) -> VendorFile:
    return VendorFile("yubico-csv", sheet, parse_rows(_filled(rows, sheet), sheet, partial(_yubico_row, {}, notes)))


def _yubico_row(serials: dict[str, int], notes: Notes, line: int, cells: list[str]) -> TokenRow:
    serial, _, private, key, *_ = cells
    if private != "0":
        raise BadField("private id", "is not 0, as it is for OATH-HOTP; Yubico OTP and passwords cannot be imported")
    notes.say(line, "the format does not say how many digits a code has; 6 are taken, and the counter begins at 0")
    return TokenRow(
        line, None, unique_serial(serial, line, serials), hex_key(key, "key (hex)"), 30, "Yubico", method=OtpMethod.HOTP
    )
