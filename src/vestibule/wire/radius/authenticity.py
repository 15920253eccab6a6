"""Who sent this packet: Message-Authenticator and the authenticators made of MD5 over the shared secret.

Rules of this file:
- Every comparison is in constant time.
- A second Message-Authenticator, or one of another length than 16 octets, is wrong, never ignored.
- Nothing here decides what to do about a missing one: the door knows its client.
"""

import hashlib
import hmac
from enum import StrEnum
from typing import Final

from vestibule.wire.radius.packet import HEADER, Attribute, Packet

ZEROS: Final = bytes(16)
"""Stands in for an authenticator while it is being computed."""

SIGNATURE_SIZE: Final = 18
"""Octets of a Message-Authenticator with its type and length."""

_MESSAGE_AUTHENTICATOR: Final = int(Attribute.MESSAGE_AUTHENTICATOR)
_START: Final = bytes((_MESSAGE_AUTHENTICATOR, SIGNATURE_SIZE))
_UNSIGNED: Final = _START + ZEROS


class MessageAuthenticator(StrEnum):
    """What a packet's Message-Authenticator says."""

    VALID = "valid"
    MISSING = "missing"
    WRONG = "wrong"


def verify_request(packet: Packet, secret: bytes) -> MessageAuthenticator:
    """Check the Message-Authenticator of an Access-Request or Status-Server (RFC 3579 section 3.2, RFC 5997)."""
    return verify(packet, packet.authenticator, secret)


def verify(packet: Packet, authenticator: bytes, secret: bytes) -> MessageAuthenticator:
    """Check a Message-Authenticator computed with `authenticator`, 16 octets, in the packet's header.

    RFC 3579 section 3.2: a request uses its own authenticator, a reply that of its request.
    """
    place = 0
    offset = HEADER
    for kind, value in packet.attributes:
        if kind == _MESSAGE_AUTHENTICATOR:
            if place or len(value) != 16:
                return MessageAuthenticator.WRONG
            place = offset + 2
        offset += len(value) + 2
    if not place:
        return MessageAuthenticator.MISSING
    octets = packet.octets
    cleared = octets[:4] + authenticator + octets[HEADER:place] + ZEROS + octets[place + 16 :]
    right = hmac.compare_digest(hmac.digest(secret, cleared, "md5"), octets[place : place + 16])
    return MessageAuthenticator.VALID if right else MessageAuthenticator.WRONG


def sign(start: bytes, authenticator: bytes, attributes: bytes, secret: bytes) -> bytes:
    """Put a Message-Authenticator before the encoded `attributes` and give both (RFC 3579 section 3.2).

    `start` is the packet's first four octets; its Length already counts `SIGNATURE_SIZE`.
    """
    signature = hmac.digest(secret, start + authenticator + _UNSIGNED + attributes, "md5")
    return _START + signature + attributes


def accounting_authentic(packet: Packet, secret: bytes) -> bool:
    """Check the Request Authenticator of an Accounting-Request (RFC 2866 section 3)."""
    expected = digest(packet.octets[:4], ZEROS, packet.octets[HEADER:], secret)
    return hmac.compare_digest(expected, packet.authenticator)


def reply_authentic(reply: Packet, authenticator: bytes, secret: bytes) -> bool:
    """Check a Response Authenticator against that of its request (RFC 2865 section 3)."""
    expected = digest(reply.octets[:4], authenticator, reply.octets[HEADER:], secret)
    return hmac.compare_digest(expected, reply.authenticator)


def digest(start: bytes, authenticator: bytes, attributes: bytes, secret: bytes) -> bytes:
    """Compute the authenticator of a reply or an Accounting-Request, 16 octets (RFC 2865 and RFC 2866 section 3)."""
    return hashlib.md5(start + authenticator + attributes + secret, usedforsecurity=False).digest()
