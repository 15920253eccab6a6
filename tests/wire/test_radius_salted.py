"""Values hidden under a salt: vectors in both directions, pyrad as a judge, and lengths that nobody sends."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyrad import packet as pyrad

from tests.wire.radius_vectors import SECRET, Vector, vectors
from vestibule.core.errors import Malformed
from vestibule.wire.radius.salted import LONGEST_SALTED, hide_salted, reveal_salted

AUTHENTICATOR = bytes(range(16))
SALTS = st.integers(0x8000, 0xFFFF).map(lambda number: number.to_bytes(2, "big"))
PLAIN = st.binary(max_size=LONGEST_SALTED)


@pytest.mark.parametrize("vector", vectors("radius_salted.txt"), ids=str)
def test_a_vector_hides_and_reveals(vector: Vector) -> None:
    authenticator, hidden = vector.octets("authenticator"), vector.octets("hidden")
    assert hide_salted(vector.octets("plain"), SECRET, authenticator, hidden[:2]) == hidden
    assert reveal_salted(hidden, SECRET, authenticator) == vector.octets("plain")


@given(PLAIN, st.binary(min_size=1, max_size=80), SALTS)
def test_what_was_hidden_is_revealed(plain: bytes, secret: bytes, salt: bytes) -> None:
    hidden = hide_salted(plain, secret, AUTHENTICATOR, salt)
    assert hidden[:2] == salt
    assert len(hidden) % 16 == 2
    assert reveal_salted(hidden, secret, AUTHENTICATOR) == plain


@given(st.binary(min_size=1, max_size=100))
def test_pyrad_and_we_read_each_other(plain: bytes) -> None:
    theirs = pyrad.AuthPacket(id=7, secret=SECRET, authenticator=AUTHENTICATOR)
    assert reveal_salted(theirs.SaltCrypt(plain), SECRET, AUTHENTICATOR) == plain
    assert theirs.SaltDecrypt(hide_salted(plain, SECRET, AUTHENTICATOR, b"\x80\x01")) == plain


@pytest.mark.requirement(43)
@pytest.mark.parametrize("size", [size for size in range(254) if size % 16 != 2 or size == 2])
def test_a_hidden_value_of_wrong_length_is_malformed(size: int) -> None:
    with pytest.raises(Malformed, match="blocks of 16"):
        reveal_salted(bytes(size), SECRET, AUTHENTICATOR)


def test_a_value_that_says_that_it_is_longer_than_it_is_names_the_secret() -> None:
    hidden = hide_salted(b"", SECRET, AUTHENTICATOR, b"\x80\x01")
    longer = hidden[:2] + bytes((hidden[2] ^ 16,)) + hidden[3:]
    with pytest.raises(Malformed, match="compare the shared secret"):
        reveal_salted(longer, SECRET, AUTHENTICATOR)


def test_what_no_attribute_can_carry_is_refused() -> None:
    with pytest.raises(ValueError, match="at most 239"):
        hide_salted(bytes(LONGEST_SALTED + 1), SECRET, AUTHENTICATOR, b"\x80\0")
    for salt in (b"", b"\x80", b"\x7f\xff", b"\x80\0\0"):
        with pytest.raises(ValueError, match="a salt"):
            hide_salted(b"", SECRET, AUTHENTICATOR, salt)
