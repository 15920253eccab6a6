"""Files: who can read them, and whether the heads of the journal are kept."""

import os
import stat
from collections.abc import Iterator, Mapping
from itertools import chain
from pathlib import Path

from vestibule.apps.background import heads_file
from vestibule.apps.configuration import Configuration, locate
from vestibule.apps.doctor.findings import Finding, Level
from vestibule.stores.heads_file import heads_path
from vestibule.stores.key_file import badly_kept

OTHERS = 0o077
OTHERS_WRITE = 0o022


def findings(configuration: Configuration, environment: Mapping[str, str]) -> Iterator[Finding]:
    """Look at modes and places."""
    heads = heads_file(configuration, environment)
    private = [configuration.data_directory, *configuration.database.files, heads]
    yield from chain.from_iterable(map(_private, private))
    yield from _key(configuration.key.file, environment)
    yield from _unwritable(locate(None, environment))
    yield from _heads(configuration, heads)


def _private(path: Path) -> Iterator[Finding]:
    status = _status(path)
    if status is not None and status.st_mode & OTHERS:
        mode = "700" if stat.S_ISDIR(status.st_mode) else "600"
        yield Finding(
            Level.ERROR, f"{path} is open to other users (mode {_mode(status)}).", f"Close it with: chmod {mode} {path}"
        )


def _key(path: Path, environment: Mapping[str, str]) -> Iterator[Finding]:
    status = _status(path)
    if status is None:
        yield Finding(
            Level.ERROR, f"There is no master key at {path}, or it cannot be reached.", "Put the key file there."
        )
        return
    handed_over = environment.get("CREDENTIALS_DIRECTORY")
    owner = status.st_uid if os.geteuid() == 0 else os.geteuid()  # root looks for the server's user
    credential = bool(handed_over) and path.is_relative_to(handed_over or "")
    complaint = badly_kept(status, owner, credential=credential)
    if complaint:
        yield Finding(Level.ERROR, f"The master key {path} {complaint} {path}")


def _unwritable(path: Path | None) -> Iterator[Finding]:
    status = _status(path) if path else None
    if status is not None and status.st_mode & OTHERS_WRITE:
        yield Finding(
            Level.ERROR,
            f"The configuration {path} can be changed by others (mode {_mode(status)}).",
            f"Close it with: chmod go-w {path}",
        )


def _heads(configuration: Configuration, heads: Path) -> Iterator[Finding]:
    if heads != heads_path(configuration.key.file):
        yield Finding(
            Level.NOTE,
            f"The journal's heads lie in the data directory ({heads}), since the key's place cannot be written to.",
            "If the whole data directory is put back, the journal cannot show it; copy that file elsewhere, often.",
        )
    if _status(heads) is None and _begun(configuration):
        yield Finding(
            Level.WARNING,
            f"There are no heads of the journal at {heads}, so a cut at its end would not show.",
            "A running server writes them every minute; if it cannot, /metrics counts vestibule_upkeep_failed.",
        )


def _begun(configuration: Configuration) -> bool:
    """Whether there is a database whose journal could be cut."""
    return configuration.database.postgresql or _status(configuration.database.file) is not None


def _status(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    except OSError:
        return None


def _mode(status: os.stat_result) -> str:
    return f"{stat.S_IMODE(status.st_mode):04o}"
