"""The master key as a file of one line: `vestibule-master-key-1:` base64 of 32 octets `:` 8 hex digits of checksum.

Rules of this file: it is written once and never overwritten; nobody but its owner may read it; what is wrong with it is
told before anything else starts, with the cure. A new key takes its place in one step, and the old one keeps another
name. The checksum only finds damage, it protects nothing.
"""

import base64
import hashlib
import os
import stat
from collections.abc import Callable
from pathlib import Path

from vestibule.core.secret import Secret
from vestibule.stores.vault import KEY_OCTETS, KeyWrong

_PREFIX = "vestibule-master-key-1:"
_CHECK_DIGITS = 8
_LONGEST = 1024


def create_key_file(path: Path, chance: Callable[[int], bytes]) -> Secret:
    """Draw a master key and write it, mode 0600, on disk before this returns; a missing directory is made, mode 0700.

    Raises `KeyWrong` if there is a file already, `OSError` if the disk refuses (nothing is left behind then).
    """
    key = Secret(chance(KEY_OCTETS))
    _make_directory(path.parent)
    try:
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except FileExistsError:
        raise KeyWrong(
            f"{path} exists already and is never overwritten, for it may be the only key to a database. "
            "Move it away, or choose another place."
        ) from None
    try:
        _write(file, f"{_line(key)}\n".encode())
        _sync_directory(path.parent)
    except OSError:
        path.unlink()
        raise
    return key


def read_key_file(path: Path, credentials: Path | None = None) -> Secret:
    """Read the master key, 32 octets; symbolic links are followed.

    `credentials` is systemd's $CREDENTIALS_DIRECTORY, where files of root with mode 0400 or 0440 are in order.
    Raises `KeyWrong` when the file is missing, unreadable, owned by another, open to others, damaged or no key file.
    """
    try:
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except FileNotFoundError:
        raise KeyWrong(
            f"There is no master key at {path}. Put the key file of this database there, or name its place "
            "in the configuration; only a new database gets a new key."
        ) from None
    except OSError as error:
        raise KeyWrong(f"The master key {path} cannot be opened: {error.strerror}.") from None
    try:
        complaint = badly_kept(os.fstat(file), os.geteuid(), credential=_within(path, credentials))
        if complaint:
            raise KeyWrong(f"The master key {path} {complaint}")
        return _key(os.read(file, _LONGEST), path)
    finally:
        os.close(file)


def next_of(path: Path) -> Path:
    """Where the key that will replace the one at `path` waits."""
    return path.with_name(f"{path.name}.next")


def put_in_force(fresh: Path, path: Path, aside: Path) -> None:
    """Give the old key the name `aside` and let `fresh` take its place; at any moment there is a key at `path`.

    Whoever owned the old file owns the new one. It can be done again after a crash. Raises KeyWrong when another key
    has the name `aside`, OSError.
    """
    if not aside.exists():
        _keep(path, aside)
    elif aside.read_bytes() != path.read_bytes():
        raise KeyWrong(f"{aside} exists already and is never overwritten. Move it away, then do this again.")
    owner = path.stat()
    if os.geteuid() == 0:
        os.chown(fresh, owner.st_uid, owner.st_gid)
    fresh.replace(path)
    _sync_directory(path.parent)


def _keep(path: Path, aside: Path) -> None:
    """Give the file a second name, or copy it where the file system knows no second names."""
    try:
        os.link(path, aside)
    except OSError:
        file = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        _write(file, path.read_bytes())
    _sync_directory(path.parent)


def badly_kept(status: os.stat_result, user: int, *, credential: bool) -> str | None:
    """Say what is wrong with the type, owner or mode of a key file that `user` (effective uid) reads, and the cure.

    `credential` is true for a file that systemd hands over. None means that it is kept well.
    """
    mode = stat.S_IMODE(status.st_mode)
    if not stat.S_ISREG(status.st_mode):
        return "is not a file. Give the path of the key file itself."
    if credential and status.st_uid == 0 and mode in (0o400, 0o440):
        return None
    if status.st_uid != user:
        return f"belongs to user id {status.st_uid}, and the program runs as {user}. Give it away with: chown {user}"
    if mode & 0o077:
        return f"can be read by others (mode {mode:04o}). Close it with: chmod 600"
    return None


def _line(key: Secret) -> str:
    """The one spelling of a key; any other is damage."""
    return f"{_PREFIX}{base64.b64encode(key.reveal()).decode()}:{_checksum(key)}"


def _key(content: bytes, path: Path) -> Secret:
    """Take the line apart; whatever is wrong, the message holds no part of it."""
    line = content.decode("ascii", errors="replace").strip()
    if not line.startswith(_PREFIX):
        raise KeyWrong(f"{path} is not a master key: it does not begin with {_PREFIX!r}. Check the configured path.")
    try:
        key = Secret(base64.b64decode(line.removeprefix(_PREFIX).partition(":")[0], validate=True))
    except ValueError:
        key = Secret(b"")
    if len(key) != KEY_OCTETS or line != _line(key):
        raise KeyWrong(f"The master key {path} is damaged or cut short. Put a complete copy in its place.")
    return key


def _checksum(key: Secret) -> str:
    return hashlib.sha256(_PREFIX.encode() + key.reveal()).hexdigest()[:_CHECK_DIGITS]


def _within(path: Path, directory: Path | None) -> bool:
    return directory is not None and path.resolve().is_relative_to(directory.resolve())


def _write(file: int, content: bytes) -> None:
    with os.fdopen(file, "wb") as opened:
        opened.write(content)
        opened.flush()
        os.fsync(file)


def _make_directory(directory: Path) -> None:
    """Make what is missing, each level 0700 and its name on disk."""
    if directory.is_dir():
        return
    _make_directory(directory.parent)
    directory.mkdir(mode=0o700, exist_ok=True)
    _sync_directory(directory.parent)


def _sync_directory(directory: Path) -> None:
    """Bring a new name to disk: without this a crash can lose the file that was synced."""
    opened = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
