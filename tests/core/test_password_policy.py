"""Which new passwords are taken, and that no rule about kinds of characters has crept in."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vestibule.core.password_policy import COMMON, LONGEST_OCTETS, acceptable, normal

NAME = "anna.berg@example.org"


@pytest.mark.requirement(15)
@pytest.mark.parametrize(
    "password", ["kwzjmnpr", "correct horse battery staple", "пароль-зима-мост", "  ░▒▓ ☃☃☃☃☃", "7391046285"]
)
def test_anything_long_and_rare_is_taken_whatever_it_is_made_of(password: str) -> None:
    assert acceptable(password, NAME) is None


@pytest.mark.requirement(15)
def test_the_minimum_is_eight_and_can_be_raised() -> None:
    assert acceptable("kwzjmnp", NAME) == (
        "Choose a password of at least 8 characters; a few words in a row are easy to remember."
    )
    assert acceptable("kwzjmnpr", NAME) is None
    assert "at least 15" in str(acceptable("kwzjmnprkwzjmn", NAME, minimum=15))


@pytest.mark.requirement(15)
def test_length_counts_characters_of_the_normal_form_not_octets() -> None:
    assert acceptable("é" * 7, NAME) is not None
    assert acceptable(unicodedata.normalize("NFD", "éèêëàùç"), NAME) is not None
    assert acceptable("éèêëàùçï", NAME) is None


@pytest.mark.requirement(15)
@given(st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=64, max_size=100))
def test_sixty_four_characters_of_any_script_are_never_too_long(password: str) -> None:
    assert "shorter" not in (acceptable(password, NAME) or "")


@pytest.mark.requirement(15)
def test_the_cap_is_in_octets() -> None:
    assert acceptable("kwzjmnpr" * 128, NAME) is None
    assert acceptable("kwzjmnpr" * 128 + "k", NAME) is not None
    assert acceptable("é" * (LONGEST_OCTETS // 2 + 1), NAME) is not None


@pytest.mark.requirement(15)
@pytest.mark.parametrize("password", ["password", "PASSWORD123", "12345678", "Qwertyuiop", "P@ssw0rd", "iloveyou"])
def test_the_commonest_are_refused_in_any_case(password: str) -> None:
    assert "first that attackers try" in str(acceptable(password, NAME))


def test_the_list_holds_what_can_match_and_nothing_else() -> None:
    assert len(COMMON) >= 100
    assert all(len(entry) >= 8 and entry == normal(entry).casefold() for entry in COMMON)
    assert all(acceptable(entry, NAME) for entry in COMMON)


@pytest.mark.requirement(15)
@pytest.mark.parametrize(
    "password",
    [
        "vestibule",
        "Vestibule2024!",
        "v.e.s.t.i.b.u.l.e",
        "anna.berg@example.org",
        "ANNA.BERG@EXAMPLE.ORG",
        "anna.berg",
        "AnnaBerg1",
        "berganna99",
        "annaannaanna",
        "12-Anna-34",
        "anna@vestibule",
    ],
)
def test_names_alone_are_refused_with_any_digits_around_them(password: str) -> None:
    assert "your name" in str(acceptable(password, NAME))


@pytest.mark.parametrize("password", ["the vestibule is cold", "annas bicycle", "bergkristall"])
def test_a_name_inside_a_longer_password_is_no_reason(password: str) -> None:
    assert acceptable(password, NAME) is None


def test_a_name_of_digits_is_not_a_password_and_a_tiny_name_forbids_nothing() -> None:
    assert acceptable("73910462", "73910462") is not None
    assert acceptable("al7391046285", "al") is None
    assert acceptable("kwzjmnpr", "") is None


@pytest.mark.parametrize("password", ["kwzj\tmnpr", "kwzjmnpr\n", "kwzj\0mnpr", "kwzjmnp\ud800"])
def test_what_no_keyboard_sends_to_every_door_is_refused(password: str) -> None:
    assert "control characters" in str(acceptable(password, NAME))


@pytest.mark.requirement(47)
@given(password=st.text(max_size=40) | st.sampled_from(sorted(COMMON)), name=st.text(max_size=40))
def test_the_answer_is_one_of_a_few_sentences_that_hold_nothing_of_the_password(password: str, name: str) -> None:
    examples = ["a\tb", "short", "k" * (LONGEST_OCTETS + 1), "password", "vestibule", "kwzjmnpr"]
    assert acceptable(password, name) in {acceptable(example, "") for example in examples}
