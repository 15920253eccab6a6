"""Who asks: the narrowest network around the source wins, and behind one address the NAS-Identifier decides."""

import pytest

from vestibule.core.clients import Client
from vestibule.frontends.radius.clients import ClientTable


def client(name: str, *networks: str, nas_identifier: str = "") -> Client:
    return Client(name, name, networks, (), nas_identifier)


TABLE = ClientTable(
    {
        one.id: one
        for one in (
            client("world", "0.0.0.0/0"),
            client("site", "192.0.2.0/24", "2001:db8::/32"),
            client("host", "192.0.2.7/32"),
            client("vpn", "198.51.100.0/24", nas_identifier="vpn"),
            client("wifi", "198.51.100.0/24", nas_identifier="wifi"),
        )
    }
)


@pytest.mark.parametrize(
    ("address", "identifier", "found"),
    [
        ("203.0.113.1", None, "world"),
        ("192.0.2.8", None, "site"),
        ("192.0.2.7", None, "host"),
        ("192.0.2.7", b"whoever", "host"),
        ("2001:db8::1", None, "site"),
        ("::ffff:192.0.2.7", None, "host"),
        ("fe80::1%eth0", None, None),
        ("2001:db9::1", None, None),
        ("198.51.100.1", b"vpn", "vpn"),
        ("198.51.100.1", b"wifi", "wifi"),
        ("198.51.100.1", b"VPN", "world"),
        ("198.51.100.1", b"\xff", "world"),
        ("198.51.100.1", None, "world"),
        ("192.0.2.7", b"vpn", "host"),
    ],
)
def test_a_source_is_found(address: str, identifier: bytes | None, found: str | None) -> None:
    client = TABLE.find(address, identifier)
    assert (client and client.id) == found
