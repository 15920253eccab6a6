"""A pre-shared key is the same however it is written down, and what can not be one is refused."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vestibule.wire.names import BadField
from vestibule.wire.pskc.shared_key import LENGTHS, read_shared_key

keys = st.sampled_from(LENGTHS).flatmap(lambda length: st.binary(min_size=length, max_size=length))


@given(keys.filter(lambda key: len(set(key)) > 8))  # Base64 of a few zeros is hexadecimal too
def test_a_key_is_read_in_hexadecimal_and_in_base64(key: bytes) -> None:
    for written in (key.hex(), key.hex("-").upper(), f"0x{key.hex()}\n", base64.b64encode(key).decode() + "\r\n"):
        assert read_shared_key(written.encode()).reveal() == key, written


@given(keys.filter(lambda key: any(octet > 127 for octet in key)))
def test_a_key_is_read_as_its_octets(key: bytes) -> None:
    assert read_shared_key(key).reveal() == key


@pytest.mark.parametrize("content", [b"", b"12", b"a" * 33, bytes(15), b"x" * 31, b"0x", "ä".encode()])
def test_what_is_no_key_is_refused(content: bytes) -> None:
    with pytest.raises(BadField, match="must have 16, 24 or 32 octets"):
        read_shared_key(content)
