"""The settings of a directory as fields, for the kinds that we know, and as a text for all others.

What a kind understands is its own matter: this file only says which of its settings have fields of their own. The rest
is written as JSON or TOML, as in the files of the command line; a field that is left empty is at its default.
"""

import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from vestibule.flows.refused import Refused
from vestibule.portals.administration.filled import Values, lines
from vestibule.portals.languages import marked

UNREADABLE = marked("The further settings can not be read: {}")
NO_TABLE = marked("names and values are expected, as brake = 5")
SERVER_FORM = marked("Write a server as an address, or as address:port.")


@dataclass(frozen=True, slots=True)
class Field:
    """One setting with a field of its own; `sort` is text, lines, servers, number, tick or one of `options`."""

    name: str
    label: str
    sort: str = "text"
    hint: str = ""
    options: tuple[tuple[str, str], ...] = ()
    default: str = ""
    required: bool = False


LDAP = (
    Field(
        "servers",
        marked("Servers"),
        "lines",
        marked("One on each line, the first is preferred: ldaps://dc1.corp.example"),
        required=True,
    ),
    Field("base", marked("Where people are"), hint=marked("As dc=corp,dc=example"), required=True),
    Field("bind_name", marked("Account that we search with"), hint=marked("It only needs to read people and groups.")),
    Field(
        "ca_file", marked("File of the authority"), hint=marked("On this server; empty for those the system trusts.")
    ),
    Field(
        "layout",
        marked("Layout"),
        "options",
        options=(
            ("active_directory", marked("Active Directory, Samba")),
            ("openldap", marked("OpenLDAP, 389, FreeIPA")),
        ),
        default="active_directory",
    ),
    Field("plain", marked("Without TLS: everybody on the way can read passwords"), "tick"),
    Field(
        "every_minutes",
        marked("Take people over every so many minutes"),
        "number",
        marked("0 only when told to."),
        default="0",
    ),
    Field(
        "gone",
        marked("Who is gone there"),
        "options",
        options=(
            ("block", marked("is blocked here")),
            ("remove", marked("is removed here")),
            ("keep", marked("is kept here")),
        ),
        default="block",
    ),
    Field(
        "brake",
        marked("How many may be gone at once"),
        "number",
        marked("More are held until you approve. 1 to 999."),
        default="5",
    ),
    Field("adopt", marked("Local people of the same name become the directory's"), "tick"),
    Field(
        "ntlm_domain",
        marked("NetBIOS name of the domain"),
        hint=marked("As CORP; only for clients that send MS-CHAP, which also takes winbind on this server."),
    ),
)
RADIUS = (
    Field(
        "servers",
        marked("Servers"),
        "servers",
        marked("One on each line, the first is preferred: 192.0.2.10 or 192.0.2.10:1812"),
        required=True,
    ),
    Field("nas_identifier", "NAS-Identifier", hint=marked("Under which they know us."), default="vestibule"),
    Field(
        "inner_name_checked",
        marked("They refuse an EAP sign-in whose inner name is not the outer one"),
        "tick",
    ),
)
FIELDS = {"ldap": LDAP, "radius": RADIUS}
KINDS = {
    "ldap": marked("Active Directory or LDAP"),
    "radius": marked("RADIUS servers of others"),
}


def fields_of(kind: str) -> tuple[Field, ...]:
    """The fields of a kind; none for one that is only known by its settings."""
    return FIELDS.get(kind, ())


def values_of(kind: str, settings: Mapping[str, Any]) -> Values:
    """The settings as the form shows them."""
    return shown_in(fields_of(kind), settings)


def settings_of(kind: str, values: Values) -> dict[str, Any]:
    """What was typed, as settings; refused where the text of the rest can not be read."""
    return read_from(fields_of(kind), values)


def shown_in(fields: tuple[Field, ...], settings: Mapping[str, Any]) -> Values:
    """The settings as these fields show them, and the rest as a text."""
    shown = {f"set-{one.name}": _shown(one, settings.get(one.name)) for one in fields}
    own = {one.name for one in fields if _fits(one, settings.get(one.name))}
    rest = {name: value for name, value in settings.items() if name not in own}
    text = json.dumps(rest, ensure_ascii=False, indent=2) if rest else ""
    return {"secret": "", "more": text, **shown}


def read_from(fields: tuple[Field, ...], values: Values) -> dict[str, Any]:
    """What was typed into these fields, and as the rest. Refused by field."""
    found = _rest(values.get("more", ""))
    for one in fields:
        value = _read(one, values.get(f"set-{one.name}", "").strip())
        if value is not None and one.name not in found:
            found[one.name] = value
    return found


def _fits(field: Field, value: object) -> bool:
    """Whether the field can show the value without losing a part of it."""
    if field.sort == "servers" and isinstance(value, list):
        return all(isinstance(one, dict) and set(one) <= {"host", "port"} for one in value)
    return True


def _shown(field: Field, value: object) -> str:
    match field.sort, value:
        case _, None:
            return field.default
        case "tick", _:
            return "yes" if value else ""
        case "lines", list():
            return "\n".join(map(str, value))
        case "servers", list():
            return "\n".join(_server(one) for one in value) if _fits(field, value) else ""
        case "number", int() | float():
            return f"{value:g}"
        case _:
            return str(value)


def _server(one: Mapping[str, Any]) -> str:
    host = f"[{one['host']}]" if ":" in one["host"] else one["host"]
    return f"{host}:{one['port']}" if "port" in one else str(one["host"])


def _read(field: Field, text: str) -> object:
    """The value, None for one at its default."""
    if text == field.default:
        return None
    match field.sort:
        case "tick":
            return text == "yes" or None
        case "lines":
            return lines(text)
        case "servers":
            return [_host(line) for line in lines(text)]
        case "number":
            return _number(text, field.name)
        case _:
            return text


def _number(text: str, name: str) -> float | int:
    try:
        number = float(text.replace(",", ".")[:20])
    except ValueError:
        raise Refused(f"{name}: a number is needed.", f"set-{name}") from None
    return int(number) if number.is_integer() else number


def _host(line: str) -> dict[str, Any]:
    host, colon, port = line.rpartition(":")
    if not colon or line.endswith("]") or (":" in host and not host.startswith("[")):
        return {"host": line.strip("[]")}
    if not (port.isascii() and port.isdigit()):
        raise Refused(SERVER_FORM, "set-servers")
    return {"host": host.strip("[]"), "port": int(port)}


def _rest(text: str) -> dict[str, Any]:
    """What was written as JSON, else as TOML."""
    try:
        found = json.loads(text) if _is_json(text) else tomllib.loads(text)
    except (ValueError, RecursionError) as unreadable:
        raise Refused(f"The further settings can not be read: {unreadable}", "more") from None
    if not isinstance(found, dict):
        raise Refused(f"The further settings can not be read: {NO_TABLE}", "more")
    return found


def _is_json(text: str) -> bool:
    """Whether it is JSON, or meant to be: no line of TOML begins with a brace."""
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return text.lstrip().startswith("{")
    return True
