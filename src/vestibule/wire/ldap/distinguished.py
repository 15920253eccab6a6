"""Distinguished names: the names of entries, as text (RFC 4514) and as something to compare.

Names are compared here only to see whether an entry was met before or lies below another. The exact rules belong to
the server's schema; this file takes all values for text without regard to case and to repeated blanks, which is how
the naming attributes in use are defined.
"""

import re
from dataclasses import dataclass
from typing import Final

from vestibule.core.errors import Malformed
from vestibule.wire.names import name_key

LONGEST_NAME: Final = 4096
"""Characters."""

MOST_PARTS: Final = 128

_SHORT: Final = {
    "2.5.4.3": "cn",
    "2.5.4.6": "c",
    "2.5.4.7": "l",
    "2.5.4.8": "st",
    "2.5.4.9": "street",
    "2.5.4.10": "o",
    "2.5.4.11": "ou",
    "0.9.2342.19200300.100.1.1": "uid",
    "0.9.2342.19200300.100.1.25": "dc",
}
"""RFC 4514 section 3."""

_TYPE: Final = re.compile(r" *([A-Za-z][A-Za-z0-9-]*|[0-9]+(?:\.[0-9]+)*) *=")
_VALUE: Final = re.compile(r' *((?:\\[^\0]|[^\0\\",+;<>])*)')
_OCTETS: Final = re.compile(r"#(?:[0-9A-Fa-f]{2})+")
_ESCAPED: Final = re.compile(r'(?:\\[0-9A-Fa-f]{2})+|\\([ "#+,;<=>\\])|\\')
_SPECIAL: Final = re.compile(r'[\\",+;<>]|^[ #]| $|\0')


@dataclass(frozen=True, slots=True)
class Part:
    """One type and its value; `value` is text, or `#` and hexadecimal digits where it was written so."""

    kind: str
    value: str
    encoded: bool = False

    def __str__(self) -> str:
        """Write it with its escapes."""
        return f"{self.kind}={self.value if self.encoded else escaped_value(self.value)}"

    @property
    def key(self) -> tuple[str, str]:
        """What is equal for two spellings of the same part."""
        kind = self.kind.lower()
        return _SHORT.get(kind, kind), self.value.lower() if self.encoded else " ".join(name_key(self.value).split())


Parts = tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Name:
    """The name of an entry: its own parts first, the root last. The root itself has none."""

    relative: tuple[Parts, ...]

    def __str__(self) -> str:
        """Write it as RFC 4514 section 2 says, without blanks between the parts."""
        return ",".join("+".join(map(str, parts)) for parts in self.relative)

    @property
    def key(self) -> tuple[tuple[tuple[str, str], ...], ...]:
        """What is equal for two spellings of the same name."""
        return tuple(tuple(sorted(part.key for part in parts)) for parts in self.relative)

    def within(self, other: "Name") -> bool:
        """Whether this name is the other one or lies below it."""
        mine, others = self.key, other.key
        return mine[len(mine) - len(others) :] == others if len(mine) >= len(others) else False


def escaped_value(value: str) -> str:
    """Write a value so that it stands for itself within a name (RFC 4514 section 2.4)."""
    return _SPECIAL.sub(lambda found: r"\00" if found[0] == "\0" else f"\\{found[0]}", value)


def parse_name(text: str) -> Name:
    """Read a name; blanks around the signs between parts mean nothing. Raises `Malformed` with the column."""
    if len(text) > LONGEST_NAME:
        raise Malformed(f"name: longer than {LONGEST_NAME} characters")
    if not text.strip(" "):
        return Name(())
    relative: list[Parts] = []
    parts: list[Part] = []
    at, sign = 0, "+"
    while sign:
        part, at = _part(text, at)
        parts.append(part)
        sign = text[at : at + 1]
        if sign != "+":
            relative.append(tuple(parts))
            parts = []
        if sign not in {"", "+", ","}:
            raise Malformed(f"name: column {at + 1}: this character needs a backslash before it")
        if len(relative) > MOST_PARTS or len(parts) > MOST_PARTS:
            raise Malformed(f"name: more than {MOST_PARTS} parts")
        at += 1
    return Name(tuple(relative))


def _part(text: str, at: int) -> tuple[Part, int]:
    kind = _TYPE.match(text, at)
    if kind is None:
        raise Malformed(f"name: column {at + 1}: here should stand an attribute and an equals sign")
    raw = _VALUE.match(text, kind.end())
    if raw is None:
        raise AssertionError("the empty value always matches")
    return _valued(kind[1], _stripped(raw[1]), raw.start(1)), raw.end()


def _valued(kind: str, raw: str, at: int) -> Part:
    if raw.startswith("#"):
        if not _OCTETS.fullmatch(raw):
            raise Malformed(f"name: column {at + 1}: a number sign is followed by pairs of hexadecimal digits")
        return Part(kind, raw, encoded=True)
    return Part(kind, _unescaped(raw, at))


def _stripped(raw: str) -> str:
    """Take blanks off the end, but not one that has a backslash before it."""
    bare = raw.rstrip(" ")
    backslashes = len(bare) - len(bare.rstrip("\\"))
    return raw[: len(bare) + 1] if backslashes % 2 else bare


def _unescaped(raw: str, at: int) -> str:
    def plain(found: re.Match[str]) -> str:
        if found[1]:
            return found[1]
        if found[0] == "\\":
            raise Malformed(f"name: column {at + found.start() + 1}: nothing that can be escaped follows the backslash")
        try:
            return bytes.fromhex(found[0].replace("\\", "")).decode()
        except UnicodeDecodeError:
            raise Malformed(f"name: column {at + found.start() + 1}: the escaped octets are not UTF-8") from None

    return _ESCAPED.sub(plain, raw)
