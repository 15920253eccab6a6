"""What can be read of EAP from outside (RFC 3748): which method, whose name, and how a no ends it.

Rules of this file:
- Nothing here takes part in a method: only its two ends understand that.
- What makes no sense is nobody's name and no method, and is left to the server that is asked.
"""

from typing import Final, NamedTuple

from vestibule.wire.radius.packet import Attribute, Packet

RESPONSE: Final = 2
FAILURE: Final = 4

IDENTITY: Final = 1
NAK: Final = 3
MD5: Final = 4
GTC: Final = 6
MSCHAPV2: Final = 26

NAMED_OUTSIDE: Final = frozenset({MD5, GTC, MSCHAPV2})
"""Methods that prove the name in User-Name. All others carry or may carry another one inside."""

_HEADER: Final = 4
_MSCHAPV2_RESPONSE: Final = 2
_MSCHAPV2_NAME: Final = 10 + 49
"""Where the name begins in an MS-CHAP-V2 response: EAP's header and type, the method's header, a sized value."""


class Eap(NamedTuple):
    """One EAP packet; `method` is 0 for what has none."""

    code: int
    identifier: int
    method: int
    octets: bytes


def eap_of(packet: Packet) -> Eap | None:
    """The EAP packet that a RADIUS packet carries, in one attribute or several (RFC 3579 section 3.1)."""
    octets = b"".join(packet.all(Attribute.EAP_MESSAGE))
    if len(octets) < _HEADER:
        return None
    return Eap(octets[0], octets[1], octets[_HEADER] if len(octets) > _HEADER else 0, octets)


def name_inside(eap: Eap) -> bytes | None:
    """The name in an MS-CHAP-V2 response (draft-kamath-pppext-eap-mschapv2 section 2.2); None elsewhere."""
    if eap.code != RESPONSE or eap.method != MSCHAPV2 or len(eap.octets) <= _MSCHAPV2_NAME:
        return None
    return eap.octets[_MSCHAPV2_NAME:] if eap.octets[_HEADER + 1] == _MSCHAPV2_RESPONSE else None


def failure(request: Packet) -> tuple[tuple[int, bytes], ...]:
    """The attribute that ends the conversation of `request` with a no (RFC 3579 section 2.6.3); none without one."""
    asked = eap_of(request)
    if asked is None:
        return ()
    return ((int(Attribute.EAP_MESSAGE), bytes((FAILURE, asked.identifier, 0, _HEADER))),)
