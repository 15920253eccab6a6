"""Known answers: what the standards' own test vectors say, held against this build."""

import asyncio
import hmac
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from vestibule.core.credentials import Algorithm
from vestibule.core.oath import hotp, time_step
from vestibule.core.secret import Secret
from vestibule.directories.passwords import PasswordPool
from vestibule.stores.vault import SEALING, Vault
from vestibule.wire.radius.password import hide

SOUND_SQLITE = (3, 51, 3)

_HOTP_KEY = b"12345678901234567890"
_HOTP_CODES = ["755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583", "399871", "520489"]
_TOTP_SIZES = {Algorithm.SHA1: 20, Algorithm.SHA256: 32, Algorithm.SHA512: 64}
_TOTP_TIMES = (59, 1111111109, 1111111111, 1234567890, 2000000000, 20000000000)
_TOTP_CODES = {
    Algorithm.SHA1: ["94287082", "07081804", "14050471", "89005924", "69279037", "65353130"],
    Algorithm.SHA256: ["46119246", "68084774", "67062674", "91819424", "90698825", "77737706"],
    Algorithm.SHA512: ["90693936", "25091201", "99943326", "93441116", "38618901", "47863826"],
}
_SEALED = "0100000001000102030405060708090a0b286cb33bae8bad6ce361f6e5c29e1d1fb594be4bb20e1eb411492da0ecf77fa5"
_ARGON2 = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"
_HMAC = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
_HKDF = "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d"


@dataclass(frozen=True, slots=True)
class Vectors:
    """One row of the table; `check` says whether every value is right."""

    name: str
    source: str
    check: Callable[[], bool]


@dataclass(frozen=True, slots=True)
class Judged:
    """How one row ended; an exception is as bad as a wrong value."""

    name: str
    source: str
    right: bool


def run() -> list[Judged]:
    """Check everything; it takes a moment, for argon2 is slow on purpose."""
    return [judged(one) for one in _all()]


def judged(one: Vectors) -> Judged:
    """Check one row."""
    return Judged(one.name, one.source, _passes(one.check))


def sqlite_note() -> str:
    """Say which SQLite this is, and whether it has the fault in its write-ahead log."""
    text = f"SQLite {sqlite3.sqlite_version}"
    if sqlite3.sqlite_version_info >= SOUND_SQLITE:
        return f"{text}."
    return (
        f"{text} is older than 3.51.3 and can damage a database that two programs write at once. Vestibule writes from "
        "one connection only; open its database with no other program."
    )


def _passes(check: Callable[[], bool]) -> bool:
    try:
        return check()
    except Exception:
        return False


def _all() -> Iterator[Vectors]:
    yield Vectors("HOTP", "RFC 4226 appendix D", _hotp)
    for algorithm in Algorithm:
        yield Vectors(f"TOTP {algorithm.upper()}", "RFC 6238 appendix B", partial(_totp, algorithm))
    yield Vectors("HMAC-SHA-256", "RFC 4231 test case 2", _hmac)
    yield Vectors("HKDF-SHA-256", "RFC 5869 test case 3", _hkdf)
    yield Vectors("AES-256-GCM", "a computation in plain arithmetic", _aes_gcm)
    yield Vectors("argon2id", "the reference implementation", _argon2)
    yield Vectors("RADIUS User-Password", "RFC 2865 section 7.1", _radius)


def _hotp() -> bool:
    return [hotp(_HOTP_KEY, counter) for counter in range(10)] == _HOTP_CODES


def _totp(algorithm: Algorithm) -> bool:
    size = _TOTP_SIZES[algorithm]
    key = (b"1234567890" * 7)[:size]
    return [hotp(key, time_step(at, 30), 8, algorithm) for at in _TOTP_TIMES] == _TOTP_CODES[algorithm]


def _hmac() -> bool:
    return hmac.digest(b"Jefe", b"what do ya want for nothing?", "sha256").hex() == _HMAC


def _vault() -> Vault:
    """A vault of published keys, which seals nothing."""
    keys = [(1, SEALING, Secret(bytes(range(32)))), (2, "journal", Secret(b"\x0b" * 22))]
    return Vault(keys, lambda _octets: b"", {})


def _hkdf() -> bool:
    return _vault().derive("journal", b"").reveal().hex() == _HKDF


def _aes_gcm() -> bool:
    return _vault().open_sealed(bytes.fromhex(_SEALED), "selftest/1/answer").reveal() == b"one known answer"


def _argon2() -> bool:
    return asyncio.run(_check_passwords())


async def _check_passwords() -> bool:
    pool = PasswordPool(workers=1, queue_limit=2)
    deadline = asyncio.get_running_loop().time() + 60
    try:
        right = await pool.check(_ARGON2, Secret.of("password"), "selftest", deadline)
        wrong = await pool.check(_ARGON2, Secret.of("differentpassword"), "selftest", deadline)
    finally:
        pool.close()
    return right and not wrong


def _radius() -> bool:
    hidden = hide(b"arctangent", b"xyzzy5461", bytes.fromhex("0f403f9473978057bd83d5cb98f4227a"))
    return hidden.hex() == "0dbe708d93d413ce3196e43f782a0aee"
