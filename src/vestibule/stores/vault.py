"""Envelope encryption: the master key seals the data keys, the data keys seal the secrets.

Rules of this file: every sealed value is bound to its place (table/row/column), its key id and its format, so a moved,
altered or foreign one is refused; a nonce is drawn afresh for each seal; a key past its limit seals nothing more. The
vault stores nothing itself: rows go out and come in as `KeyRow`. Keys change while it is open: whoever reads the table
of keys lets the vault `follow` it, so that at any moment every sealed value has its key on disk and in memory.

Sealed form: format (1 octet) | key id (4, big endian) | nonce (12) | AES-256-GCM ciphertext | tag (16).
"""

import contextlib
import hmac
import struct
from collections.abc import Callable, Iterable, Iterator, Mapping
from copy import copy
from dataclasses import dataclass, replace
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
_OLD_FILE = "is sealed under a newer master key than the key file here holds. Copy the new file here."


class KeyUnknown(Malformed):
    """A sealed value names a key that is not loaded here: it is new, or it has been retired."""


class KeyWrong(Exception):
    """The start must stop: a key is missing, damaged, badly kept or not the one. The text is for a person."""


@dataclass(frozen=True, slots=True)
class KeyRow:
    """One data key as it is stored: `id` is unique over all purposes (1 up), only the master key opens `sealed`.

    `before` is the same key under the master key before, as long as a change of the master key is not confirmed.
    """

    id: int
    purpose: str
    sealed: bytes
    before: bytes = b""


@dataclass(frozen=True, slots=True)
class _Ring:
    """The opened keys; replaced as a whole when they change, so that other threads see one state or the other."""

    sealing: dict[int, AESGCM]
    named: dict[str, Secret]
    macs: dict[str, hmac.HMAC]
    current: int
    missing: frozenset[int] = frozenset()  # keys that are stored, and that no master key at hand opens


def fresh_key(key_id: int, purpose: str, master: Secret, chance: Chance) -> KeyRow:
    """Draw a data key of 32 octets and seal it under `master`; raises `KeyWrong` if that is not 32 octets.

    `key_id` must be above every stored id. The newest key of a purpose rules; older sealing keys only read.
    """
    cipher, key = _master_cipher(master), chance(KEY_OCTETS)
    return KeyRow(key_id, purpose, _seal(cipher, _MASTER_ID, chance(_NONCE_OCTETS), key, _key_place(key_id, purpose)))


class Vault:
    """The data keys of one database, open in memory; safe to share between threads."""

    __slots__ = ("_chance", "_master", "_reread", "_ring", "_seals")

    def __init__(self, keys: Iterable[tuple[int, str, Secret]], chance: Chance, seals: Mapping[int, int]) -> None:
        """Take opened keys as (id, purpose, key), in rising id; `create` and `open` are the ways to get here."""
        self._chance = chance
        self._master: Secret | None = None
        self._reread: Callable[[], Secret] | None = None
        sealing: dict[int, AESGCM] = {}
        named: dict[str, Secret] = {}
        for key_id, purpose, key in keys:
            if purpose == SEALING:
                sealing[key_id] = AESGCM(key.reveal())
            else:
                named[purpose] = key
        macs = {name: hmac.new(key.reveal(), digestmod="sha256") for name, key in named.items()}
        self._seals: dict[int, int] = {key_id: seals.get(key_id, 0) for key_id in sealing}
        self._ring = _Ring(sealing, named, macs, max(sealing))

    @classmethod
    def create(cls, master: Secret, chance: Chance) -> tuple[Self, tuple[KeyRow, ...]]:
        """Draw all data keys of a new database; the caller stores the rows before anything is sealed.

        Raises `KeyWrong` if `master` is not 32 octets.
        """
        rows = tuple(fresh_key(key_id, purpose, master, chance) for key_id, purpose in enumerate(PURPOSES, start=1))
        return cls.open(master, rows, chance), rows

    @classmethod
    def open(
        cls,
        master: Secret,
        rows: Iterable[KeyRow],
        chance: Chance,
        seals: Mapping[int, int] | None = None,
        reread: Callable[[], Secret] | None = None,
    ) -> Self:
        """Open all stored keys; `seals` are the remembered counts per key id (see `seals`), none remembered means 0.

        `reread` gives the master key as its file holds it later. Raises `KeyWrong` when `master` does not open every
        row, or when there is no sealing key among them.
        """
        _master_cipher(master)
        keys = [(row.id, row.purpose, _open_key(master, row)) for row in sorted(rows, key=lambda row: row.id)]
        if not any(purpose == SEALING for _, purpose, _ in keys):
            raise KeyWrong(
                "The database holds no sealing key: it was never initialised, or its table of keys is lost. "
                "Initialise a new one, or restore a complete backup."
            )
        vault = cls(keys, chance, seals or {})
        vault._master, vault._reread = master, reread
        return vault

    # -- keys that change while the vault is open -----------------------------------------------------------------

    def follow(self, rows: Iterable[KeyRow], current: int = 0) -> None:
        """Take over the sealing keys as they are stored now: open what is new, forget what is gone.

        `current` is the key that seals from now on, 0 for the newest. For a key that the master key at hand does not
        open, values of that key are Unavailable here, and no others.
        """
        stored = {row.id: row for row in rows if row.purpose == SEALING}
        ring = self._ring
        sealing = {key_id: ring.sealing.get(key_id) or self._opened(row) for key_id, row in stored.items()}
        known = {key_id: cipher for key_id, cipher in sealing.items() if cipher is not None}
        for key_id in known:
            self._seals.setdefault(key_id, 0)
        missing = frozenset(stored.keys() - known.keys())
        self._ring = replace(ring, sealing=known, current=current or max(stored), missing=missing)

    def knowing(self, rows: Iterable[KeyRow]) -> "Vault":
        """A vault that opens what these rows open as well: for one look at a state that is older or newer than ours."""
        found = {row.id: self._opened(row) for row in rows if row.purpose == SEALING}
        more = {key_id: cipher for key_id, cipher in found.items() if cipher is not None}
        other = copy(self)
        other._ring = replace(self._ring, sealing={**more, **self._ring.sealing})  # noqa: SLF001 - our own copy
        return other

    def fresh(self, rows: Iterable[KeyRow]) -> KeyRow:
        """Draw the next sealing key, with an id above all stored `rows`.

        Raises `KeyWrong` when the master key at hand is not the one that they are sealed with.
        """
        stored = list(rows)
        return fresh_key(max(row.id for row in stored) + 1, SEALING, self._ruling(stored), self._chance)

    def rewrapped(self, rows: Iterable[KeyRow], master: Secret) -> tuple[KeyRow, ...]:
        """The same keys sealed under `master`, and as they were. Raises `KeyWrong` as `fresh` does."""
        stored = list(rows)
        ruling, cipher = self._ruling(stored), _master_cipher(master)
        return tuple(
            KeyRow(row.id, row.purpose, self._wrapped(cipher, _open_key(ruling, row), row), row.sealed)
            for row in stored
        )

    def take_master(self, master: Secret) -> None:
        """Hold this master key from now on."""
        self._master = master

    def _wrapped(self, cipher: AESGCM, key: Secret, row: KeyRow) -> bytes:
        nonce = self._chance(_NONCE_OCTETS)
        return _seal(cipher, _MASTER_ID, nonce, key.reveal(), _key_place(row.id, row.purpose))

    def _ruling(self, rows: Iterable[KeyRow]) -> Secret:
        """The master key that all rows are sealed with: the one at hand, or the one in its file by now."""
        stored = list(rows)
        for master in self._masters():
            if all(opens(master, row) for row in stored):
                self._master = master
                return master
        raise KeyWrong(
            "The master key was changed, and its file here is still the old one. "
            "Copy the new file here, then try again."
        )

    def _masters(self) -> Iterator[Secret]:
        """What is at hand, and only when that was not enough what the file holds; a file that is wrong gives none."""
        if self._master is not None:
            yield self._master
        if self._reread is not None:
            with contextlib.suppress(KeyWrong):
                yield self._reread()

    def _opened(self, row: KeyRow) -> AESGCM | None:
        for master in self._masters():
            with contextlib.suppress(KeyWrong):
                return AESGCM(_open_key(master, row).reveal())
        return None

    # -- values ---------------------------------------------------------------------------------------------------

    @property
    def seals(self) -> dict[int, int]:
        """How many values each sealing key has sealed; whoever stores the keys remembers it across restarts."""
        return {key_id: self._seals[key_id] for key_id in self._ring.sealing}

    @property
    def current(self) -> int:
        """Id of the key that seals from now on."""
        return self._ring.current

    def seal(self, secret: Secret, row: str) -> bytes:
        """Seal for one place `row` = "table/row id/column"; 33 octets longer than the secret.

        Raises `Unavailable` when the current key has reached `SEALS_PER_KEY`, or can not be opened here.
        """
        ring = self._ring
        if ring.current not in ring.sealing:
            raise Unavailable(f"Sealing key {ring.current} {_OLD_FILE}")
        count = self._seals[ring.current]
        if count >= SEALS_PER_KEY:
            raise Unavailable(
                f"Sealing key {ring.current} has reached its limit of {SEALS_PER_KEY} uses. "
                "Nothing was stored; make a new sealing key with: vestibule key rotate"
            )
        self._seals[ring.current] = count + 1
        return _seal(ring.sealing[ring.current], ring.current, self._chance(_NONCE_OCTETS), secret.reveal(), row)

    def open_sealed(self, sealed: bytes, row: str) -> Secret:
        """Open what was sealed for this very `row`.

        Raises `Malformed` when it was moved, altered or cut, or when its format is unknown; `KeyUnknown` for its key;
        `Unavailable` when that key is stored and can not be opened here.
        """
        ring = self._ring
        cipher = ring.sealing.get(sealed_with(sealed))
        try:
            if cipher is not None:
                return _open(cipher, sealed, row)
        except (InvalidTag, ValueError):
            pass
        if sealed_with(sealed) in ring.missing:
            raise Unavailable(f"Sealing key {sealed_with(sealed)} {_OLD_FILE}")
        raise _closed(sealed, row, ring.sealing) from None

    def mac(self, name: str, data: bytes) -> bytes:
        """HMAC-SHA-256 under the named key, 32 octets; raises `KeyError` for a name without a key."""
        mac = self._ring.macs[name].copy()
        mac.update(data)
        return mac.digest()

    def derive(self, name: str, info: bytes) -> Secret:
        """HKDF-SHA-256 (RFC 5869) from the named key, 32 octets; raises `KeyError` for a name without a key.

        Extract and expand, so that no output can equal a `mac` of the same key.
        """
        kdf = HKDF(algorithm=SHA256(), length=KEY_OCTETS, salt=None, info=info)
        return Secret(kdf.derive(self._ring.named[name].reveal()))

    def fingerprint(self, secret: Secret) -> str:
        """Identity of a seed: equal for equal secrets, 64 hex digits, tells nothing without the key."""
        return self.mac("fingerprint", secret.reveal()).hex()


def sealed_with(sealed: bytes) -> int:
    """The id of the key that sealed this value; 0, which no data key has, when it is no sealed value of this format."""
    if len(sealed) < _HEADER.size:
        return 0
    version, key_id = _HEADER.unpack_from(sealed)
    return int(key_id) if version == _FORMAT else 0


HEADER_OCTETS = _HEADER.size
"""How long the beginning is that `sealed_with` looks at."""


def opens(master: Secret, row: KeyRow) -> bool:
    """Whether `master` is the one that this row is sealed with, rather than the one before."""
    try:
        _open(_master_cipher(master), row.sealed, _key_place(row.id, row.purpose))
    except (InvalidTag, ValueError):
        return False
    return True


def _seal(cipher: AESGCM, key_id: int, nonce: bytes, plain: bytes, row: str) -> bytes:
    header = _HEADER.pack(_FORMAT, key_id)
    return header + nonce + cipher.encrypt(nonce, plain, header + row.encode())


def _open(cipher: AESGCM, sealed: bytes, row: str) -> Secret:
    header = sealed[: _HEADER.size]
    return Secret(cipher.decrypt(sealed[_HEADER.size : _TEXT_AT], sealed[_TEXT_AT:], header + row.encode()))


def _closed(sealed: bytes, row: str, known: Mapping[int, object]) -> Malformed:
    """Tell the person at the journal what to look for, without a single octet of the value."""
    if len(sealed) < _HEADER.size:
        return Malformed(f"{row}: the sealed value is cut short")
    version, key_id = _HEADER.unpack_from(sealed)
    if version != _FORMAT:
        return Malformed(f"{row}: sealed in format {version}, this program reads format {_FORMAT}")
    if key_id not in known:
        return KeyUnknown(f"{row}: sealed with key {key_id}, which is not loaded")
    return Malformed(f"{row}: the sealed value was altered, cut short or moved from another row")


def _master_cipher(master: Secret) -> AESGCM:
    if len(master) != KEY_OCTETS:
        raise KeyWrong(f"The master key has {len(master)} octets and must have {KEY_OCTETS}. Give the right file.")
    return AESGCM(master.reveal())


def _key_place(key_id: int, purpose: str) -> str:
    return f"key/{key_id}/{purpose}"


def _open_key(master: Secret, row: KeyRow) -> Secret:
    cipher = _master_cipher(master)
    for sealed in filter(None, (row.sealed, row.before)):
        with contextlib.suppress(InvalidTag, ValueError):
            return _open(cipher, sealed, _key_place(row.id, row.purpose))
    raise KeyWrong(
        f"The master key does not open key {row.id} ({row.purpose}) of this database. "
        "Give the key file that was made with this database, or a copy of it; "
        "a restored database needs the key file of its own time."
    )
