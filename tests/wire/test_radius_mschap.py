"""MS-CHAP inside RADIUS: the vectors of the RFCs, and attributes that make no sense."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.wire.ms_chap_client import answer, challenge_response, hash_of_hash, md4, microsoft, nt_hash
from tests.wire.radius_vectors import Vector, vectors
from vestibule.core.errors import Malformed
from vestibule.wire.radius import eap, mschap
from vestibule.wire.radius.mschap import Response
from vestibule.wire.radius.packet import Code, Packet
from vestibule.wire.radius.passing import MICROSOFT, MS_CHAP2_RESPONSE, Hop, inside, returned

KNOWN = vectors("radius_mschap.txt")
SECRET, AUTHENTICATOR = b"a shared secret", bytes(range(16))


def packet(*attributes: tuple[int, bytes], code: int = Code.ACCESS_REQUEST) -> Packet:
    return Packet(code, 1, AUTHENTICATOR, attributes, b"")


def response(known: Vector) -> Response:
    return Response(7, known.octets("challenge"), known.octets("peer_challenge"), known.octets("nt_response"))


@pytest.mark.parametrize(
    ("text", "digest"),
    [("", "31d6cfe0d16ae931b73c59d7e0c089c0"), ("message digest", "d9130a8164549fe818874806e1c7014b")],
)
def test_the_hash_of_the_test_client_is_that_of_rfc_1320(text: str, digest: str) -> None:
    assert md4(text.encode()).hex() == digest


@pytest.mark.parametrize("known", KNOWN, ids=str)
def test_the_client_of_the_tests_makes_the_response_of_the_vector(known: Vector) -> None:
    assert nt_hash(known.text("password")) == known.octets("hash")
    assert hash_of_hash(known.text("password")) == known.octets("hash_of_hash")
    assert challenge_response(known.octets("challenge_hash"), known.octets("hash")) == known.octets("nt_response")


@pytest.mark.parametrize("known", KNOWN, ids=str)
def test_challenge_answer_and_keys_are_those_of_the_vector(known: Vector) -> None:
    said, user = response(known), known.text("user")
    assert mschap.challenge_hash(said, user) == known.octets("challenge_hash")
    assert mschap.challenge_hash(said, f"CORP\\{user}") == known.octets("challenge_hash")
    proof = mschap.authenticator_response(said, user, known.octets("hash_of_hash"))
    assert proof == known.text("authenticator_response")
    assert mschap.session_keys(said, known.octets("hash_of_hash"))[0] == known.octets("send_key")


@pytest.mark.parametrize("known", KNOWN, ids=str)
def test_an_accept_carries_the_proof_and_both_keys_hidden_for_the_client(known: Vector) -> None:
    said = response(known)
    pairs = mschap.success(
        said, known.text("user"), known.octets("hash_of_hash"), Hop(SECRET, AUTHENTICATOR), b"\x01\x02"
    )
    (proof,) = inside(pairs[0][1])
    assert proof == (mschap.MS_CHAP2_SUCCESS, b"\x07" + known.text("authenticator_response").encode())
    hop = Hop(SECRET, AUTHENTICATOR)
    anew = returned(packet(*pairs[1:], code=Code.ACCESS_ACCEPT), hop, Hop(b"another", bytes(16)), b"\x00\x00")
    assert returned(packet(*anew), Hop(b"another", bytes(16)), hop, b"\x01\x02") == pairs[1:]
    assert known.octets("send_key") not in pairs[1][1]


def test_a_response_is_read_as_it_was_made() -> None:
    asked = answer("alice", "secret")
    said = mschap.response_of(packet(*asked.attributes))
    assert said is not None
    assert (said.identifier, said.peer_challenge, said.nt_response) == (
        asked.identifier,
        asked.peer_challenge,
        asked.nt_response,
    )
    assert said.nt_response.hex() not in repr(said)
    assert mschap.response_of(packet((1, b"alice"))) is None


@pytest.mark.parametrize(
    "attributes",
    [
        (microsoft(MS_CHAP2_RESPONSE, bytes(50)),),
        (microsoft(MS_CHAP2_RESPONSE, bytes(49)), microsoft(11, bytes(16))),
        (microsoft(MS_CHAP2_RESPONSE, bytes(50)), microsoft(11, bytes(8))),
        ((26, b"\x00\x00\x01\x37\x19\x90"),),
    ],
)
def test_half_a_response_is_malformed(attributes: tuple[tuple[int, bytes], ...]) -> None:
    with pytest.raises(Malformed):
        mschap.response_of(packet(*attributes))


def test_a_refusal_names_one_error_and_the_response_that_it_is_about() -> None:
    asked = answer("alice", "secret")
    (pair,) = mschap.refused(packet(*asked.attributes), bytes(16))
    ((kind, value),) = inside(pair[1])
    assert kind == mschap.MS_CHAP_ERROR
    assert value[0] == asked.identifier
    assert value[1:] == b"E=691 R=0 C=" + b"0" * 32 + b" V=3 M=Authentication failed"
    assert mschap.error_of(packet(pair, code=Code.ACCESS_REJECT)) == mschap.AUTHENTICATION_FAILURE
    assert mschap.refused(packet((1, b"alice")), bytes(16)) == ()


def test_an_error_that_is_none_is_no_error() -> None:
    assert mschap.error_of(packet()) == 0
    assert mschap.error_of(packet(microsoft(mschap.MS_CHAP_ERROR, b"\x01E=x"))) == 0


@given(values=st.lists(st.binary(max_size=253), max_size=4), messages=st.lists(st.binary(max_size=253), max_size=3))
def test_whatever_a_packet_holds_is_read_or_malformed(values: list[bytes], messages: list[bytes]) -> None:
    held = [*((26, MICROSOFT + value) for value in values), *((79, message) for message in messages)]
    asked = packet(*held)
    with suppress(Malformed):
        mschap.response_of(asked)
    with suppress(Malformed):
        mschap.error_of(asked)
    found = eap.eap_of(asked)
    if found is not None:
        eap.name_inside(found)
    assert all(len(value) == 4 for _, value in eap.failure(asked))
