"""Writes PSKC files (RFC 6030): open, or closed with a pre-shared key or a passphrase.

Rules of this file:
- What is closed has a MAC (encrypt-then-MAC, HMAC-SHA-256, with a key of its own), as section 6 asks.
- What it writes, `reader` and pskctool read.
- The text holds keys: its caller shows it once and stores it nowhere.
"""

import base64
import hashlib
import hmac
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from typing import Final

from vestibule.core.credentials import Algorithm
from vestibule.core.secret import Secret
from vestibule.wire.names import BadField
from vestibule.wire.otpauth import OtpMethod
from vestibule.wire.pskc.ciphers import Chance, encrypt_aes_cbc
from vestibule.wire.pskc.drafts import PSKC
from vestibule.wire.token_csv import TokenRow

ROUNDS: Final = 600_000
"""Rounds of PBKDF2 with HMAC-SHA-256 (OWASP Password Storage Cheat Sheet)."""

_XENC: Final = "http://www.w3.org/2001/04/xmlenc#"
_HMAC: Final = "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256"
_PBKDF2: Final = "http://www.rsasecurity.com/rsalabs/pkcs/schemas/pkcs-5v2-0#pbkdf2"
_HEAD: Final = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    f'<KeyContainer Version="1.0" xmlns="{PSKC}" xmlns:ds="http://www.w3.org/2000/09/xmldsig#" xmlns:xenc="{_XENC}" '
    'xmlns:xenc11="http://www.w3.org/2009/xmlenc11#" '
    'xmlns:pkcs5="http://www.rsasecurity.com/rsalabs/pkcs/schemas/pkcs-5v2-0#">\n'
)
_KEY_LENGTHS: Final = (16, 24, 32)
_MAC_KEY_OCTETS: Final = 32
_SALT_OCTETS: Final = 16
_NOT_XML: Final = str.maketrans({"\ufffe": "\ufffd", "\uffff": "\ufffd"})


@dataclass(frozen=True, slots=True)
class SharedKey:
    """Close the file with a key of 16, 24 or 32 octets; its name, if any, stands in the file."""

    key: Secret
    name: str = "Pre-shared-key"


@dataclass(frozen=True, slots=True)
class Passphrase:
    """Close the file with a key that is derived from a passphrase."""

    passphrase: Secret
    rounds: int = ROUNDS


@dataclass(frozen=True, slots=True)
class _Lock:
    key: Secret
    mac_key: Secret
    chance: Chance

    def value(self, plain: bytes) -> str:
        """Write a closed value and its MAC."""
        text = encrypt_aes_cbc(self.key, plain, self.chance)
        mac = hmac.digest(self.mac_key.reveal(), text, "sha256")
        return f"<EncryptedValue>{self.cipher(text)}</EncryptedValue><ValueMAC>{_base64(mac)}</ValueMAC>"

    def cipher(self, text: bytes) -> str:
        """Write a cipher text and the name of its cipher."""
        return (
            f'<xenc:EncryptionMethod Algorithm="{_XENC}aes{len(self.key) * 8}-cbc"/>'
            f"<xenc:CipherData><xenc:CipherValue>{_base64(text)}</xenc:CipherValue></xenc:CipherData>"
        )


def write_pskc(rows: Iterable[TokenRow], closing: SharedKey | Passphrase | None, chance: Chance) -> Iterator[str]:
    """Write a file in pieces; `closing` None leaves the keys open. Raises `BadField` for a key of a wrong length."""
    yield _HEAD
    lock = None
    if closing:
        key, header = _opening(closing, chance)
        lock = _Lock(key, Secret(chance(_MAC_KEY_OCTETS)), chance)
        mac_key = lock.cipher(encrypt_aes_cbc(key, lock.mac_key.reveal(), chance))
        yield header
        yield f'<MACMethod Algorithm="{_HMAC}"><MACKey>{mac_key}</MACKey></MACMethod>\n'
    for number, row in enumerate(rows, start=1):
        yield _package(row, number, lock)
    yield "</KeyContainer>\n"


def _opening(closing: SharedKey | Passphrase, chance: Chance) -> tuple[Secret, str]:
    """Give the key of the values and the EncryptionKey that tells how to come by it."""
    match closing:
        case SharedKey(key, name):
            if len(key) not in _KEY_LENGTHS:
                raise BadField("pre-shared key", f"has {len(key)} octets; it must have 16, 24 or 32")
            return key, f"<EncryptionKey><ds:KeyName>{_text(name)}</ds:KeyName></EncryptionKey>\n"
        case Passphrase(passphrase, rounds):
            salt, length = chance(_SALT_OCTETS), _KEY_LENGTHS[-1]
            key = Secret(hashlib.pbkdf2_hmac("sha256", passphrase.reveal(), salt, rounds, length))
            return key, _derivation(salt, rounds, length)


def _derivation(salt: bytes, rounds: int, length: int) -> str:
    return (
        f'<EncryptionKey><xenc11:DerivedKey><xenc11:KeyDerivationMethod Algorithm="{_PBKDF2}"><pkcs5:PBKDF2-params>'
        f"<Salt><Specified>{_base64(salt)}</Specified></Salt><IterationCount>{rounds}</IterationCount>"
        f'<KeyLength>{length}</KeyLength><PRF Algorithm="{_HMAC}"/></pkcs5:PBKDF2-params>'
        "</xenc11:KeyDerivationMethod></xenc11:DerivedKey></EncryptionKey>\n"
    )


def _package(row: TokenRow, number: int, lock: _Lock | None) -> str:
    """Write one token; elements stand in the order of the schema (RFC 6030 section 11)."""
    key_id = _text(row.serial or str(number))
    device = (
        _element("Manufacturer", row.manufacturer) + _element("SerialNo", row.serial) + _element("Model", row.model)
    )
    suite = "" if row.algorithm is Algorithm.SHA1 else f"<Suite>HMAC-{row.algorithm.upper()}</Suite>"
    return (
        f"<KeyPackage>\n  {f'<DeviceInfo>{device}</DeviceInfo>' if device else ''}\n"
        f'  <Key Id="{key_id}" Algorithm="{PSKC}:{row.method}">{_element("Issuer", row.issuer)}\n'
        f'    <AlgorithmParameters>{suite}<ResponseFormat Length="{row.digits}" Encoding="DECIMAL"/>'
        "</AlgorithmParameters>\n"
        f"    <Data>{_values(row, lock)}</Data>\n"
        f"    {_element('UserId', row.owner or row.upn or '')}{_policy(row)}\n"
        "  </Key>\n</KeyPackage>\n"
    )


def _values(row: TokenRow, lock: _Lock | None) -> str:
    octets = row.secret.reveal()
    secret = lock.value(octets) if lock else f"<PlainValue>{_base64(octets)}</PlainValue>"
    numbers = {"Counter": row.counter}
    if row.method is OtpMethod.TOTP:
        numbers = {"Time": 0, "TimeInterval": row.period_seconds, **({"TimeDrift": row.drift} if row.drift else {})}
    parts = (f"<{name}><PlainValue>{number}</PlainValue></{name}>" for name, number in numbers.items())
    return f"<Secret>{secret}</Secret>" + "".join(parts)


def _policy(row: TokenRow) -> str:
    dates = _date("StartDate", row.starts_at) + _date("ExpiryDate", row.expires_at)
    return f"<Policy>{dates}</Policy>" if dates else ""


def _date(name: str, at: float) -> str:
    return _element(name, datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")) if at else ""


def _element(name: str, text: str) -> str:
    return f"<{name}>{_text(text)}</{name}>" if text else ""


def _text(text: str) -> str:
    return escape(text.translate(_NOT_XML))


def _base64(octets: bytes) -> str:
    return base64.b64encode(octets).decode()
