"""Envelope encryption: the master key seals the data keys, the data keys seal the secrets.

Rules of this file: every sealed value is bound to its place (table/row/column), its key id and its format, so a moved,
altered or foreign one is refused; a nonce is drawn afresh for each seal; a key past its limit seals nothing more. The
vault stores nothing itself: rows go out and come in as `KeyRow`. To rotate online, store a `fresh_key` row first, then
open again: at any moment every sealed value has its key on disk.

Sealed form: format (1 octet) | key id (4, big endian) | nonce (12) | AES-256-GCM ciphertext | tag (16).
"""

import hmac
import struct
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from vestibule.core.errors import Malformed, Unavailable
from vestibule.core.secret import Secret

Chance = Callable[[int], bytes]
"""Gives that many unpredictable octets; `secrets.token_bytes` outside of tests."""

KEY_OCTETS = 32
SEALING = "seal"
PURPOSES = (SEALING, "fingerprint", "recovery", "journal", "token")
"""What a new database has keys for: sealing, and one key per use of `mac` and `derive`."""

SEALS_PER_KEY = 2**32
"""Random 96-bit nonces stay apart (collision under 2**-32) up to this many seals (NIST SP 800-38D, 8.3)."""

_FORMAT = 1
_HEADER = struct.Struct(">BI")
_NONCE_OCTETS = 12
_TEXT_AT = _HEADER.size + _NONCE_OCTETS
_MASTER_ID = 0


class KeyWrong(Exception):
    """The start must stop: a key is missing, damaged, badly kept or not the one. The text is for a person."""


@dataclass(frozen=True, slots=True)
class KeyRow:
    """One data key as it is stored: `id` is unique over all purposes (1 up), only the master key opens `sealed`."""

    id: int
    purpose: str
    sealed: bytes


def fresh_key(key_id: int, purpose: str, master: Secret, chance: Chance) -> KeyRow:
    """Draw a data key of 32 octets and seal it under `master`; raises `KeyWrong` if that is not 32 octets.

    `key_id` must be above every stored id. The newest key of a purpose rules; older sealing keys only read.
    """
    cipher, key = _master_cipher(master), chance(KEY_OCTETS)
    return KeyRow(key_id, purpose, _seal(cipher, _MASTER_ID, chance(_NONCE_OCTETS), key, _key_place(key_id, purpose)))


class Vault:
    """The data keys of one database, open in memory; safe to share between threads."""

    __slots__ = ("_chance", "_ciphers", "_current", "_macs", "_named", "_seals")

    def __init__(self, keys: Iterable[tuple[int, str, Secret]], chance: Chance, seals: Mapping[int, int]) -> None:
        """Take opened keys as (id, purpose, key), in rising id; `create` and `open` are the ways to get here."""
        self._chance = chance
        self._ciphers: dict[bytes, AESGCM] = {}
        self._named: dict[str, Secret] = {}
        self._seals: dict[int, int] = {}
        for key_id, purpose, key in keys:
            if purpose == SEALING:
                self._ciphers[_HEADER.pack(_FORMAT, key_id)] = AESGCM(key.reveal())
                self._seals[key_id] = seals.get(key_id, 0)
            else:
                self._named[purpose] = key
        self._current = max(self._seals)
        self._macs = {name: hmac.new(key.reveal(), digestmod="sha256") for name, key in self._named.items()}

    @classmethod
    def create(cls, master: Secret, chance: Chance) -> tuple[Self, tuple[KeyRow, ...]]:
        """Draw all data keys of a new database; the caller stores the rows before anything is sealed.

        Raises `KeyWrong` if `master` is not 32 octets.
        """
        rows = tuple(fresh_key(key_id, purpose, master, chance) for key_id, purpose in enumerate(PURPOSES, start=1))
        return cls.open(master, rows, chance), rows

    @classmethod
    def open(
        cls, master: Secret, rows: Iterable[KeyRow], chance: Chance, seals: Mapping[int, int] | None = None
    ) -> Self:
        """Open all stored keys; `seals` are the remembered counts per key id (see `seals`), none remembered means 0.

        Raises `KeyWrong` when `master` does not open every row, or when there is no sealing key among them.
        """
        cipher = _master_cipher(master)
        keys = [(row.id, row.purpose, _open_key(cipher, row)) for row in sorted(rows, key=lambda row: row.id)]
        if not any(purpose == SEALING for _, purpose, _ in keys):
            raise KeyWrong(
                "The database holds no sealing key: it was never initialised, or its table of keys is lost. "
                "Initialise a new one, or restore a complete backup."
            )
        return cls(keys, chance, seals or {})

    @property
    def seals(self) -> dict[int, int]:
        """How many values each sealing key has sealed; whoever stores the keys remembers it across restarts."""
        return dict(self._seals)

    @property
    def current(self) -> int:
        """Id of the key that seals from now on."""
        return self._current

    def seal(self, secret: Secret, row: str) -> bytes:
        """Seal for one place `row` = "table/row id/column"; 33 octets longer than the secret.

        Raises `Unavailable` when the current key has reached `SEALS_PER_KEY`.
        """
        count = self._seals[self._current]
        if count >= SEALS_PER_KEY:
            raise Unavailable(
                f"Sealing key {self._current} has reached its limit of {SEALS_PER_KEY} uses. "
                "Nothing was stored; make a new sealing key, then try again."
            )
        self._seals[self._current] = count + 1
        cipher = self._ciphers[_HEADER.pack(_FORMAT, self._current)]
        return _seal(cipher, self._current, self._chance(_NONCE_OCTETS), secret.reveal(), row)

    def open_sealed(self, sealed: bytes, row: str) -> Secret:
        """Open what was sealed for this very `row`.

        Raises `Malformed` when it was moved, altered or cut, or when its key or format is unknown here.
        """
        try:
            return _open(self._ciphers[sealed[: _HEADER.size]], sealed, row)
        except (InvalidTag, KeyError, ValueError):
            raise Malformed(f"{row}: {_why_closed(sealed, self._seals)}") from None

    def mac(self, name: str, data: bytes) -> bytes:
        """HMAC-SHA-256 under the named key, 32 octets; raises `KeyError` for a name without a key."""
        mac = self._macs[name].copy()
        mac.update(data)
        return mac.digest()

    def derive(self, name: str, info: bytes) -> Secret:
        """HKDF-SHA-256 (RFC 5869) from the named key, 32 octets; raises `KeyError` for a name without a key.

        Extract and expand, so that no output can equal a `mac` of the same key.
        """
        kdf = HKDF(algorithm=SHA256(), length=KEY_OCTETS, salt=None, info=info)
        return Secret(kdf.derive(self._named[name].reveal()))

    def fingerprint(self, secret: Secret) -> str:
        """Identity of a seed: equal for equal secrets, 64 hex digits, tells nothing without the key."""
        return self.mac("fingerprint", secret.reveal()).hex()


def _seal(cipher: AESGCM, key_id: int, nonce: bytes, plain: bytes, row: str) -> bytes:
    header = _HEADER.pack(_FORMAT, key_id)
    return header + nonce + cipher.encrypt(nonce, plain, header + row.encode())


def _open(cipher: AESGCM, sealed: bytes, row: str) -> Secret:
    header = sealed[: _HEADER.size]
    return Secret(cipher.decrypt(sealed[_HEADER.size : _TEXT_AT], sealed[_TEXT_AT:], header + row.encode()))


def _why_closed(sealed: bytes, known: Mapping[int, int]) -> str:
    """Tell the person at the journal what to look for, without a single octet of the value."""
    if len(sealed) < _HEADER.size:
        return "the sealed value is cut short"
    version, key_id = _HEADER.unpack_from(sealed)
    if version != _FORMAT:
        return f"sealed in format {version}, this program reads format {_FORMAT}"
    if key_id not in known:
        return f"sealed with key {key_id}, which is not loaded"
    return "the sealed value was altered, cut short or moved from another row"


def _master_cipher(master: Secret) -> AESGCM:
    if len(master) != KEY_OCTETS:
        raise KeyWrong(f"The master key has {len(master)} octets and must have {KEY_OCTETS}. Give the right file.")
    return AESGCM(master.reveal())


def _key_place(key_id: int, purpose: str) -> str:
    return f"key/{key_id}/{purpose}"


def _open_key(cipher: AESGCM, row: KeyRow) -> Secret:
    try:
        return _open(cipher, row.sealed, _key_place(row.id, row.purpose))
    except (InvalidTag, ValueError):
        raise KeyWrong(
            f"The master key does not open key {row.id} ({row.purpose}) of this database. "
            "Give the key file that was made with this database, or a copy of it; "
            "a restored database needs the key file of its own time."
        ) from None
