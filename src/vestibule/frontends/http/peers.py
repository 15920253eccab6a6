"""Who calls: the address behind trusted proxies, and whether this is a host that the server answers for.

`X-Forwarded-For` counts only from a proxy that the configuration names by its address; what can not be read there is
refused, never skipped. No other forwarding header is looked at.
"""

from collections.abc import Iterable
from ipaddress import ip_address

from vestibule.core.errors import Malformed
from vestibule.core.policy import inside

Headers = Iterable[tuple[bytes, bytes]]

UNREADABLE = "X-Forwarded-For, sent by a trusted proxy, is not a list of IP addresses."


def caller_address(peer: str, headers: Headers, trusted: tuple[str, ...]) -> str:
    """The nearest address that is no trusted proxy. Raises Malformed."""
    if not trusted or not inside(peer, trusted):
        return peer
    passed_on = values(headers, b"x-forwarded-for")
    for text in reversed([part for value in passed_on for part in value.split(",")]):
        peer = _parsed(text.strip())
        if not inside(peer, trusted):
            break
    return peer


def host_of(headers: Headers) -> str:
    """The one host that is asked for, in small letters, without its port; "" when there is none, or more than one."""
    hosts = values(headers, b"host")
    if len(hosts) != 1:
        return ""
    host = hosts[0].strip().lower()
    name = host.partition("]")[0] + "]" if host.startswith("[") else host.partition(":")[0]
    return name.rstrip(".")


def values(headers: Headers, name: bytes) -> list[str]:
    """All values of one header, in order."""
    return [value.decode("latin-1") for header, value in headers if header == name]


def _parsed(text: str) -> str:
    try:
        address = ip_address(text)
    except ValueError:
        raise Malformed(UNREADABLE) from None
    return str(getattr(address, "ipv4_mapped", None) or address)
