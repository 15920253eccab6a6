"""Search filters as text, the way administrators write them (RFC 4515).

Only configuration is read as text. What a person typed goes into a filter as a value; `escaped` is for showing one.
"""

import re
from typing import Final, assert_never

from vestibule.core.errors import Malformed
from vestibule.wire.ldap.filters import (
    DEEPEST_FILTER,
    And,
    AtLeast,
    AtMost,
    Comparison,
    Equal,
    Filter,
    Like,
    Not,
    Or,
    Present,
    Rule,
    Substrings,
)

LONGEST_FILTER: Final = 8192
"""Characters."""

_ATTRIBUTE: Final = r"(?:[A-Za-z][A-Za-z0-9-]*|[0-9]+(?:\.[0-9]+)*)(?:;[A-Za-z0-9-]+)*"
_COMPARISON: Final = re.compile(rf"({_ATTRIBUTE})(=|~=|>=|<=)([^()\0]*)")
_RULE: Final = re.compile(
    rf"(?P<attribute>{_ATTRIBUTE})?(?P<of_name>:dn)?(?::(?P<rule>[A-Za-z][A-Za-z0-9-]*|[0-9]+(?:\.[0-9]+)*))?"
    r":=(?P<value>[^()*\0]*)",
    re.IGNORECASE,
)
_ESCAPE: Final = re.compile(rb"\\(.{0,2})", re.DOTALL)
_SIGNS: Final[dict[type[Comparison], str]] = {Equal: "=", AtLeast: ">=", AtMost: "<=", Like: "~="}
_KINDS: Final[dict[str, type[Comparison]]] = {"~=": Like, ">=": AtLeast, "<=": AtMost}


def escaped(value: bytes) -> str:
    """Write a value so that it stands for itself within a filter (RFC 4515 section 3); any octets are taken."""
    try:
        text = value.decode()
    except UnicodeDecodeError:
        return "".join(f"\\{octet:02x}" for octet in value)
    return re.sub(r"[\x00-\x1f()*\\\x7f]", lambda found: f"\\{ord(found[0]):02x}", text)


def filter_text(condition: Filter) -> str:
    """Write a filter as text."""
    match condition:
        case And(filters):
            return f"(&{''.join(map(filter_text, filters))})"
        case Or(filters):
            return f"(|{''.join(map(filter_text, filters))})"
        case Not(inner):
            return f"(!{filter_text(inner)})"
        case Present(attribute):
            return f"({attribute}=*)"
        case Substrings(attribute, first, within, last):
            parts = [first or b"", *within, last or b""]
            return f"({attribute}={'*'.join(map(escaped, parts))})"
        case Rule(value, rule, attribute, of_name):
            return f"({attribute}{':dn' if of_name else ''}{rule and f':{rule}'}:={escaped(value)})"
        case Equal() | AtLeast() | AtMost() | Like():
            return f"({condition.attribute}{_SIGNS[type(condition)]}{escaped(condition.value)})"
        case _:
            assert_never(condition)


def parse_filter(text: str) -> Filter:
    """Read a filter. Raises `Malformed` with the column of what is wrong; blanks between conditions are not allowed."""
    if len(text) > LONGEST_FILTER:
        raise Malformed(f"filter: longer than {LONGEST_FILTER} characters")
    condition, end = _condition(text, 0, 0)
    if end != len(text):
        raise _fault(end, "the filter goes on after its last bracket")
    return condition


def _condition(text: str, at: int, depth: int) -> tuple[Filter, int]:
    """Read the condition in brackets at `at`; give it and the place behind it."""
    if depth >= DEEPEST_FILTER:
        raise _fault(at, f"more than {DEEPEST_FILTER} conditions within each other")
    if text[at : at + 1] != "(":
        raise _fault(at, "a condition begins with an opening bracket")
    match text[at + 1 : at + 2]:
        case "&":
            filters, end = _conditions(text, at + 2, depth)
            return And(filters), _closed(text, end)
        case "|":
            filters, end = _conditions(text, at + 2, depth)
            return Or(filters), _closed(text, end)
        case "!":
            inner, end = _condition(text, at + 2, depth + 1)
            return Not(inner), _closed(text, end)
        case _:
            compared, end = _item(text, at + 1)
            return compared, _closed(text, end)


def _conditions(text: str, at: int, depth: int) -> tuple[tuple[Filter, ...], int]:
    filters = []
    while text[at : at + 1] == "(":
        condition, at = _condition(text, at, depth + 1)
        filters.append(condition)
    return tuple(filters), at


def _item(text: str, at: int) -> tuple[Filter, int]:
    if found := _COMPARISON.match(text, at):
        attribute, sign, value = found.groups()
        return _comparison(attribute, sign, value, found.start(3)), found.end()
    found = _RULE.match(text, at)
    if found is None:
        raise _fault(at, "here should stand an attribute, a sign and a value")
    if not found["attribute"] and not found["rule"]:
        raise _fault(at, "a comparison by rule names the rule, the attribute, or both")
    value = _unescaped(found["value"], found.start("value"))
    return Rule(value, found["rule"] or "", found["attribute"] or "", bool(found["of_name"])), found.end()


def _comparison(attribute: str, sign: str, value: str, at: int) -> Filter:
    if sign != "=":
        if "*" in value:
            raise _fault(at + value.index("*"), r"a star is no value here; write it as \2a")
        return _KINDS[sign](attribute, _unescaped(value, at))
    if value == "*":
        return Present(attribute)
    first, *others = value.split("*")
    if not others:
        return Equal(attribute, _unescaped(value, at))
    return _substrings(attribute, first, others, at)


def _substrings(attribute: str, first: str, others: list[str], at: int) -> Substrings:
    *within, last = others
    if not all(within):
        raise _fault(at, "two stars stand side by side")
    return Substrings(
        attribute,
        _unescaped(first, at) if first else None,
        tuple(_unescaped(part, at) for part in within),
        _unescaped(last, at) if last else None,
    )


def _unescaped(value: str, at: int) -> bytes:
    def octet(found: re.Match[bytes]) -> bytes:
        if not re.fullmatch(rb"[0-9A-Fa-f]{2}", found[1]):
            raise _fault(at, r"a backslash is followed by two hexadecimal digits; \5c stands for itself")
        return bytes.fromhex(found[1].decode())

    try:
        return _ESCAPE.sub(octet, value.encode())
    except UnicodeEncodeError as error:
        raise _fault(at + error.start, "a character that UTF-8 cannot carry") from None


def _closed(text: str, at: int) -> int:
    if text[at : at + 1] != ")":
        raise _fault(at, "a closing bracket is missing")
    return at + 1


def _fault(at: int, what: str) -> Malformed:
    return Malformed(f"filter: column {at + 1}: {what}")
