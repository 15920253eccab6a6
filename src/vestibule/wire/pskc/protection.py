"""What closes the values of a PSKC file: the key, its derivation, the MAC (RFC 6030 section 6).

Rules of this file:
- Encrypt-then-MAC: a value is opened only after the MAC over its cipher text was right.
- A cipher without a check of its own is not taken without a MAC, because anybody could have changed the file.
- A wrong key and a changed file look alike, so both are said.
"""

import base64
import binascii
import hashlib
import hmac
from dataclasses import dataclass
from typing import Final, Literal

from vestibule.core.errors import Malformed
from vestibule.core.secret import Secret
from vestibule.wire.pskc.ciphers import KEY_LENGTHS, Unopened, decrypt, proves_itself
from vestibule.wire.xml_elements import Element

MOST_ITERATIONS: Final = 5_000_000
"""The most rounds of PBKDF2 that a file may ask for, some seconds of one processor."""

HASHES: Final = {"hmac-sha1": "sha1", "hmac-sha256": "sha256", "hmac-sha512": "sha512"}
"""What may follow the # in the URI of a MAC or of a pseudo-random function, and Python's name for its hash."""

_SHORTEST_MAC_KEY: Final = 16
_LONGEST_SALT: Final = 1024
_ASYMMETRIC: Final = ("X509Data", "KeyValue", "RetrievalMethod", "EncryptedKey")


class KeyMissing(Malformed):
    """The file is closed and what opens it was not given; `wanted` says what to ask for."""

    def __init__(self, wanted: Literal["key", "passphrase"], line: int) -> None:
        """Say what is wanted, and where the file says so."""
        noun = "a pre-shared key" if wanted == "key" else "a passphrase"
        super().__init__(f"line {line}: the file is encrypted with {noun}; give the one that its issuer sent you")
        self.wanted = wanted


@dataclass(frozen=True, slots=True)
class Mac:
    """How MACs are computed: the hash of the HMAC, and the key."""

    hash: str
    key: Secret

    def check(self, given: Element, text: bytes) -> None:
        """Compare a ValueMAC with that of the cipher text, in constant time. Raises `Malformed`."""
        if not hmac.compare_digest(hmac.digest(self.key.reveal(), text, self.hash), octets_of(given)):
            raise _unfit(given.line)


@dataclass(frozen=True, slots=True)
class Protection:
    """The open keys of one file, that of the values and that of the MACs; None where the file has none."""

    key: Secret | None = None
    mac: Mac | None = None

    def opened(self, value: Element, mac: Element | None) -> bytes:
        """Check and open an EncryptedValue with its ValueMAC (None for none). Raises `Malformed`."""
        if self.key is None:
            raise Malformed(f"line {value.line}: a value is encrypted, but the file has no EncryptionKey")
        text = octets_of(value.required("CipherData").required("CipherValue"))
        cipher = _cipher(value)
        if mac is not None and self.mac is not None:
            self.mac.check(mac, text)
        elif not proves_itself(cipher):
            missing = "ValueMAC" if self.mac else "MACMethod"
            raise Malformed(
                f"line {value.line}: the encrypted value has no {missing}, so a change of it could not be noticed; "
                "ask the issuer for a file with MACs"
            )
        return _opened(cipher, self.key, text, value.line)


def protection(
    encryption: Element | None, mac: Element | None, key: Secret | None, passphrase: Secret | None
) -> Protection:
    """Make the keys of a file from its EncryptionKey and MACMethod (None for none) and from what a person gave.

    Raises `KeyMissing` when that is not enough, `Malformed` for what is not known or makes no sense.
    """
    opening = _encryption_key(encryption, key, passphrase) if encryption else None
    if mac is None:
        return Protection(opening)
    if opening is None:
        raise Malformed(f"line {mac.line}: the file has a MACMethod but no EncryptionKey")
    return Protection(opening, Mac(_hash(mac), _mac_key(mac, opening)))


def fragment(uri: str) -> str:
    """Give what follows the # of an algorithm's URI, in lower case; drafts had the same names under other roots."""
    return uri.rpartition("#")[2].strip().lower()


def octets_of(element: Element) -> bytes:
    """Read the text of an element as Base64 with blanks and line ends. Raises `Malformed` with its line."""
    try:
        octets = base64.b64decode("".join(element.text.split()), validate=True)
    except (binascii.Error, ValueError):
        octets = b""
    if not octets:
        raise Malformed(f"line {element.line}: {element.name} is not Base64 or empty; the file is damaged")
    return octets


def _encryption_key(encryption: Element, key: Secret | None, passphrase: Secret | None) -> Secret:
    if derived := encryption.child("DerivedKey"):
        if passphrase is None:
            raise KeyMissing("passphrase", derived.line)
        return _derived(derived.required("KeyDerivationMethod"), passphrase)
    for name in _ASYMMETRIC:
        if found := encryption.child(name):
            raise Malformed(
                f"line {found.line}: the file is encrypted for a certificate, which is not supported; ask the issuer "
                "for one with a pre-shared key or a passphrase"
            )
    if key is None:
        raise KeyMissing("key", encryption.line)
    return key


def _derived(method: Element, passphrase: Secret) -> Secret:
    """Compute PBKDF2 (RFC 8018 section 5.2)."""
    if fragment(method.attributes.get("Algorithm", "")) != "pbkdf2":
        raise Malformed(f"line {method.line}: the key derivation is not PBKDF2, the only one that is known")
    given = method.required("PBKDF2-params")
    salt = octets_of(given.required("Salt").required("Specified"))
    if len(salt) > _LONGEST_SALT:
        raise Malformed(f"line {given.line}: the salt has more than {_LONGEST_SALT} octets")
    rounds = _number(given.required("IterationCount"), MOST_ITERATIONS)
    length = _number(given.required("KeyLength"), 32)
    prf = given.child("PRF")
    named = prf.attributes.get("Algorithm") or prf.text if prf else ""  # python-pskc writes it as text
    hashed = HASHES.get(fragment(named) or "hmac-sha1")
    if hashed is None:
        raise Malformed(f"line {given.line}: the PRF of PBKDF2 is not one of {', '.join(HASHES)}")
    return Secret(hashlib.pbkdf2_hmac(hashed, passphrase.reveal(), salt, rounds, length))


def _hash(mac: Element) -> str:
    if found := HASHES.get(fragment(mac.attributes.get("Algorithm", ""))):
        return found
    raise Malformed(f"line {mac.line}: the MACMethod is not one of {', '.join(HASHES)}")


def _mac_key(mac: Element, key: Secret) -> Secret:
    """Open the MAC key; without one, the key of the values serves (RFC 6030 section 6.1.1)."""
    closed = mac.child("MACKey")
    if closed is None:
        if reference := mac.child("MACKeyReference"):
            raise Malformed(
                f"line {reference.line}: the MAC key is not in the file; ask the issuer for one with MACKey"
            )
        return key
    text = octets_of(closed.required("CipherData").required("CipherValue"))
    opened = _opened(_cipher(closed), key, text, closed.line)
    if len(opened) < _SHORTEST_MAC_KEY:
        raise _unfit(closed.line)
    return Secret(opened)


def _cipher(value: Element) -> str:
    method = value.required("EncryptionMethod")
    cipher = fragment(method.attributes.get("Algorithm", ""))
    if cipher not in KEY_LENGTHS:
        raise Malformed(f"line {method.line}: the cipher is not one of {', '.join(KEY_LENGTHS)}")
    return cipher


def _opened(cipher: str, key: Secret, text: bytes, line: int) -> bytes:
    if len(key) not in KEY_LENGTHS[cipher]:
        needed = " or ".join(str(length) for length in KEY_LENGTHS[cipher])
        raise Malformed(f"line {line}: {cipher} needs a key of {needed} octets; the one given has {len(key)}")
    try:
        return decrypt(cipher, key, text)
    except Unopened:
        raise _unfit(line) from None


def _unfit(line: int) -> Malformed:
    return Malformed(
        f"line {line}: the value does not fit its check: the key or passphrase is another one, or the file was "
        "changed. Nothing was taken from it"
    )


def _number(element: Element, most: int) -> int:
    text = element.text.strip()
    if not (text.isascii() and text.isdigit() and len(text) < 10 and 1 <= int(text) <= most):
        raise Malformed(f"line {element.line}: {element.name} must be a number from 1 to {most}")
    return int(text)
