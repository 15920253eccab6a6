"""How a text fits into short messages: the alphabets of 3GPP TS 23.038, and the parts of TS 23.040.

A message has 140 octets. In the GSM alphabet that is 160 signs of seven bits (those of the extension count twice), in
UCS-2 it is 70 units of 16 bits (a sign beyond the first plane takes two). A part of several gives six octets away for
its header, which leaves 153 and 67; no escape and no surrogate pair is torn apart.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from vestibule.core.errors import Malformed

BASIC: Final = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
"""TS 23.038 section 6.2.1, in order of code."""

EXTENSION: Final = {
    "\f": 0x0A,
    "^": 0x14,
    "{": 0x28,
    "}": 0x29,
    "\\": 0x2F,
    "[": 0x3C,
    "~": 0x3D,
    "]": 0x3E,
    "|": 0x40,
    "€": 0x65,
}
"""TS 23.038 section 6.2.1.1: what stands after an escape."""

ESCAPE: Final = 0x1B
CODES: Final = {sign: bytes((code,)) for code, sign in enumerate(BASIC) if code != ESCAPE} | {
    sign: bytes((ESCAPE, code)) for sign, code in EXTENSION.items()
}
EXTENDED: Final = {code: sign for sign, code in EXTENSION.items()}
MOST_PARTS: Final = 255
GSM_SINGLE, GSM_PART = 160, 153
UCS2_SINGLE, UCS2_PART = 70, 67


class Alphabet(StrEnum):
    """In which signs a message is written."""

    GSM = "gsm"
    UCS2 = "ucs2"


@dataclass(frozen=True, slots=True)
class Measure:
    """How much of a message a text is: `units` are septets in the GSM alphabet, 16-bit units in UCS-2."""

    alphabet: Alphabet
    units: int
    parts: int


def alphabet_of(text: str) -> Alphabet:
    """The GSM alphabet where it has all signs."""
    return Alphabet.GSM if all(sign in CODES for sign in text) else Alphabet.UCS2


def measured(text: str) -> Measure:
    """How long a text is, as providers bill it; an empty one is one part."""
    alphabet = alphabet_of(text)
    return Measure(alphabet, sum(_size(sign, alphabet) for sign in text), len(parts(text)))


def parts(text: str) -> tuple[str, ...]:
    """The text as it goes into messages; put together it is the text again."""
    alphabet = alphabet_of(text)
    single, part = (GSM_SINGLE, GSM_PART) if alphabet is Alphabet.GSM else (UCS2_SINGLE, UCS2_PART)
    if sum(_size(sign, alphabet) for sign in text) <= single:
        return (text,)
    return tuple(_cut(text, alphabet, part))


def _cut(text: str, alphabet: Alphabet, limit: int) -> Iterator[str]:
    start, units = 0, 0
    for place, sign in enumerate(text):
        size = _size(sign, alphabet)
        if units + size > limit:
            yield text[start:place]
            start, units = place, 0
        units += size
    yield text[start:]


def _size(sign: str, alphabet: Alphabet) -> int:
    if alphabet is Alphabet.GSM:
        return len(CODES[sign])
    return 2 if ord(sign) > 0xFFFF else 1


def encoded(text: str, alphabet: Alphabet) -> bytes:
    """The octets of a message: one a septet in the GSM alphabet, big-endian UTF-16 in UCS-2. Raises Malformed."""
    if alphabet is Alphabet.UCS2:
        try:
            return text.encode("utf-16-be")
        except UnicodeEncodeError:
            raise Malformed("the text has half of a surrogate pair") from None
    missing = next((place for place, sign in enumerate(text) if sign not in CODES), None)
    if missing is not None:
        raise Malformed(f"sign {missing + 1} of the text is not in the GSM alphabet")
    return b"".join(CODES[sign] for sign in text)


def decoded(octets: bytes, alphabet: Alphabet) -> str:
    """The text of a message as it came in; what can not be read becomes U+FFFD, for no phone may stop a reply."""
    if alphabet is Alphabet.UCS2:
        return octets.decode("utf-16-be", errors="replace")
    signs, escaped = [], False
    for octet in octets:
        if escaped:
            signs.append(EXTENDED.get(octet, BASIC[octet] if octet < 0x80 and octet != ESCAPE else "�"))
            escaped = False
        elif octet == ESCAPE:
            escaped = True
        else:
            signs.append(BASIC[octet] if octet < 0x80 else "�")
    return "".join(signs)


def concatenation(reference: int, count: int, number: int) -> bytes:
    """The header of one part of several (TS 23.040 section 9.2.3.24.1): `number` of `count`, both from 1."""
    return bytes((5, 0, 3, reference & 0xFF, count, number))
