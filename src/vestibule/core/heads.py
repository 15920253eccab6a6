"""The heads of all journal chains, kept where the database is not: what shows that an old database was put back.

A chain alone proves that no line in it was changed, removed or moved. That its end was not cut off, or that the whole
database is not an older copy, shows only in a head that is known from elsewhere.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from vestibule.core.journal import Line
from vestibule.core.ports import ChainHead


class Chains(Protocol):
    """What is asked of a journal here: two questions of `core.ports.Reading`."""

    def chains(self) -> list[ChainHead]:
        """All chains with their newest line."""

    def chain(self, chain: str, after: int, limit: int) -> list[Line]:
        """Up to `limit` lines of one chain with seq above `after`, in order."""


@dataclass(frozen=True, slots=True)
class Head:
    """The newest line of one chain that was ever seen: its seq and its mac."""

    seq: int
    mac: str


@dataclass(frozen=True, slots=True)
class Heads:
    """All heads as they were seen `at` (seconds since the epoch), by chain."""

    at: float
    chains: Mapping[str, Head] = field(default_factory=dict)


class Fault(StrEnum):
    """How a chain differs from its known head."""

    MISSING = "missing"  # the chain is not there
    SHORTER = "shorter"  # it ends before its head
    CHANGED = "changed"  # another line stands where its head was


@dataclass(frozen=True, slots=True)
class Gap:
    """One chain that is not what it was; `found_seq` is where it ends now, 0 when it is missing."""

    chain: str
    fault: Fault
    known: Head
    found_seq: int = 0

    @property
    def explained(self) -> str:
        """What is wrong, for a person."""
        line = f"line {self.known.seq} of chain {self.chain}"
        match self.fault:
            case Fault.MISSING:
                return f"{line} was written, and the chain is missing"
            case Fault.SHORTER:
                return f"{line} was written, and the chain ends at line {self.found_seq}"
            case Fault.CHANGED:
                return f"{line} is another one than was written"


def heads_of(reading: Chains, at: float) -> Heads:
    """The heads as they are now."""
    return Heads(at, {one.chain: Head(one.seq, one.mac) for one in reading.chains()})


def gaps(known: Heads, reading: Chains) -> list[Gap]:
    """Every chain that lost or changed what was known of it; what retention pruned is not lost."""
    found = {one.chain: one for one in reading.chains()}
    compared = [_gap(chain, head, found.get(chain), reading) for chain, head in known.chains.items()]
    return [gap for gap in compared if gap]


def _gap(chain: str, known: Head, found: ChainHead | None, reading: Chains) -> Gap | None:
    if found is None:
        return Gap(chain, Fault.MISSING, known)
    if found.seq < known.seq:
        return Gap(chain, Fault.SHORTER, known, found.seq)
    mac = _mac_at(known, found, reading)
    return None if mac in (None, known.mac) else Gap(chain, Fault.CHANGED, known, found.seq)


def _mac_at(known: Head, found: ChainHead, reading: Chains) -> str | None:
    """What the chain has at the known head's place; None where that line was pruned with others behind it."""
    if known.seq < found.first_seq:
        return found.first_previous_mac if known.seq == found.first_seq - 1 else None
    lines = reading.chain(found.chain, known.seq - 1, 1)
    return lines[0].mac if lines and lines[0].seq == known.seq else ""
