"""Names for attributes: dictionary text in FreeRADIUS format, and a named value to an attribute ready to send.

Rules of this file:
- Parsing is pure: text in, `Dictionary` out; the caller reads files, also those that $INCLUDE names.
- A line that is not understood stops the reading, with file, line and what to do; nothing is skipped in silence.
- Names are found whatever their case.
"""

import functools
import importlib.resources
import re
from collections import ChainMap
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from ipaddress import IPv4Address, IPv6Address
from typing import Final, NoReturn, TypeVar

from vestibule.core.errors import Malformed
from vestibule.wire.radius.packet import LONGEST_VALUE, Attribute
from vestibule.wire.radius.reply import OWN_ATTRIBUTES

_VENDOR_HEADER: Final = 6
_LONGEST_VENDOR_VALUE: Final = LONGEST_VALUE - _VENDOR_HEADER
_NUMBER: Final = re.compile(r"0[xX][0-9a-fA-F]{1,16}|[0-9]{1,20}")
_TAGGED: Final = re.compile(r"(?P<name>.+):(?P<tag>[0-9]{1,2})")
_HIGHEST_TAG: Final = 0x1F

_Key = TypeVar("_Key")
_Known = TypeVar("_Known")


class Kind(StrEnum):
    """Data types, by their names in dictionary files (RFC 8044 section 3)."""

    STRING = "string"
    OCTETS = "octets"
    INTEGER = "integer"
    IPADDR = "ipaddr"
    IPV6ADDR = "ipv6addr"
    DATE = "date"
    BYTE = "byte"
    SHORT = "short"
    INTEGER64 = "integer64"


_KINDS: Final = {kind.value: kind for kind in Kind}
_WIDTHS: Final = {Kind.BYTE: 1, Kind.SHORT: 2, Kind.INTEGER: 4, Kind.INTEGER64: 8}
_TAGGED_KINDS: Final = frozenset({Kind.INTEGER, Kind.STRING})


@dataclass(frozen=True, slots=True)
class Definition:
    """One ATTRIBUTE line; `vendor` is an enterprise number, None for a standard attribute."""

    name: str = field(compare=False)
    number: int
    kind: Kind
    vendor: int | None = None
    tagged: bool = False
    encrypted: bool = False


@dataclass(frozen=True, slots=True)
class Dictionary:
    """What a set of dictionary files defines; all keys are in lower case."""

    definitions: Mapping[str, Definition] = field(default_factory=dict)
    values: Mapping[tuple[str, str], int] = field(default_factory=dict)
    vendors: Mapping[str, int] = field(default_factory=dict)

    def encode(self, name: str, text: str) -> tuple[int, bytes]:
        """Give the attribute `name` with the value written as `text`, a vendor's inside Vendor-Specific.

        RFC 2865 section 5.26; a tag of RFC 2868 stands behind the name, as in `Tunnel-Type:1`.
        Raises `Malformed`, beginning with the name, for an unknown name, a bad value, or what a reply can not carry.
        """
        plain, tag = _split_tag(name)
        definition = self._find(plain)
        value = self._value(definition, text)
        if not value:
            _refuse(definition.name, "the value is empty; write one or remove the attribute")
        if definition.tagged:
            value = _with_tag(definition, tag, value)
        elif tag is not None:
            _refuse(name, "the attribute takes no tag; remove the colon and what follows")
        return _framed(definition, value)

    def _find(self, name: str) -> Definition:
        definition = self.definitions.get(name.lower())
        if definition is None:
            _refuse(repr(name), "no such attribute; correct the name or add a dictionary that defines it")
        if definition.encrypted:
            _refuse(definition.name, "it is sent encrypted, which replies do not support; use another attribute")
        if definition.vendor is None and definition.number in OWN_ATTRIBUTES:
            _refuse(definition.name, "every reply sets it by itself; remove it")
        return definition

    def _value(self, definition: Definition, text: str) -> bytes:
        named = self.values.get((definition.name.lower(), text.lower()))
        width = _WIDTHS.get(definition.kind)
        if width is None:
            return _ENCODERS[definition.kind](definition.name, text)
        if named is None and not _NUMBER.fullmatch(text):
            _refuse(definition.name, f"neither a number nor one of its named values{self._choices(definition)}")
        return _integer(definition.name, _number(text) if named is None else named, width)

    def _choices(self, definition: Definition) -> str:
        names = [value for attribute, value in self.values if attribute == definition.name.lower()]
        return f" ({', '.join(names[:20])})" if names else ""


def parse(
    text: str, *, file: str, included: Callable[[str], str] | None = None, onto: Dictionary | None = None
) -> Dictionary:
    """Read dictionary text; `file` is how messages call it, `onto` what it adds to and may redefine.

    `included` gives the text of a file in the same folder; without it $INCLUDE is refused.
    Understood: VENDOR, BEGIN-VENDOR, END-VENDOR, ATTRIBUTE, VALUE, $INCLUDE and comments from `#` to the line's end.
    Raises `Malformed` with file and line.
    """
    reader = _Reader(onto or Dictionary(), included)
    reader.read(text, file)
    return Dictionary(dict(reader.definitions), dict(reader.values), dict(reader.vendors))


@functools.cache
def standard() -> Dictionary:
    """Give the built-in dictionary: the standard's attributes for replies and tests, and a few vendors'."""
    packaged = importlib.resources.files(__package__).joinpath("dictionary.txt")
    return parse(packaged.read_text("utf-8"), file="dictionary.txt")


class _Reader:
    """Collects definitions line by line; `_place` is where it stands."""

    def __init__(self, known: Dictionary, included: Callable[[str], str] | None) -> None:
        self.definitions = ChainMap({}, dict(known.definitions))
        self.values = ChainMap({}, dict(known.values))
        self.vendors = ChainMap({}, dict(known.vendors))
        self._included = included
        self._open: list[str] = []
        self._vendor: str | None = None
        self._place = ""

    def read(self, text: str, file: str) -> None:
        outside = self._vendor
        self._open.append(file.rsplit("/", 1)[-1])
        for number, line in enumerate(text.split("\n"), 1):
            self._place = f"{file}, line {number}"
            words = line.partition("#")[0].split()
            if words:
                self._line(words[0].upper(), words[1:])
        if self._vendor != outside:
            _refuse(self._place, "BEGIN-VENDOR and END-VENDOR do not match in this file; add the missing one")
        self._open.pop()

    def _line(self, keyword: str, words: list[str]) -> None:
        match keyword, words:
            case "VENDOR", [name, number, *formats]:
                self._define_vendor(name, number, formats)
            case "BEGIN-VENDOR", [name]:
                self._begin_vendor(name)
            case "END-VENDOR", [name]:
                self._end_vendor(name)
            case "ATTRIBUTE", [name, number, kind, *flags]:
                self._define_attribute(name, number, kind, ",".join(flags))
            case "VALUE", [attribute, name, number]:
                self._define_value(attribute, name, number)
            case "$INCLUDE", [name]:
                self._include(name)
            case _:
                understood = "VENDOR, BEGIN-VENDOR, END-VENDOR, ATTRIBUTE, VALUE or $INCLUDE with its words"
                _refuse(self._place, f"not understood; write {understood}, or remove the line")

    def _define_vendor(self, name: str, number: str, formats: list[str]) -> None:
        if formats not in ([], ["format=1,1"]):
            _refuse(self._place, "only vendors with format=1,1 are supported; remove this vendor and its attributes")
        self._agree(self.vendors, name.lower(), self._whole(number, 1, 0xFFFFFF))

    def _begin_vendor(self, name: str) -> None:
        if self._vendor is not None:
            _refuse(self._place, "a vendor is open already; write its END-VENDOR before this line")
        if name.lower() not in self.vendors:
            _refuse(self._place, "the vendor is not defined; write a VENDOR line with its number before this line")
        self._vendor = name.lower()

    def _end_vendor(self, name: str) -> None:
        if self._vendor != name.lower():
            _refuse(self._place, "this vendor is not open; write the name that BEGIN-VENDOR has, or remove the line")
        self._vendor = None

    def _define_attribute(self, name: str, number: str, kind: str, flags: str) -> None:
        if kind not in _KINDS:
            _refuse(self._place, f"unknown type; use one of {', '.join(_KINDS)}, or remove the line")
        tagged, encrypted = self._flags(flags)
        if tagged and _KINDS[kind] not in _TAGGED_KINDS:
            _refuse(self._place, "has_tag goes with string and integer only; remove it")
        vendor = None if self._vendor is None else self.vendors[self._vendor]
        definition = Definition(name, self._whole(number, 1, 255), _KINDS[kind], vendor, tagged, encrypted)
        self._agree(self.definitions, name.lower(), definition)

    def _flags(self, flags: str) -> tuple[bool, bool]:
        """Read the last column; `array` and `concat` speak of several values and change nothing for one."""
        words = {word for word in flags.split(",") if word}
        encrypted = words & {"encrypt=1", "encrypt=2", "encrypt=3"}
        if words - encrypted - {"has_tag", "array", "concat"}:
            known = "has_tag, encrypt=1, encrypt=2, encrypt=3, array or concat"
            _refuse(self._place, f"unknown option behind the type; use {known}, or remove the line")
        return "has_tag" in words, bool(encrypted)

    def _define_value(self, attribute: str, name: str, number: str) -> None:
        definition = self.definitions.get(attribute.lower())
        if definition is None:
            _refuse(self._place, "the attribute is not defined; write its ATTRIBUTE line before this line")
        if definition.kind not in _WIDTHS:
            _refuse(self._place, f"only attributes of type {', '.join(_WIDTHS)} have named values; remove the line")
        highest = _highest(_WIDTHS[definition.kind])
        self._agree(self.values, (attribute.lower(), name.lower()), self._whole(number, 0, highest))

    def _include(self, name: str) -> None:
        if "/" in name or "\\" in name or name in {".", ".."}:
            _refuse(self._place, "$INCLUDE takes a file of the same folder; copy it there and write its bare name")
        if self._included is None:
            _refuse(self._place, "$INCLUDE is not available here; put the lines of that file in its place")
        if name in self._open:
            _refuse(self._place, "this file includes itself; remove the line")
        place = self._place
        try:
            text = self._included(name)
        except (OSError, UnicodeError):
            _refuse(place, "the included file can not be read as UTF-8 text; check its name, rights and content")
        self.read(text, name)
        self._place = place

    def _whole(self, text: str, lowest: int, highest: int) -> int:
        number = _number(text) if _NUMBER.fullmatch(text) else -1
        if not lowest <= number <= highest:
            _refuse(self._place, f"the number is not one from {lowest} to {highest}; correct it or remove the line")
        return number

    def _agree(self, known: ChainMap[_Key, _Known], key: _Key, value: _Known) -> None:
        """Define once: these files may differ from what was known before them, not from each other."""
        if known.maps[0].setdefault(key, value) != value:
            _refuse(self._place, "the name is defined already, otherwise; remove one of the two lines")


def _refuse(place: str, problem: str) -> NoReturn:
    raise Malformed(f"{place}: {problem}")


def _number(text: str) -> int:
    return int(text, 0) if text[:2] in {"0x", "0X"} else int(text)


def _highest(width: int) -> int:
    return (1 << 8 * width) - 1


def _integer(name: str, number: int, width: int) -> bytes:
    if number > _highest(width):
        _refuse(name, f"the number is above {_highest(width)}; write a smaller one")
    return number.to_bytes(width, "big")


def _string(name: str, text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError:
        _refuse(name, "the text has characters that UTF-8 can not write; remove them")


def _octets(name: str, text: str) -> bytes:
    if text[:2] not in {"0x", "0X"}:
        return _string(name, text)
    try:
        return bytes.fromhex(text[2:])
    except ValueError:
        _refuse(name, "behind 0x stand two hexadecimal digits for each octet; correct them")


def _ipaddr(name: str, text: str) -> bytes:
    try:
        return IPv4Address(text).packed
    except ValueError:
        _refuse(name, "not an IPv4 address; write one like 192.0.2.10")


def _ipv6addr(name: str, text: str) -> bytes:
    try:
        address = IPv6Address(text)
    except ValueError:
        address = None
    if address is None or address.scope_id is not None:
        _refuse(name, "not an IPv6 address; write one like 2001:db8::10")
    return address.packed


def _date(name: str, text: str) -> bytes:
    """Write seconds since 1970, from themselves or from ISO 8601 with a time zone (RFC 8044 section 3.3)."""
    if _NUMBER.fullmatch(text):
        return _integer(name, _number(text), 4)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        _refuse(name, "not a date; write seconds since 1970 or a date like 2030-01-31T12:00:00+00:00")
    seconds = int(moment.timestamp())
    if seconds < 0:
        _refuse(name, "the date is before 1970; write a later one")
    return _integer(name, seconds, 4)


_ENCODERS: Final[Mapping[Kind, Callable[[str, str], bytes]]] = {
    Kind.STRING: _string,
    Kind.OCTETS: _octets,
    Kind.IPADDR: _ipaddr,
    Kind.IPV6ADDR: _ipv6addr,
    Kind.DATE: _date,
}


def _split_tag(name: str) -> tuple[str, int | None]:
    tagged = _TAGGED.fullmatch(name)
    if tagged is None:
        return name, None
    if int(tagged["tag"]) > _HIGHEST_TAG:
        _refuse(repr(name), f"a tag is a number from 0 to {_HIGHEST_TAG}; correct it")
    return tagged["name"], int(tagged["tag"])


def _with_tag(definition: Definition, tag: int | None, value: bytes) -> bytes:
    """Add the tag octet: always before text that could be taken for one, in an integer's highest octet otherwise."""
    if definition.kind is Kind.STRING:
        return bytes((tag or 0,)) + value if tag or value[0] <= _HIGHEST_TAG else value
    if value[0]:
        _refuse(definition.name, "beside its tag the number has three octets; write a smaller one")
    return bytes((tag or 0,)) + value[1:]


def _framed(definition: Definition, value: bytes) -> tuple[int, bytes]:
    longest = LONGEST_VALUE if definition.vendor is None else _LONGEST_VENDOR_VALUE
    if len(value) > longest:
        _refuse(definition.name, f"the value takes {len(value)} octets, at most {longest} fit; shorten it")
    if definition.vendor is None:
        return definition.number, value
    inner = bytes((definition.number, len(value) + 2)) + value
    return int(Attribute.VENDOR_SPECIFIC), definition.vendor.to_bytes(4, "big") + inner
