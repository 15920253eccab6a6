"""Words about passkeys that the method and the flows share: what is wanted of a new one, what is known of its model."""

import base64
import binascii
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum


class Why(StrEnum):
    """Why a new passkey is not taken."""

    UNREADABLE = "unreadable"  # no right answer to the question
    UNVERIFIED = "unverified"  # the device did not ask for a PIN, a finger or a face
    UNATTESTED = "unattested"  # its maker's signature is missing, or leads to no known root
    MODEL = "model"  # not among the models that may be used
    UNSAFE = "unsafe"  # its maker or the FIDO Alliance says that this model is not safe any more


class NotTaken(Exception):
    """A new passkey is not taken."""

    def __init__(self, why: Why) -> None:
        """Say why."""
        super().__init__(why.value)
        self.why = why


class NotMetadata(Exception):
    """Why a file of metadata is not taken, in words for whoever brought it."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the settings ask of a new passkey: a model of these (AAGUIDs, () for any), attested by its maker or not."""

    models: tuple[str, ...] = ()
    attested: bool = False


@dataclass(frozen=True, slots=True)
class About:
    """What people are told of a passkey: its `model` (AAGUID, zeros for an unnamed one), whether it works `here`.

    A passkey that is `synced` is kept by a service and comes to the person's other devices by itself. `used_at` is when
    it last let in (seconds since the epoch, 0 for never).
    """

    model: str
    synced: bool
    here: bool
    used_at: float


@dataclass(frozen=True, slots=True)
class Model:
    """One model. `unsafe` is the word of the report that says so, "" for none; `roots` and `compromised` are DER."""

    id: str
    name: str
    unsafe: str = ""
    roots: tuple[bytes, ...] = ()
    compromised: tuple[bytes, ...] = ()

    @property
    def text(self) -> str:
        """As it is stored."""
        ders = {"roots": self.roots, "compromised": self.compromised}
        written = {name: [base64.b64encode(one).decode() for one in found] for name, found in ders.items()}
        return json.dumps({"id": self.id, "name": self.name, "unsafe": self.unsafe, **written})

    @classmethod
    def of(cls, text: str) -> "Model":
        """From what was stored."""
        read = json.loads(text)
        return cls(read["id"], read["name"], read["unsafe"], ders_of(read["roots"]), ders_of(read["compromised"]))


@dataclass(frozen=True, slots=True)
class Metadata:
    """One file of the FIDO Metadata Service: its number, until when it is good (seconds since 1970), the models."""

    number: int
    due: float
    models: tuple[Model, ...]


FindModel = Callable[[str], Model | None]
"""What is known of a model (AAGUID), or None."""


def ders_of(texts: Iterable[str]) -> tuple[bytes, ...]:
    """Certificates from Base64, line ends and all. Raises ValueError."""
    try:
        return tuple(base64.b64decode("".join(one.split()), validate=True) for one in texts)
    except binascii.Error:
        raise ValueError("this is no Base64") from None
