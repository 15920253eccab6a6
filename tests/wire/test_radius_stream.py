"""Packets out of a stream: the same however it is cut, and an end to it where a length is none."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vestibule.wire.radius.packet import LONGEST, encode_attributes, encode_start
from vestibule.wire.radius.stream import Splitter


def packet(size: int) -> bytes:
    """A packet with so many octets of values."""
    body = encode_attributes([(18, bytes(min(200, size - start))) for start in range(0, size, 200)])
    return encode_start(1, 7, len(body)) + bytes(16) + body


PACKETS = st.lists(st.integers(0, 300).map(packet), max_size=5)


@given(PACKETS, st.lists(st.integers(1, 700), max_size=20))
def test_a_stream_gives_the_same_packets_however_it_is_cut(packets: list[bytes], cuts: list[int]) -> None:
    stream, splitter, found = b"".join(packets), Splitter(), []
    for size in [*cuts, len(stream)]:
        whole, wrong = splitter.feed(stream[:size])
        stream = stream[size:]
        found += whole
        assert wrong is None
    assert found == packets
    assert not splitter.unfinished


@pytest.mark.requirement(43)
@pytest.mark.parametrize("length", [0, 3, 19, LONGEST + 1, 0xFFFF])
def test_a_length_that_no_packet_has_ends_the_stream_behind_the_packets_before_it(length: int) -> None:
    whole, wrong = Splitter().feed(packet(0) + b"\1\7" + length.to_bytes(2, "big"))
    assert whole == [packet(0)]
    assert wrong is not None


@pytest.mark.requirement(43)
def test_no_more_than_one_unfinished_packet_is_held() -> None:
    splitter = Splitter()
    longest = b"\1\7" + LONGEST.to_bytes(2, "big") + bytes(LONGEST - 4)
    for octet in longest[:-1]:
        assert splitter.feed(bytes((octet,))) == ([], None)
    assert splitter.unfinished
    assert splitter.feed(longest[-1:] + longest[:1]) == ([longest], None)
