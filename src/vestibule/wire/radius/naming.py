"""Attributes of a packet as people read them: a name and a text.

Rules of this file:
- What hides a password or a key is never shown, not even as the octets that hide it.
- Octets that are no text that a screen can show are shown in hexadecimal.
"""

from collections.abc import Iterable, Iterator
from ipaddress import ip_address
from typing import Final, NamedTuple

from vestibule.wire.radius.dictionary import Definition, Dictionary, Kind
from vestibule.wire.radius.packet import Attribute

HIDDEN: Final = "(hidden)"
_MICROSOFT: Final = 311
_VENDOR_HEADER: Final = 6
_NUMBERS: Final = frozenset({Kind.BYTE, Kind.SHORT, Kind.INTEGER, Kind.INTEGER64, Kind.DATE})
_SECRET: Final = {
    (None, int(Attribute.USER_PASSWORD)): "User-Password",
    (None, int(Attribute.CHAP_PASSWORD)): "CHAP-Password",
    (None, int(Attribute.TUNNEL_PASSWORD)): "Tunnel-Password",
    (_MICROSOFT, 16): "MS-MPPE-Send-Key",
    (_MICROSOFT, 17): "MS-MPPE-Recv-Key",
}
_OWN_NAMES: Final = {
    int(Attribute.STATE): "State",
    int(Attribute.PROXY_STATE): "Proxy-State",
    int(Attribute.MESSAGE_AUTHENTICATOR): "Message-Authenticator",
}


class Named(NamedTuple):
    """One attribute in words."""

    name: str
    text: str


def named(attributes: Iterable[tuple[int, bytes]], dictionary: Dictionary) -> Iterator[Named]:
    """Each attribute in its order, a vendor's (RFC 2865 section 5.26) by the first that stands inside."""
    for kind, value in attributes:
        if kind == Attribute.VENDOR_SPECIFIC and len(value) > _VENDOR_HEADER:
            vendor, inner, size = int.from_bytes(value[:4], "big"), value[4], value[5]
            yield _named(inner, vendor, value[_VENDOR_HEADER : 4 + size], dictionary)
        else:
            yield _named(kind, None, value, dictionary)


def text_of(value: bytes) -> str:
    """Text in quotes if it can be shown, else octets."""
    try:
        text = value.decode()
    except UnicodeDecodeError:
        return f"0x{value.hex()}"
    return f'"{text}"' if text.isprintable() else f"0x{value.hex()}"


def _named(kind: int, vendor: int | None, value: bytes, dictionary: Dictionary) -> Named:
    secret = _SECRET.get((vendor, kind))
    if secret is not None:
        return Named(secret, HIDDEN)
    for definition in dictionary.definitions.values():
        if (definition.number, definition.vendor) == (kind, vendor):
            return Named(definition.name, _shown(definition, value))
    name = _OWN_NAMES.get(kind, f"attribute {kind}") if vendor is None else f"vendor {vendor} attribute {kind}"
    return Named(name, text_of(value))


def _shown(definition: Definition, value: bytes) -> str:
    if definition.encrypted:
        return HIDDEN
    if definition.kind in _NUMBERS:
        return str(int.from_bytes(value[1:] if definition.tagged else value, "big"))
    if definition.kind in (Kind.IPADDR, Kind.IPV6ADDR) and len(value) in (4, 16):
        return str(ip_address(value))
    return text_of(value)
