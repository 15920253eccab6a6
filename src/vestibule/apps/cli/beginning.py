"""A new data directory, a new master key and a new database, or nothing at all."""

import asyncio
import os
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from vestibule.apps.background import heads_file
from vestibule.apps.cli.exits import Code, Stop
from vestibule.apps.cli.lock import locked
from vestibule.apps.cli.start import check_files, told
from vestibule.apps.configuration import Configuration
from vestibule.apps.pieces import put_together
from vestibule.core.journal import Entry, EntryKind
from vestibule.core.ports import Writing
from vestibule.flows.heads import current_heads
from vestibule.frontends.control.door import actor_of
from vestibule.stores.heads_file import write_heads
from vestibule.stores.key_file import create_key_file
from vestibule.stores.sql import add_keys
from vestibule.stores.sql.migrate import upgrade
from vestibule.stores.vault import Vault


def begin(configuration: Configuration) -> None:
    """Make everything and note it in the journal. Raises Stop, with nothing left behind."""
    _refuse_second_time(configuration)
    _make_directory(configuration.data_directory)
    check_files(configuration)
    with told(), locked(configuration.data_directory):
        _refuse_second_time(configuration)
        _fill(configuration)


def _fill(configuration: Configuration) -> None:
    url, key = configuration.database.url, configuration.key.file
    with _undone(configuration.database.file):
        upgrade(url)
        master = create_key_file(key, secrets.token_bytes)
        with _undone(key):
            _, rows = Vault.create(master, secrets.token_bytes)
            add_keys(url, rows)
            asyncio.run(_note(configuration))


def _refuse_second_time(configuration: Configuration) -> None:
    for path, what in ((configuration.database.file, "database"), (configuration.key.file, "master key")):
        if path.exists():
            raise Stop(
                f"There is a {what} already: {path}. Nothing was changed, for nothing is ever overwritten. To begin "
                "anew, move it away first; to use it, run: vestibule serve"
            )
    if configuration.key.file.is_relative_to(configuration.data_directory):
        raise Stop(
            f"The master key {configuration.key.file} would lie in the data directory, and every copy of the data "
            "would hold its key. Name another place in key.file.",
            Code.USAGE,
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
def _undone(made: Path) -> Iterator[None]:
    """Take away what was made here when a later step fails."""
    try:
        yield
    except BaseException:
        for path in (made, made.with_name(f"{made.name}-wal"), made.with_name(f"{made.name}-shm")):
            path.unlink(missing_ok=True)
        raise


async def _note(configuration: Configuration) -> None:
    """Begin the journal, and remember where it stands, so that its loss is seen from the first day."""
    pieces = await put_together(configuration)

    def note(writing: Writing) -> None:
        writing.note(Entry(time.time(), EntryKind.SYSTEM, "system.init", actor=actor_of(os.geteuid())))

    try:
        await pieces.store.change(note)
        write_heads(heads_file(configuration, os.environ), await current_heads(pieces.store, time.time()))
    finally:
        await pieces.close()
