"""Requests with named places: `{to}`, `{text}`; `{{` and `}}` are braces. Each kind of place has its own escaping.

Rules of this file:
- A template is read once, when it is set up: an unknown name, an attribute, an index or a format is refused there.
- What is put in never changes what stands around it: it can not end a value, a header, a field or an element.
"""

import json
import re
import string
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final
from urllib.parse import quote, quote_plus
from xml.sax.saxutils import escape

from vestibule.core.errors import Malformed

Values = Mapping[str, str]
DEEPEST: Final = 12


def checked(template: str, names: Iterable[str]) -> str:
    """The template, if all of its places are among the names. Raises Malformed."""
    known = set(names)
    try:
        for _literal, name, form, conversion in string.Formatter().parse(template):
            if name is not None and (name not in known or form or conversion):
                raise Malformed(f"there is no place {{{name}}}; known are {', '.join(sorted(known))}")
    except ValueError:
        raise Malformed("a brace stands alone; write {{ or }} for a brace") from None
    return template


def filled(template: str, values: Values, escaped: Callable[[str], str]) -> str:
    """The template with its places filled."""
    pieces = []
    for literal, name, _form, _conversion in string.Formatter().parse(template):
        pieces.append(literal)
        if name is not None:
            pieces.append(escaped(values[name]))
    return "".join(pieces)


def in_url(template: str, values: Values) -> str:
    """A URL: all that is not a letter, a digit or one of `-._~` becomes a percent sign and two digits."""
    return filled(template, values, lambda value: quote(value, safe=""))


def in_header(template: str, values: Values) -> str:
    """A header's value. Raises Malformed for what is not printable ASCII, for it could end the line."""
    return filled(template, values, _header_value)


def in_form(fields: Mapping[str, str], values: Values) -> bytes:
    """A form (application/x-www-form-urlencoded); names are not filled."""
    pairs = ((quote_plus(name), quote_plus(filled(text, values, str))) for name, text in fields.items())
    return "&".join(f"{name}={text}" for name, text in pairs).encode()


def in_json(template: object, values: Values) -> bytes:
    """JSON: places stand in texts only, however deep; the rest is as it is written."""
    return json.dumps(_in_texts(template, values), ensure_ascii=False).encode()


def in_xml(template: str, values: Values) -> bytes:
    """XML, in texts and in attributes: markup is escaped, signs that XML does not know are left out."""
    return filled(template, values, _xml_value).encode()


def json_texts(template: object, depth: int = 0) -> Iterable[str]:
    """All texts in a JSON template. Raises Malformed for one that is too deep."""
    if depth > DEEPEST:
        raise Malformed(f"the template is deeper than {DEEPEST} levels")
    match template:
        case str():
            yield template
        case Mapping():
            for one in template.values():
                yield from json_texts(one, depth + 1)
        case list() | tuple():
            for one in template:
                yield from json_texts(one, depth + 1)
        case _:
            return


def found_at(value: object, path: str) -> str:
    """What stands at a path of names and places ("messages.0.status") in JSON, as text; "" for nothing."""
    here: Any = value
    for step in path.split(".") if path else ():
        if isinstance(here, Mapping):
            here = here.get(step)
        elif isinstance(here, list) and step.isascii() and step.isdigit() and len(step) < 5:
            here = here[int(step)] if int(step) < len(here) else None
        else:
            return ""
    match here:
        case bool():
            return "true" if here else "false"
        case str() | int() | float():
            return str(here)
        case _:
            return ""


def _in_texts(template: object, values: Values) -> object:
    match template:
        case str():
            return filled(template, values, str)
        case Mapping():
            return {name: _in_texts(one, values) for name, one in template.items()}
        case list() | tuple():
            return [_in_texts(one, values) for one in template]
        case _:
            return template


def _header_value(value: str) -> str:
    if not re.fullmatch(r"[ -~]*", value):
        raise Malformed("a header holds printable ASCII only")
    return value


def _xml_value(value: str) -> str:
    known = "".join(
        sign
        for sign in value
        if sign in "\t\n\r" or " " <= sign <= "\ud7ff" or "\ue000" <= sign <= "\ufffd" or sign > "\uffff"
    )
    return escape(known, {'"': "&quot;", "'": "&apos;"})
