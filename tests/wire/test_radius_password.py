"""User-Password: vectors in both directions, round trips, and lengths that no client sends."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.wire.radius_vectors import SECRET, Vector, vectors
from vestibule.core.errors import Malformed
from vestibule.wire.radius.packet import Attribute, decode
from vestibule.wire.radius.password import hide, reveal

AUTHENTICATORS = st.binary(min_size=16, max_size=16)


@pytest.mark.parametrize("vector", vectors("radius_passwords.txt"), ids=str)
def test_a_vector_hides_and_reveals(vector: Vector) -> None:
    authenticator = vector.octets("authenticator")
    assert hide(vector.octets("password"), SECRET, authenticator) == vector.octets("hidden")
    assert reveal(vector.octets("hidden"), SECRET, authenticator) == vector.octets("password")


@pytest.mark.parametrize("vector", [v for v in vectors("radius_requests.txt") if v.text("password")], ids=str)
def test_the_password_in_a_request_is_revealed(vector: Vector) -> None:
    packet = decode(vector.octets("octets"))
    hidden = packet.first(Attribute.USER_PASSWORD)
    assert hidden is not None
    assert reveal(hidden, SECRET, packet.authenticator).decode() == vector.text("password")


@given(st.binary(max_size=128), st.binary(min_size=1, max_size=80), AUTHENTICATORS)
def test_what_was_hidden_is_revealed_but_for_octets_0_at_its_end(
    password: bytes, secret: bytes, authenticator: bytes
) -> None:
    hidden = hide(password, secret, authenticator)
    assert len(hidden) % 16 == 0
    assert 16 <= len(hidden) <= 128
    assert reveal(hidden, secret, authenticator) == password.rstrip(b"\0")


def test_another_secret_reveals_something_else() -> None:
    hidden = hide(b"arctangent", SECRET, bytes(16))
    assert reveal(hidden, b"another", bytes(16)) != b"arctangent"


@pytest.mark.requirement(43)
@pytest.mark.parametrize("size", [size for size in range(254) if size % 16 or not 16 <= size <= 128])
def test_a_hidden_password_of_wrong_length_is_malformed(size: int) -> None:
    with pytest.raises(Malformed, match="User-Password"):
        reveal(bytes(size), SECRET, bytes(16))


def test_a_password_that_radius_can_not_carry_is_refused() -> None:
    with pytest.raises(ValueError, match="at most 128 octets"):
        hide(bytes(129), SECRET, bytes(16))
