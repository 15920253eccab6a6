"""One Key of a PSKC file as a token (RFC 6030 sections 4 and 5; HOTP and TOTP profiles of section 10 and its drafts).

Rules of this file:
- `BadField` is about this key alone, any other `Malformed` about the whole file.
- What the product cannot keep (a PIN policy, a number of uses) is said in a note.
"""

import re
from typing import Final, NamedTuple

from vestibule.core.credentials import Algorithm
from vestibule.core.errors import Malformed
from vestibule.core.secret import Secret
from vestibule.wire.names import BadField, checked_text
from vestibule.wire.otpauth import LONGEST_PERIOD, OtpMethod
from vestibule.wire.pskc.drafts import PSKC
from vestibule.wire.pskc.protection import Protection, octets_of
from vestibule.wire.token_csv import LONGEST_MAKER, TokenRow, unique_serial
from vestibule.wire.token_fields import HIGHEST_COUNTER, Notes, checked_key, hash_named, moment, user_of, whole_number
from vestibule.wire.xml_elements import Element

LONGEST_OWNER: Final = 512

_METHODS: Final = {"hotp": OtpMethod.HOTP, "totp": OtpMethod.TOTP}
_REGISTRY: Final = re.compile(r"^(?:oath|iana)\.(?=.)")
_MOST_DRIFT: Final = 2**31 - 1
_VALUES: Final = ("Secret", "Counter", "Time", "TimeInterval", "TimeDrift")
_EPOCH: Final = ("", "0", "1970-01-01T00:00:00Z", bytes(4))
_INTEGERS: Final = (4, 8)  # octets of an encrypted xs:int and xs:long


Value = bytes | str
"""A value of a key: octets when it is a secret or was encrypted, else its text."""


class Serials(NamedTuple):
    """The serial numbers of a file so far with their lines, and the keys of each device."""

    lines: dict[str, int]
    keys: dict[str, set[str]]


def read_key(package: Element, key: Element, lock: Protection, serials: Serials, notes: Notes) -> TokenRow | None:
    """Make a token of a Key and the KeyPackage around it; None for the PIN of another key, which is no token."""
    values = _opened_values(key, lock)
    algorithm = _algorithm(key)
    if algorithm == "pin":
        notes.say(key.line, "the PIN of another key is left out; PINs of tokens are not kept")
        return None
    if algorithm not in _METHODS:
        raise BadField("Algorithm", "is neither HOTP nor TOTP; keys of other kinds cannot be imported")
    method = _METHODS[algorithm]
    device = package.child("DeviceInfo") or Element(PSKC, "DeviceInfo", package.line)
    policy = key.child("Policy") or Element(PSKC, "Policy", key.line)
    _check_policy(policy, notes)
    owner = checked_text(key.text_of("UserId") or device.text_of("UserId"), "UserId", LONGEST_OWNER)
    user = user_of(owner, "UserId")
    return TokenRow(
        line=key.line,
        upn=user,
        serial=_serial(device, key, serials, notes),
        secret=_secret(values),
        period_seconds=_period(values, key.line, notes) if method is OtpMethod.TOTP else 30,
        manufacturer=_manufacturer(device),
        model=checked_text(device.text_of("Model"), "Model", LONGEST_MAKER),
        method=method,
        algorithm=_hash(key),
        digits=_digits(key, notes),
        counter=_integer(values, "Counter", 0, HIGHEST_COUNTER) or 0 if method is OtpMethod.HOTP else 0,
        issuer=checked_text(key.text_of("Issuer"), "Issuer", LONGEST_MAKER),
        owner=owner if owner != user else "",
        drift=_integer(values, "TimeDrift", -_MOST_DRIFT, _MOST_DRIFT) or 0 if method is OtpMethod.TOTP else 0,
        starts_at=moment(policy.text_of("StartDate") or device.text_of("StartDate"), "StartDate"),
        expires_at=moment(policy.text_of("ExpiryDate") or device.text_of("ExpiryDate"), "ExpiryDate"),
    )


def serial_of(package: Element, key: Element) -> str:
    """Give what names a key in a report: the serial number of its device, or else its own Id, unchecked."""
    device = package.child("DeviceInfo")
    return (device.text_of("SerialNo") if device else "") or key.attributes.get("Id", "").strip()


def _algorithm(key: Element) -> str:
    """Give the name behind the URI of the RFC; the drafts had a # where the RFC has a colon."""
    uri = key.attributes.get("Algorithm", "").strip()
    return uri[len(PSKC) + 1 :].lower() if uri.startswith((f"{PSKC}:", f"{PSKC}#")) else ""


def _check_policy(policy: Element, notes: Notes) -> None:
    usages = {usage.text.strip() for usage in policy.children if usage.name == "KeyUsage"}
    if usages and "OTP" not in usages:
        raise BadField("KeyUsage", "does not allow one-time codes; ask the issuer what the key is for")
    if found := policy.child("PINPolicy"):
        notes.say(found.line, "the PIN policy is not kept")
    if found := policy.child("NumberOfTransactions"):
        notes.say(found.line, "the number of uses after which the key ends is not kept")


def _serial(device: Element, key: Element, serials: Serials, notes: Notes) -> str:
    """Give the number on the device; a further key of the same device gets its Id behind it."""
    number, own = device.text_of("SerialNo"), key.attributes.get("Id", "").strip()
    serial = number or own
    others = serials.keys.setdefault(serial, set())
    if others and number and own and own not in others:
        serial = f"{number}/{own}"
        notes.say(key.line, "a further key of one device; its Id stands behind the serial number, after a slash")
    others.add(own)
    return unique_serial(serial, key.line, serials.lines)


def _opened_values(key: Element, lock: Protection) -> dict[str, Value]:
    """Open the values of a key, so that all its MACs are checked before anything else is looked at."""
    data = key.child("Data")
    parts = {name: data.child(name) for name in _VALUES} if data else {}
    return {name: _opened(part, lock) for name, part in parts.items() if part}


def _opened(part: Element, lock: Protection) -> Value:
    if closed := part.child("EncryptedValue"):
        return lock.opened(closed, part.child("ValueMAC"))
    plain = part.required("PlainValue")
    if part.name != "Secret":
        return plain.text.strip()
    if lock.key is not None:
        raise Malformed(f"line {plain.line}: a key stands open in an encrypted file; somebody may have put it there")
    return octets_of(plain)


def _secret(values: dict[str, Value]) -> Secret:
    match values.get("Secret"):
        case bytes(octets):
            return checked_key(octets, "Secret")
        case _:
            raise BadField("Secret", "is missing; the file names a key that is kept elsewhere")


def _integer(values: dict[str, Value], name: str, least: int, most: int) -> int | None:
    """Give a number, None where there is none; encrypted, it is four or eight octets, high ones first."""
    match values.get(name):
        case None:
            return None
        case str(text):
            return whole_number(text, name, least, most)
        case octets:
            if octets.isdigit() and len(octets) not in _INTEGERS:
                raise BadField(name, "may be digits or a binary number; ask the issuer for a file with an open value")
            number = int.from_bytes(octets[:9], "big", signed=len(octets) in _INTEGERS)
            return whole_number(str(number), name, least, most)


def _period(values: dict[str, Value], line: int, notes: Notes) -> int:
    """Give the seconds of a time step, and refuse a clock that does not begin at 1970."""
    if values.get("Time", "0") not in _EPOCH:
        raise BadField("Time", "says that time steps do not begin at 1970; such a token cannot be checked")
    period = _integer(values, "TimeInterval", 1, LONGEST_PERIOD)
    if period is None:
        notes.say(line, "no TimeInterval; 30 seconds are taken")
    return period or 30


def _manufacturer(device: Element) -> str:
    """Give the maker without the name of the registry that its prefix comes from (RFC 6030 section 4.3.1)."""
    name = checked_text(device.text_of("Manufacturer"), "Manufacturer", LONGEST_MAKER)
    return _REGISTRY.sub("", name)


def _hash(key: Element) -> Algorithm:
    """Give the hash that the Suite names; some products write it as an attribute."""
    parameters = key.child("AlgorithmParameters")
    suite = parameters.child("Suite") if parameters else None
    if suite is None:
        return Algorithm.SHA1
    named = suite.text.strip() or suite.attributes.get("hashalgo", "")
    return hash_named(named, "Suite") if named else Algorithm.SHA1


def _digits(key: Element, notes: Notes) -> int:
    parameters = key.child("AlgorithmParameters")
    response = parameters.child("ResponseFormat") if parameters else None
    if response is None or "Length" not in response.attributes:
        notes.say(key.line, "no length of the codes; 6 digits are taken")
        return 6
    if response.attributes.get("Encoding", "DECIMAL") != "DECIMAL":
        raise BadField("Encoding", "is not DECIMAL; only codes of digits can be checked")
    if response.attributes.get("CheckDigits", "false") not in {"false", "0"}:
        raise BadField("CheckDigits", "asks for a check digit, which is not supported")
    return whole_number(response.attributes["Length"], "Length", 6, 8)


def check_package(package: Element) -> None:
    """Refuse a package without any key: the file is cut or damaged."""
    if not any(part.name == "Key" for part in package.children):
        raise Malformed(f"line {package.line}: KeyPackage has no Key; the file is damaged or not complete")
