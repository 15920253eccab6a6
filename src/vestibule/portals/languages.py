"""Languages: the catalogues, and which one a person reads.

The texts in the code and the templates are English and are what the catalogues are looked up by. `python -m
tests.portals.catalogues` brings `locale/*.po` up to date and compiles them; a test fails while one lacks a text.
"""

import gettext
from dataclasses import dataclass
from pathlib import Path

LOCALE = Path(__file__).parent / "locale"
DOMAIN = "portal"
CODES = ("en", "nl", "th")


@dataclass(frozen=True, slots=True)
class Language:
    """One language with its texts."""

    code: str
    texts: gettext.NullTranslations

    def __call__(self, text: str) -> str:
        """The text in this language."""
        return self.texts.gettext(text) if text else ""


def _language(code: str) -> Language:
    if code == "en":
        return Language(code, gettext.NullTranslations())
    return Language(code, gettext.translation(DOMAIN, LOCALE, [code]))


LANGUAGES = {code: _language(code) for code in CODES}
ENGLISH = LANGUAGES["en"]


def marked(text: str) -> str:
    """Mark a text for the catalogues where it stands; it is looked up where it is shown."""
    return text


def language_for(locale: str, accepted: str) -> Language:
    """What the person reads: their own `locale` if we speak it, else what their browser asks for, else English.

    A `locale` of English is what everybody has for whom nobody chose one, so the browser goes before it.
    """
    own = LANGUAGES.get(_base(locale))
    return (
        own
        if own and own is not ENGLISH
        else next((LANGUAGES[code] for code in _wishes(accepted) if code in LANGUAGES), ENGLISH)
    )


def _wishes(accepted: str) -> list[str]:
    """The languages of an Accept-Language (RFC 9110 section 12.5.4), the most wanted first."""
    weighed = []
    for place, part in enumerate(accepted[:500].split(",")):
        tag, _, weight = part.partition(";")
        value = _weight(weight)
        if value > 0:
            weighed.append((-value, place, _base(tag)))
    return [code for _, _, code in sorted(weighed)]


def _weight(text: str) -> float:
    name, _, number = text.partition("=")
    if name.strip() != "q":
        return 1.0
    try:
        return float(number)
    except ValueError:
        return 0.0


def _base(tag: str) -> str:
    return tag.strip().lower().replace("_", "-").partition("-")[0]
