"""What Google Authenticator shows as QR codes to move its accounts: `otpauth-migration://offline?data=…`.

Where the facts come from: Google has not published the payload; its fields are those that many open programs read
alike: a protocol buffer (field 1 the accounts, 2 the version, 3 to 5 size, index and id of the batch), an account with
1 secret, 2 name, 3 issuer, 4 hash (1 SHA-1, 2 SHA-256, 3 SHA-512), 5 digits (1 six, 2 eight), 6 type (1 HOTP, 2 TOTP),
7 counter.

Rules of this file:
- A batch is taken whole: a code that is missing is named, and nothing is given.
- Fields that are not known are passed over by their type; lengths are checked before anything is cut.
"""

import base64
import binascii
from collections.abc import Iterator
from typing import Final, NamedTuple
from urllib.parse import unquote

from vestibule.core.credentials import Algorithm
from vestibule.core.errors import Malformed
from vestibule.wire.names import BadField, checked_text
from vestibule.wire.otpauth import LONGEST_NAME, OtpMethod
from vestibule.wire.tabular import RowProblem
from vestibule.wire.token_csv import TokenRow
from vestibule.wire.token_fields import HIGHEST_COUNTER, checked_key

LONGEST_PAYLOAD: Final = 16_384
"""Characters of the longest URI that is read; a QR code holds 4296."""

MOST_CODES: Final = 1000
"""The most codes of one batch."""

_PREFIX: Final = "otpauth-migration://offline?data="
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_FIXED: Final = {_FIXED64: 8, _FIXED32: 4}
_HASHES: Final = {0: Algorithm.SHA1, 1: Algorithm.SHA1, 2: Algorithm.SHA256, 3: Algorithm.SHA512}
_DIGITS: Final = {0: 6, 1: 6, 2: 8}
_METHODS: Final = {1: OtpMethod.HOTP, 2: OtpMethod.TOTP}
_DAMAGED: Final = "not a protocol buffer of this kind"


class _Payload(NamedTuple):
    """One QR code: its line, its accounts as octets, and its place in the batch (from 0)."""

    line: int
    accounts: list[bytes]
    size: int
    place: int
    batch: int


def read_migration(lines: Iterator[tuple[int, str]]) -> list[TokenRow | RowProblem]:
    """Read the payloads of all lines, one QR code each, in any order.

    Raises `Malformed` for a payload that makes no sense, for one that comes twice and for a batch with a gap.
    """
    payloads = [_payload(line, text) for line, text in lines]
    _check_batches(payloads)
    return [_row(payload.line, account) for payload in payloads for account in payload.accounts]


def _payload(line: int, text: str) -> _Payload:
    """Read one URI, its protocol buffer in percent-escaped Base64."""
    if not text.startswith(_PREFIX):
        raise Malformed(f"line {line}: not {_PREFIX}…; put one such text on each line and nothing else")
    if len(text) > LONGEST_PAYLOAD:
        raise Malformed(f"line {line}: has {len(text)} characters; at most {LONGEST_PAYLOAD} are taken")
    try:
        octets = base64.b64decode(unquote(text[len(_PREFIX) :]), validate=True)
        fields = list(_fields(octets))
    except (binascii.Error, ValueError):
        raise Malformed(f"line {line}: the payload is damaged or cut; scan the QR code again") from None
    numbers = {number: value for number, value in fields if isinstance(value, int)}
    accounts = [value for number, value in fields if number == 1 and isinstance(value, bytes)]
    if not accounts:
        raise Malformed(f"line {line}: the payload holds no account; scan the QR code again")
    return _Payload(line, accounts, numbers.get(3) or 1, numbers.get(4, 0), numbers.get(5, 0))


def _check_batches(payloads: list[_Payload]) -> None:
    lines: dict[tuple[int, int], int] = {}
    for line, _, size, place, batch in payloads:
        if not 0 <= place < size <= MOST_CODES:
            raise Malformed(f"line {line}: the place of the code in its batch makes no sense; scan the QR code again")
        if (earlier := lines.setdefault((batch, place), line)) != line:
            raise Malformed(f"line {line}: the same QR code stands in line {earlier} already; keep one of the two")
    for line, _, size, _, batch in payloads:
        if missing := [str(place + 1) for place in range(size) if (batch, place) not in lines]:
            raise Malformed(
                f"line {line}: of the {size} QR codes of this batch, number {', '.join(missing)} is not in the file; "
                "add it, nothing was taken"
            )


def _row(line: int, account: bytes) -> TokenRow | RowProblem:
    try:
        return _token(line, dict(_fields(account)))
    except BadField as bad:
        return RowProblem(line, 0, bad.field, bad.reason, ())
    except ValueError:
        raise Malformed(f"line {line}: an account of the payload is damaged; scan the QR code again") from None


def _token(line: int, fields: dict[int, int | bytes]) -> TokenRow:
    method = _METHODS.get(_number(fields, 6))
    digits, algorithm = _DIGITS.get(_number(fields, 5)), _HASHES.get(_number(fields, 4))
    if method is None or digits is None or algorithm is None:
        raise BadField("account", "has codes of a kind that is not known; only HOTP and TOTP with SHA can be imported")
    counter = _number(fields, 7)
    if counter > HIGHEST_COUNTER:
        raise BadField("counter", "is below 0")
    name = checked_text(_octets(fields, 2), "name", LONGEST_NAME)
    issuer = checked_text(_octets(fields, 3), "issuer", LONGEST_NAME)
    prefix, colon, account = name.partition(":")
    return TokenRow(
        line=line,
        upn=(account.strip() if colon else name) or None,
        serial="",
        secret=checked_key(_octets(fields, 1), "secret"),
        period_seconds=30,
        method=method,
        algorithm=algorithm,
        digits=digits,
        counter=counter if method is OtpMethod.HOTP else 0,
        issuer=issuer or (prefix if colon else ""),
    )


def _number(fields: dict[int, int | bytes], number: int) -> int:
    match fields.get(number, 0):
        case int(value):
            return value
        case _:
            raise ValueError(_DAMAGED)


def _octets(fields: dict[int, int | bytes], number: int) -> bytes:
    match fields.get(number, b""):
        case bytes(value):
            return value
        case _:
            raise ValueError(_DAMAGED)


# ----------------------------------------------------------------------------------------------- protocol buffers


def _fields(octets: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Give number and value of each field of a message, in its order. Raises `ValueError` for one that makes no sense.

    Numbers of fixed width are octets here, as no field that is read has one.
    """
    at = 0
    while at < len(octets):
        key, at = _varint(octets, at)
        kind = key & 7
        if kind == _VARINT:
            value, at = _varint(octets, at)
            yield key >> 3, value
            continue
        if kind == _BYTES:
            length, at = _varint(octets, at)
        else:
            length = _FIXED.get(kind, len(octets))
        if length > len(octets) - at:
            raise ValueError(_DAMAGED)
        yield key >> 3, octets[at : at + length]
        at += length


def _varint(octets: bytes, at: int) -> tuple[int, int]:
    """Read a number of at most 64 bits, seven of them in each octet, low ones first, and tell where it ends."""
    number = 0
    for place, octet in enumerate(octets[at : at + 10]):
        number |= (octet & 0x7F) << (7 * place)
        if octet < 0x80:
            return number & (2**64 - 1), at + place + 1
    raise ValueError(_DAMAGED)
