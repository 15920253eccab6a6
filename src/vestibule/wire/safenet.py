"""The XML of Aladdin and SafeNet eToken PASS (`Tokens` / `Token` / `Applications` / `Application`), all HOTP.

Where the facts come from: the format was never published; the elements are those that LinOTP and privacyIDEA read.
The key is hexadecimal, and one of 32 octets means SHA-256; the file says nothing of digits, which are 6.
"""

from collections.abc import Iterator
from typing import Final

from vestibule.core.credentials import Algorithm
from vestibule.core.errors import Malformed
from vestibule.core.secret import Secret
from vestibule.wire.names import BadField, checked_text
from vestibule.wire.otpauth import OtpMethod
from vestibule.wire.tabular import RowProblem
from vestibule.wire.token_csv import LONGEST_MAKER, LONGEST_SERIAL, TokenRow, unique_serial
from vestibule.wire.token_fields import HIGHEST_COUNTER, Notes, hex_key, whole_number
from vestibule.wire.xml_elements import Element, read_elements

ROOT: Final = "Tokens"
"""Name of the root element, which has no namespace."""

_SHA256_OCTETS: Final = 32


def read_safenet(content: bytes, notes: Notes) -> Iterator[TokenRow | RowProblem]:
    """Read a file. Raises `Malformed` with the line when it is damaged, before or between its tokens."""
    elements = read_elements(content)
    root = next(elements)
    if root.name != ROOT:
        raise Malformed(f"line {root.line}: the file is XML, but its first element is not {ROOT}")
    serials: dict[str, int] = {}
    for element in elements:
        if element.name != "Token":
            raise Malformed(f"line {element.line}: {ROOT} holds something that is not a Token; the file is damaged")
        yield _row(element, serials, notes)


def _row(token: Element, serials: dict[str, int], notes: Notes) -> TokenRow | RowProblem:
    try:
        return _token(token, serials, notes)
    except BadField as bad:
        shown = Secret.of(token.attributes.get("serial", "")[:LONGEST_SERIAL])
        return RowProblem(token.line, 0, bad.field, bad.reason, (shown,), ("serial number",))


def _token(token: Element, serials: dict[str, int], notes: Notes) -> TokenRow:
    serial = unique_serial(token.attributes.get("serial", "").strip(), token.line, serials)
    application = _application(token)
    secret = hex_key(_text(application, "Seed"), "Seed")
    notes.say(token.line, "the format does not say how many digits a code has; 6 are taken")
    return TokenRow(
        token.line,
        None,
        serial,
        secret,
        30,
        "SafeNet",
        checked_text(token.text_of("ProductName"), "ProductName", LONGEST_MAKER),
        OtpMethod.HOTP,
        Algorithm.SHA256 if len(secret) == _SHA256_OCTETS else Algorithm.SHA1,
        counter=whole_number(_text(application, "MovingFactor") or "0", "MovingFactor", 0, HIGHEST_COUNTER),
    )


def _application(token: Element) -> Element:
    """Give the one application of a token; which of several makes the codes could only be guessed."""
    outer = token.child("Applications")
    found = [child for child in outer.children if child.name == "Application"] if outer else []
    if len(found) != 1:
        raise BadField("Application", f"stands {len(found)} times in the token; it must stand there once")
    return found[0]


def _text(application: Element, name: str) -> str:
    """Give the text of a child; some files write its name in lower case."""
    return application.text_of(name) or application.text_of(name.lower())
