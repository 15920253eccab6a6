"""Requests handed on and replies handed back: keys change their hop, the rest passes as it is."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.wire.radius_vectors import vectors
from vestibule.core.errors import Malformed
from vestibule.wire.radius.authenticity import digest
from vestibule.wire.radius.client import decode_reply, encode_access_request
from vestibule.wire.radius.packet import Attribute, Code, Packet, decode, encode_attributes, encode_start
from vestibule.wire.radius.passing import MICROSOFT, Hop, forwarded, needs_upstream, returned
from vestibule.wire.radius.password import hide, reveal
from vestibule.wire.radius.reply import encode_reply
from vestibule.wire.radius.salted import hide_salted, reveal_salted

CAME = Hop(b"the upstream's secret", bytes(range(16)))
LEAVES = Hop(b"the client's secret", bytes(range(16, 32)))
CHANCE = b"\x7f\xfe"
KEY = bytes(range(100, 132))
Pair = tuple[int, bytes]


def packet(*attributes: Pair, code: int = Code.ACCESS_REQUEST) -> Packet:
    return Packet(code, 1, LEAVES.authenticator, attributes, b"")


def microsoft(*parts: Pair) -> Pair:
    inner = b"".join(bytes((kind, len(value) + 2)) + value for kind, value in parts)
    return int(Attribute.VENDOR_SPECIFIC), MICROSOFT + inner


def salted(key: bytes, salt: bytes = b"\x80\x07") -> bytes:
    return hide_salted(key, CAME.secret, CAME.authenticator, salt)


def back(*attributes: Pair) -> tuple[Pair, ...]:
    return returned(packet(*attributes, code=Code.ACCESS_ACCEPT), CAME, LEAVES, CHANCE)


def revealed(value: bytes) -> bytes:
    return reveal_salted(value, LEAVES.secret, LEAVES.authenticator)


def test_a_request_goes_on_without_its_signature_and_password_and_with_proxy_states_in_order() -> None:
    kept = (
        (1, b"nemo"),
        (Attribute.PROXY_STATE, b"first"),
        (Attribute.EAP_MESSAGE, b"\2\1"),
        (Attribute.EAP_MESSAGE, b"\3"),
        (Attribute.PROXY_STATE, b"second"),
        (Attribute.STATE, b"s"),
    )
    dropped = ((Attribute.MESSAGE_AUTHENTICATOR, bytes(16)), (Attribute.USER_PASSWORD, bytes(16)))
    assert forwarded(packet(dropped[0], *kept[:3], dropped[1], *kept[3:])) == kept


def test_a_chap_request_takes_its_challenge_along() -> None:
    (rfc,) = [one for one in vectors("radius_requests.txt") if "CHAP" in str(one)]
    asked = decode(rfc.octets("octets"))
    assert forwarded(asked) == (*rfc.attributes, (Attribute.CHAP_CHALLENGE, rfc.octets("authenticator")))
    named = packet((Attribute.CHAP_PASSWORD, bytes(17)), (Attribute.CHAP_CHALLENGE, b"c"))
    assert forwarded(named) == named.attributes


@pytest.mark.parametrize(
    ("attribute", "needed"),
    [
        ((Attribute.EAP_MESSAGE, b"\2"), True),
        ((Attribute.CHAP_PASSWORD, bytes(17)), True),
        (microsoft((11, bytes(16)), (25, bytes(50))), True),
        (microsoft((1, bytes(50))), True),
        (microsoft((11, bytes(16))), False),
        ((Attribute.VENDOR_SPECIFIC, bytes(4) + b"\x19\x03\0"), False),
        ((Attribute.USER_PASSWORD, bytes(16)), False),
    ],
)
def test_what_hides_the_password_needs_an_upstream(attribute: Pair, needed: bool) -> None:
    assert needs_upstream(packet((1, b"nemo"), attribute)) is needed


def test_keys_are_hidden_anew_for_the_clients_hop() -> None:
    send, recv, tunnel = KEY, KEY[::-1], b"s3kr1t"
    old = KEY[:24].ljust(32, b"\0")
    ((_, keys), (_, ours), (_, weak)) = back(
        microsoft((16, salted(send)), (17, salted(recv, b"\x80\x09"))),
        (int(Attribute.TUNNEL_PASSWORD), b"\x01" + salted(tunnel)),
        microsoft((12, hide(old, CAME.secret, CAME.authenticator))),
    )
    size = keys[5]
    assert keys[:5] == MICROSOFT + b"\x10"
    assert revealed(keys[6 : 4 + size]) == send
    assert revealed(keys[6 + size :]) == recv
    assert ours[:1] == b"\x01"
    assert revealed(ours[1:]) == tunnel
    assert reveal(weak[6:], LEAVES.secret, LEAVES.authenticator) == KEY[:24]
    salts = {keys[6:8], keys[6 + size : 8 + size], ours[1:3]}
    assert salts == {b"\xff\xfe", b"\xff\xff", b"\x80\x00"}


@given(st.lists(st.tuples(st.integers(1, 255), st.binary(min_size=1, max_size=60))))
def test_everything_else_passes_as_it_is(attributes: list[Pair]) -> None:
    plain = [pair for pair in attributes if pair[0] not in {26, 33, 69, 80}]
    assert back(*plain, (33, b"ours"), (80, bytes(16))) == tuple(plain)


def test_other_attributes_of_microsoft_pass_as_they_are() -> None:
    success = microsoft((26, b"\x01S=0123"), (7, b"\0\0\0\1"))
    assert back(success) == (success,)


@pytest.mark.requirement(43)
@pytest.mark.parametrize(
    "inner", [b"\x10", b"\x10\x01", b"\x10\x05\0", b"\x10\x02", b"\x0c\x02", b"\x0c\x05\0\0\0", b"\x10\x04\0\0"]
)
def test_keys_that_make_no_sense_are_not_passed(inner: bytes) -> None:
    with pytest.raises(Malformed):
        back((int(Attribute.VENDOR_SPECIFIC), MICROSOFT + inner))


def test_keys_under_another_secret_never_come_out_right() -> None:
    other = hide_salted(KEY, b"another", CAME.authenticator, b"\x80\0")
    try:
        ((_, value),) = back(microsoft((16, other)))
    except Malformed:
        return
    assert revealed(value[6:]) != KEY


def test_a_hop_does_not_print() -> None:
    assert repr(CAME) == "Hop()"


def test_a_reply_with_eap_is_never_believed_unsigned() -> None:
    asked = encode_access_request(7, bytes(16), [(Attribute.EAP_MESSAGE, b"\2")], CAME.secret)
    options: dict[str, Any] = {"require_message_authenticator": False}
    signed = encode_reply(decode(asked), Code.ACCESS_CHALLENGE, [(Attribute.EAP_MESSAGE, b"\1")], CAME.secret)
    assert decode_reply(signed, asked, CAME.secret, **options).code == Code.ACCESS_CHALLENGE
    unsigned = unsigned_reply(asked, CAME.secret, (Attribute.EAP_MESSAGE, b"\1"))
    with pytest.raises(Malformed, match="carries none"):
        decode_reply(unsigned, asked, CAME.secret, **options)


def unsigned_reply(asked: bytes, secret: bytes, *attributes: Pair) -> bytes:
    body = encode_attributes(attributes)
    start = encode_start(Code.ACCESS_CHALLENGE, asked[1], len(body))
    return start + digest(start, asked[4:20], body, secret) + body
