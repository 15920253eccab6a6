"""Which new passwords are taken: long enough, not common, not the person's or the product's name, and no other rule.

The whole password is compared, never a part of it, and nothing is asked about kinds of characters or age
(NIST SP 800-63B-4, 3.1.1.2). Length counts code points of the normal form (NFC).
"""

import unicodedata
from collections.abc import Iterable
from importlib.resources import files

LONGEST_OCTETS = 1024
"""Longer passwords are refused unhashed: the cap that keeps hashing from being a lever for overload."""

_PRODUCT = "vestibule"
_SHORTEST_WORD = 3
_UNTYPABLE = ("Cc", "Cs")


def _entries(text: str) -> frozenset[str]:
    return frozenset(line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#"))


COMMON = _entries(files(__package__).joinpath("common_passwords.txt").read_text(encoding="utf-8"))
"""The commonest passwords of eight characters and more, in lower case."""


def normal(password: str) -> str:
    """Give the one spelling (NFC) that is counted and hashed, whatever keyboard it came from."""
    return unicodedata.normalize("NFC", password)


def acceptable(password: str, name: str, minimum: int = 8) -> str | None:
    """Say why the user called `name` cannot take this password, as one sentence for them; None means they can.

    `minimum` is in characters: 8 beside a second factor, 15 where the password stands alone.
    """
    chosen = normal(password)
    if any(unicodedata.category(character) in _UNTYPABLE for character in chosen):
        return "Choose a password without control characters, such as tabs or line ends."
    if len(chosen) < minimum:
        return f"Choose a password of at least {minimum} characters; a few words in a row are easy to remember."
    if len(chosen.encode()) > LONGEST_OCTETS:
        return "Choose a shorter password; this one is longer than can be checked."
    if chosen.casefold() in COMMON:
        return "Choose another password; this one is among the first that attackers try."
    if _made_of_names(chosen.casefold(), normal(name).casefold()):
        return "Choose another password; this one is made of your name or the name of this service."
    return None


def _made_of_names(chosen: str, name: str) -> bool:
    """True if no letter remains once names are taken out ("Anna.2024!"), or it is the name as it stands."""
    if chosen in (name, name.partition("@")[0]):
        return True
    rest = letters = _letters(chosen)
    for word in sorted(_words(name), key=len, reverse=True):
        rest = rest.replace(word, "")
    return letters != "" and rest == ""


def _words(name: str) -> Iterable[str]:
    """The product's name, the person's whole and without the domain, and each part of it."""
    parts = "".join(character if character.isalpha() else " " for character in name).split()
    candidates = {_PRODUCT, _letters(name), _letters(name.partition("@")[0]), *parts}
    return {word for word in candidates if len(word) >= _SHORTEST_WORD}


def _letters(text: str) -> str:
    return "".join(filter(str.isalpha, text))
