"""Before anything is opened: the configuration, the modes of files, and errors told in one paragraph.

This module imports the heavy parts; a command that a running server answers never comes here.
"""

import errno
import os
import socket
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from vestibule.apps.cli.exits import Code, Stop, Taken
from vestibule.apps.configuration import Configuration, ConfigurationWrong, Listener, load, locate
from vestibule.core.errors import Malformed, Unavailable
from vestibule.flows.heads import RolledBack
from vestibule.flows.refused import Refused
from vestibule.stores.sql import SchemaWrong
from vestibule.stores.vault import KeyWrong

_OTHERS = 0o077
_NOT_HERE = {
    errno.EADDRINUSE: "another program has it. Stop that program, or choose another port",
    errno.EACCES: "it takes root to open a port this low. Choose one above 1023",
    errno.EADDRNOTAVAIL: "this machine has no such address. Choose one it has",
}


def configured() -> Configuration:
    """Load the configuration that the command line or the environment names."""
    with told():
        return load(locate(None, os.environ), os.environ)


@contextmanager
def told() -> Iterator[None]:
    """Turn what stops a start into a text and an exit code."""
    try:
        yield
    except (ConfigurationWrong, KeyWrong, SchemaWrong, Malformed) as wrong:
        raise Stop(str(wrong), Code.USAGE) from None
    except RolledBack as rolled_back:
        raise Stop(str(rolled_back)) from None
    except Refused as refused:
        raise Stop(refused.text) from None
    except Unavailable as unavailable:
        raise Stop(f"{unavailable}. Nothing was changed; try again.", Code.UNAVAILABLE) from None


def check_files(configuration: Configuration) -> None:
    """Refuse a data directory, a database or a file with its password that others can open."""
    directory = configuration.data_directory
    if not directory.is_dir():
        raise Stop(f"There is no data directory {directory}. Make it with: vestibule init", Code.USAGE)
    for path in (directory, *configuration.database.files):
        _check(path)
    passfile = configuration.database.passfile
    if passfile is not None and not passfile.is_file():
        raise Stop(f"There is no file {passfile}, which database.url names as its passfile. Make it.", Code.USAGE)


def _check(path: Path) -> None:
    try:
        status = path.stat()
    except FileNotFoundError:
        return
    except PermissionError:
        raise Stop(f"{path} cannot be reached by this user. Run as root or as the server's user.", Code.USAGE) from None
    if status.st_uid != os.geteuid() and os.geteuid() != 0:
        raise Stop(f"{path} belongs to another user. Run as root or as the server's user.", Code.USAGE)
    if status.st_mode & _OTHERS:
        mode = "700" if stat.S_ISDIR(status.st_mode) else "600"
        raise Stop(
            f"{path} is open to others (mode {stat.S_IMODE(status.st_mode):04o}), and it is not known who has read it. "
            f"Close it with: chmod {mode} {path}",
            Code.USAGE,
        )


@contextmanager
def addresses_told(configuration: Configuration) -> Iterator[None]:
    """Say which address cannot be listened on, and why, or which file cannot be used."""
    try:
        yield
    except OSError as error:
        taken = _culprit(configuration)  # uvloop's error has no number, so each address is tried
        if taken is None:
            raise Stop(f"The server cannot start: {error}.", Code.USAGE) from error
        key, address, why = taken
        raise Taken(f"The server cannot listen on {address}: {why} ({key}).") from None


def _culprit(configuration: Configuration) -> tuple[str, str, str] | None:
    """Try each configured address: the key, the address and the reason of the first that does not open."""
    for key, listener, kind in _wanted(configuration):
        family = socket.AF_INET6 if ":" in listener.host else socket.AF_INET
        with socket.socket(family, kind) as trial:
            if kind is socket.SOCK_STREAM:
                trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                trial.bind((listener.host, listener.port))
            except OSError as error:
                return key, str(listener), _NOT_HERE.get(error.errno or 0, str(error))
    return None


def _wanted(configuration: Configuration) -> Iterator[tuple[str, Listener, socket.SocketKind]]:
    yield "http.listen", configuration.http.listen, socket.SOCK_STREAM
    for listener in configuration.api.listen:
        yield "api.listen", listener, socket.SOCK_STREAM
    for listener in configuration.radius.listen:
        yield "radius.listen", listener, socket.SOCK_DGRAM
        if configuration.radius.accounting and listener.port:
            following = Listener(listener.host, listener.port + 1)
            yield "radius.listen, accounting", following, socket.SOCK_DGRAM
