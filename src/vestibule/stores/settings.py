"""Settings as they are stored, JSON texts by dotted name, and as decisions use them: one frozen value.

Only what was changed from its default is stored. A name that this program does not know is left alone, because a newer
program may run on the same database; a value that does not fit stops the change, or the start, and names its setting.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from math import isfinite
from operator import attrgetter
from types import MappingProxyType
from typing import NamedTuple

from vestibule.core.clients import Client
from vestibule.core.directories import DirectoryRecord
from vestibule.core.failures import Limits
from vestibule.core.journal import OPTIONAL_FIELDS
from vestibule.core.policy import Rule
from vestibule.core.providers import ProviderRecord, Route
from vestibule.core.sending import Sending
from vestibule.core.snapshot import Settings, Snapshot
from vestibule.core.users import Group
from vestibule.stores.sending_rows import SENDING_ROWS
from vestibule.stores.setting_row import Row

LONGEST_TEXT = 253  # octets that one Reply-Message carries (RFC 2865 section 5.18)

Value = int | float | str | tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting for people: its dotted name, its default, one line of help, and which values fit, in words."""

    name: str
    kind: type[Value]
    default: Value
    help: str
    fits: str


_ROWS = {
    "limits.source_tries": Row("Failures of a user from one place, after which that place has to wait.", 1, 100),
    "limits.factor_tries": Row(
        "Failures of one credential from all places, after which places that never signed in have to wait.", 1, 100
    ),
    "limits.hard_stop": Row("Failures of one credential, after which it is off until it is bound anew.", 1, 100),
    "limits.first_delay": Row("Seconds of the first wait; each further failure doubles it.", 1, 3600),
    "limits.longest_delay": Row("Seconds of the longest wait.", 1, 86400),
    "limits.forget_source_after": Row("Seconds without a failure, after which a place begins anew.", 60, 30 * 86400),
    "challenge_seconds": Row("Seconds that an open question waits for a typed code.", 10, 600),
    "challenge_tries": Row("Codes that may be typed to one question.", 1, 10),
    "journal_fields": Row(
        "Optional personal fields that the journal keeps; the others are never written.", choices=OPTIONAL_FIELDS
    ),
    "journal_keep_days": Row("Days that journal lines are kept; 0 keeps them for ever.", 0, 36500),
    "session_idle_seconds": Row("Seconds without use, after which a browser is signed out.", 60, 3600),
    "session_longest_seconds": Row("Seconds after which a browser is signed out, however much it is used.", 300, 86400),
    "session_proof_seconds": Row("Seconds after a sign-in for which factors may be changed.", 60, 3600),
    "claim_free_tokens": Row(
        "1 lets people take a token that nobody has, by its serial number and a code; 0 only those assigned to them.",
        0,
        1,
    ),
    "access_pass_minutes": Row("Minutes that a temporary access pass lets in, unless others are named.", 10, 43_200),
    "caller_check_by_note": Row(
        "1 lets the helpdesk note how it knew a caller who has no code to tell; 0 takes a code, or an administrator.",
        0,
        1,
    ),
    "fraud_block_seconds": Row(
        "Seconds that somebody is blocked who reports a fraud and confirms it; 0 blocks nobody.", 0, 3650 * 86400
    ),
    "passkey_models": Row(
        "Models of security keys (AAGUIDs) that new passkeys may come from; [] takes all.",
        like="[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}",
        words="a list of AAGUIDs such as cb69481e-8ff7-4039-93ec-0a2729a154a8",
    ),
    "passkey_attestation": Row(
        "1 takes only new passkeys that their maker vouches for; `vestibule passkey metadata` loads the makers.", 0, 1
    ),
    "text_enter_code": Row("What clients show when a code is to be typed."),
    "text_code_sent": Row("What clients show when a code was sent; {to} becomes the number or address, masked."),
    "text_call": Row("What clients show while a telephone rings; {to} becomes its number, masked."),
    "text_reply": Row("What clients show while a reply to a text is awaited; {to} becomes the number, masked."),
    "text_other_ways": Row(
        "What clients show behind a question where another way may be typed; {ways} becomes the words."
    ),
    "text_wait": Row("What clients show while an approval is awaited elsewhere."),
    "text_refused": Row("What clients show when a sign-in is refused, whatever the reason."),
    **SENDING_ROWS,
}


@cache
def known_settings() -> Mapping[str, Setting]:
    """All settings by name, in the order in which they are told to people."""
    return MappingProxyType({name: _setting(name, row) for name, row in _ROWS.items()})


class Understood(NamedTuple):
    """The settings that stored texts make, and the names among them that this program has no setting for."""

    settings: Settings
    unknown: list[str]


def settings_from(texts: Mapping[str, str]) -> Understood:
    """The defaults with what these JSON texts change. Raises ValueError: which setting does not fit, and what would."""
    found = {name: _value(setting, texts[name]) for name, setting in known_settings().items() if name in texts}
    top = {name: value for name, value in found.items() if "." not in name}
    limits, sending = _under("limits.", found), _under("sending.", found)
    settings = Settings(limits=replace(Limits(), **limits), sending=replace(Sending(), **sending))  # type: ignore[arg-type]  # by `_value`
    settings = replace(settings, **top)  # type: ignore[arg-type]  # as above
    return Understood(settings, sorted(texts.keys() - known_settings().keys()))


def _under(group: str, found: Mapping[str, Value]) -> dict[str, Value]:
    return {name.removeprefix(group): value for name, value in found.items() if name.startswith(group)}


def setting_texts(settings: Settings) -> dict[str, str]:
    """What differs from the defaults, as the JSON texts that `settings_from` reads."""
    return {
        name: json.dumps(value, ensure_ascii=False)
        for name, setting in known_settings().items()
        if (value := attrgetter(name)(settings)) != setting.default
    }


def build_snapshot(  # noqa: PLR0917 - one argument for each part, in the order of the parts
    version: int,
    settings: Settings,
    clients: Iterable[Client],
    rules: Iterable[Rule],
    groups: Iterable[Group],
    directories: Iterable[DirectoryRecord],
    providers: Iterable[ProviderRecord] = (),
    routes: Iterable[Route] = (),
) -> Snapshot:
    """Freeze what decisions are made with; rules and routes of the same position are in order of id."""
    return Snapshot(
        version,
        settings,
        MappingProxyType({client.id: client for client in clients}),
        tuple(sorted(rules, key=lambda rule: (rule.position, rule.id))),
        MappingProxyType({group.id: group for group in groups}),
        MappingProxyType({directory.id: directory for directory in directories}),
        MappingProxyType({provider.id: provider for provider in providers}),
        tuple(sorted(routes, key=lambda route: (route.position, route.id))),
    )


def _setting(name: str, row: Row) -> Setting:
    default: Value = attrgetter(name)(Settings())
    return Setting(name, type(default), default, row.help, _fitting(type(default), row))


def _fitting(kind: type[Value], row: Row) -> str:
    """Which values fit, in words."""
    if kind is int:
        return f"a whole number from {row.least} to {row.most}"
    if kind is float:
        return f"a number from {row.least} to {row.most}"
    if row.words:
        return row.words
    if kind is str:
        return f"a text of 1 to {LONGEST_TEXT} octets in one line"
    return f"a list of {', '.join(row.choices)}"


def _value(setting: Setting, text: str) -> Value:
    row = _ROWS[setting.name]
    match _parsed(text):
        case bool():
            pass
        case int() | float() as number if setting.kind is float and _inside(number, row):
            return float(number)
        case int() as number if setting.kind is int and _inside(number, row):
            return number
        case str() as line if setting.kind is str and _sayable(line) and row.has(line):
            return line
        case list() as names if setting.kind is tuple and all(
            isinstance(name, str) and row.has(name) for name in names
        ):
            return tuple(name for name in row.choices or sorted(set(names)) if name in names)
        case _:
            pass
    raise ValueError(f"The setting {setting.name} must be {setting.fits}.")


def _parsed(text: str) -> object:
    """The JSON value, or None, which fits nowhere."""
    try:
        value: object = json.loads(text)
    except ValueError:
        return None
    return value


def _sayable(line: str) -> bool:
    return line.isprintable() and 0 < len(line.encode()) <= LONGEST_TEXT


def _inside(number: float, row: Row) -> bool:
    return isfinite(number) and row.least <= number <= row.most
