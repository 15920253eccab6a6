"""Keys as text: Base32 (RFC 4648 section 6) and the `otpauth:` URI that a QR code carries (Key URI Format).

Rules of this file:
- What it writes, it reads back the same; what it reads is never guessed.
- A refusal names the parameter and the position, never a character of the key.
- The text it gives holds the key: its caller shows it once and stores it nowhere.
"""

import base64
import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final
from urllib.parse import quote, unquote_to_bytes

from vestibule.core.credentials import Algorithm
from vestibule.core.secret import Secret
from vestibule.wire.names import BadField, checked_text

LONGEST_KEY: Final = 128
"""Base32 characters of the longest key, 80 octets; the limit of Entra's token upload."""

LONGEST_URI: Final = 4096
"""Characters of the longest URI that is read; a QR code of version 40 holds 4296."""

LONGEST_NAME: Final = 256
"""Characters of the longest issuer or account."""

LONGEST_PERIOD: Final = 3600
"""Seconds of the longest time step that is read."""

_STRAY: Final = re.compile(r"[^A-Za-z2-7 -]")
_IMPOSSIBLE: Final = frozenset({1, 3, 6})  # characters over a multiple of 8 that no number of octets gives
_QUANTUM: Final = 8
_ESCAPE: Final = re.compile(r"%(?![0-9A-Fa-f]{2})")
_NUMBER: Final = re.compile(r"0|[1-9][0-9]{0,19}")
_SCHEME: Final = "otpauth://"
_PARAMETERS: Final = ("secret", "issuer", "algorithm", "digits", "period", "counter")


class OtpMethod(StrEnum):
    """The two kinds of one-time codes that a Key URI knows."""

    HOTP = "hotp"  # RFC 4226
    TOTP = "totp"  # RFC 6238


@dataclass(frozen=True, slots=True, kw_only=True)
class Otpauth:
    """What an `otpauth:` URI says. `period` (seconds) counts for TOTP only, `counter` for HOTP only.

    One that exists can be written: making it raises `BadField` for values that the format cannot carry.
    """

    method: OtpMethod
    account: str
    secret: Secret
    issuer: str = ""
    algorithm: Algorithm = Algorithm.SHA1
    digits: int = 6
    period: int = 30
    counter: int = 0

    def __post_init__(self) -> None:
        if not self.account.strip():
            raise BadField("account", "is empty; name the account behind the issuer and a colon")
        for field, name in (("issuer", self.issuer), ("account", self.account)):
            _check_name(name, field)
        if not 1 <= len(self.secret) <= LONGEST_KEY * 5 // 8:
            raise BadField("secret", f"must have 1 to {LONGEST_KEY * 5 // 8} octets")
        _check_range("digits", self.digits, 6, 8)
        _check_range("period", self.period, 1, LONGEST_PERIOD)
        _check_range("counter", self.counter, 0, 2**64 - 1)


def read_key(text: str, field: str = "secret") -> Secret:
    """Read a key in Base32 (RFC 4648 section 6): either case, blanks and dashes between groups, padding optional.

    Bits that do not fill an octet are dropped, as every authenticator does. Raises `BadField` with the position of
    the first stray character, for more than 128 characters, and for a length that says that characters are missing.
    """
    compact = text.replace(" ", "").replace("-", "")
    letters = compact.rstrip("=")
    if not letters:
        raise BadField(field, "is empty; give the key in Base32")
    if stray := _STRAY.search(text.rstrip("= -")):
        raise BadField(field, _outside(stray))
    if len(letters) > LONGEST_KEY:
        raise BadField(field, f"has {len(letters)} characters; at most {LONGEST_KEY} are taken")
    if len(letters) % _QUANTUM in _IMPOSSIBLE:
        raise BadField(field, f"has {len(letters)} characters, a length Base32 never has; restore the missing ones")
    if len(compact) > len(letters) and len(compact) % _QUANTUM:
        raise BadField(field, "its padding does not fit its length; restore missing characters or remove each '='")
    return Secret(base64.b32decode(letters + "=" * (-len(letters) % _QUANTUM), casefold=True))


def write_key(secret: Secret) -> str:
    """Write a key in Base32 without padding, as authenticator apps want it."""
    return base64.b32encode(secret.reveal()).decode().rstrip("=")


def encode(key: Otpauth) -> str:
    """Write the URI, each parameter that counts spelled out (Key URI Format)."""
    parameters = {"secret": write_key(key.secret)}
    if key.issuer:
        parameters["issuer"] = quote(key.issuer, safe="")
    parameters["algorithm"] = key.algorithm.upper()
    parameters["digits"] = str(key.digits)
    if key.method is OtpMethod.TOTP:
        parameters["period"] = str(key.period)
    else:
        parameters["counter"] = str(key.counter)
    label = ":".join(quote(name, safe="@") for name in (key.issuer, key.account) if name)
    return f"{_SCHEME}{key.method}/{label}?" + "&".join(f"{name}={value}" for name, value in parameters.items())


def decode(uri: str) -> Otpauth:
    """Read a URI strictly (Key URI Format).

    Raises `BadField` for another scheme or type, a missing key or account, an unknown, repeated or misplaced parameter,
    a bad escape, and an issuer that differs between label and parameter. `+` is a plus, as in RFC 3986.
    """
    method, label, query = _parts(uri)
    prefix, account = _names(label)
    given = _parameters(query)
    _check_placed(method, given)
    issuer = given.get("issuer", prefix)
    if prefix and issuer != prefix:
        raise BadField("issuer", "differs between the label and the parameter; write the same name in both places")
    return Otpauth(
        method=method,
        account=account,
        secret=read_key(given["secret"]),
        issuer=issuer,
        algorithm=_algorithm(given.get("algorithm", "SHA1")),
        digits=_number("digits", given.get("digits", "6")),
        period=_number("period", given.get("period", "30")),
        counter=_number("counter", given.get("counter", "0")),
    )


def _outside(stray: re.Match[str]) -> str:
    """Say where a character outside the alphabet stands, and what a digit was meant to be."""
    meant = "; the letter O, I (or L) or B may be meant" if stray[0] in "018" else ""
    return f"character {stray.start() + 1} is not in the Base32 alphabet (A to Z, 2 to 7){meant}; correct it"


def _check_name(name: str, field: str) -> None:
    if ":" in name:
        raise BadField(field, "holds a colon, which separates issuer and account; write it without")
    if name != name.strip():
        raise BadField(field, "begins or ends with a blank; remove it")
    checked_text(name, field, LONGEST_NAME)


def _check_range(field: str, number: int, least: int, most: int) -> None:
    if not least <= number <= most:
        raise BadField(field, f"must be a number from {least} to {most}")


def _parts(uri: str) -> tuple[OtpMethod, str, str]:
    """Cut the URI into type, label and query, the last two still escaped."""
    if len(uri) > LONGEST_URI:
        raise BadField("uri", f"has {len(uri)} characters; at most {LONGEST_URI} are taken")
    if uri[: len(_SCHEME)].lower() != _SCHEME:
        raise BadField("uri", f"does not begin with {_SCHEME}; scan the code that the issuer shows for an app")
    if "#" in uri:
        raise BadField("uri", "has a fragment; escape the character # as %23")
    path, _, query = uri[len(_SCHEME) :].partition("?")
    kind, _, label = path.partition("/")
    try:
        return OtpMethod(kind.lower()), label, query
    except ValueError:
        raise BadField("type", "is neither totp nor hotp; other kinds of codes cannot be imported") from None


def _names(label: str) -> tuple[str, str]:
    """Cut the label into issuer (empty when there is none) and account; blanks after the colon do not count."""
    if "/" in label:
        raise BadField("label", "holds a slash; escape it as %2F")
    issuer, colon, account = _unescaped(label, "label").partition(":")
    return (issuer, account.lstrip(" ")) if colon else ("", issuer)


def _parameters(query: str) -> dict[str, str]:
    """Read the parameters, each at most once and only known ones; the key must be among them."""
    given: dict[str, str] = {}
    for place, pair in enumerate(query.split("&") if query else (), start=1):
        name, _, value = pair.partition("=")
        if name not in _PARAMETERS:
            raise BadField(f"parameter {place}", f"is not known; known are {', '.join(_PARAMETERS)}")
        if name in given:
            raise BadField(name, "is given twice; keep one")
        given[name] = _unescaped(value, name)
    if "secret" not in given:
        raise BadField("secret", "is missing; the code holds no key")
    return given


def _check_placed(method: OtpMethod, given: dict[str, str]) -> None:
    if method is OtpMethod.HOTP and "counter" not in given:
        raise BadField("counter", "is missing; an hotp code says which counter comes next")
    stray = "period" if method is OtpMethod.HOTP else "counter"
    if stray in given:
        raise BadField(stray, f"has no meaning for {method}; remove it")


def _unescaped(text: str, field: str) -> str:
    if not text.isascii() or _ESCAPE.search(text):
        raise BadField(field, "holds a character that is not escaped; write it as % and two hexadecimal digits")
    return checked_text(unquote_to_bytes(text), field, LONGEST_URI)


def _algorithm(name: str) -> Algorithm:
    try:
        return Algorithm(name.lower())
    except ValueError:
        raise BadField("algorithm", "is not one of SHA1, SHA256, SHA512") from None


def _number(field: str, text: str) -> int:
    if not _NUMBER.fullmatch(text):
        raise BadField(field, "is not a whole number")
    return int(text)
