"""Text from outside: what is let in unchanged, what is refused, and which names are one name."""

import contextlib
import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.wire.file_vectors import blocks
from vestibule.core.errors import Malformed
from vestibule.wire.names import BadField, checked_text, name_key

VECTORS = [(name, {word: json.loads(f'"{value}"') for word, value in lines}) for name, lines in blocks("names.txt")]


@pytest.mark.parametrize("vector", [vector for _, vector in VECTORS], ids=[name for name, _ in VECTORS])
def test_a_vector_has_the_key_it_says(vector: dict[str, str]) -> None:
    assert name_key(vector["name"]) == vector["key"]


@given(st.text())
def test_a_key_is_its_own_key(name: str) -> None:
    assert name_key(name_key(name)) == name_key(name)


@given(st.text())
def test_case_form_and_outer_blanks_do_not_make_another_name(name: str) -> None:
    assert name_key(name) == name_key(f" {unicodedata.normalize('NFKC', name)}\t") == name_key(name.casefold())


@given(st.text(st.characters(categories=("L", "M", "N", "P", "S")), max_size=20))
def test_plain_text_is_let_in_unchanged_as_text_and_as_octets(text: str) -> None:
    assert checked_text(text, "name", 20) == checked_text(text.encode(), "name", 20) == text


@pytest.mark.parametrize("character", [*"\0\t\n\r\x1b\x7f\x85\u2028\u202a\u202e\u2066\u2069\ud800\udfff"], ids=ascii)
def test_a_character_that_controls_or_reorders_is_refused_with_its_place(character: str) -> None:
    with pytest.raises(Malformed) as refused:
        checked_text(f"ab{character}c", "name", 20)
    assert str(refused.value) == f"name: character 3 is the unprintable U+{ord(character):04X}; remove it"


@pytest.mark.parametrize("text", ["", " ", "José\u00a0Ñ", "می\u200cخواهم", "👩\u200d🚀", "\u05d0\u200f"])
def test_joiners_marks_and_blanks_of_living_scripts_are_let_in(text: str) -> None:
    assert checked_text(text, "name", 20) == text


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("abcdef", "name: has 6 characters; shorten it to at most 5"),
        (b"abcdef", "name: has 6 characters; shorten it to at most 5"),
        (b"a" * 21, "name: has 21 octets; shorten it to at most 5 characters"),
        (b"ab\xff", "name: octet 3 is not UTF-8; send the text as UTF-8"),
        (b"\xed\xa0\x80", "name: octet 1 is not UTF-8; send the text as UTF-8"),
        (b"\xc0\x80", "name: octet 1 is not UTF-8; send the text as UTF-8"),
    ],
    ids=["text", "octets", "many octets", "stray octet", "surrogate", "overlong form"],
)
def test_too_long_and_undecodable_text_is_refused(value: str | bytes, message: str) -> None:
    with pytest.raises(Malformed) as refused:
        checked_text(value, "name", 5)
    assert str(refused.value) == message


@given(st.text() | st.binary())
def test_any_value_is_let_in_or_refused(value: str | bytes) -> None:
    with contextlib.suppress(BadField):
        assert len(checked_text(value, "field", 8)) <= 8


def test_a_refusal_keeps_field_and_reason_apart() -> None:
    with pytest.raises(BadField) as refused:
        checked_text("abc", "first name", 2)
    assert (refused.value.field, refused.value.reason) == ("first name", "has 3 characters; shorten it to at most 2")
