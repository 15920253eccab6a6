"""One datagram to one `Packet` and back: the frame of RFC 2865 section 3, and no attribute's meaning.

Rules of this file:
- Every login passes here: an attribute is a pair (type, value octets), never an object of its own.
- Whatever the octets, `decode` gives a `Packet` or raises `Malformed`, nothing else.
- Text stays octets; whoever needs text decodes it and answers for the failure.
"""

import struct
from collections.abc import Iterable
from enum import IntEnum
from typing import Final, NamedTuple

from vestibule.core.errors import Malformed

HEADER: Final = 20
"""Octets of code, identifier, length and authenticator together."""

LONGEST: Final = 4096
"""Octets in the longest packet (RFC 2865 section 3)."""

LONGEST_VALUE: Final = 253
"""Octets in the longest attribute value (RFC 2865 section 5)."""

MOST_ATTRIBUTES: Final = 250
"""More attributes than this in one packet are an attack, not a login."""

_START: Final = struct.Struct("!BBH")


class Code(IntEnum):
    """Packet codes (RFC 2865 section 4, RFC 2866 section 4, RFC 5997, RFC 7930)."""

    ACCESS_REQUEST = 1
    ACCESS_ACCEPT = 2
    ACCESS_REJECT = 3
    ACCOUNTING_REQUEST = 4
    ACCOUNTING_RESPONSE = 5
    ACCESS_CHALLENGE = 11
    STATUS_SERVER = 12
    PROTOCOL_ERROR = 52


class Attribute(IntEnum):
    """Attribute types that Vestibule itself reads or writes; a dictionary names the others."""

    USER_NAME = 1
    USER_PASSWORD = 2
    CHAP_PASSWORD = 3
    NAS_IP_ADDRESS = 4
    NAS_PORT = 5
    SERVICE_TYPE = 6
    FRAMED_IP_ADDRESS = 8
    FILTER_ID = 11
    REPLY_MESSAGE = 18
    STATE = 24
    CLASS = 25
    VENDOR_SPECIFIC = 26
    SESSION_TIMEOUT = 27
    CALLED_STATION_ID = 30
    CALLING_STATION_ID = 31
    NAS_IDENTIFIER = 32
    PROXY_STATE = 33
    ACCT_STATUS_TYPE = 40
    ACCT_SESSION_ID = 44
    EVENT_TIMESTAMP = 55
    CHAP_CHALLENGE = 60
    NAS_PORT_TYPE = 61
    TUNNEL_PASSWORD = 69
    PROMPT = 76
    EAP_MESSAGE = 79
    MESSAGE_AUTHENTICATOR = 80
    NAS_IPV6_ADDRESS = 95
    ERROR_CAUSE = 101


class TooLong(ValueError):
    """What should be sent does not fit into one packet of 4096 octets."""


class Packet(NamedTuple):
    """A packet as received; `octets` is the whole datagram without the padding behind Length."""

    code: int
    identifier: int
    authenticator: bytes
    attributes: tuple[tuple[int, bytes], ...]
    octets: bytes

    def first(self, kind: int) -> bytes | None:
        """Give the value of the first attribute of this type."""
        for found, value in self.attributes:
            if found == kind:
                return value
        return None

    def all(self, kind: int) -> list[bytes]:
        """Give the values of all attributes of this type, in order of appearance."""
        return [value for found, value in self.attributes if found == kind]

    def __repr__(self) -> str:
        """Print no value: a hidden password and its authenticator are enough for guessing offline."""
        return f"Packet(code={self.code}, identifier={self.identifier}, {len(self.attributes)} attributes)"


def decode(datagram: bytes) -> Packet:
    """Read one datagram (RFC 2865 section 3); octets beyond Length are padding and dropped.

    Raises `Malformed` for a wrong length of the packet or of an attribute, and for too many attributes.
    """
    if len(datagram) < HEADER:
        raise Malformed("the packet is shorter than its header of 20 octets")
    code, identifier, length = _START.unpack_from(datagram)
    if not HEADER <= length <= LONGEST:
        raise Malformed("offset 2: Length is outside 20 to 4096")
    if length > len(datagram):
        raise Malformed("offset 2: Length is beyond the end of the datagram")
    octets = datagram[:length]
    return Packet(code, identifier, octets[4:HEADER], _attributes(octets, length), octets)


def encode_start(code: int, identifier: int, size: int) -> bytes:
    """Write the first four octets of a packet whose attributes take `size` octets (RFC 2865 section 3).

    Raises `TooLong` beyond 4096 octets in all, ValueError for a code or identifier that is no octet.
    """
    length = HEADER + size
    if length > LONGEST:
        raise TooLong(f"the packet would take {length} octets, RADIUS allows {LONGEST}; send fewer attributes")
    try:
        return _START.pack(code, identifier, length)
    except struct.error:
        raise ValueError("code and identifier of a packet are numbers from 0 to 255") from None


def encode_attributes(attributes: Iterable[tuple[int, bytes]]) -> bytes:
    """Write attributes one after another (RFC 2865 section 5).

    Raises ValueError for a type outside 0 to 255 or a value longer than 253 octets.
    """
    try:
        return b"".join([bytes((kind, len(value) + 2)) + value for kind, value in attributes])
    except ValueError:
        raise ValueError("an attribute has a type from 0 to 255 and a value of at most 253 octets") from None


def _attributes(octets: bytes, end: int) -> tuple[tuple[int, bytes], ...]:
    found = []
    offset = HEADER
    try:
        while offset < end:
            after = offset + octets[offset + 1]
            if after < offset + 2 or after > end:
                raise Malformed(f"offset {offset}: the attribute's length is below 2 or beyond the packet")
            found.append((octets[offset], octets[offset + 2 : after]))
            offset = after
    except IndexError:
        raise Malformed(f"offset {offset}: the attribute ends before its length") from None
    if len(found) > MOST_ATTRIBUTES:
        raise Malformed(f"the packet has more than {MOST_ATTRIBUTES} attributes")
    return tuple(found)
