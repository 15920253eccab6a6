"""What the token formats have in common: fields as text, and what a person should know of a file that was taken.

Rules of this file: a refusal names the field and the position, never the value; a default is never silent.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from typing import Final, TypeVar

from vestibule.core.credentials import Algorithm
from vestibule.core.secret import Secret
from vestibule.wire.names import BadField, checked_text
from vestibule.wire.otpauth import LONGEST_KEY
from vestibule.wire.token_csv import LONGEST_UPN

T = TypeVar("T")

LONGEST_OCTETS: Final = LONGEST_KEY * 5 // 8
"""Octets of the longest key, as in every other format."""

HIGHEST_COUNTER: Final = 2**63 - 1
"""The highest counter of HOTP that a file may state (xs:long in PSKC, int64 elsewhere)."""

_NOT_HEX: Final = re.compile(r"[^0-9A-Fa-f]")
_SUITE: Final = re.compile(r"(?:HMAC[-_]?)?SHA[-_]?(1|256|512)", re.IGNORECASE)
_NAMED: Final = re.compile(r"[A-Za-z][A-Za-z0-9.-]*\s*=")
_PART: Final = re.compile(r"\s*([A-Za-z][A-Za-z0-9.-]*)\s*=\s*((?:\\.|[^,;+\\])*)(?:[,;+]|\Z)")
_ESCAPED: Final = re.compile(r"((?:\\[0-9A-Fa-f]{2})+)|\\(.)")


class Notes:
    """What a person should know of a file that was taken; the same words are said once, with their first line."""

    def __init__(self) -> None:
        """Begin without any."""
        self._said: dict[str, list[int]] = {}

    def say(self, line: int, text: str) -> None:
        """Note `text` of a line; 0 means the whole file."""
        first_and_more = self._said.setdefault(text, [line, -1])
        first_and_more[1] += 1

    def texts(self) -> tuple[str, ...]:
        """Give the notes in the order in which they came up."""
        return tuple(_place(line, more) + text for text, (line, more) in self._said.items())


def paused(parts: Iterable[T], pause: Callable[[], object]) -> Iterator[T]:
    """Give the parts of a long file one by one, with a call of `pause` after each."""
    for part in parts:
        yield part
        pause()


def hex_key(text: str, field: str) -> Secret:
    """Read a key in hexadecimal, either case, blanks between groups. Raises `BadField` with the position."""
    digits = "".join(text.split())
    if not digits:
        raise BadField(field, "is empty; give the key in hexadecimal")
    if stray := _NOT_HEX.search(digits):
        raise BadField(field, f"character {stray.start() + 1} is not hexadecimal (0 to 9, A to F); correct it")
    if len(digits) % 2:
        raise BadField(field, f"has {len(digits)} hexadecimal digits, an odd number; restore the missing one")
    return checked_key(bytes.fromhex(digits), field)


def checked_key(octets: bytes, field: str) -> Secret:
    """Give the key as a secret. Raises `BadField` if it is empty or too long."""
    if not 1 <= len(octets) <= LONGEST_OCTETS:
        raise BadField(field, f"has {len(octets)} octets; a key has 1 to {LONGEST_OCTETS}")
    return Secret(octets)


def whole_number(text: str, field: str, least: int, most: int) -> int:
    """Read a number in decimal digits. Raises `BadField`."""
    digits = text.strip().removeprefix("-")
    if digits.isascii() and digits.isdigit() and len(digits) <= 20 and least <= int(text) <= most:
        return int(text)
    raise BadField(field, f"must be a whole number from {least} to {most}")


def hash_named(text: str, field: str) -> Algorithm:
    """Read the name of a hash as SHA1, sha-256 or HMAC-SHA512. Raises `BadField`."""
    if found := _SUITE.fullmatch(text.strip()):
        return Algorithm(f"sha{found[1]}")
    raise BadField(field, "is not one of SHA1, SHA256, SHA512")


def moment(text: str, field: str) -> float:
    """Read a date and time (xs:dateTime), UTC where it names no zone, as seconds since the epoch; "" is 0."""
    if not text:
        return 0.0
    try:
        read = datetime.fromisoformat(text)
        return (read if read.tzinfo else read.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        raise BadField(field, "is not a date and time such as 2026-05-01T00:00:00Z") from None


def user_of(owner: str, field: str) -> str | None:
    """Give the user name that an owner's text holds: of a distinguished name (RFC 4514) its UID, or else its CN.

    Raises `BadField`, also for what only shows when escapes are read.
    """
    name = owner
    if _NAMED.match(owner):
        parts: dict[str, str] = {}
        for found in _PART.finditer(owner):
            parts.setdefault(found[1].lower(), found[2])
        name = _ESCAPED.sub(_unescaped, parts.get("uid") or parts.get("cn") or "").strip()
    return checked_text(name, field, LONGEST_UPN) or None


def _unescaped(found: re.Match[str]) -> str:
    """Read escaped octets as UTF-8, and an escaped character as itself."""
    return bytes.fromhex(found[1].replace("\\", "")).decode(errors="replace") if found[1] else found[2]


def _place(line: int, more: int) -> str:
    if not line:
        return ""
    return f"line {line} and {more} more: " if more else f"line {line}: "
