"""Restore a backup while the server is off, so that nothing that was used since is good again.

On SQLite, what is done to the copy is done before it takes its place: what goes wrong on the way leaves everything as
it was. A PostgreSQL is put back by its own program, and then made safe where it is; doing that again does no harm.
"""

import os
import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from vestibule.apps.background import heads_file
from vestibule.apps.configuration import Configuration
from vestibule.apps.pieces import typed_methods
from vestibule.core.heads import Heads
from vestibule.core.ports import Reading
from vestibule.flows.heads import accept_rollback, current_heads
from vestibule.flows.refused import Refused
from vestibule.flows.restore import Restored, Rule, make_safe
from vestibule.stores.heads_file import read_heads, write_heads
from vestibule.stores.key_file import read_key_file
from vestibule.stores.sql import SCHEMA, SqlStore, copies, open_store, read_keys, schema_of
from vestibule.stores.sql.migrate import upgrade
from vestibule.stores.vault import Vault

CLOCK_TOLERANCE = 5.0  # seconds


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a restore did: what it made safe, which chains of the journal were behind, what it put aside."""

    taken_at: float
    restored: Restored
    gaps: int
    aside: tuple[Path, ...]


async def restore(configuration: Configuration, source: Path, *, actor: str, at: float) -> Outcome:
    """Put the backup `source` in place of the database; the caller holds the lock of the data directory.

    What was there is renamed. Raises Refused, KeyWrong, Malformed for a damaged file of heads, OSError.
    """
    heads_at, database = heads_file(configuration, os.environ), configuration.database.file
    known = read_heads(heads_at)
    fresh = database.with_name(f"{database.name}.restoring")
    copies.remove([fresh])
    try:
        taken_at = _take_copy(source, fresh, at, known)
        async with _opened(configuration, f"sqlite:///{fresh}", at) as store:
            origin = {"file": source.name, "taken_at": taken_at, "sha256": copies.digest(source)}
            restored = await make_safe(store, rules(), actor=actor, at=at, origin=origin)
            gaps = await accept_rollback(store, known, actor=actor, at=at) if known else []
            heads = await current_heads(store, at)
        aside = copies.put_in_place(fresh, database, f".before-restore-{_stamp(at)}")
    finally:
        copies.remove([fresh])
    write_heads(heads_at, heads)
    return Outcome(taken_at, restored, len(gaps), tuple(aside))


async def make_safe_in_place(configuration: Configuration, *, actor: str, at: float) -> Outcome:
    """Treat the PostgreSQL as what `pg_restore` has put back; the caller holds the lock, and no node has it open.

    Raises Refused, KeyWrong, SchemaWrong, Unavailable, Malformed for a damaged file of heads, OSError.
    """
    heads_at = heads_file(configuration, os.environ)
    known = read_heads(heads_at)
    async with _opened(configuration, configuration.database.url, at) as store:
        written_at = await store.read(_newest_line)
        _refuse_wrong_clock(at, max(written_at, known.at if known else 0.0))
        origin = {"database": "postgresql", "taken_at": written_at}
        restored = await make_safe(store, rules(), actor=actor, at=at, origin=origin)
        gaps = await accept_rollback(store, known, actor=actor, at=at) if known else []
        write_heads(heads_at, await current_heads(store, at))
    return Outcome(written_at, restored, len(gaps), ())


def _newest_line(reading: Reading) -> float:
    """When the newest line of any chain was written, 0 for an empty journal: the state is at least as young."""
    last = [reading.chain(head.chain, head.seq - 1, 1) for head in reading.chains()]
    return max((lines[0].entry.at for lines in last if lines), default=0.0)


def rules() -> Mapping[str, Rule]:
    """What a restore does to the credentials of each method, as the methods say themselves."""
    return {method.name: method.restored for method in typed_methods(bytes)}


def _take_copy(source: Path, fresh: Path, at: float, known: Heads | None) -> float:
    """Copy the backup beside the database and check it; when it was taken."""
    try:
        copies.copy_file(source, fresh)
        copies.check(fresh)
        label = copies.label_of(fresh)
    except FileNotFoundError:
        raise Refused(f"There is no file {source}.") from None
    except copies.CopyWrong as wrong:
        raise Refused(
            f"{str(wrong).replace(str(fresh), str(source))}. Nothing was changed; take another one."
        ) from None
    if "at" not in label:
        raise Refused(f"{source} was not made by: vestibule backup. A plain copy of a database is not restored.")
    _refuse_wrong_clock(at, max(float(label["at"]), known.at if known else 0.0))
    _bring_to_this_schema(fresh, source, label)
    return float(label["at"])


def _bring_to_this_schema(fresh: Path, source: Path, label: Mapping[str, str]) -> None:
    """Schemas count up; a newer one cannot be read."""
    url = f"sqlite:///{fresh}"
    found = schema_of(url) or ""
    if found > SCHEMA:
        raise Refused(
            f"{source} has schema {found} of program {label.get('program')}, and this program knows {SCHEMA} at most. "
            "Restore it with that program. Nothing was changed."
        )
    if found < SCHEMA:
        upgrade(url)


def _refuse_wrong_clock(at: float, last_seen: float) -> None:
    """Used codes are marked by the time, so the time must be right."""
    if at < last_seen - CLOCK_TOLERANCE:
        raise Refused(
            f"The clock of this machine shows {_stamp(at)}, and the server was seen running at {_stamp(last_seen)}. "
            "Set the clock first: with a wrong one, used codes could be used again. Nothing was changed."
        )


@asynccontextmanager
async def _opened(configuration: Configuration, url: str, at: float) -> AsyncIterator[SqlStore]:
    """Open the copy with this server's master key, before anyone else."""
    credentials = os.environ.get("CREDENTIALS_DIRECTORY")
    master = read_key_file(configuration.key.file, Path(credentials) if credentials else None)
    vault = Vault.open(master, read_keys(url), secrets.token_bytes)
    store = await open_store(
        url,
        vault,
        node=configuration.server.name,
        now=at,
        chance=secrets.token_bytes,
        server_address=configuration.server.address or "",
    )
    try:
        yield store
    finally:
        await store.close()


def _stamp(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y%m%dT%H%M%SZ")
