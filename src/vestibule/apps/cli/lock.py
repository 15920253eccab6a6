"""One process at a time works on a data directory: the server, or one command without a server.

The lock is the kernel's (flock(2)), so that a process that dies leaves none behind.
"""

import fcntl
import os
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
        _give_to_owner(file, directory)
        _take(file, directory)
        yield
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


def _give_to_owner(file: int, directory: Path) -> None:
    """Root works for the server's user, who must be able to take the lock later."""
    owner = directory.stat()
    if os.geteuid() == 0 and os.fstat(file).st_uid != owner.st_uid:
        os.fchown(file, owner.st_uid, owner.st_gid)
