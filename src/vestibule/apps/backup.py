"""Backup while the server runs.

A backup is one file. It holds everything but the master key: without the key file of its time it opens nothing.
"""

import asyncio
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from vestibule.apps.configuration import Configuration
from vestibule.apps.pieces import Pieces
from vestibule.core.heads import Heads
from vestibule.core.journal import Entry, EntryKind
from vestibule.flows.heads import current_heads
from vestibule.flows.refused import Refused
from vestibule.stores.sql import SCHEMA, copies


@dataclass(frozen=True, slots=True)
class Backup:
    """A finished backup; `sha256` is the file's digest in hex."""

    path: Path
    at: float
    octets: int
    sha256: str


async def backup(pieces: Pieces, target: Path, *, actor: str, at: float) -> Backup:
    """Copy the database to `target`, a new file of mode 0600. Raises Refused, Unavailable, OSError."""
    _refuse_postgresql(pieces.configuration, target)
    unfinished = target.with_name(f"{target.name}.unfinished")
    _refuse_taken(target)
    _refuse_taken(unfinished)
    heads = await current_heads(pieces.store, at)
    await asyncio.to_thread(copies.reserve, unfinished)
    try:
        await pieces.store.backup(unfinished)
        await asyncio.to_thread(_finish, unfinished, _label(pieces.configuration, heads, at))
        sha256 = await asyncio.to_thread(copies.digest, unfinished)
        await asyncio.to_thread(copies.publish, unfinished, target)
    except FileExistsError:
        raise Refused(
            f"{target} came to be in the meantime, and nothing is overwritten. Choose another name."
        ) from None
    finally:
        await asyncio.to_thread(copies.remove, [unfinished])
    done = Backup(target, at, await asyncio.to_thread(os.path.getsize, target), sha256)
    await pieces.store.change(lambda writing: writing.note(_backup_line(done, actor)))
    return done


def _refuse_postgresql(configuration: Configuration, target: Path) -> None:
    """Its own program copies it consistently, and its administrator has a way for all that lies on that server."""
    if configuration.database.postgresql:
        raise Refused(
            f"A PostgreSQL is backed up by its own program, while all nodes run: pg_dump --format=custom "
            f"--file={target} DATABASE. Keep the master key {configuration.key.file} and the configuration besides, "
            "the key apart from the dump. When you have put a dump back with pg_restore, make it safe before any "
            "node starts: vestibule restore (without a file).",
            "target",
        )


def _refuse_taken(path: Path) -> None:
    if path.exists():
        raise Refused(f"There is something at {path} already, and nothing is overwritten. Choose another name.")


def _label(configuration: Configuration, heads: Heads, at: float) -> dict[str, str]:
    return {
        "at": repr(at),
        "program": version("vestibule"),
        "schema": SCHEMA,
        "server": configuration.server.name,
        "heads": json.dumps({name: [head.seq, head.mac] for name, head in heads.chains.items()}),
    }


def _finish(path: Path, label: Mapping[str, str]) -> None:
    copies.label(path, label)
    copies.check(path)


def _backup_line(done: Backup, actor: str) -> Entry:
    detail = {"file": str(done.path), "octets": done.octets, "sha256": done.sha256}
    return Entry(done.at, EntryKind.ADMINISTRATION, "backup", actor=actor, detail=detail)
