"""Replace the master key: the data keys are sealed anew under a new one, and its file takes the place of the old.

Rules of this file: a kill between any two steps leaves a system that starts, and doing it again goes on from there. The
new key is on disk before the database knows of it; until the change is confirmed, the database opens with either file,
so that other nodes can be given the new one at leisure; the old file is renamed and never deleted.
"""

import asyncio
import os
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from vestibule.core.journal import Entry, EntryKind
from vestibule.core.secret import Secret
from vestibule.flows.refused import Refused
from vestibule.stores.key_file import create_key_file, next_of, put_in_force, read_key_file
from vestibule.stores.sql.keyring import Keyring


@dataclass(frozen=True, slots=True)
class Changed:
    """Where the new key lies, where the old one was put (None if it was done before), since when both open."""

    file: Path
    aside: Path | None
    since: float


async def change(keyring: Keyring, file: Path, *, actor: str, at: Callable[[], float]) -> Changed:
    """Make a new master key and put it in force, or go on where an earlier run was cut off.

    Raises Refused, KeyWrong, OSError for a directory that can not be written to.
    """
    place = _writable(file)
    fresh = next_of(place)
    since = await keyring.master_changed_at()
    if since is None:
        since = at()
        await keyring.change_master(
            await asyncio.to_thread(_next_key, fresh), since, _line("key.master_changed", actor, since)
        )
    if await keyring.ruled_by(await asyncio.to_thread(read_key_file, place)):
        return Changed(place, None, since)
    if not fresh.exists() or not await keyring.ruled_by(await asyncio.to_thread(read_key_file, fresh)):
        raise Refused(
            f"The master key was changed on another node, and {place} is still the old one. Copy the new file from "
            "there to this place. Nothing was changed."
        )
    aside = place.with_name(f"{place.name}.before-{_stamp(since)}")
    await asyncio.to_thread(put_in_force, fresh, place, aside)
    return Changed(place, aside, since)


async def confirm(keyring: Keyring, file: Path, *, actor: str, at: float) -> bool:
    """Let the old master key open nothing any more; whether there was anything to confirm. Raises Refused, KeyWrong."""
    if await keyring.master_changed_at() is None:
        return False
    if not await keyring.ruled_by(await asyncio.to_thread(read_key_file, file)):
        raise Refused(
            f"{file} is still the old master key, and after this it would open nothing. Finish the change first with: "
            "vestibule key rotate --master"
        )
    return await keyring.confirm_master(_line("key.master_confirmed", actor, at))


def _writable(file: Path) -> Path:
    """The place of the file itself: a link goes on pointing to it. Raises Refused for what systemd hands over."""
    handed_over = os.environ.get("CREDENTIALS_DIRECTORY")
    place = file.resolve()
    if handed_over and place.is_relative_to(Path(handed_over).resolve()):
        raise Refused(
            "systemd hands the master key over, and this copy of it can not be replaced. Stop the server and run this "
            "with VESTIBULE_KEY_FILE set to the file that LoadCredential names. Nothing was changed."
        )
    return place


def _next_key(fresh: Path) -> Secret:
    """The new key on disk: one that an earlier run has made, or another."""
    return read_key_file(fresh) if fresh.exists() else create_key_file(fresh, secrets.token_bytes)


def _line(action: str, actor: str, at: float) -> Entry:
    return Entry(at, EntryKind.ADMINISTRATION, action, actor=actor)


def _stamp(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y%m%dT%H%M%SZ")
