"""The journal's chain: each line carries an HMAC over itself and the line before, under a key of its own chain.

A chain begins at each process start. Personal fields enter the HMAC only as a salted digest, so that erasing them
leaves the chain valid. The head moves when the lines are committed; until then it can be taken back.
"""

import hashlib
import hmac
import json
from collections.abc import Iterable
from dataclasses import replace
from json.encoder import encode_basestring
from operator import attrgetter

from vestibule.core.journal import OPTIONAL_FIELDS, PERSONAL_FIELDS, Entry, Line

GENESIS = ""

_personal_fields = attrgetter(*PERSONAL_FIELDS)
_FLAG = {None: "", True: "1", False: "0"}


class Chain:
    """Links entries. Not thread-safe: it belongs to the one writer."""

    def __init__(self, name: str, key: bytes, seq: int = 0, mac: str = GENESIS) -> None:
        """Go on after line `seq` whose mac is `mac`; `key` is 32 octets, of this chain alone."""
        self.name = name
        self._key = key
        self._seq = seq
        self._mac = mac

    @property
    def head(self) -> tuple[int, str]:
        """The newest line's seq and mac."""
        return self._seq, self._mac

    def rewind(self, head: tuple[int, str]) -> None:
        """Take back the lines of a transaction that was not committed."""
        self._seq, self._mac = head

    def link(self, entry: Entry, shown: tuple[str, ...], salt: str) -> Line:
        """Give `entry` its place; optional personal fields that are not in `shown` are dropped for good."""
        entry = without_hidden(entry, shown)
        digest = personal_digest(entry, salt)
        self._seq += 1
        self._mac = line_mac(self._key, self._mac, (self.name, self._seq), entry, digest)
        return Line(self.name, self._seq, entry, salt, digest, self._mac)


def without_hidden(entry: Entry, shown: tuple[str, ...]) -> Entry:
    """The entry without the optional fields that this organisation does not keep."""
    if len(shown) == len(OPTIONAL_FIELDS):
        return entry
    hidden: dict[str, str] = {name: "" for name in OPTIONAL_FIELDS if name not in shown}
    return replace(entry, **hidden)  # type: ignore[arg-type]  # all of them are texts


def array(texts: Iterable[str]) -> str:
    """Texts as a canonical JSON array: no blanks, only what JSON demands is escaped."""
    return f"[{','.join([encode_basestring(text) for text in texts])}]"


def personal(entry: Entry) -> str:
    """The personal fields as a canonical JSON array, in the order of `PERSONAL_FIELDS`."""
    return array(_personal_fields(entry))


def personal_digest(entry: Entry, salt: str) -> str:
    """SHA-256 over salt and personal fields, hex."""
    return hashlib.sha256(f"{salt}{personal(entry)}".encode()).hexdigest()


def line_mac(key: bytes, previous: str, place: tuple[str, int], entry: Entry, digest: str) -> str:
    """HMAC-SHA-256 over the line before and everything in this one that can not be erased, hex.

    `place` is the chain's name and the seq.
    """
    detail = json.dumps(entry.detail, ensure_ascii=False, sort_keys=True, separators=(",", ":")) if entry.detail else ""
    fixed = (
        previous,
        place[0],
        str(place[1]),
        repr(entry.at),
        entry.kind,
        entry.action,
        entry.actor,
        entry.user_id,
        entry.client_id,
        entry.method,
        _FLAG[entry.accepted],
        entry.reason or "",
        entry.result,
        entry.rule,
        entry.attempt_id,
        entry.credential_id,
        detail,
        digest,
    )
    return hmac.digest(key, array(fixed).encode(), "sha256").hex()


def first_fault(lines: Iterable[Line], key: bytes, previous: str, expected_seq: int) -> str | None:
    """What is wrong with the first line that does not fit, or None. `previous` is the mac before the first line."""
    for line in lines:
        where = f"chain {line.chain} line {line.seq}"
        if line.seq != expected_seq:
            return f"{where}: line {expected_seq} is missing or out of order"
        if not line.erased and personal_digest(line.entry, line.salt) != line.personal_digest:
            return f"{where}: personal fields were changed"
        mac = line_mac(key, previous, (line.chain, line.seq), line.entry, line.personal_digest)
        if not hmac.compare_digest(mac, line.mac):
            return f"{where}: was changed"
        previous, expected_seq = line.mac, expected_seq + 1
    return None
