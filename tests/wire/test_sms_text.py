"""Texts in short messages: the alphabets, and how many parts they take."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.wire.file_vectors import blocks
from vestibule.core.errors import Malformed
from vestibule.wire.sms_text import (
    BASIC,
    EXTENSION,
    Alphabet,
    Measure,
    alphabet_of,
    concatenation,
    decoded,
    encoded,
    measured,
    parts,
)

VECTORS = [(name, dict(lines)) for name, lines in blocks("sms_texts.txt")]
GSM_SIGNS = st.sampled_from(sorted(set(BASIC) - {"\x1b"} | set(EXTENSION)))
TEXTS = st.one_of(st.text(GSM_SIGNS, max_size=700), st.text(max_size=300))


@pytest.mark.parametrize(("name", "vector"), VECTORS, ids=[name for name, _ in VECTORS])
def test_a_text_has_the_length_that_is_billed(name: str, vector: dict[str, str]) -> None:
    text = str(eval(vector["text"], {"__builtins__": {}}))
    alphabet, units, count = vector["measure"].split()
    assert measured(text) == Measure(Alphabet(alphabet), int(units), int(count))


@given(TEXTS)
def test_the_parts_are_the_text(text: str) -> None:
    assert "".join(parts(text)) == text


@given(TEXTS)
def test_every_part_fits_with_its_header(text: str) -> None:
    pieces, alphabet = parts(text), alphabet_of(text)
    single, part = (160, 153) if alphabet is Alphabet.GSM else (140, 134)
    limit = single if len(pieces) == 1 else part
    octets = [encoded(piece, alphabet) for piece in pieces if piece.isprintable()]
    assert all(len(piece) <= limit for piece in octets)


@given(st.text(GSM_SIGNS))
def test_the_gsm_alphabet_gives_back_what_was_written(text: str) -> None:
    octets = encoded(text, Alphabet.GSM)
    assert max(octets, default=0) < 0x80
    assert decoded(octets, Alphabet.GSM) == text


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_ucs2_gives_back_what_was_written(text: str) -> None:
    assert decoded(encoded(text, Alphabet.UCS2), Alphabet.UCS2) == text


@given(st.binary(), st.sampled_from(Alphabet))
def test_whatever_comes_in_is_a_text(octets: bytes, alphabet: Alphabet) -> None:
    assert isinstance(decoded(octets, alphabet), str)


def test_the_alphabet_has_128_places() -> None:
    assert len(BASIC) == 128
    assert [BASIC.index(sign) for sign in "@\nA a"] == [0x00, 0x0A, 0x41, 0x20, 0x61]
    assert BASIC.index("\x1b") == 0x1B
    assert len(set(BASIC)) == 128


def test_what_is_not_in_the_alphabet_is_named_by_its_place() -> None:
    with pytest.raises(Malformed, match="sign 3"):
        encoded("abç", Alphabet.GSM)
    with pytest.raises(Malformed, match="surrogate"):
        encoded("\ud800", Alphabet.UCS2)


def test_the_header_of_a_part_is_that_of_the_standard() -> None:
    assert concatenation(7, 2, 1) == bytes.fromhex("050003070201")
    assert concatenation(0x1FF, 3, 3) == bytes.fromhex("050003ff0303")
