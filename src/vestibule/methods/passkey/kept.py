"""What is kept of a passkey, as JSON in the credential's memory. No secret is in it.

A question of a sign-in without a name has no attempt that makes it single use. So the passkey remembers which of them
it has answered, for as long as they could be answered again; `floor` is the time before which all of them are old.
"""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from fido2 import cbor
from fido2.cose import CoseKey
from fido2.webauthn import Aaguid, AttestedCredentialData

from vestibule.core.credentials import Credential

QUESTION_SECONDS = 300.0
MOST_REMEMBERED = 16
PLAIN = ("id", "key", "domain", "model", "counter", "eligible", "backed", "floor", "used_at")
NO_MODEL = str(Aaguid.NONE)


@dataclass(frozen=True, slots=True)
class Kept:
    """One passkey. `id` and `key` (COSE, CBOR) are Base64url; `model` is the AAGUID; `domain` the relying party's id.

    `counter` is the newest signature counter, 0 for a passkey that has none. `eligible` says that it may be synced to
    other devices, `backed` that it was, the last time, which was `used_at`. `answered` are (asked at, question) of
    questions without a name.
    """

    id: str
    key: str
    domain: str
    model: str = NO_MODEL
    counter: int = 0
    eligible: bool = False
    backed: bool = False
    transports: tuple[str, ...] = ()
    answered: tuple[tuple[float, str], ...] = ()
    floor: float = 0.0
    used_at: float = 0.0

    @classmethod
    def of(cls, credential: Credential) -> "Kept":
        """What the memory of this credential says."""
        read: Mapping[str, Any] = json.loads(credential.memory)
        told = {name: read[name] for name in PLAIN}
        answered = tuple((float(at), str(question)) for at, question in read["answered"])
        return cls(**told, transports=tuple(read["transports"]), answered=answered)

    @property
    def text(self) -> str:
        """As it is stored."""
        return json.dumps({name: getattr(self, name) for name in self.__slots__})

    @property
    def parsed(self) -> AttestedCredentialData:
        """As the library checks signatures with it."""
        key = CoseKey.parse(cbor.decode(octets(self.key)))  # type: ignore[arg-type]  # a map, by how it was stored
        return AttestedCredentialData.create(Aaguid.parse(self.model), octets(self.id), key)

    def used(self, *, counter: int, backed: bool, at: float) -> "Kept":
        """After one more signature."""
        return replace(self, counter=counter, backed=backed, used_at=at)

    def open_to(self, asked_at: float, question: str) -> bool:
        """Whether this question without a name was not answered before."""
        return asked_at > self.floor and (asked_at, question) not in self.answered

    def after(self, asked_at: float, question: str, now: float) -> "Kept":
        """With this question answered; what could not be answered any more is forgotten."""
        young = [one for one in self.answered if now - one[0] <= QUESTION_SECONDS]
        remembered = sorted([*young, (asked_at, question)])
        forgotten = remembered[:-MOST_REMEMBERED]
        floor = max([self.floor, *(at for at, _ in forgotten)])
        return replace(self, answered=tuple(remembered[-MOST_REMEMBERED:]), floor=floor)


def text_of(some: bytes) -> str:
    """Base64url without padding, as WebAuthn's JSON has it."""
    return base64.urlsafe_b64encode(some).decode().rstrip("=")


def octets(text: str) -> bytes:
    """The octets of such a text. Raises ValueError."""
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
