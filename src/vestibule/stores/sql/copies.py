"""A copy of the database as one file: finished with a label inside, checked before it is trusted, put in place.

Rules of this file: a copy is never half there under its own name, nothing is overwritten, and what a copy replaces is
renamed, not deleted.
"""

import hashlib
import os
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path

from vestibule.stores.heads_file import give_to_owner, sync_directory

BESIDE = ("", "-wal", "-shm")  # what SQLite keeps a database in
LABEL = "backup."
CHUNK = 1 << 20


class CopyWrong(Exception):
    """The file is no intact copy of a database; the text says what was found."""


def reserve(path: Path) -> None:
    """Make an empty file, mode 0600. Raises FileExistsError."""
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600))


def label(path: Path, values: Mapping[str, str]) -> None:
    """Write `values` into the copy, as rows of its table `state`."""
    with _opened(path) as connection:
        rows = [(LABEL + name, value) for name, value in values.items()]
        connection.executemany("INSERT OR REPLACE INTO state (name, value) VALUES (?, ?)", rows)


def label_of(path: Path) -> dict[str, str]:
    """What `label` wrote; empty for a file that is no labelled copy. Raises CopyWrong."""
    with _opened(path) as connection:
        rows = connection.execute("SELECT name, value FROM state WHERE name LIKE 'backup.%'").fetchall()
    return {name.removeprefix(LABEL): value for name, value in rows if value}


def check(path: Path) -> None:
    """Let SQLite look at every page. Raises CopyWrong."""
    with _opened(path) as connection:
        found = [row[0] for row in connection.execute("PRAGMA integrity_check(3)")]
    if found != ["ok"]:
        raise CopyWrong(f"{path} is damaged: {'; '.join(found)}")


def digest(path: Path) -> str:
    """SHA-256 of the file, hex."""
    found = hashlib.sha256()
    with path.open("rb") as opened:
        while chunk := opened.read(CHUNK):
            found.update(chunk)
    return found.hexdigest()


def publish(finished: Path, target: Path) -> None:
    """Give the finished copy its name, on disk. Raises FileExistsError when the name is taken."""
    _sync_file(finished)
    try:
        os.link(finished, target)
    except FileExistsError:
        raise
    except OSError:  # a file system without links, as on a memory stick
        if target.exists():
            raise FileExistsError(target) from None
        finished.rename(target)
    else:
        finished.unlink()
    sync_directory(target.parent)


def copy_file(source: Path, target: Path) -> None:
    """Copy to a new file, mode 0600, that belongs to whom its directory belongs. Raises OSError."""
    reserve(target)
    with source.open("rb") as opened, target.open("wb") as copy:
        while chunk := opened.read(CHUNK):
            copy.write(chunk)
        give_to_owner(copy.fileno(), target.parent)


def put_in_place(fresh: Path, database: Path, ending: str) -> list[Path]:
    """Rename what is at `database` (its log too) by `ending`, then let `fresh` take its place; what was put aside.

    `fresh` must be closed, with nothing in a log of its own. A crash between the two leaves no database rather than one
    with another's log; doing it again completes it.
    """
    if fresh.with_name(f"{fresh.name}-wal").exists():
        raise CopyWrong(f"{fresh} is still open, or was not closed in order")
    _sync_file(fresh)
    aside = list(_put_aside(database, ending))
    fresh.rename(database)
    sync_directory(database.parent)
    return aside


def remove(paths: Iterable[Path]) -> None:
    """Remove copies that were not finished, with what SQLite put beside them."""
    for path in paths:
        for ending in BESIDE:
            path.with_name(path.name + ending).unlink(missing_ok=True)


def _put_aside(database: Path, ending: str) -> Iterator[Path]:
    for suffix in BESIDE:
        old = database.with_name(database.name + suffix)
        if old.exists():
            yield old.rename(database.with_name(f"{database.name}{ending}{suffix}"))


@contextmanager
def _opened(path: Path) -> Iterator[sqlite3.Connection]:
    try:
        with closing(sqlite3.connect(path)) as connection, connection:
            yield connection
    except sqlite3.DatabaseError as error:
        raise CopyWrong(f"{path} is not a database of Vestibule, or it is damaged: {error}") from None


def _sync_file(path: Path) -> None:
    file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(file)
    finally:
        os.close(file)
