"""What is kept with a telephone number or an e-mail address of a person, beside where it leads."""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from enum import StrEnum

from vestibule.core.credentials import Credential
from vestibule.core.journal import masked

DIGEST_OCTETS = 16
EARLIER = "earlier number"

PHONE = "phone"
MAIL = "mail"
TEXT_USE = "text"
CALL_USE = "call"
REPLY_USE = "reply"
USES = (TEXT_USE, CALL_USE, REPLY_USE)
"""The methods that a number may serve."""


class PhoneKind(StrEnum):
    """Which of a person's numbers it is; the order is the one that they are tried in."""

    MOBILE = "mobile"
    OFFICE = "office"
    BACKUP = "backup"


@dataclass(frozen=True, slots=True)
class Phone:
    """The memory of a number. Times are seconds since the epoch, 0 for never.

    `uses` are the methods it serves; `pin` says whether a PIN is asked for, None for what the settings say; `vouched`
    is whether an administrator or a directory gave it. `proven_at` is when somebody first showed that it reaches them,
    `changed_at` when the number became this one. `replaces` is the id of the one that it takes the place of once it is
    proven.
    """

    kind: PhoneKind = PhoneKind.MOBILE
    extension: str = ""
    uses: tuple[str, ...] = (TEXT_USE, CALL_USE)
    pin: bool | None = None
    vouched: bool = False
    proven_at: float = 0.0
    changed_at: float = 0.0
    replaces: str = ""

    def text(self) -> str:
        """As a credential keeps it."""
        return json.dumps({name: value for name, value in asdict(self).items() if value != _DEFAULTS[name]})


_DEFAULTS = asdict(Phone())


def phone_of(credential: Credential) -> Phone:
    """What `Phone.text` made; what a newer program wrote beside is passed over."""
    known = {name: value for name, value in json.loads(credential.memory or "{}").items() if name in _DEFAULTS}
    if "uses" in known:
        known["uses"] = tuple(known["uses"])
    if "kind" in known:
        known["kind"] = PhoneKind(known["kind"])
    return Phone(**known)


def shown(credential: Credential) -> str:
    """Where a message goes, masked: the last two digits of a number, the first letter and the domain of an address."""
    if "@" not in credential.reach:
        return masked(credential.reach)
    name, _, domain = credential.reach.rpartition("@")
    return f"{name[:1]}…@{domain}"


def earlier(credential: Credential) -> bool:
    """Whether it serves nothing any more, and is kept until a notice has gone to it."""
    return credential.method in {PHONE, MAIL} and credential.label == EARLIER


def destination_digest(mac: Callable[[bytes], bytes], address: str) -> str:
    """What stands for a number or an address where it must not be readable."""
    return mac(f"destination {address}".encode())[:DIGEST_OCTETS].hex()


def called(credential: Credential) -> str:
    """What the person called it, and where it goes, masked."""
    return f"{credential.label} ({shown(credential)})" if credential.label else shown(credential)
