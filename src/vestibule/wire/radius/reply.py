"""The answering side: one request and some attributes to the octets of its reply.

Rules of this file:
- Message-Authenticator comes first, so that a forger can not choose what precedes it (CVE-2024-3596).
- Every Proxy-State of the request returns, in order, unchanged (RFC 2865 section 5.33).
- Both are ours alone: a caller that brings its own is a bug and is told so.
"""

from collections.abc import Iterable
from typing import Final

from vestibule.wire.radius.authenticity import SIGNATURE_SIZE, digest, sign
from vestibule.wire.radius.packet import LONGEST_VALUE, Attribute, Code, Packet, encode_attributes, encode_start

OWN_ATTRIBUTES: Final = frozenset({int(Attribute.MESSAGE_AUTHENTICATOR), int(Attribute.PROXY_STATE)})
"""Attribute types that `encode_reply` writes by itself."""

_PROXY_STATE: Final = int(Attribute.PROXY_STATE)
_STATUS_SERVER: Final = int(Code.STATUS_SERVER)
_SIGNED: Final = frozenset(
    map(int, (Code.ACCESS_ACCEPT, Code.ACCESS_REJECT, Code.ACCESS_CHALLENGE, Code.PROTOCOL_ERROR))
)


def encode_reply(request: Packet, code: int, attributes: Iterable[tuple[int, bytes]], secret: bytes) -> bytes:
    """Answer `request` (RFC 2865 section 3): Message-Authenticator, the given attributes, all Proxy-States.

    An Accounting-Response to an Accounting-Request carries no Message-Authenticator: RFC 2866 knows none there;
    the answer to a Status-Server does, whatever its code (RFC 5997 section 3).
    Raises `TooLong` (a ValueError) beyond 4096 octets, which the Proxy-States alone can cause, and ValueError
    for attributes that no packet can carry or that only this function writes.
    """
    body = _body(attributes, request)
    signed = code in _SIGNED or request.code == _STATUS_SERVER
    start = encode_start(code, request.identifier, len(body) + SIGNATURE_SIZE * signed)
    if signed:
        body = sign(start, request.authenticator, body, secret)
    return start + digest(start, request.authenticator, body, secret) + body


def text_attributes(kind: int, text: str) -> list[tuple[int, bytes]]:
    """Split text into attributes of at most 253 octets of UTF-8, none ending inside a character.

    Clients show several Reply-Messages one after another (RFC 2865 section 5.18). Empty text gives no attribute.
    """
    octets = text.encode()
    pieces = []
    while octets:
        end = _character_end(octets)
        pieces.append((kind, octets[:end]))
        octets = octets[end:]
    return pieces


def _body(attributes: Iterable[tuple[int, bytes]], request: Packet) -> bytes:
    given = list(attributes)
    if not OWN_ATTRIBUTES.isdisjoint([kind for kind, _ in given]):
        raise ValueError("a reply sets Message-Authenticator and Proxy-State itself; leave them out")
    given += [pair for pair in request.attributes if pair[0] == _PROXY_STATE]
    return encode_attributes(given)


def _character_end(octets: bytes) -> int:
    end = min(len(octets), LONGEST_VALUE)
    while end < len(octets) and octets[end] & 0xC0 == 0x80:
        end -= 1
    return end
