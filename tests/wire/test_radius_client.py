"""The asking side: requests equal to the vectors, and only replies that prove themselves are believed."""

import hmac

import pytest

from tests.wire.radius_vectors import SECRET, Vector, vectors
from vestibule.core.errors import Malformed
from vestibule.wire.radius.authenticity import digest
from vestibule.wire.radius.client import (
    decode_reply,
    encode_access_request,
    encode_accounting_request,
    encode_status_server,
)
from vestibule.wire.radius.packet import Attribute, Code, decode, encode_attributes, encode_start
from vestibule.wire.radius.reply import encode_reply

AUTHENTICATOR = bytes(range(16))
ASKED = encode_access_request(7, AUTHENTICATOR, [(Attribute.USER_NAME, b"nemo")], SECRET)
REPLY = encode_reply(decode(ASKED), Code.ACCESS_ACCEPT, [(Attribute.CLASS, b"staff")], SECRET)


def encoded(vector: Vector) -> bytes:
    identifier, authenticator = vector.number("identifier"), vector.octets("authenticator")
    attributes = [pair for pair in vector.attributes if pair[0] != Attribute.MESSAGE_AUTHENTICATOR]
    match vector.number("code"):
        case Code.STATUS_SERVER:
            return encode_status_server(identifier, authenticator, SECRET, attributes)
        case Code.ACCOUNTING_REQUEST:
            return encode_accounting_request(identifier, attributes, SECRET)
        case _:
            signed = vector.text("signature") == "valid"
            return encode_access_request(identifier, authenticator, attributes, SECRET, message_authenticator=signed)


def sealed(*attributes: tuple[int, bytes]) -> bytes:
    """Write a reply with a right Response Authenticator, whatever its attributes."""
    body = encode_attributes(attributes)
    start = encode_start(Code.ACCESS_ACCEPT, 7, len(body))
    return start + digest(start, AUTHENTICATOR, body, SECRET) + body


@pytest.mark.parametrize("vector", vectors("radius_requests.txt"), ids=str)
def test_a_vector_is_what_we_ask(vector: Vector) -> None:
    assert encoded(vector) == vector.octets("octets")


@pytest.mark.parametrize("vector", vectors("radius_replies.txt"), ids=str)
def test_a_reply_vector_is_believed(vector: Vector) -> None:
    signed = str(vector).startswith("openssl")
    reply = decode_reply(
        vector.octets("octets"), vector.octets("request"), SECRET, require_message_authenticator=signed
    )
    assert reply.attributes == vector.attributes


@pytest.mark.requirement(37)
@pytest.mark.parametrize("vector", [v for v in vectors("radius_replies.txt") if str(v).startswith("RFC")], ids=str)
def test_an_unsigned_reply_is_not_believed_by_default(vector: Vector) -> None:
    with pytest.raises(Malformed, match="the reply carries none"):
        decode_reply(vector.octets("octets"), vector.octets("request"), SECRET)


@pytest.mark.parametrize("place", range(len(REPLY)))
def test_a_reply_with_one_changed_octet_is_malformed(place: int) -> None:
    changed = REPLY[:place] + bytes((REPLY[place] ^ 1,)) + REPLY[place + 1 :]
    with pytest.raises(Malformed):
        decode_reply(changed, ASKED, SECRET)


def test_a_reply_under_another_secret_names_the_secret() -> None:
    with pytest.raises(Malformed, match="compare the shared secret"):
        decode_reply(REPLY, ASKED, b"another")


def test_a_reply_to_another_request_is_malformed() -> None:
    other = encode_access_request(8, AUTHENTICATOR, [], SECRET)
    with pytest.raises(Malformed, match="answers another request"):
        decode_reply(REPLY, other, SECRET)


def test_a_wrong_message_authenticator_is_malformed_even_when_none_is_required() -> None:
    forged = sealed((Attribute.MESSAGE_AUTHENTICATOR, bytes(16)))
    for required in (True, False):
        with pytest.raises(Malformed, match="Message-Authenticator: it is wrong"):
            decode_reply(forged, ASKED, SECRET, require_message_authenticator=required)


@pytest.mark.requirement(37)
def test_a_message_authenticator_behind_another_attribute_is_not_believed() -> None:
    staff = (Attribute.CLASS, b"staff")
    body = encode_attributes([staff, (Attribute.MESSAGE_AUTHENTICATOR, bytes(16))])
    cleared = encode_start(Code.ACCESS_ACCEPT, 7, len(body)) + AUTHENTICATOR + body
    late = sealed(staff, (Attribute.MESSAGE_AUTHENTICATOR, hmac.digest(SECRET, cleared, "md5")))
    assert decode_reply(late, ASKED, SECRET, require_message_authenticator=False).attributes[0] == staff
    assert decode_reply(late, ASKED, SECRET, require_it_first=False).attributes[0] == staff
    with pytest.raises(Malformed, match="not the first attribute"):
        decode_reply(late, ASKED, SECRET)


@pytest.mark.parametrize("size", [0, 15, 17])
def test_a_request_authenticator_has_16_octets(size: int) -> None:
    with pytest.raises(ValueError, match="16 octets"):
        encode_access_request(7, bytes(size), [], SECRET)
    with pytest.raises(ValueError, match="16 octets"):
        encode_access_request(7, bytes(size), [], SECRET, message_authenticator=False)
    with pytest.raises(ValueError, match="16 octets"):
        encode_status_server(7, bytes(size), SECRET)
