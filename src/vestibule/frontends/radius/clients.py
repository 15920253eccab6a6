"""Which client a packet comes from: the narrowest network around its source; behind one, by NAS-Identifier.

The table is made once for each snapshot. A client whose NAS-Identifier is set is found only by packets that carry it.
"""

from collections.abc import Mapping
from functools import lru_cache
from ipaddress import ip_address

from vestibule.core.clients import Client
from vestibule.core.policy import parse_networks


class ClientTable:
    """All clients of one snapshot."""

    def __init__(self, clients: Mapping[str, Client]) -> None:
        """Order by prefix length, so that the first match is the narrowest."""
        networks = [(network, client) for client in clients.values() for network in parse_networks(client.networks)]
        self._networks = sorted(networks, key=lambda pair: -pair[0].prefixlen)
        self._around = lru_cache(maxsize=4096)(self._find_around)

    def find(self, address: str, nas_identifier: bytes | None) -> Client | None:
        """The client, or None for a stranger."""
        named = (nas_identifier or b"").decode("utf-8", "replace")
        anonymous = None
        for client in self._around(address):
            if client.nas_identifier and client.nas_identifier == named:
                return client
            if not client.nas_identifier and anonymous is None:
                anonymous = client
        return anonymous

    def _find_around(self, address: str) -> tuple[Client, ...]:
        parsed = ip_address(address.partition("%")[0])
        mapped = getattr(parsed, "ipv4_mapped", None)
        source = mapped or parsed
        return tuple(client for network, client in self._networks if source in network)
