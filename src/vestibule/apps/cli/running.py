"""A command finds its place by itself: the running server if one answers, else this process.

Only root and the user that the server runs as get this far: the socket, the key and the database are closed to others.
"""

import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from vestibule.apps.cli.exits import Code, Stop
from vestibule.apps.cli.output import Progress
from vestibule.apps.cli.paths import control_socket
from vestibule.apps.commands import link

KINDS = {"refused": Code.FAILED, "malformed": Code.USAGE, "unavailable": Code.UNAVAILABLE, "bug": Code.FAILED}
PAGE = 1000

Arguments = dict[str, Any]
Result = dict[str, Any]
Ask = Callable[[str, Arguments, Progress | None], Result]
"""Runs one command: its name, its arguments, where to show progress. Raises Stop."""


def ask(command: str, progress: Progress | None = None, /, **arguments: object) -> Result:
    """Run one command; arguments that are None are left out. Raises Stop when it is refused or cannot be run."""
    with connected() as server:
        return server(command, given(arguments), progress)


def given(arguments: Arguments) -> Arguments:
    """The arguments that were given."""
    return {name: value for name, value in arguments.items() if value is not None}


@contextmanager
def connected(*, needed: bool = False) -> Iterator[Ask]:
    """For several commands in a row: to the same server, or with the store opened once.

    Where a running server is `needed`, raises Stop without one.
    """
    path = control_socket(os.environ)
    if path is not None and answers(path):
        yield partial(_call, path)
        return
    if needed:
        raise Stop("No server runs, so nothing happens here. Start one with: vestibule serve", Code.UNAVAILABLE)
    from vestibule.apps.cli.in_process import opened

    with opened() as here:
        yield here


def stop(failed: link.CommandFailed) -> Stop:
    """What ends the program when a command did not do its work."""
    return Stop(failed.text, KINDS.get(failed.kind, Code.FAILED), failed.fields)


def pages(server: Ask, command: str, arguments: Arguments, limit: int | None = None) -> Iterator[Result]:
    """Ask for page after page, in flat memory; `limit` is how many rows are wanted in all."""
    after, left = arguments.get("after"), limit
    while left is None or left > 0:
        size = PAGE if left is None else min(PAGE, left)
        page = server(command, given({**arguments, "after": after, "limit": size}), None)
        yield page
        after = page["next"]
        if after is None:
            return
        left = None if left is None else left - size


def answers(path: Path) -> bool:
    """Whether a server listens there; one that was killed leaves its socket behind."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as trial:
        try:
            trial.connect(str(path))
        except PermissionError:
            raise Stop(f"{path} is closed to this user. Run as root or as the server's user.", Code.USAGE) from None
        except OSError:
            return False
    return True


def _call(path: Path, command: str, arguments: Arguments, progress: Progress | None) -> Result:
    try:
        return link.call(path, command, arguments, progress)
    except link.CommandFailed as failed:
        if failed.fields == ("command",):
            raise Stop(
                f"The running server does not know the command {command}. Stop the server to run it here, or run a "
                "server of this version.",
                Code.UNAVAILABLE,
            ) from None
        raise stop(failed) from None
