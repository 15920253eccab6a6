"""Heads: remember how far the journal has come, and refuse a database that is behind what is remembered."""

from vestibule.core.heads import Gap, Heads, gaps, heads_of
from vestibule.core.journal import Entry, EntryKind
from vestibule.core.ports import Store, Writing

TOLD = 3  # gaps that the text names


class RolledBack(Exception):
    """The start must stop: the database is older than what is known of its journal. The text is for a person."""


async def current_heads(store: Store, at: float) -> Heads:
    """The heads to remember."""
    return await store.read(lambda reading: heads_of(reading, at))


async def require_whole(store: Store, known: Heads | None) -> None:
    """Raise RolledBack when the journal lacks anything that `known` tells of."""
    if known is None:
        return
    found = await store.read(lambda reading: gaps(known, reading))
    if found:
        raise RolledBack(_explained(found))


async def accept_rollback(store: Store, known: Heads, *, actor: str, at: float) -> list[Gap]:
    """Journal every gap and who accepted it; the caller then remembers `current_heads` in place of `known`."""

    def act(writing: Writing) -> list[Gap]:
        found = gaps(known, writing)
        for gap in found:
            writing.note(_line(gap, actor, at))
        return found

    return await store.change(act)


def _line(gap: Gap, actor: str, at: float) -> Entry:
    detail = {
        "chain": gap.chain,
        "fault": gap.fault.value,
        "known_seq": gap.known.seq,
        "known_mac": gap.known.mac,
        "found_seq": gap.found_seq,
    }
    return Entry(at, EntryKind.ADMINISTRATION, "journal.rollback_accepted", actor=actor, detail=detail)


def _explained(found: list[Gap]) -> str:
    told = "; ".join(gap.explained for gap in found[:TOLD]) + ("; and more" if len(found) > TOLD else "")
    return (
        f"The database is older than its journal is known to be, or lines were taken out of it: {told}. "
        "With an old database, codes that were used since could be used again, and blocks set since would be gone. "
        "If this is a backup, put it in place with: vestibule restore (it marks used codes as used). "
        "If lines were lost for a reason that you know, accept it with: vestibule journal accept-rollback"
    )
