"""Requests as a network access server sends them, made before the clock runs.

A request has its slot: the socket that it leaves by, and the identifier that its answer comes back under.
"""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass

from bench.population import CODE_CLIENT, PASSWORD, PASSWORD_CLIENT, PATIENT_CLIENT, PERIOD, RADIUS_SECRET, code_of
from vestibule.core.errors import Malformed
from vestibule.wire.radius.client import decode_reply, encode_access_request
from vestibule.wire.radius.packet import Attribute, Code
from vestibule.wire.radius.password import hide

SOCKETS = 64
SLOTS = SOCKETS * 256
ADDRESS = bytes((192, 0, 2, 1))
GUESSES = ("000000", "111111", "222222", "333333", "444444", "555555")
VIRTUAL_PORT = (5).to_bytes(4, "big")  # NAS-Port-Type Virtual (RFC 2865 section 5.41)


@dataclass(frozen=True, slots=True)
class Request:
    """One packet, and the answer that it must get, or one of several."""

    octets: bytes
    expected: tuple[Code, ...]

    def right(self, reply: bytes) -> bool:
        """Whether all authenticators are right, the Message-Authenticator first, and the answer an expected one."""
        return answer_to(self, reply) in self.expected


@dataclass(frozen=True, slots=True)
class Echoed:
    """Octets that come back as they are."""

    octets: bytes

    def right(self, reply: bytes) -> bool:
        return reply == self.octets


Maker = Callable[[int], Request]
"""Makes the request that is sent as the `n`th of its run."""


def identifier(n: int) -> int:
    return n // SOCKETS % 256


def asking(n: int, name: str, typed: str, *, source: str, client: str = CODE_CLIENT, state: bytes = b"") -> bytes:
    """An Access-Request of a usual size."""
    authenticator = os.urandom(16)
    attributes = [
        (Attribute.USER_NAME, name.encode()),
        (Attribute.USER_PASSWORD, hide(typed.encode(), RADIUS_SECRET, authenticator)),
        (Attribute.NAS_IP_ADDRESS, ADDRESS),
        (Attribute.NAS_IDENTIFIER, client.encode()),
        (Attribute.NAS_PORT_TYPE, VIRTUAL_PORT),
        (Attribute.CALLING_STATION_ID, source.encode()),
    ]
    if state:
        attributes.append((Attribute.STATE, state))
    return encode_access_request(identifier(n), authenticator, attributes, RADIUS_SECRET)


def home_of(index: int) -> str:
    """The address that this person comes from."""
    return f"10.{index >> 16 & 255}.{index >> 8 & 255}.{index & 255}"


def right_code(n: int, name: str, index: int) -> Request:
    """A code and nothing else, as clients send it that have checked a password themselves."""
    return Request(asking(n, name, code_of(name, time.time()), source=home_of(index)), (Code.ACCESS_ACCEPT,))


def wrong_code(n: int, name: str, source: str) -> Request:
    """A guess that looks like a code and is none."""
    now = time.time()
    near = {code_of(name, now + steps * PERIOD) for steps in range(-1, 4)}
    guess = next(guess for guess in GUESSES if guess not in near)
    return Request(asking(n, name, guess, source=source), (Code.ACCESS_REJECT,))


def password_and_code(n: int, name: str, index: int) -> Request:
    typed = f"{PASSWORD}{code_of(name, time.time())}"
    octets = asking(n, name, typed, source=home_of(index), client=PASSWORD_CLIENT)
    return Request(octets, (Code.ACCESS_ACCEPT,))


def nothing_typed(n: int, name: str, index: int) -> Request:
    """What asks for a challenge."""
    return Request(asking(n, name, "", source=home_of(index)), (Code.ACCESS_CHALLENGE,))


def waiting(n: int, name: str, index: int) -> Request:
    """What is held until it is approved elsewhere."""
    return Request(asking(n, name, "", source=home_of(index), client=PATIENT_CLIENT), (Code.ACCESS_ACCEPT,))


def either_way(n: int, name: str, index: int, code: str) -> Request:
    """A code that somebody else may have spent a moment before."""
    return Request(asking(n, name, code, source=home_of(index)), (Code.ACCESS_ACCEPT, Code.ACCESS_REJECT))


def answer_to(request: Request, reply: bytes) -> Code | None:
    """What was answered; None for an answer that is not authentic."""
    try:
        return Code(decode_reply(reply, request.octets, RADIUS_SECRET).code)
    except (Malformed, ValueError):
        return None
