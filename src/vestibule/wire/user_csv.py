"""User files: one person a row, columns in any order under a mandatory header.

Rules of this file:
- An empty cell and a missing column say nothing; they never mean "clear it".
- The names of users are compared as everywhere else, by `name_key`.
- Shapes are checked here; whether a group or an address exists is for others to know.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from functools import partial
from typing import Final

from vestibule.core.errors import Malformed
from vestibule.core.users import Mfa
from vestibule.wire.names import BadField, checked_text, name_key
from vestibule.wire.tabular import (
    Row,
    RowProblem,
    Sheet,
    column_key,
    first_row,
    margin,
    parse_rows,
    read_rows,
    shortened_number,
)

USER_COLUMNS: Final = ("name", "first_name", "last_name", "email", "phone", "groups", "mfa", "locale")
"""The columns of a user file; only the name must be there."""

LONGEST_NAME: Final = 256
LONGEST_EMAIL: Final = 254
"""RFC 5321 section 4.5.3.1.3, less the angle brackets."""
LONGEST_PHONE: Final = 40
LONGEST_GROUP: Final = 256
LONGEST_LOCALE: Final = 35
"""RFC 5646 section 4.4.1."""

_COLUMN_OF: Final = {
    **{column_key(column): column for column in USER_COLUMNS},
    "upn": "name",
    "username": "name",
    "user name": "name",
    "user principal name": "name",
}
_EMAIL: Final = re.compile(r"[^\s@]+@[^\s@]+")
_PHONE: Final = re.compile(
    r"(?=(?:[^0-9]*[0-9]){3})\+?[0-9(][0-9 ().\-/]{2,30}(?: ?(?:x|ext\.?) ?[0-9]{1,8})?", re.IGNORECASE
)
_LOCALE: Final = re.compile(r"[A-Za-z]{2,8}(?:-[A-Za-z0-9]{1,8})*")


@dataclass(frozen=True, slots=True)
class UserRow:
    """One person of an import; texts and groups are empty, `mfa` is None where the file says nothing."""

    line: int
    name: str
    first_name: str = ""
    last_name: str = ""
    email: str = ""
    phone: str = ""
    groups: tuple[str, ...] = ()
    mfa: Mfa | None = None
    locale: str = ""


def read_users(chunks: Iterable[str] | Iterable[bytes]) -> Iterator[UserRow | RowProblem]:
    """Read a user file from text or UTF-8 bytes, cut anywhere, in the order of its rows.

    Raises `Malformed` for a header without a name, with an unknown or repeated column, or where `read_rows` must stop.
    """
    rows = read_rows(chunks)
    sheet = sheet_of(first_row(rows))
    yield from parse_rows(rows, sheet, partial(_user, sheet.columns, {}))


def sheet_of(header: Row) -> Sheet:
    """Read the header; its columns are known by the names that `USER_COLUMNS` gives them. Raises `Malformed`."""
    left = margin(header)
    columns: list[str] = []
    for place, cell in enumerate(Sheet((), left).cells(header), start=left + 1):
        column = _COLUMN_OF.get(column_key(cell))
        if column is None:
            raise Malformed(f"line {header.line}, column {place}: {_unknown(cell)}")
        if column in columns:
            raise Malformed(f"line {header.line}, column {place}: a second column for {column}; remove one")
        columns.append(column)
    if "name" not in columns:
        raise Malformed(f"line {header.line}: the header has no column name; add it, every user needs one")
    return Sheet(tuple(columns), left)


def _unknown(cell: str) -> str:
    near = get_close_matches(column_key(cell), _COLUMN_OF, n=1, cutoff=0.7)
    hint = f' "{_COLUMN_OF[near[0]]}" may be meant;' if near else ""
    return f"the header names an unknown column;{hint} known are {', '.join(USER_COLUMNS)}"


def _user(columns: tuple[str, ...], lines: dict[str, int], line: int, cells: list[str]) -> UserRow:
    """Check one row; the first field that is wrong raises `BadField`."""
    said = dict(zip(columns, cells, strict=True)).get
    return UserRow(
        line,
        name=_name(said("name", ""), line, lines),
        first_name=checked_text(said("first_name", ""), "first_name", LONGEST_NAME),
        last_name=checked_text(said("last_name", ""), "last_name", LONGEST_NAME),
        email=checked_email(said("email", "")),
        phone=checked_phone(said("phone", "")),
        groups=_groups(said("groups", "")),
        mfa=_mfa(said("mfa", "")),
        locale=checked_locale(said("locale", "")),
    )


def _name(cell: str, line: int, lines: dict[str, int]) -> str:
    name = checked_text(cell, "name", LONGEST_NAME)
    key = name_key(name)
    if not key:
        raise BadField("name", "is empty; write the name that the user signs in with")
    if (earlier := lines.setdefault(key, line)) != line:
        raise BadField("name", f"stands in line {earlier} already; keep one of the two rows")
    return name


def checked_email(cell: str) -> str:
    """Give the address, or nothing for an empty cell; raises `BadField`."""
    email = checked_text(cell, "email", LONGEST_EMAIL)
    if email and not _EMAIL.fullmatch(email):
        raise BadField("email", "is not an address; write it as name@example.org")
    return email


def checked_phone(cell: str) -> str:
    """Give the phone number as it is written, or nothing for an empty cell; raises `BadField`."""
    if shortened_number(cell):
        raise BadField("phone", "was shortened by a spreadsheet; make the column text and enter it again")
    phone = checked_text(cell, "phone", LONGEST_PHONE)
    if phone and not _PHONE.fullmatch(phone):
        raise BadField("phone", "is not a phone number; write it as +41 44 668 18 00, an extension as x123 after it")
    return phone


def _groups(cell: str) -> tuple[str, ...]:
    """Cut the cell at semicolons; a group that is named twice counts once."""
    names = (checked_text(name.strip(), "groups", LONGEST_GROUP) for name in cell.split(";"))
    return tuple(dict.fromkeys(filter(None, names)))


def _mfa(cell: str) -> Mfa | None:
    if not cell:
        return None
    try:
        return Mfa(cell.casefold())
    except ValueError:
        raise BadField("mfa", f"must be one of {', '.join(Mfa)}") from None


def checked_locale(cell: str) -> str:
    """Give the language tag, or nothing for an empty cell; raises `BadField` (BCP 47, RFC 5646 section 2.1)."""
    if cell and (len(cell) > LONGEST_LOCALE or not _LOCALE.fullmatch(cell)):
        raise BadField("locale", "is not a language tag; write it as en, de-CH or zh-Hant-TW")
    return cell
