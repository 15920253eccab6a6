"""One process at a time works on a data directory: the server, or one command without a server.

The lock is the kernel's (flock(2)), so that a process that dies leaves none behind.
"""

import fcntl
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from vestibule.apps.cli.exits import Code, Stop

NAME = "lock"


@contextmanager
def locked(directory: Path) -> Iterator[None]:
    """Hold the lock of `directory`; raises Stop when another process holds it."""
    file = os.open(directory / NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        _take(file, directory)
        try:
            yield
        finally:
            _give_to_owner(directory)
    finally:
        os.close(file)


def _take(file: int, directory: Path) -> None:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.pread(file, 20, 0).decode("ascii", "replace").strip() or "unknown"
        raise Stop(
            f"Another vestibule works on {directory}: process {holder}, a server or a command. Stop it, or try again "
            "when it is done.",
            Code.UNAVAILABLE,
        ) from None
    os.ftruncate(file, 0)
    os.pwrite(file, f"{os.getpid()}\n".encode(), 0)


def _give_to_owner(directory: Path) -> None:
    """Root works for the server's user, who must be able to open every file that root made.

    What has a second name, or is no plain file, was not made here and is left alone.
    """
    owner = directory.stat()
    if os.geteuid() != 0 or owner.st_uid == 0:
        return
    for path in directory.iterdir():
        if path.is_file() and not path.is_symlink():
            file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
            try:
                status = os.fstat(file)
                if stat.S_ISREG(status.st_mode) and status.st_nlink == 1 and status.st_uid == 0:
                    os.fchown(file, owner.st_uid, owner.st_gid)
            finally:
                os.close(file)
