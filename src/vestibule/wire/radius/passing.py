"""A request handed on to another server, and its reply handed back: what stays, what goes, what is hidden anew.

Rules of this file:
- Each hop has its own secret and Request Authenticator; what is hidden under one makes no sense under the other.
- EAP-Message, State, Class, CHAP and MS-CHAP attributes pass as they are: only their ends understand them.
- Message-Authenticator belongs to one hop and never passes. Proxy-State goes on with a request, in order; with the
  reply it stays here, since `reply.encode_reply` gives each client its own back.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from vestibule.core.errors import Malformed
from vestibule.wire.radius.packet import Attribute, Packet
from vestibule.wire.radius.password import chain, unchain
from vestibule.wire.radius.reply import OWN_ATTRIBUTES
from vestibule.wire.radius.salted import SALT, hide_salted, reveal_salted

Pair = tuple[int, bytes]

MICROSOFT: Final = (311).to_bytes(4, "big")
"""The vendor of the MS-CHAP and MS-MPPE attributes, as it stands in Vendor-Specific (RFC 2548)."""

MS_CHAP_RESPONSE: Final = 1
MS_CHAP_MPPE_KEYS: Final = 12
MS_MPPE_SEND_KEY: Final = 16
MS_MPPE_RECV_KEY: Final = 17
MS_CHAP2_RESPONSE: Final = 25

_VENDOR: Final = 4
_BLOCK: Final = 16
_SALTED_KEYS: Final = frozenset({MS_MPPE_SEND_KEY, MS_MPPE_RECV_KEY})
_MS_CHAP: Final = frozenset({MS_CHAP_RESPONSE, MS_CHAP2_RESPONSE})
_NOT_FORWARDED: Final = frozenset({int(Attribute.MESSAGE_AUTHENTICATOR), int(Attribute.USER_PASSWORD)})


@dataclass(frozen=True, slots=True)
class Hop:
    """What hides attributes between two servers: the shared secret and the Request Authenticator of 16 octets."""

    secret: bytes = field(repr=False)
    authenticator: bytes = field(repr=False)


def needs_upstream(packet: Packet) -> bool:
    """Whether the request proves a password without carrying one: EAP, CHAP or MS-CHAP.

    Raises `Malformed` for a Microsoft attribute that makes no sense.
    """
    if packet.first(Attribute.EAP_MESSAGE) is not None or packet.first(Attribute.CHAP_PASSWORD) is not None:
        return True
    values = packet.all(Attribute.VENDOR_SPECIFIC)
    return any(kind in _MS_CHAP for value in values if value[:_VENDOR] == MICROSOFT for kind, _ in inside(value))


def holds_key(kind: int, value: bytes) -> bool:
    """Whether the attribute is hidden for its hop, or holds what is."""
    if kind == Attribute.TUNNEL_PASSWORD:
        return True
    hidden = {*_SALTED_KEYS, MS_CHAP_MPPE_KEYS}
    return kind == Attribute.VENDOR_SPECIFIC and value[:_VENDOR] == MICROSOFT and bool(hidden & set(value[4:5]))


def forwarded(packet: Packet) -> tuple[Pair, ...]:
    """The attributes of a request as they go on, but for User-Password, which is hidden anew for each server.

    A CHAP-Password whose challenge is the Request Authenticator takes it along (RFC 2865 section 5.3).
    """
    kept = tuple(pair for pair in packet.attributes if pair[0] not in _NOT_FORWARDED)
    if packet.first(Attribute.CHAP_PASSWORD) is None or packet.first(Attribute.CHAP_CHALLENGE) is not None:
        return kept
    return *kept, (int(Attribute.CHAP_CHALLENGE), packet.authenticator)


def returned(reply: Packet, came: Hop, leaves: Hop, chance: bytes) -> tuple[Pair, ...]:
    """The attributes of an upstream's reply as they go back to the client, keys hidden anew for its hop.

    `chance` is two random octets, from which the salts are counted. Raises `Malformed` for a key that makes no sense.
    """
    salts = _salts(chance)
    kept = [pair for pair in reply.attributes if pair[0] not in OWN_ATTRIBUTES]
    return tuple((kind, _anew(kind, value, came, leaves, salts)) for kind, value in kept)


def _anew(kind: int, value: bytes, came: Hop, leaves: Hop, salts: Iterator[bytes]) -> bytes:
    if kind == Attribute.TUNNEL_PASSWORD:
        return value[:1] + _salted_anew(value[1:], came, leaves, salts)  # the first octet is a tag
    if kind == Attribute.VENDOR_SPECIFIC and value[:_VENDOR] == MICROSOFT:
        parts = [(inner, _key_anew(inner, octets, came, leaves, salts)) for inner, octets in inside(value)]
        return MICROSOFT + b"".join([bytes((inner, len(octets) + 2)) + octets for inner, octets in parts])
    return value


def _key_anew(kind: int, value: bytes, came: Hop, leaves: Hop, salts: Iterator[bytes]) -> bytes:
    if kind in _SALTED_KEYS:
        return _salted_anew(value, came, leaves, salts)
    if kind != MS_CHAP_MPPE_KEYS:
        return value
    if not value or len(value) % _BLOCK:
        raise Malformed("MS-CHAP-MPPE-Keys: its length is not blocks of 16 octets")
    return chain(unchain(value, came.secret, came.authenticator), leaves.secret, leaves.authenticator)


def _salted_anew(value: bytes, came: Hop, leaves: Hop, salts: Iterator[bytes]) -> bytes:
    plain = reveal_salted(value, came.secret, came.authenticator)
    return hide_salted(plain, leaves.secret, leaves.authenticator, next(salts))


def inside(value: bytes) -> list[Pair]:
    """The attributes inside one Vendor-Specific (RFC 2865 section 5.26). Raises `Malformed`."""
    found = []
    offset = _VENDOR
    while offset < len(value):
        size = value[offset + 1] if offset + 1 < len(value) else 0
        if size < 2 or offset + size > len(value):
            raise Malformed("Vendor-Specific: an attribute inside ends before its length")
        found.append((value[offset], value[offset + 2 : offset + size]))
        offset += size
    return found


def _salts(chance: bytes) -> Iterator[bytes]:
    first = int.from_bytes(chance[:SALT], "big")
    for number in range(0x8000):
        yield (0x8000 | (first + number) & 0x7FFF).to_bytes(SALT, "big")
