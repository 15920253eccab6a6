"""Languages: no text is missing in any, what is compiled is what is kept, and each person reads their own."""

import re
from string import Formatter

import pytest

from tests.portals.catalogues import TRANSLATED, catalogue, compiled, file_of, texts
from tests.portals.lobby import Lobby
from vestibule.core.password_policy import COMMON, LONGEST_OCTETS, acceptable
from vestibule.portals.languages import LANGUAGES, language_for
from vestibule.portals.security import POLICY, policy_word

PERCENT = re.compile(r"%\((\w+)\)s")


def placeholders(text: str) -> set[str]:
    """The places in a text where something is put in."""
    return set(PERCENT.findall(text)) | {name for _, name, _, _ in Formatter().parse(text) if name is not None}


@pytest.mark.parametrize("code", TRANSLATED)
def test_every_text_is_translated(code: str) -> None:
    wanted = {message.id for message in texts() if message.id}
    kept = {message.id: message for message in catalogue(code) if message.id}
    assert wanted == kept.keys(), "run `python -m tests.portals.catalogues`"
    empty = [id for id, message in kept.items() if message.fuzzy or not all(_strings(message.string))]
    assert not empty, f"{file_of(code)} lacks {empty}"


@pytest.mark.parametrize("code", TRANSLATED)
def test_translations_have_the_same_placeholders(code: str) -> None:
    for message in catalogue(code):
        if message.id:
            wanted = placeholders(_strings(message.id)[-1])
            assert all(placeholders(text) == wanted for text in _strings(message.string)), message.id


@pytest.mark.parametrize("code", TRANSLATED)
def test_what_is_compiled_is_what_is_kept(code: str) -> None:
    assert file_of(code).with_suffix(".mo").read_bytes() == compiled(code), "run `python -m tests.portals.catalogues`"


def test_plural_forms_follow_the_language() -> None:
    one, many = "%(num)s thing that you prove yourself with, besides your password", ""
    many = one.replace("thing that", "things that")
    said = {code: [language.texts.ngettext(one, many, n) for n in (1, 2)] for code, language in LANGUAGES.items()}
    assert said["en"] == [one, many]
    assert said["nl"][0] != said["nl"][1]
    assert said["th"][0] == said["th"][1] != one


@pytest.mark.parametrize(
    ("locale", "accepted", "code"),
    [
        ("", "", "en"),
        ("", "fr, de;q=0.5", "en"),
        ("", "nl-BE,nl;q=0.9,en;q=0.8", "nl"),
        ("", "en;q=0.1, th-TH;q=0.7", "th"),
        ("", "nl;q=0, th;q=0.1", "th"),
        ("", "nl;q=much, th", "th"),
        ("", ";;,,=;q=", "en"),
        ("nl", "th", "nl"),
        ("nl-NL", "th", "nl"),
        ("fr", "th", "th"),
        ("en", "th", "th"),
        ("en", "fr", "en"),
    ],
)
def test_a_person_reads_their_own_language(locale: str, accepted: str, code: str) -> None:
    assert language_for(locale, accepted).code == code


async def test_pages_speak_it_and_say_so(lobby: Lobby) -> None:
    alice, browser = await lobby.person(locale="nl"), lobby.browser(language="th")
    await browser.get("/signin")
    assert '<html lang="th">' in browser.text
    assert "ลงชื่อเข้าใช้" in browser.text
    await browser.sign_in(alice)
    await browser.follow()
    assert '<html lang="nl">' in browser.text
    assert "Mijn beveiliging" in browser.text
    assert "1 ding waarmee u bewijst" in browser.text


def test_all_that_the_password_policy_says_is_in_the_catalogues() -> None:
    long = "x" * (LONGEST_OCTETS + 1)
    common = next(iter(COMMON))
    said = {acceptable(password, "alice", 8) for password in ("a\tb", "short", long, common, "alice.2031")}
    assert {re.sub(r"\d+", "{}", text or "") for text in said} == set(POLICY)
    assert policy_word(LANGUAGES["nl"], acceptable("short", "alice", 15) or "").startswith(
        "Kies een wachtwoord van ten minste 15"
    )


def _strings(text: object) -> tuple[str, ...]:
    return text if isinstance(text, tuple) else (str(text),)
