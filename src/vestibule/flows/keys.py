"""Keys: seal everything anew with a fresh key while sign-ins go on, and tell which keys there are.

Rules of this file: whatever is done is done in slices, and the database knows after each where to go on; so a rotation
that was cut off anywhere is continued by asking for it again. The old key goes last.
"""

from collections.abc import Callable
from dataclasses import asdict
from typing import Protocol

from vestibule.core.journal import Entry
from vestibule.core.keys import KeyVersion, Rotation
from vestibule.flows.desk import SLICE, Desk, Progress, Told, quiet
from vestibule.flows.refused import Missing, Refused

SEALING = "seal"
FRESH_SECONDS = 3600.0

EntryOf = Callable[[Rotation], Entry]


class Keyring(Protocol):
    """The keys of the store. Each call that changes something is one slice, and can be done again."""

    async def versions(self) -> tuple[KeyVersion, ...]:
        """All data keys, with the rows that each has sealed; those of a key that is gone have no purpose."""

    async def rotation(self) -> Rotation | None:
        """The rotation that is under way."""

    async def master_changed_at(self) -> float | None:
        """Since when a change of the master key waits to be confirmed."""

    async def begin(self, at: float, entry: EntryOf) -> Rotation | None:
        """Store a new key that nobody seals with yet; None while a change of the master key is not confirmed."""

    async def switch(self) -> None:
        """Let the newest key seal from now on."""

    async def seal_anew(self, at: float, limit: int) -> Rotation | None:
        """Seal up to `limit` rows anew; None when no rotation is under way."""

    async def retire(self, entry: EntryOf) -> Rotation | None:
        """Remove the old keys, and give None; where rows refer to them, give a walk that begins anew."""

    async def discard(self, table: str, row_id: str, entry: Entry) -> bool | None:
        """Remove a row that does not open; False for one that opens and stays, None when there is none."""


async def status(keyring: Keyring, desk: Desk, actor: str) -> Told:  # noqa: ARG001 - every flow is told who asks
    """Which keys there are, how old they are, what they have sealed, and what is under way."""
    versions = await keyring.versions()
    rotation = await keyring.rotation()
    return {
        "keys": [asdict(one) for one in versions if one.purpose],
        "unreadable": [{"key": one.id, "rows": dict(one.rows)} for one in versions if not one.purpose],
        "rotation": None if rotation is None else _told(rotation),
        "master_changed_at": await keyring.master_changed_at(),
        "now": desk.clock(),
    }


async def rotate(
    keyring: Keyring,
    desk: Desk,
    actor: str,
    *,
    again: bool = False,
    progress: Progress = quiet,
    slice_rows: int = SLICE,
) -> Told:
    """Continue the rotation that is under way, or begin one, and bring it to its end.

    A key that is younger than an hour is left alone, so that asking twice does no harm, unless `again` is true. Raises
    Refused when rows do not open: the old key stays for them.
    """
    rotation = await keyring.rotation()
    if rotation is None:
        newest = max((one for one in await keyring.versions() if one.purpose == SEALING), key=lambda one: one.id)
        if not again and newest.made_at is not None and 0 <= desk.clock() - newest.made_at < FRESH_SECONDS:
            return {"rotated": False, "key": newest.id, "made_at": newest.made_at, "sealed_anew": 0, "retired": []}
        rotation = await keyring.begin(desk.clock(), lambda begun: _began(desk, actor, begun))
    if rotation is None:
        raise Refused(
            "A change of the master key waits to be confirmed, and not every node may have the new file yet. When all "
            "have it, confirm with: vestibule key rotate --master --finish"
        )
    await keyring.switch()
    done = await _walk(keyring, desk, actor, rotation, progress, slice_rows)
    return {
        "rotated": True,
        "key": rotation.to,
        "made_at": rotation.begun_at,
        "sealed_anew": done,
        "retired": list(rotation.replaces),
    }


async def discard(keyring: Keyring, desk: Desk, actor: str, *, row: str) -> Told:
    """Remove a row whose sealed value does not open, named as table/id: what it held is lost already."""
    table, _, row_id = row.partition("/")
    done = await keyring.discard(table, row_id, desk.entry("row.discarded", actor, row=row))
    if done is None:
        raise Missing(f"There is no sealed row {row}. Write table/id, such as clients/vpn or seeds/0a1b.", "row")
    if not done:
        raise Refused(f"{row} opens, so it is not removed here. Remove it by its own command.", "row")
    return {"discarded": row}


async def _walk(  # noqa: PLR0917 - what `rotate` was given
    keyring: Keyring, desk: Desk, actor: str, rotation: Rotation, progress: Progress, slice_rows: int
) -> int:
    """Walk all tables until no row refers to an old key, and retire it; how many rows were sealed anew in all.

    What was sealed meanwhile by somebody who had not heard of the new key takes another walk.
    """
    at: Rotation | None = rotation
    while at is not None:
        before = at
        while at is not None and at.table:
            rotation, at = at, await keyring.seal_anew(desk.clock(), slice_rows)
            if at is not None:
                progress(at.done, max(at.total, at.done))
        if at is None:
            return rotation.done  # somebody else has finished it
        rotation, at = at, await keyring.retire(lambda ended: _ended(desk, actor, ended))
        if at is not None and before.table and rotation.done == before.done:
            raise Refused(_stuck(rotation))
    return rotation.done


def _stuck(rotation: Rotation) -> str:
    named = "; ".join(rotation.refused) or "rows that came in meanwhile"
    more = (
        f"; and {rotation.refusals - len(rotation.refused)} more" if rotation.refusals > len(rotation.refused) else ""
    )
    keys = ", ".join(map(str, rotation.replaces))
    return (
        f"All rows that open are sealed with key {rotation.to}, but some do not open: {named}{more}. "
        f"So key {keys} stays. Restore them, or remove each with: vestibule key discard TABLE/ID. Then run this again."
    )


def _began(desk: Desk, actor: str, rotation: Rotation) -> Entry:
    detail = {"key": rotation.to, "replaces": list(rotation.replaces), "rows": rotation.total}
    return desk.entry("key.rotation_began", actor, **detail)


def _ended(desk: Desk, actor: str, rotation: Rotation) -> Entry:
    detail = {"key": rotation.to, "retired": list(rotation.replaces), "rows": rotation.done}
    return desk.entry("key.rotated", actor, **detail)


def _told(rotation: Rotation) -> Told:
    return {
        "to": rotation.to,
        "replaces": list(rotation.replaces),
        "begun_at": rotation.begun_at,
        "done": rotation.done,
        "total": rotation.total,
        "refused": list(rotation.refused),
    }
