"""The words that people are found by, and those of a search: one rule for all that writes or asks."""

import re

from vestibule.core.users import User
from vestibule.wire.names import name_key

LONGEST_WORD = 64
MOST_WORDS = 16
BEYOND = "\U0010ffff"  # above every character that a word can go on with
_SPLIT = re.compile(r"[^\w]+|_+")


def words_of(user: User) -> frozenset[str]:
    """Each word of first and last name, the e-mail address with its parts, and the parts of the user name."""
    email = name_key(user.email)
    texts = (user.first_name, user.last_name, email.partition("@")[0])
    parts = [part for text in texts for part in _SPLIT.split(name_key(text))]
    found = [*parts, email, *_SPLIT.split(user.key)]
    words = dict.fromkeys(word[:LONGEST_WORD] for word in found if word)
    return frozenset(list(words)[:MOST_WORDS])


def terms_of(text: str) -> tuple[str, ...]:
    """What was typed, as words that people have: split as theirs are, but for an e-mail address."""
    typed = name_key(text).split()
    parts = [part for one in typed for part in ((one,) if "@" in one else _SPLIT.split(one))]
    return tuple(dict.fromkeys(part[:LONGEST_WORD] for part in parts if part))
