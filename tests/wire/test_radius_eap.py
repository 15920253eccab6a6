"""What is read of EAP from outside."""

import pytest

from vestibule.wire.radius import eap
from vestibule.wire.radius.packet import Attribute, Packet


def packet(*parts: bytes) -> Packet:
    return Packet(1, 1, bytes(16), tuple((int(Attribute.EAP_MESSAGE), part) for part in parts), b"")


def mschapv2(name: bytes, operation: int = 2) -> bytes:
    inner = bytes((26, operation, 5)) + (4 + 50 + len(name)).to_bytes(2, "big") + b"\x31" + bytes(49) + name
    return bytes((2, 9)) + (len(inner) + 4).to_bytes(2, "big") + inner


def test_the_parts_of_one_message_belong_together() -> None:
    found = eap.eap_of(packet(b"\x02\x07\x00\x0a", b"\x19\x80", b"rest"))
    assert found == eap.Eap(eap.RESPONSE, 7, 25, b"\x02\x07\x00\x0a\x19\x80rest")
    assert eap.eap_of(packet()) is None
    assert eap.eap_of(packet(b"\x02\x07")) is None


def test_the_name_in_an_ms_chap_v2_response_is_seen() -> None:
    found = eap.eap_of(packet(mschapv2(b"alice")))
    assert found is not None
    assert eap.name_inside(found) == b"alice"


@pytest.mark.parametrize(
    "octets",
    [b"\x02\x07\x00\x06\x1a\x03", mschapv2(b"alice", 3), b"\x02\x07\x00\x05\x04", b"\x01\x07\x00\x04"],
)
def test_other_messages_name_nobody(octets: bytes) -> None:
    found = eap.eap_of(packet(octets))
    assert found is not None
    assert eap.name_inside(found) is None


def test_a_no_answers_the_message_that_it_ends() -> None:
    assert eap.failure(packet(b"\x02\x07\x00\x06\x1a\x03")) == ((Attribute.EAP_MESSAGE, b"\x04\x07\x00\x04"),)
    assert eap.failure(packet()) == ()
