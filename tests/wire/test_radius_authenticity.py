"""Message-Authenticator and Request Authenticator: vectors, and every octet flipped."""

import hmac

import pytest

from tests.wire.radius_vectors import SECRET, Vector, vectors
from vestibule.wire.radius.authenticity import MessageAuthenticator, accounting_authentic, verify_request
from vestibule.wire.radius.client import encode_access_request, encode_accounting_request, encode_status_server
from vestibule.wire.radius.packet import Attribute, Code, decode, encode_attributes, encode_start

AUTHENTICATOR = bytes(range(16))
NEMO = (Attribute.USER_NAME, b"nemo")
SIGNED = encode_access_request(7, AUTHENTICATOR, [NEMO, (Attribute.PROXY_STATE, b"hop")], SECRET)
FRAME = {2, 3, 20, 21, 39, 45}
"""Where `SIGNED` holds a length or the signature's type: a change there makes another frame."""


def unsigned(*attributes: tuple[int, bytes]) -> bytes:
    return encode_access_request(7, AUTHENTICATOR, attributes, SECRET, message_authenticator=False)


@pytest.mark.requirement(38)
@pytest.mark.parametrize("vector", vectors("radius_requests.txt"), ids=str)
def test_a_vector_is_signed_as_it_says(vector: Vector) -> None:
    assert verify_request(decode(vector.octets("octets")), SECRET) == vector.text("signature")


@pytest.mark.requirement(38)
def test_valid_missing_and_wrong_signatures_are_told_apart() -> None:
    assert verify_request(decode(SIGNED), SECRET) is MessageAuthenticator.VALID
    assert verify_request(decode(unsigned(NEMO)), SECRET) is MessageAuthenticator.MISSING
    assert verify_request(decode(SIGNED), b"another") is MessageAuthenticator.WRONG


def test_a_signed_status_server_is_valid() -> None:
    octets = encode_status_server(7, AUTHENTICATOR, SECRET, [(Attribute.NAS_IDENTIFIER, b"nas1")])
    assert verify_request(decode(octets), SECRET) is MessageAuthenticator.VALID


def test_a_signature_is_valid_wherever_it_stands() -> None:
    body = encode_attributes([NEMO, (Attribute.MESSAGE_AUTHENTICATOR, bytes(16)), (Attribute.STATE, b"s")])
    cleared = encode_start(Code.ACCESS_REQUEST, 7, len(body)) + AUTHENTICATOR + body
    signed = cleared[:28] + hmac.digest(SECRET, cleared, "md5") + cleared[44:]
    assert verify_request(decode(signed), SECRET) is MessageAuthenticator.VALID
    assert verify_request(decode(cleared), SECRET) is MessageAuthenticator.WRONG


@pytest.mark.requirement(38)
@pytest.mark.parametrize("place", [place for place in range(len(SIGNED)) if place not in FRAME])
def test_one_changed_octet_makes_the_signature_wrong(place: int) -> None:
    changed = SIGNED[:place] + bytes((SIGNED[place] ^ 1,)) + SIGNED[place + 1 :]
    assert verify_request(decode(changed), SECRET) is MessageAuthenticator.WRONG


@pytest.mark.requirement(38)
@pytest.mark.parametrize("size", [0, 15, 17])
def test_a_signature_of_wrong_length_is_wrong_and_not_missing(size: int) -> None:
    octets = unsigned((Attribute.MESSAGE_AUTHENTICATOR, bytes(size)))
    assert verify_request(decode(octets), SECRET) is MessageAuthenticator.WRONG


@pytest.mark.requirement(38)
def test_a_second_signature_is_wrong_even_when_one_is_right() -> None:
    second = (Attribute.MESSAGE_AUTHENTICATOR, bytes(16))
    octets = encode_access_request(7, AUTHENTICATOR, [NEMO, second], SECRET)
    assert verify_request(decode(octets), SECRET) is MessageAuthenticator.WRONG


def test_an_accounting_request_is_authentic_with_its_own_secret_and_content_only() -> None:
    octets = encode_accounting_request(7, [(Attribute.ACCT_STATUS_TYPE, b"\0\0\0\1"), NEMO], SECRET)
    assert accounting_authentic(decode(octets), SECRET)
    assert not accounting_authentic(decode(octets), b"another")
    assert not accounting_authentic(decode(octets[:-1] + b"x"), SECRET)
    assert not accounting_authentic(decode(octets[:4] + bytes(16) + octets[20:]), SECRET)


@pytest.mark.parametrize("vector", [v for v in vectors("radius_requests.txt") if v.text("code") == "4"], ids=str)
def test_an_accounting_vector_is_authentic(vector: Vector) -> None:
    assert accounting_authentic(decode(vector.octets("octets")), SECRET)
