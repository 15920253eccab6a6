"""Key URIs and Base32: vectors both ways, arbitrary text, and the standard library as the other opinion."""

import base64
import contextlib
from urllib.parse import quote

import pyotp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.wire.file_vectors import blocks
from vestibule.core.credentials import Algorithm
from vestibule.core.errors import Malformed
from vestibule.core.secret import Secret
from vestibule.wire.names import BadField
from vestibule.wire.otpauth import Otpauth, OtpMethod, decode, encode, read_key, write_key

VECTORS = [(name, dict(lines)) for name, lines in blocks("otpauth.txt")]
GOOD = [vector for name, vector in VECTORS if "key" in vector]
REFUSED = [vector for name, vector in VECTORS if "refused" in vector]

names = st.text(st.characters(exclude_categories=("C", "Z"), exclude_characters=":"), min_size=1, max_size=20)
secrets = st.binary(min_size=1, max_size=80).map(Secret)


def totp(secret: st.SearchStrategy[Secret], longest_period: int) -> st.SearchStrategy[Otpauth]:
    return st.builds(
        Otpauth,
        method=st.just(OtpMethod.TOTP),
        account=names,
        secret=secret,
        issuer=st.just("") | names,
        algorithm=st.sampled_from(Algorithm),
        digits=st.integers(6, 8),
        period=st.integers(1, longest_period),
    )


hotp = st.builds(
    Otpauth, method=st.just(OtpMethod.HOTP), account=names, secret=secrets, counter=st.integers(0, 2**64 - 1)
)


def meant(vector: dict[str, str]) -> Otpauth:
    return Otpauth(
        method=OtpMethod(vector.get("method", "totp")),
        account=vector["account"],
        secret=Secret(bytes.fromhex(vector["key"])),
        issuer=vector.get("issuer", ""),
        algorithm=Algorithm(vector.get("algorithm", "sha1")),
        digits=int(vector.get("digits", "6")),
        period=int(vector.get("period", "30")),
        counter=int(vector.get("counter", "0")),
    )


@pytest.mark.parametrize("vector", GOOD, ids=[name for name, vector in VECTORS if vector in GOOD])
def test_a_vector_is_read_as_it_says_and_survives_writing(vector: dict[str, str]) -> None:
    key = decode(vector["uri"])
    assert key == meant(vector)
    assert decode(encode(key)) == key


@pytest.mark.parametrize("vector", REFUSED, ids=[name for name, vector in VECTORS if vector in REFUSED])
def test_a_vector_is_refused_as_it_says(vector: dict[str, str]) -> None:
    with pytest.raises(Malformed) as refused:
        decode(vector["uri"])
    assert str(refused.value) == vector["refused"]


def test_a_uri_is_written_with_everything_that_counts() -> None:
    secret = Secret(b"Hello!\xde\xad\xbe\xef")
    key = Otpauth(method=OtpMethod.TOTP, account="alice@example.org", secret=secret, issuer="ACME & Co")
    assert encode(key) == (
        "otpauth://totp/ACME%20%26%20Co:alice@example.org"
        "?secret=JBSWY3DPEHPK3PXP&issuer=ACME%20%26%20Co&algorithm=SHA1&digits=6&period=30"
    )


@given(totp(secrets, 3600) | hotp)
def test_what_is_written_reads_back(key: Otpauth) -> None:
    assert decode(encode(key)) == key


@given(totp(st.binary(min_size=14, max_size=80).map(Secret), 120))
def test_another_library_reads_what_is_written(key: Otpauth) -> None:
    other = pyotp.parse_uri(encode(key))
    assert isinstance(other, pyotp.TOTP)
    assert (other.name, other.issuer or "") == (key.account, key.issuer)
    assert (other.byte_secret(), other.digits, other.interval) == (key.secret.reveal(), key.digits, key.period)


@given(st.text() | st.text().map(lambda text: f"otpauth://totp/{quote(text, errors='replace')}?secret=MY&{text}"))
def test_any_text_is_read_or_malformed(text: str) -> None:
    with contextlib.suppress(Malformed):
        decode(text)


@pytest.mark.parametrize(
    "wrong",
    [
        {"account": " "},
        {"account": "a:b"},
        {"issuer": "a\u202eb"},
        {"issuer": " a"},
        {"account": "a" * 257},
        {"secret": Secret(bytes(81))},
        {"digits": 5},
        {"period": 0},
        {"counter": -1},
    ],
    ids=lambda wrong: repr(wrong)[:24],
)
def test_a_value_that_cannot_be_written_is_never_made(wrong: dict[str, object]) -> None:
    fitting: dict[str, object] = {"method": OtpMethod.TOTP, "account": "alice", "secret": Secret(b"x")}
    with pytest.raises(BadField):
        Otpauth(**(fitting | wrong))  # type: ignore[arg-type]


def test_a_key_of_no_octets_is_never_made() -> None:
    with pytest.raises(BadField):
        Otpauth(method=OtpMethod.TOTP, account="alice", secret=Secret(b""))


def test_a_key_does_not_print() -> None:
    key = decode("otpauth://totp/alice?secret=JBSWY3DPEHPK3PXP")
    assert "JBSWY3DP" not in repr(key)
    assert "Hello" not in repr(key)


def test_too_long_a_uri_is_refused() -> None:
    with pytest.raises(BadField, match="uri: has"):
        decode("otpauth://totp/" + "a" * 4096)


# ----------------------------------------------------------------------------------------------------- Base32


@given(secrets, st.booleans(), st.integers(1, 8), st.sampled_from([" ", "-", ""]))
def test_a_key_reads_in_either_case_and_in_groups(secret: Secret, small: bool, group: int, mark: str) -> None:
    text = write_key(secret)
    grouped = mark.join(text[at : at + group] for at in range(0, len(text), group))
    assert read_key(grouped.lower() if small else grouped) == secret


@given(secrets)
def test_a_key_reads_with_its_padding(secret: Secret) -> None:
    assert read_key(base64.b32encode(secret.reveal()).decode()) == secret


@given(st.text() | st.text("AZaz27 -=018", max_size=40))
def test_any_key_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(BadField):
        assert read_key(text)


@pytest.mark.parametrize(
    ("text", "place"), [("0AAAAAAA", 1), ("AA AA-8A", 7), ("AAAA AAA1====", 9), ("AA=AAAAA", 3), ("AAéA", 3)]
)
def test_a_stray_character_is_named_by_its_place_as_written(text: str, place: int) -> None:
    with pytest.raises(BadField, match=f"character {place} is not"):
        read_key(text)
