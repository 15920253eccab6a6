"""Attributes in words: names, numbers, addresses; nothing that hides a password, and nothing that moves a cursor."""

import pytest

from vestibule.wire.radius.dictionary import standard
from vestibule.wire.radius.naming import HIDDEN, Named, named, text_of
from vestibule.wire.radius.packet import Attribute


def told(kind: int, value: bytes) -> Named:
    [one] = named([(kind, value)], standard())
    return one


def vendor(number: int, kind: int, value: bytes) -> bytes:
    return number.to_bytes(4, "big") + bytes((kind, len(value) + 2)) + value


@pytest.mark.parametrize(
    ("kind", "value", "said"),
    [
        (Attribute.USER_NAME, b"alice", ("User-Name", '"alice"')),
        (Attribute.SESSION_TIMEOUT, b"\0\0\x0e\x10", ("Session-Timeout", "3600")),
        (Attribute.FRAMED_IP_ADDRESS, bytes((192, 0, 2, 1)), ("Framed-IP-Address", "192.0.2.1")),
        (Attribute.STATE, b"0123", ("State", '"0123"')),
        (Attribute.CLASS, b"\xff\x00", ("Class", "0xff00")),
        (200, b"x", ("attribute 200", '"x"')),
        (Attribute.VENDOR_SPECIFIC, vendor(9, 1, b"shell:x"), ("Cisco-AVPair", '"shell:x"')),
        (Attribute.VENDOR_SPECIFIC, vendor(4242, 7, b"x"), ("vendor 4242 attribute 7", '"x"')),
        (Attribute.VENDOR_SPECIFIC, b"\0\0\0", ("attribute 26", "0x000000")),
    ],
)
def test_an_attribute_has_a_name_and_a_text(kind: int, value: bytes, said: tuple[str, str]) -> None:
    assert told(kind, value) == Named(*said)


@pytest.mark.requirement(47)
@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (Attribute.USER_PASSWORD, b"0123456789abcdef"),
        (Attribute.CHAP_PASSWORD, b"0123456789abcdef0"),
        (Attribute.TUNNEL_PASSWORD, b"\x80\x00hidden"),
        (Attribute.VENDOR_SPECIFIC, vendor(311, 16, b"key of a session")),
        (Attribute.VENDOR_SPECIFIC, vendor(311, 17, b"key of a session")),
    ],
)
def test_what_hides_a_password_or_a_key_is_not_shown(kind: int, value: bytes) -> None:
    assert told(kind, value).text == HIDDEN


def test_octets_that_could_control_a_screen_are_shown_as_hex() -> None:
    assert (text_of(b"staff"), text_of(b"\x1b[2J"), text_of(b"\xff")) == ('"staff"', "0x1b5b324a", "0xff")
