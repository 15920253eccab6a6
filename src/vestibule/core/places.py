"""Where a person sits, as far as an asking system tells: the place that failures are counted for, and the address."""

from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address, ip_network


@dataclass(frozen=True, slots=True)
class Place:
    """`source` is counted, `address` is the person's IP address or ""."""

    source: str
    address: str = ""


def place_of(text: str) -> Place:
    """The place that `text` names. An IPv6 address stands for its network: whoever has one has all 2**64 of them."""
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return Place(text)
    address = getattr(address, "ipv4_mapped", None) or address
    source = ip_network((address, 64), strict=False) if isinstance(address, IPv6Address) else address
    return Place(str(source), str(address))
