"""One line of the journal. Reports, counts and audit read only these."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from vestibule.core.reasons import Reason, Result

PERSONAL_FIELDS = ("user_name", "full_name", "email", "phone", "device", "client_address", "source")
OPTIONAL_FIELDS = ("full_name", "email", "phone", "device", "client_address", "source")


class EntryKind(StrEnum):
    """What a line is about."""

    SIGN_IN = "sign_in"
    ADMINISTRATION = "administration"
    SYSTEM = "system"


@dataclass(frozen=True, slots=True)
class Entry:
    """What happened, before the journal gives it a place in its chain.

    The predecessor's ten data fields are here: unique id (`user_name`), full name, e-mail, phone, device token
    (`device`), mode (`method`), result (`accepted`, `reason`, `result`), server name, server address and client
    address; the server's two belong to the chain. `actor` is who administers, `source` the place that failures are
    counted for; `detail` holds the rest (numbers and short texts).
    """

    at: float
    kind: EntryKind
    action: str
    actor: str = ""
    user_id: str = ""
    user_name: str = ""
    full_name: str = ""
    email: str = ""
    phone: str = field(default="", repr=False)
    device: str = ""
    client_address: str = ""
    source: str = ""
    client_id: str = ""
    method: str = ""
    accepted: bool | None = None
    reason: Reason | None = None
    result: Result = Result.NONE
    rule: str = ""
    attempt_id: str = ""
    credential_id: str = ""
    detail: dict[str, Any] = field(default_factory=dict)


def masked(phone: str) -> str:
    """A telephone number as reports show it: its last two digits, which tell people their own numbers apart."""
    return f"…{phone[-2:]}" if phone else ""


@dataclass(frozen=True, slots=True)
class Line:
    """An entry in its place: `seq` counts from 1 in its chain, digests and `mac` are hex.

    The personal fields of `entry` are empty where they were erased (`erased`); their digest stays.
    """

    chain: str
    seq: int
    entry: Entry
    salt: str
    personal_digest: str
    mac: str
    erased: bool = False


@dataclass(frozen=True, slots=True)
class Query:
    """Which lines to read; empty fields match everything. Lines come in order of (at, chain, seq).

    `actions` are those of which the line has one.
    """

    user_id: str = ""
    since: float = 0.0
    until: float = 0.0
    kind: EntryKind | None = None
    reason: Reason | None = None
    accepted: bool | None = None
    actions: tuple[str, ...] = ()
    client_id: str = ""
    attempt_id: str = ""


@dataclass(frozen=True, slots=True)
class Tally:
    """How many sign-ins ended alike: what reports are made of, without a name in it."""

    accepted: bool
    reason: Reason | None
    method: str
    client_id: str
    count: int
