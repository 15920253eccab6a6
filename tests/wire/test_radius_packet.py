"""The frame of RFC 2865 section 3: vectors in both directions, every wrong length, arbitrary octets."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.wire.radius_vectors import Vector, vectors
from vestibule.core.errors import Malformed
from vestibule.wire.radius.packet import (
    LONGEST,
    MOST_ATTRIBUTES,
    Attribute,
    Code,
    TooLong,
    decode,
    encode_attributes,
    encode_start,
)

AUTHENTICATOR = bytes(range(16))
ATTRIBUTES = st.lists(st.tuples(st.integers(0, 255), st.binary(max_size=20)), max_size=100)


def datagram(*attributes: bytes, length: int | None = None) -> bytes:
    body = b"".join(attributes)
    size = 20 + len(body) if length is None else length
    return bytes((Code.ACCESS_REQUEST, 7)) + size.to_bytes(2, "big") + AUTHENTICATOR + body


@pytest.mark.parametrize("vector", vectors("radius_requests.txt") + vectors("radius_replies.txt"), ids=str)
def test_a_vector_decodes_to_its_values_and_encodes_to_its_octets(vector: Vector) -> None:
    octets = vector.octets("octets")
    packet = decode(octets)
    assert packet.code == vector.number("code")
    assert packet.identifier == vector.number("identifier")
    assert packet.authenticator == vector.octets("authenticator")
    assert packet.attributes == vector.attributes
    body = encode_attributes(vector.attributes)
    start = encode_start(vector.number("code"), vector.number("identifier"), len(body))
    assert start + vector.octets("authenticator") + body == octets


@given(st.integers(0, 255), st.integers(0, 255), ATTRIBUTES)
def test_what_was_encoded_decodes_to_the_same(code: int, identifier: int, attributes: list[tuple[int, bytes]]) -> None:
    body = encode_attributes(attributes)
    packet = decode(encode_start(code, identifier, len(body)) + AUTHENTICATOR + body)
    assert (packet.code, packet.identifier, packet.authenticator) == (code, identifier, AUTHENTICATOR)
    assert packet.attributes == tuple(attributes)


@pytest.mark.requirement(43)
@given(st.binary(max_size=300))
@example(datagram(b"\x01"))
def test_arbitrary_octets_decode_or_are_malformed(octets: bytes) -> None:
    try:
        packet = decode(octets)
    except Malformed:
        return
    assert octets.startswith(packet.octets)


@pytest.mark.requirement(43)
@given(st.data(), st.sampled_from(vectors("radius_requests.txt")))
def test_a_mutated_packet_decodes_or_is_malformed(data: st.DataObject, vector: Vector) -> None:
    octets = bytearray(vector.octets("octets"))
    for place in data.draw(st.lists(st.integers(0, len(octets) - 1), max_size=4)):
        octets[place] = data.draw(st.integers(0, 255))
    mutated = bytes(octets[: data.draw(st.integers(0, len(octets)))])
    try:
        packet = decode(mutated)
    except Malformed:
        return
    assert packet.octets[20:] == encode_attributes(packet.attributes)


@pytest.mark.requirement(43)
@pytest.mark.parametrize(
    ("octets", "words"),
    [
        (b"", "shorter than its header"),
        (datagram()[:19], "shorter than its header"),
        (datagram(length=19), "outside 20 to 4096"),
        (datagram(length=0), "outside 20 to 4096"),
        (datagram(bytes((26, 255)) * 17, length=LONGEST + 1), "outside 20 to 4096"),
        (datagram(length=21), "beyond the end"),
        (datagram(b"\x01"), "ends before its length"),
        (datagram(b"\x01\x00"), "below 2 or beyond"),
        (datagram(b"\x01\x01"), "below 2 or beyond"),
        (datagram(b"\x01\x03"), "below 2 or beyond"),
        (datagram(b"\x01\x03a", b"\x02\xffb"), "offset 23"),
        (datagram(b"\x01\x02" * (MOST_ATTRIBUTES + 1)), "more than 250 attributes"),
    ],
)
def test_a_wrong_length_is_malformed_and_says_where(octets: bytes, words: str) -> None:
    with pytest.raises(Malformed, match=words):
        decode(octets)


@pytest.mark.requirement(43)
def test_every_length_of_packet_and_attribute_is_survived() -> None:
    whole = datagram(b"\x01\x06nemo", b"\x50\x12" + bytes(16))
    outcomes = set()
    for length in range(256):
        for size in range(256):
            wrong = whole[:3] + bytes((length,)) + whole[4:21] + bytes((size,)) + whole[22:]
            try:
                outcomes.add(len(decode(wrong).attributes))
            except Malformed:
                outcomes.add(-1)
    assert outcomes == {-1, 0, 1, 2}


def test_octets_beyond_length_are_padding() -> None:
    packet = decode(datagram(b"\x01\x06nemo") + b"\x02\xff")
    assert packet.attributes == ((Attribute.USER_NAME, b"nemo"),)
    assert packet.octets == datagram(b"\x01\x06nemo")


def test_the_most_attributes_are_accepted() -> None:
    assert len(decode(datagram(b"\x01\x02" * MOST_ATTRIBUTES)).attributes) == MOST_ATTRIBUTES


def test_repeated_attributes_are_found_in_order_and_absent_ones_not() -> None:
    packet = decode(datagram(b"\x21\x03a", b"\x01\x02", b"\x21\x03b"))
    assert packet.first(Attribute.PROXY_STATE) == b"a"
    assert packet.all(Attribute.PROXY_STATE) == [b"a", b"b"]
    assert packet.first(Attribute.USER_NAME) == b""
    assert packet.first(Attribute.STATE) is None
    assert packet.all(Attribute.STATE) == []


def test_a_packet_prints_none_of_its_octets() -> None:
    packet = decode(datagram(b"\x02\x12" + b"marker-of-secret"))
    assert repr(packet) == str(packet) == "Packet(code=1, identifier=7, 1 attributes)"


@pytest.mark.parametrize("pair", [(256, b""), (-1, b""), (1, bytes(254))])
def test_an_attribute_that_no_packet_can_carry_is_refused(pair: tuple[int, bytes]) -> None:
    with pytest.raises(ValueError, match="type from 0 to 255 and a value of at most 253 octets"):
        encode_attributes([pair])


def test_a_packet_longer_than_radius_allows_is_refused() -> None:
    assert encode_start(1, 7, LONGEST - 20) == bytes((1, 7, 16, 0))
    with pytest.raises(TooLong, match="would take 4097 octets"):
        encode_start(1, 7, LONGEST - 19)


@pytest.mark.parametrize(("code", "identifier"), [(256, 0), (1, 256), (1, -1)])
def test_a_code_or_identifier_that_is_no_octet_is_refused(code: int, identifier: int) -> None:
    with pytest.raises(ValueError, match="numbers from 0 to 255"):
        encode_start(code, identifier, 0)
