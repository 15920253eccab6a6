"""Token files: the three columns of MFA Server and the six of Microsoft Entra, both TOTP with SHA-1 and six digits.

Rules of this file:
- Rows are not kept: of each, only its serial number and line stay in memory, to find a serial that comes twice.
- A reason names a position in a key, never a character of it.
- How strong a key must be is policy; here it is only measured.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import chain
from typing import Final, NamedTuple

from vestibule.core.credentials import SHORTEST_KEY_BITS, Algorithm
from vestibule.core.errors import Malformed
from vestibule.core.secret import Secret
from vestibule.wire.names import BadField, checked_text
from vestibule.wire.otpauth import OtpMethod, read_key
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

ENTRA_COLUMNS: Final = ("upn", "serial number", "secret key", "time interval", "manufacturer", "model")
"""The header of Entra's token upload; mandatory, in this order."""

SHORT_COLUMNS: Final = ENTRA_COLUMNS[1:4]
"""The columns of MFA Server's token import; the header may be left out."""

LONGEST_UPN: Final = 256
LONGEST_SERIAL: Final = 64
LONGEST_MAKER: Final = 128

_SHORT_NAMES: Final = (
    frozenset({"serial", "serial number", "serialnumber", "token serial"}),
    frozenset({"secret", "secret key", "secretkey", "base32 secret", "seed"}),
    frozenset({"interval", "time interval", "timeinterval", "period", "time step"}),
)
_PERIODS: Final = {"30": 30, "60": 60}
_FORMS: Final = (
    f"a token file has the header {','.join(ENTRA_COLUMNS)}, or the three columns serial, secret, interval with or "
    "without a header"
)


@dataclass(frozen=True, slots=True)
class TokenRow:
    """One token of an import; texts are empty where the file says nothing, `upn` is None for an unassigned token.

    All token formats give this type. `serial` is empty where the format knows none (a QR code). `owner` is what the
    file says of the owner where that is more than a name, such as a distinguished name. `drift` is the token's clock
    minus ours in time steps. Start and expiry are seconds since the epoch, 0 for none.
    """

    line: int
    upn: str | None
    serial: str
    secret: Secret
    period_seconds: int
    manufacturer: str = ""
    model: str = ""
    method: OtpMethod = OtpMethod.TOTP
    algorithm: Algorithm = Algorithm.SHA1
    digits: int = 6
    counter: int = 0
    issuer: str = ""
    owner: str = ""
    drift: int = 0
    starts_at: float = 0.0
    expires_at: float = 0.0

    @property
    def key_bits(self) -> int:
        """Length of the key in bits."""
        return len(self.secret) * 8

    @property
    def short_key(self) -> bool:
        """Whether the key is under 112 bits, which only a dated waiver allows (NIST SP 800-63B-4 section 3.1.4)."""
        return self.key_bits < SHORTEST_KEY_BITS


def read_tokens(chunks: Iterable[str] | Iterable[bytes]) -> Iterator[TokenRow | RowProblem]:
    """Read a token file of either form from text or UTF-8 bytes, cut anywhere, in the order of its rows.

    Raises `Malformed` when the first row belongs to neither form, or where `read_rows` must stop.
    """
    rows = read_rows(chunks)
    first = first_row(rows)
    form = _form(first)
    unread = rows if form.headed else chain((first,), rows)
    yield from parse_rows(unread, form.sheet, partial(_token, {}))


class _Form(NamedTuple):
    """The columns of the file, and whether its first row names them or is a token already."""

    sheet: Sheet
    headed: bool


def _form(first: Row) -> _Form:
    """Tell the form of the file by its first row."""
    left = margin(first)
    cells = Sheet(SHORT_COLUMNS, left).cells(first)
    names = tuple(column_key(cell) for cell in cells)
    if names == ENTRA_COLUMNS:
        return _Form(Sheet(ENTRA_COLUMNS, left), headed=True)
    if len(names) == len(ENTRA_COLUMNS):
        wrong = [name == wanted for name, wanted in zip(names, ENTRA_COLUMNS, strict=True)].index(False)
        raise _unknown(first, left + wrong, f'must be named "{ENTRA_COLUMNS[wrong]}"')
    if len(names) != len(SHORT_COLUMNS):
        raise Malformed(f"line {first.line}: {len(names)} columns where 3 or 6 are known; {_FORMS}")
    known = [name in names_of for name, names_of in zip(names, _SHORT_NAMES, strict=True)]
    if any(known) and not all(known):
        wrong = known.index(False)
        raise _unknown(first, left + wrong, f'must be named "{SHORT_COLUMNS[wrong]}"')
    if not any(known) and cells[2] and not any(character.isdigit() for character in cells[2]):
        raise _unknown(first, left + 2, "holds neither an interval nor a known name")
    return _Form(Sheet(SHORT_COLUMNS, left), headed=all(known))


def _unknown(first: Row, index: int, reason: str) -> Malformed:
    return Malformed(f"line {first.line}, column {index + 1}: {reason}; {_FORMS}")


def _token(serials: dict[str, int], line: int, cells: list[str]) -> TokenRow:
    """Check one row of either form, cell by cell from the left; the first that is wrong raises `BadField`."""
    upn, serial, key, interval, manufacturer, model = cells if len(cells) == 6 else ("", *cells, "", "")
    return TokenRow(
        line,
        checked_text(upn, "upn", LONGEST_UPN) or None,
        unique_serial(serial, line, serials),
        read_key(key, "secret key"),
        _period(interval),
        checked_text(manufacturer, "manufacturer", LONGEST_MAKER),
        checked_text(model, "model", LONGEST_MAKER),
    )


def unique_serial(serial: str, line: int, serials: dict[str, int]) -> str:
    """Check a serial number and remember its line in `serials`. Raises `BadField`, also for one that came before."""
    if not serial:
        raise BadField("serial number", "is empty; write the number that is printed on the token")
    if len(serial) > LONGEST_SERIAL or not serial.isprintable():
        raise BadField("serial number", f"must have 1 to {LONGEST_SERIAL} printable characters")
    if "E+" in serial and shortened_number(serial):
        raise BadField("serial number", "was shortened by a spreadsheet; make the column text and enter it again")
    if (earlier := serials.setdefault(serial, line)) != line:
        raise BadField("serial number", f"stands in line {earlier} already; keep one of the two rows")
    return serial


def _period(interval: str) -> int:
    if period := _PERIODS.get(interval):
        return period
    raise BadField("time interval", "must be 30 or 60, the seconds that a code is shown")
