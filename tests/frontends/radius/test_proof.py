"""Which of a client's secrets a packet proves, and what is dropped because it proves none."""

from dataclasses import replace

import pytest

from vestibule.core.clients import Client
from vestibule.core.secret import Secret
from vestibule.frontends.radius.proof import proven_secret
from vestibule.wire.radius.client import encode_access_request, encode_accounting_request, encode_status_server
from vestibule.wire.radius.packet import Attribute, Packet, decode
from vestibule.wire.radius.password import hide

NEW, OLD, FOREIGN = b"the new secret", b"the old secret", b"another's secret"
AUTHENTICATOR = bytes(range(16))
BOTH = Client("vpn", "VPN", (), (Secret(NEW), Secret(OLD)))
EXCEPTED = replace(BOTH, require_message_authenticator=False)


def request(secret: bytes, *more: tuple[int, bytes], signed: bool = True) -> Packet:
    password = (Attribute.USER_PASSWORD, hide("pässword".encode(), secret, AUTHENTICATOR))
    octets = encode_access_request(1, AUTHENTICATOR, [password, *more], secret, message_authenticator=signed)
    return decode(octets)


@pytest.mark.parametrize("secret", [NEW, OLD])
def test_either_secret_is_recognised(secret: bytes) -> None:
    for client in (BOTH, EXCEPTED):
        assert proven_secret(request(secret), client) == secret
        assert proven_secret(decode(encode_status_server(1, AUTHENTICATOR, secret)), client) == secret
        assert proven_secret(decode(encode_accounting_request(1, [], secret)), client) == secret


@pytest.mark.requirement(38)
def test_a_wrong_signature_is_dropped_from_excepted_clients_too() -> None:
    for client in (BOTH, EXCEPTED):
        assert proven_secret(request(FOREIGN), client) is None
        assert proven_secret(decode(encode_status_server(1, AUTHENTICATOR, FOREIGN)), client) is None
        assert proven_secret(decode(encode_accounting_request(1, [], FOREIGN)), client) is None


@pytest.mark.parametrize("secret", [NEW, OLD])
def test_an_unsigned_request_is_read_with_the_secret_that_gives_text(secret: bytes) -> None:
    assert proven_secret(request(secret, signed=False), EXCEPTED) == secret
    assert proven_secret(request(secret, signed=False), BOTH) is None


@pytest.mark.requirement(38)
def test_unsigned_requests_with_eap_or_proxy_state_are_dropped() -> None:
    assert proven_secret(request(NEW, (Attribute.PROXY_STATE, b"1"), signed=False), EXCEPTED) is None
    assert proven_secret(request(NEW, (Attribute.EAP_MESSAGE, b"1"), signed=False), EXCEPTED) is None
    relaxed = replace(EXCEPTED, limit_proxy_state=False)
    assert proven_secret(request(NEW, (Attribute.PROXY_STATE, b"1"), signed=False), relaxed) == NEW
    assert proven_secret(request(NEW, (Attribute.EAP_MESSAGE, b"1"), signed=False), relaxed) is None


def test_a_client_without_a_secret_is_dropped() -> None:
    for client in (BOTH, EXCEPTED):
        assert proven_secret(request(b"", signed=False), replace(client, secrets=())) is None
