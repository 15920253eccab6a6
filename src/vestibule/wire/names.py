"""Text from outside: what is let in, and the one key by which names are compared.

Rules of this file:
- Nothing is repaired: text is taken as it came or refused with its place.
- A refusal names the field and the position, never the value.
"""

import re
import unicodedata
from typing import Final

from vestibule.core.errors import Malformed

_LONGEST_CHARACTER: Final = 4
"""Octets of the longest character in UTF-8 (RFC 3629 section 3)."""

_REFUSED: Final = re.compile(
    r"[\x00-\x1f\x7f-\x9f"  # controls (Cc)
    r"\u2028\u2029"  # line and paragraph separators, which split a log line
    r"\u202a-\u202e\u2066-\u2069"  # embeddings, overrides and isolates, which reorder what follows (UAX #9)
    r"\ud800-\udfff]"  # surrogates, which UTF-8 cannot carry
)


class BadField(Malformed):
    """One field breaks its rule; `reason` tells a person what is wrong and what to do, never the value."""

    def __init__(self, field: str, reason: str) -> None:
        """Name the field, and say why it is refused."""
        super().__init__(f"{field}: {reason}")
        self.field = field
        self.reason = reason


def checked_text(value: str | bytes, field: str, limit: int) -> str:
    """Give `value` as text of at most `limit` characters, unchanged; bytes are read as UTF-8 (RFC 3629).

    Raises `BadField` (a `Malformed`) for bytes that are not UTF-8, for too long a text, and for characters that
    control a screen or reorder a line (Unicode Cc, Cs, Zl, Zp and the directional formatting of UAX #9). May be empty.
    """
    text = value if isinstance(value, str) else _decoded(value, field, limit)
    if len(text) > limit:
        raise BadField(field, f"has {len(text)} characters; shorten it to at most {limit}")
    if not text.isprintable() and (found := _REFUSED.search(text)):
        raise BadField(field, f"character {found.start() + 1} is the unprintable {code_point(found[0])}; remove it")
    return text


def code_point(character: str) -> str:
    """Name a character that cannot be shown, as U+0000 (Unicode, appendix A)."""
    return f"U+{ord(character):04X}"


def name_key(name: str) -> str:
    """Give the form in which two spellings of one name are equal: NFKC, case folded, outer blanks off.

    The order is that of compatibility caseless matching (Unicode section 3.13), so a key is its own key.
    A blank name has the empty key, which is nobody's.
    """
    folded = unicodedata.normalize("NFKC", name).casefold()
    return unicodedata.normalize("NFKC", folded).strip()


def _decoded(value: bytes, field: str, limit: int) -> str:
    if len(value) > limit * _LONGEST_CHARACTER:
        raise BadField(field, f"has {len(value)} octets; shorten it to at most {limit} characters")
    try:
        return value.decode()
    except UnicodeDecodeError as error:
        place = error.start + 1
    raise BadField(field, f"octet {place} is not UTF-8; send the text as UTF-8")
