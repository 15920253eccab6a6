"""A new data directory, a new master key and a new database, or nothing at all; or a further node of a PostgreSQL."""

import asyncio
import os
import secrets
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from vestibule.apps.background import heads_file
from vestibule.apps.cli.exits import Code, Stop
from vestibule.apps.cli.lock import locked
from vestibule.apps.cli.start import check_files, told
from vestibule.apps.configuration import Configuration
from vestibule.apps.pieces import put_together
from vestibule.core.errors import Unavailable
from vestibule.core.journal import Entry, EntryKind
from vestibule.core.ports import Writing
from vestibule.flows.heads import current_heads
from vestibule.frontends.control.door import actor_of
from vestibule.stores.heads_file import write_heads
from vestibule.stores.key_file import create_key_file
from vestibule.stores.sql.at_once import is_postgresql
from vestibule.stores.sql.beginning import NotFirst, add_first_keys, in_use, take_back
from vestibule.stores.sql.migrate import upgrade
from vestibule.stores.vault import KeyRow, Vault


def begin(configuration: Configuration) -> bool:
    """Make everything and note it in the journal; or join the nodes that use the PostgreSQL, and then False.

    Raises Stop, with nothing left behind.
    """
    with told():
        joins = configuration.database.postgresql and in_use(configuration.database.url)
    (_refuse_to_join if joins else _refuse_second_time)(configuration)
    _make_directory(configuration.data_directory)
    check_files(configuration)
    with told(), locked(configuration.data_directory):
        if joins:
            asyncio.run(_note(configuration, "system.join"))
        else:
            _refuse_second_time(configuration)
            _fill(configuration)
    return not joins


class _HalfMade(Stop):
    """What was made could not be taken back, so that the rest must stay, too."""


def _database_files(configuration: Configuration) -> tuple[Path, ...]:
    return () if configuration.database.postgresql else (configuration.database.file,)


def _fill(configuration: Configuration) -> None:
    url, key = configuration.database.url, configuration.key.file
    with _undone(*_database_files(configuration)):
        upgrade(url)
        master = create_key_file(key, secrets.token_bytes)
        with _undone(key):
            _, rows = Vault.create(master, secrets.token_bytes)
            with _first_keys(url, rows):
                asyncio.run(_note(configuration, "system.init"))


@contextmanager
def _first_keys(url: str, rows: Sequence[KeyRow]) -> Iterator[None]:
    """Put the data keys in, and take them out again when a later step fails: an SQLite goes as a whole."""
    try:
        add_first_keys(url, rows)
    except NotFirst:
        raise Stop("Another node has begun to use the database just now. Nothing was changed; try again.") from None
    try:
        yield
    except BaseException:
        if is_postgresql(url):
            _take_back(url, rows)
        raise


def _take_back(url: str, rows: Sequence[KeyRow]) -> None:
    try:
        take_back(url, rows)
    except Unavailable as unavailable:
        raise _HalfMade(
            f"{unavailable}, and it is half made. Keep the master key; when it is back, go on with: vestibule init",
            Code.UNAVAILABLE,
        ) from None


def _refuse_second_time(configuration: Configuration) -> None:
    databases = [(file, "database") for file in _database_files(configuration)]
    for path, what in (*databases, (configuration.key.file, "master key")):
        if path.exists():
            raise Stop(
                f"There is a {what} already: {path}. Nothing was changed, for nothing is ever overwritten. To begin "
                "anew, move it away first; to use it, run: vestibule serve"
            )


def _refuse_to_join(configuration: Configuration) -> None:
    """A further node brings the master key of the others, and comes once."""
    key = configuration.key.file
    if not key.exists():
        raise Stop(
            "The PostgreSQL database is in use by Vestibule already. To let this machine join it as a further node, "
            f"copy the master key of the others to {key} (mode 0600) and try again. To begin anew, name another "
            "database in database.url.",
        )
    heads = heads_file(configuration, os.environ)
    if heads.exists():
        raise Stop(
            f"This node uses the PostgreSQL database already, as {heads} tells. Nothing was changed. Run: "
            "vestibule serve"
        )


def _make_directory(directory: Path) -> None:
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise Stop(
            f"The data directory {directory} cannot be made: {error.strerror}. Run as root, or name another place in "
            "data_directory.",
            Code.USAGE,
        ) from None


@contextmanager
def _undone(*made: Path) -> Iterator[None]:
    """Take away what was made here when a later step fails."""
    try:
        yield
    except _HalfMade:
        raise
    except BaseException:
        for path in made:
            for ending in ("", "-wal", "-shm"):
                path.with_name(f"{path.name}{ending}").unlink(missing_ok=True)
        raise


async def _note(configuration: Configuration, action: str) -> None:
    """Begin the journal, and remember where it stands, so that its loss is seen from the first day."""
    pieces = await put_together(configuration)

    def note(writing: Writing) -> None:
        writing.note(Entry(time.time(), EntryKind.SYSTEM, action, actor=actor_of(os.geteuid())))

    try:
        await pieces.store.change(note)
        write_heads(heads_file(configuration, os.environ), await current_heads(pieces.store, time.time()))
    finally:
        await pieces.close()
