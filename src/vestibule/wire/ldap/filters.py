"""Search filters as values, and as octets (RFC 4511 section 4.5.1.7).

A filter is built from values, never by pasting text together, so what a person typed can only ever be compared: it can
not end a comparison and begin another.
"""

from dataclasses import dataclass
from typing import Final, assert_never

from vestibule.wire.ldap import ber
from vestibule.wire.ldap.ber import Reader

DEEPEST_FILTER: Final = 30
"""Conditions within conditions."""

_AND: Final = 0xA0
_OR: Final = 0xA1
_NOT: Final = 0xA2
_EQUAL: Final = 0xA3
_SUBSTRINGS: Final = 0xA4
_AT_LEAST: Final = 0xA5
_AT_MOST: Final = 0xA6
_PRESENT: Final = 0x87
_LIKE: Final = 0xA8
_RULE: Final = 0xA9


@dataclass(frozen=True, slots=True)
class And:
    """All of them; of none it is true (RFC 4526)."""

    filters: tuple["Filter", ...]


@dataclass(frozen=True, slots=True)
class Or:
    """One of them; of none it is false (RFC 4526)."""

    filters: tuple["Filter", ...]


@dataclass(frozen=True, slots=True)
class Not:
    """The opposite."""

    filter: "Filter"


@dataclass(frozen=True, slots=True)
class Equal:
    """The attribute has this value, by the attribute's own rule of equality."""

    attribute: str
    value: bytes


@dataclass(frozen=True, slots=True)
class Substrings:
    """A value of the attribute has these parts, in order; `first` and `last` stand at its ends, if they are given."""

    attribute: str
    first: bytes | None = None
    within: tuple[bytes, ...] = ()
    last: bytes | None = None


@dataclass(frozen=True, slots=True)
class AtLeast:
    """The attribute has a value not below this one."""

    attribute: str
    value: bytes


@dataclass(frozen=True, slots=True)
class AtMost:
    """The attribute has a value not above this one."""

    attribute: str
    value: bytes


@dataclass(frozen=True, slots=True)
class Present:
    """The attribute has a value."""

    attribute: str


@dataclass(frozen=True, slots=True)
class Like:
    """The attribute has about this value; what that means is the server's choice."""

    attribute: str
    value: bytes


@dataclass(frozen=True, slots=True)
class Rule:
    """The attribute (if named) has a value that a matching rule (if named) finds equal; at least one is named."""

    value: bytes
    rule: str = ""
    attribute: str = ""
    of_name: bool = False  # the parts of the entry's name are compared as well


Filter = And | Or | Not | Equal | Substrings | AtLeast | AtMost | Present | Like | Rule
Comparison = Equal | AtLeast | AtMost | Like

_TAG_OF: Final[dict[type[Comparison], int]] = {Equal: _EQUAL, AtLeast: _AT_LEAST, AtMost: _AT_MOST, Like: _LIKE}
_COMPARISON_OF: Final[dict[int, type[Comparison]]] = {tag: kind for kind, tag in _TAG_OF.items()}


def encode_filter(condition: Filter) -> bytes:
    """Write a filter. Raises ValueError for a `Substrings` without parts and a `Rule` without names."""
    match condition:
        case And(filters):
            return ber.sequence(*map(encode_filter, filters), tag=_AND)
        case Or(filters):
            return ber.sequence(*map(encode_filter, filters), tag=_OR)
        case Not(inner):
            return ber.sequence(encode_filter(inner), tag=_NOT)
        case Present(attribute):
            return ber.text(attribute, _PRESENT)
        case Substrings():
            return _encode_substrings(condition)
        case Rule():
            return _encode_rule(condition)
        case Equal() | AtLeast() | AtMost() | Like():
            tag = _TAG_OF[type(condition)]
            return ber.sequence(ber.text(condition.attribute), ber.octets(condition.value), tag=tag)
        case _:
            assert_never(condition)


def decode_filter(reader: Reader, depth: int = 0) -> Filter:
    """Read a filter. Raises `Malformed` for an unknown kind, and beyond 30 conditions within each other."""
    tag = reader.next_tag()
    if depth >= DEEPEST_FILTER:
        raise reader.fault(f"more than {DEEPEST_FILTER} conditions within each other")
    match tag:
        case 0xA0 | 0xA1:
            return _decode_set(reader, tag, depth)
        case 0xA2:
            inner = reader.enter(_NOT, "the condition")
            negated = Not(decode_filter(inner, depth + 1))
            inner.finish("the condition")
            return negated
        case 0xA4:
            return _decode_substrings(reader.enter(_SUBSTRINGS, "the parts"))
        case 0x87:
            return Present(reader.text("the attribute", _PRESENT))
        case 0xA9:
            return _decode_rule(reader.enter(_RULE, "the matching rule"))
        case int() if tag in _COMPARISON_OF:
            return _decode_comparison(reader, tag)
        case _:
            raise reader.fault("no condition of a filter stands here")


def _decode_set(reader: Reader, tag: int, depth: int) -> And | Or:
    inner = reader.enter(tag, "the conditions")
    filters = []
    while inner.more:
        filters.append(decode_filter(inner, depth + 1))
    return (And if tag == _AND else Or)(tuple(filters))


def _decode_comparison(reader: Reader, tag: int) -> Comparison:
    inner = reader.enter(tag, "the comparison")
    compared = _COMPARISON_OF[tag](inner.text("the attribute"), inner.octets("the value"))
    inner.finish("the comparison")
    return compared


def _encode_substrings(condition: Substrings) -> bytes:
    parts = [ber.octets(part, 0x81) for part in condition.within]
    if condition.first is not None:
        parts.insert(0, ber.octets(condition.first, 0x80))
    if condition.last is not None:
        parts.append(ber.octets(condition.last, 0x82))
    if not parts:
        raise ValueError("a comparison of parts has at least one; ask whether the attribute is present")
    return ber.sequence(ber.text(condition.attribute), ber.sequence(*parts), tag=_SUBSTRINGS)


def _decode_substrings(inner: Reader) -> Substrings:
    attribute = inner.text("the attribute")
    parts = inner.enter(ber.SEQUENCE, "the parts")
    inner.finish("the parts")
    if parts.next_tag() is None:
        raise parts.fault("the parts are missing")
    first = parts.octets("the first part", 0x80) if parts.next_tag() == 0x80 else None
    within = []
    while parts.next_tag() == 0x81:
        within.append(parts.octets("a part", 0x81))
    last = parts.octets("the last part", 0x82) if parts.more else None
    parts.finish("the parts")
    return Substrings(attribute, first, tuple(within), last)


def _encode_rule(condition: Rule) -> bytes:
    if not condition.rule and not condition.attribute:
        raise ValueError("a comparison by rule names the rule, the attribute, or both")
    parts = [
        ber.text(condition.rule, 0x81) if condition.rule else b"",
        ber.text(condition.attribute, 0x82) if condition.attribute else b"",
        ber.octets(condition.value, 0x83),
        ber.boolean(value=True, tag=0x84) if condition.of_name else b"",
    ]
    return ber.sequence(*parts, tag=_RULE)


def _decode_rule(inner: Reader) -> Rule:
    rule = inner.text("the rule", 0x81) if inner.next_tag() == 0x81 else ""
    attribute = inner.text("the attribute", 0x82) if inner.next_tag() == 0x82 else ""
    value = inner.octets("the value", 0x83)
    of_name = inner.boolean("whether names count", 0x84) if inner.more else False
    inner.finish("the comparison")
    if not rule and not attribute:
        raise inner.fault("the comparison names neither a rule nor an attribute")
    return Rule(value, rule, attribute, of_name)
