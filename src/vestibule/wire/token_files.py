"""A token file of any form that is known, told by what it holds, and read into rows of one kind.

Rules of this file:
- The form is told by the content; the name of the file plays no part. What was taken is always said.
- All or nothing: a file that is damaged, or of which a MAC is wrong, raises `Malformed` and gives no row.
- To add a form: a reader that gives `TokenRow | RowProblem`, a `TokenFormat`, a line in `_reading`, a row in
  `docs/tokens.md`.
"""

import re
from codecs import BOM_UTF8
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import chain
from typing import Final, NamedTuple

from vestibule.core.errors import Malformed
from vestibule.core.secret import Secret
from vestibule.wire import safenet
from vestibule.wire.migration import read_migration
from vestibule.wire.names import BadField, checked_text
from vestibule.wire.otpauth import LONGEST_URI, decode
from vestibule.wire.pskc.reader import known_root, read_pskc
from vestibule.wire.tabular import RowProblem, Sheet, first_row, margin, read_rows
from vestibule.wire.token_csv import ENTRA_COLUMNS, SHORT_COLUMNS, TokenRow, read_tokens
from vestibule.wire.token_fields import Notes, paused
from vestibule.wire.vendor_csv import read_vendor_csv
from vestibule.wire.xml_elements import LIMITS, read_elements

LONGEST_FILE_NAME: Final = 255


class TokenFormat(StrEnum):
    """The forms that are known."""

    PSKC = "pskc"
    PSKC_DRAFT = "pskc-draft"
    SAFENET = "safenet"
    MFA_SERVER = "mfa-server-csv"
    ENTRA = "entra-csv"
    OATH = "oath-csv"
    NAMED = "named-csv"
    YUBICO = "yubico-csv"
    YUBICO_LOG = "yubico-log"
    OTPAUTH = "otpauth"
    MIGRATION = "otpauth-migration"


TITLES: Final = {
    TokenFormat.PSKC: "PSKC (RFC 6030)",
    TokenFormat.PSKC_DRAFT: "PSKC, a draft before RFC 6030",
    TokenFormat.SAFENET: "SafeNet or Aladdin XML",
    TokenFormat.MFA_SERVER: "CSV with three columns, as MFA Server took it",
    TokenFormat.ENTRA: "CSV with six columns, as Microsoft Entra takes it",
    TokenFormat.OATH: "OATH CSV, as LinOTP and privacyIDEA write it",
    TokenFormat.NAMED: "CSV with named columns",
    TokenFormat.YUBICO: "Yubico CSV",
    TokenFormat.YUBICO_LOG: "log of the YubiKey Personalization Tool",
    TokenFormat.OTPAUTH: "list of otpauth URIs",
    TokenFormat.MIGRATION: "QR codes of Google Authenticator",
}
"""What each form is called towards people."""


@dataclass(frozen=True, slots=True)
class TokenFile:
    """One file: its name, the form that was taken, its rows in their order, and what a person should know of it.

    `sheet` has the columns of a CSV form, for the failures file; the other forms are corrected in the file itself.
    """

    name: str
    format: TokenFormat
    rows: tuple[TokenRow | RowProblem, ...]
    notes: tuple[str, ...] = ()
    sheet: Sheet | None = None


def read_token_file(
    content: bytes,
    name: str,
    *,
    key: Secret | None = None,
    passphrase: Secret | None = None,
    pause: Callable[[], object] = lambda: None,
) -> TokenFile:
    """Read a token file; `key` and `passphrase` open an encrypted one, `key` being the octets, not their hexadecimal.

    `pause` is called after each row, so that a reader in a thread can let others go on.

    Raises `KeyMissing` (a `Malformed`) when the file is encrypted and what opens it was not given, and `Malformed`
    with the place when the form is not known, when the file is damaged, or when a MAC is wrong.
    """
    checked_text(name, "file name", LONGEST_FILE_NAME)
    if len(content) > LIMITS.octets:
        raise Malformed(f"the file has {len(content)} octets; at most {LIMITS.octets} are taken, so divide it")
    notes = Notes()
    if _is_xml(content):
        return _xml_file(content, name, _Opening(key, passphrase), pause)
    taken, sheet, rows = _text_file(content.removeprefix(BOM_UTF8), notes)
    read = tuple(paused(rows, pause))
    if key or passphrase:
        notes.say(0, "the file is not encrypted; the key or passphrase was not used")
    return TokenFile(name, taken, read, notes.texts(), sheet)


_XML: Final = re.compile(rb"(?:\xef\xbb\xbf)?\s*<|\xff\xfe<|\xfe\xff\x00<")
_STRANGERS: Final = (
    (b"PK\x03\x04", "is a spreadsheet or a ZIP archive; save it as CSV UTF-8, or unpack it"),
    (b"\xd0\xcf\x11\xe0", "is an old spreadsheet; save it as CSV UTF-8"),
    (b"-----BEGIN PGP", "is encrypted with PGP; decrypt it first"),
    (b"\x89PNG", "is a picture; scan the QR code and put its text on a line of a text file"),
    (b"dn: scc", "is in the SafeWord form, which is not supported; ask the maker for PSKC (RFC 6030)"),
    (b"# ===== SafeWord", "is in the SafeWord form, which is not supported; ask the maker for PSKC (RFC 6030)"),
)
_CSV_COLUMNS: Final = {3: TokenFormat.MFA_SERVER, 6: TokenFormat.ENTRA}
_URI_LINE: Final = re.compile(rb"(?:\s|#[^\r\n]*[\r\n])*(otpauth(?:-migration)?)://", re.IGNORECASE)


def _is_xml(content: bytes) -> bool:
    return _XML.match(content) is not None


class _Opening(NamedTuple):
    """What may open a file."""

    key: Secret | None
    passphrase: Secret | None


def _xml_file(content: bytes, name: str, opening: _Opening, pause: Callable[[], object]) -> TokenFile:
    root = next(read_elements(content))
    if known_root(root):
        rows, draft, notes = read_pskc(content, *opening, pause=pause)
        return TokenFile(name, TokenFormat.PSKC_DRAFT if draft else TokenFormat.PSKC, tuple(rows), notes.texts())
    if root.name == safenet.ROOT and not root.namespace:
        notes = Notes()
        read = tuple(paused(safenet.read_safenet(content, notes), pause))
        if not read:
            raise Malformed(f"line {root.line}: {safenet.ROOT} holds no Token; nothing was taken")
        return TokenFile(name, TokenFormat.SAFENET, read, notes.texts())
    raise Malformed(
        f"line {root.line}: the file is XML of a form that is not known; known are PSKC (RFC 6030: KeyContainer) and "
        "SafeNet (Tokens)"
    )


class _Text(NamedTuple):
    """A file of text: its form, its columns where it has some, and its rows, read as they are taken."""

    format: TokenFormat
    sheet: Sheet | None
    rows: Iterator[TokenRow | RowProblem]


def _text_file(content: bytes, notes: Notes) -> _Text:
    start = content.lstrip()
    for signature, reason in _STRANGERS:
        if start.startswith(signature):
            raise Malformed(f"the file {reason}")
    if found := _URI_LINE.match(content):
        return _uris(content, migration=found[1].lower() != b"otpauth")
    vendor = read_vendor_csv(content, notes)
    if vendor.form:
        return _Text(TokenFormat(vendor.form), vendor.sheet, vendor.rows)
    return _own_csv(content)


def _own_csv(content: bytes) -> _Text:
    """Read one of the two forms without a type, TOTP both."""
    first = first_row(read_rows([content]))
    cells = Sheet(SHORT_COLUMNS, margin(first)).cells(first)
    if len(cells) not in _CSV_COLUMNS:
        raise Malformed(f"line {first.line}: {_columns_told(len(cells))}")
    rows = read_tokens([content])
    row = next(rows, None)
    if row is None:
        raise Malformed("the file has a header but no token; nothing was taken")
    columns = ENTRA_COLUMNS if len(cells) == len(ENTRA_COLUMNS) else SHORT_COLUMNS
    return _Text(_CSV_COLUMNS[len(cells)], Sheet(columns, margin(first)), chain((row,), rows))


def _columns_told(number: int) -> str:
    if number == len(("serial number", "key")):
        return "two columns do not say how codes are made; add a third one, totp or hotp, and a fourth, the digits"
    return (
        f"{number} columns of a form that is not known; known are 3 columns (serial, Base32 key, interval), the 6 of "
        "Microsoft Entra, OATH CSV (serial, hexadecimal key, totp or hotp, digits, interval or counter, hash), and a "
        "header that names serial number, secret key and type"
    )


# ------------------------------------------------------------------------------------------------------ lists of URIs


def _uris(content: bytes, *, migration: bool) -> _Text:
    if migration:
        return _Text(TokenFormat.MIGRATION, None, iter(read_migration(_lines(content))))
    return _Text(TokenFormat.OTPAUTH, None, (_uri_row(line, text) for line, text in _lines(content)))


def _lines(content: bytes) -> Iterator[tuple[int, str]]:
    """Give the lines that are not blank and no comment, with their numbers."""
    for number, octets in enumerate(content.splitlines(), start=1):
        try:
            line = octets.decode().strip()
        except UnicodeDecodeError:
            raise Malformed(f"line {number}: is not UTF-8; save the file as UTF-8") from None
        if line and not line.startswith("#"):
            yield number, line


def _uri_row(line: int, text: str) -> TokenRow | RowProblem:
    try:
        uri = decode(text)
    except BadField as bad:
        return RowProblem(line, 0, bad.field, bad.reason, (Secret.of(text[:LONGEST_URI]),), ("uri",))
    return TokenRow(
        line=line,
        upn=uri.account,
        serial="",
        secret=uri.secret,
        period_seconds=uri.period,
        method=uri.method,
        algorithm=uri.algorithm,
        digits=uri.digits,
        counter=uri.counter,
        issuer=uri.issuer,
    )
