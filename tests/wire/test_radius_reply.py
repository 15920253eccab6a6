"""Replies: Message-Authenticator first on every path, every Proxy-State in order, right authenticators."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.wire.radius_vectors import SECRET, Vector, vectors
from vestibule.wire.radius.client import (
    decode_reply,
    encode_access_request,
    encode_accounting_request,
    encode_status_server,
)
from vestibule.wire.radius.packet import LONGEST, MOST_ATTRIBUTES, Attribute, Code, TooLong, decode
from vestibule.wire.radius.reply import encode_reply, text_attributes

AUTHENTICATOR = bytes(range(16))
SIGNED_CODES = (Code.ACCESS_ACCEPT, Code.ACCESS_REJECT, Code.ACCESS_CHALLENGE, Code.PROTOCOL_ERROR)
ASKED = {
    Code.ACCESS_REQUEST: encode_access_request(7, AUTHENTICATOR, [(Attribute.USER_NAME, b"nemo")], SECRET),
    Code.STATUS_SERVER: encode_status_server(8, AUTHENTICATOR, SECRET),
    Code.ACCOUNTING_REQUEST: encode_accounting_request(9, [(Attribute.ACCT_STATUS_TYPE, b"\0\0\0\1")], SECRET),
}
OTHERS = st.integers(0, 255).filter(lambda kind: kind not in {Attribute.PROXY_STATE, Attribute.MESSAGE_AUTHENTICATOR})
GIVEN = st.lists(st.tuples(OTHERS, st.binary(max_size=40)), max_size=20)
BROUGHT = st.lists(st.tuples(st.integers(0, 79), st.binary(max_size=20)), max_size=40)


@pytest.mark.requirement(37)
@pytest.mark.parametrize("vector", [v for v in vectors("radius_replies.txt") if str(v).startswith("openssl")], ids=str)
def test_a_vector_is_what_we_reply(vector: Vector) -> None:
    request = decode(vector.octets("request"))
    own = {Attribute.MESSAGE_AUTHENTICATOR, Attribute.PROXY_STATE}
    attributes = [pair for pair in vector.attributes if pair[0] not in own]
    assert encode_reply(request, vector.number("code"), attributes, SECRET) == vector.octets("octets")


@pytest.mark.requirement(37)
@pytest.mark.parametrize("asked", [Code.ACCESS_REQUEST, Code.STATUS_SERVER, Code.ACCOUNTING_REQUEST])
@pytest.mark.parametrize("code", SIGNED_CODES)
def test_message_authenticator_is_first_and_right_whatever_is_asked(asked: Code, code: Code) -> None:
    octets = encode_reply(decode(ASKED[asked]), code, [(Attribute.REPLY_MESSAGE, b"Hello")], SECRET)
    reply = decode_reply(octets, ASKED[asked], SECRET)
    assert [kind for kind, _ in reply.attributes] == [Attribute.MESSAGE_AUTHENTICATOR, Attribute.REPLY_MESSAGE]


@pytest.mark.requirement(37)
def test_message_authenticator_is_first_in_an_accounting_response_to_status_server() -> None:
    octets = encode_reply(decode(ASKED[Code.STATUS_SERVER]), Code.ACCOUNTING_RESPONSE, [], SECRET)
    reply = decode_reply(octets, ASKED[Code.STATUS_SERVER], SECRET)
    assert [kind for kind, _ in reply.attributes] == [Attribute.MESSAGE_AUTHENTICATOR]


def test_an_accounting_response_to_an_accounting_request_carries_no_message_authenticator() -> None:
    octets = encode_reply(decode(ASKED[Code.ACCOUNTING_REQUEST]), Code.ACCOUNTING_RESPONSE, [], SECRET)
    assert decode_reply(octets, ASKED[Code.ACCOUNTING_REQUEST], SECRET).attributes == ()


@pytest.mark.requirement(37)
@pytest.mark.requirement(43)
@given(BROUGHT, st.sampled_from(SIGNED_CODES), GIVEN, st.binary(max_size=64))
def test_every_reply_is_signed_first_then_ours_then_every_proxy_state_in_order(
    brought: list[tuple[int, bytes]], code: Code, attributes: list[tuple[int, bytes]], secret: bytes
) -> None:
    asked = encode_access_request(7, AUTHENTICATOR, brought, secret)
    reply = decode_reply(encode_reply(decode(asked), code, attributes, secret), asked, secret)
    proxies = [pair for pair in brought if pair[0] == Attribute.PROXY_STATE]
    assert reply.attributes[0][0] == Attribute.MESSAGE_AUTHENTICATOR
    assert list(reply.attributes[1:]) == attributes + proxies


@pytest.mark.requirement(43)
@given(st.lists(st.binary(max_size=15), max_size=200))
def test_a_reply_carries_every_proxy_state_in_order(states: list[bytes]) -> None:
    asked = encode_access_request(7, AUTHENTICATOR, [(Attribute.PROXY_STATE, state) for state in states], SECRET)
    reply = decode(encode_reply(decode(asked), Code.ACCESS_REJECT, [], SECRET))
    assert reply.all(Attribute.PROXY_STATE) == states


@pytest.mark.requirement(43)
def test_as_many_proxy_states_as_a_packet_may_have_come_back() -> None:
    states = [(Attribute.PROXY_STATE, str(number).encode()) for number in range(MOST_ATTRIBUTES - 1)]
    asked = encode_access_request(7, AUTHENTICATOR, states, SECRET)
    reply = decode_reply(encode_reply(decode(asked), Code.ACCESS_REJECT, [], SECRET), asked, SECRET)
    assert list(reply.attributes[1:]) == states


@pytest.mark.requirement(43)
def test_proxy_states_that_leave_no_room_for_the_signature_are_refused_clearly() -> None:
    states = [(Attribute.PROXY_STATE, bytes(253))] * 15
    full, beyond = (
        encode_access_request(
            7, AUTHENTICATOR, [*states, (Attribute.PROXY_STATE, bytes(size))], SECRET, message_authenticator=False
        )
        for size in (231, 232)
    )
    assert len(encode_reply(decode(full), Code.ACCESS_REJECT, [], SECRET)) == LONGEST
    with pytest.raises(TooLong, match="would take 4097 octets, RADIUS allows 4096; send fewer attributes"):
        encode_reply(decode(beyond), Code.ACCESS_REJECT, [], SECRET)


@pytest.mark.parametrize("kind", [Attribute.MESSAGE_AUTHENTICATOR, Attribute.PROXY_STATE])
def test_what_a_reply_writes_by_itself_is_refused_from_outside(kind: Attribute) -> None:
    with pytest.raises(ValueError, match="leave them out"):
        encode_reply(decode(ASKED[Code.ACCESS_REQUEST]), Code.ACCESS_ACCEPT, [(kind, bytes(16))], SECRET)


@given(st.text(max_size=1200))
def test_text_is_split_between_characters_and_joins_again(text: str) -> None:
    pieces = [value for _, value in text_attributes(Attribute.REPLY_MESSAGE, text)]
    assert all(0 < len(piece) <= 253 for piece in pieces)
    assert "".join(piece.decode() for piece in pieces) == text


def test_text_is_split_as_late_as_a_character_allows() -> None:
    sizes = [len(value) for _, value in text_attributes(Attribute.REPLY_MESSAGE, "a" * 252 + "€" * 100)]
    assert sizes == [252, 252, 48]
    assert text_attributes(Attribute.REPLY_MESSAGE, "") == []
    assert text_attributes(Attribute.REPLY_MESSAGE, "a" * 253) == [(18, b"a" * 253)]
