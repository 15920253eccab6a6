"""The control door: a unix socket on which this machine's administrators give commands.

Only root and the server's own user come in: the socket has mode 0600 before it listens, and the kernel names each peer,
whose uid becomes the actor in the journal. A client that goes away stops nothing: its command ends by itself, slice by
slice. What is given and told here is never logged.
"""

import asyncio
import contextlib
import errno
import os
import pwd
import socket
import stat
import struct
from asyncio import StreamReader, StreamWriter
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Protocol

from vestibule.frontends.control.protocol import LONGEST_LINE, CommandFailed, error, line, request_of

SOCKET_MODE = 0o600
BACKLOG = 64
CHUNK = 1 << 20
PEER = struct.Struct("3i")  # pid, uid, gid: struct ucred of unix(7)

Progress = Callable[[int, int | None], None]
Run = Callable[[str, dict[str, Any], str, Progress], Awaitable[dict[str, Any]]]
"""Runs one command: name, arguments, actor, progress. Raises CommandFailed, whatever goes wrong."""


class Log(Protocol):
    """Where the door says what it saw."""

    def warning(self, event: str, **details: object) -> object:
        """Say it."""


class ControlDoor:
    """One listening socket; start it with `listen`."""

    def __init__(self, run: Run, log: Log, *, allowed: frozenset[int] | None = None) -> None:
        """Serve `run`; `allowed` are the uids that may come in, by default root and our own."""
        self._run = run
        self._log = log
        self._allowed = frozenset({0, os.geteuid()}) if allowed is None else allowed
        self._server: asyncio.Server | None = None
        self._path: Path | None = None
        self._visits: set[asyncio.Task[None]] = set()

    async def listen(self, path: Path) -> None:
        """Open the socket at `path`, in place of one that nobody listens on any more.

        Raises OSError: EADDRINUSE when a server listens there, EEXIST when something else has that name.
        """
        opened = _bound(path)
        self._server = await asyncio.start_unix_server(self._enter, sock=opened, backlog=BACKLOG, limit=LONGEST_LINE)
        self._path = path

    async def close(self) -> None:
        """Let nobody in, break off what is under way between two slices, and take the socket's file away."""
        if self._server is None or self._path is None:
            return
        self._server.close()
        for visit in tuple(self._visits):
            visit.cancel()
        await asyncio.gather(*self._visits, return_exceptions=True)
        self._path.unlink(missing_ok=True)
        self._server = None

    def _enter(self, reader: StreamReader, writer: StreamWriter) -> None:
        visit = asyncio.get_running_loop().create_task(self._visit(reader, writer))
        self._visits.add(visit)
        visit.add_done_callback(self._visits.discard)

    async def _visit(self, reader: StreamReader, writer: StreamWriter) -> None:
        """Serve one connection to its end."""
        try:
            uid = _peer(writer)
            if uid in self._allowed:
                await self._serve(reader, writer, actor_of(uid))
            else:
                self._log.warning("control socket refused", uid=uid)
                _say(writer, error(CommandFailed("refused", "Only root and the server's own user may do this.")))
        except ConnectionError:
            pass  # it left
        finally:
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()

    async def _serve(self, reader: StreamReader, writer: StreamWriter, actor: str) -> None:
        while octets := await _line(reader, writer):
            _say(writer, await self._answer(octets, writer, actor))
            await writer.drain()

    async def _answer(self, octets: bytes, writer: StreamWriter, actor: str) -> dict[str, Any]:
        def progress(done: int, total: int | None) -> None:
            _say(writer, {"progress": [done, total]})

        try:
            command, arguments = request_of(octets)
            return {"result": await self._run(command, arguments, actor, progress)}
        except CommandFailed as failed:
            return error(failed)


def actor_of(uid: int) -> str:
    """How the journal names a user of this machine."""
    try:
        return f"uid {uid} ({pwd.getpwuid(uid).pw_name})"
    except KeyError:
        return f"uid {uid}"


def _peer(writer: StreamWriter) -> int:
    """The uid of the process at the other end, as the kernel saw it connect."""
    own: socket.socket = writer.get_extra_info("socket")
    _pid, uid, _gid = PEER.unpack(own.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, PEER.size))
    return int(uid)


async def _line(reader: StreamReader, writer: StreamWriter) -> bytes:
    """The next line, or nothing at the end; one that is too long ends the connection."""
    try:
        return await reader.readline()
    except ValueError:
        _say(writer, error(CommandFailed("malformed", f"The line is longer than {LONGEST_LINE} octets.")))
        await writer.drain()
        while await reader.read(CHUNK):  # closing on what was not read would take the answer away from the client
            pass
        return b""


def _say(writer: StreamWriter, message: dict[str, Any]) -> None:
    """Send, unless the client has left."""
    if not writer.is_closing():
        writer.write(line(message))


def _bound(path: Path) -> socket.socket:
    """A socket at `path` that had its mode before it had a name."""
    _make_room(path)
    opened = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        os.fchmod(opened.fileno(), SOCKET_MODE)
        opened.bind(str(path))
        path.chmod(SOCKET_MODE)
    except OSError:
        opened.close()
        raise
    return opened


def _make_room(path: Path) -> None:
    """Take away a socket that a stopped server left behind."""
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(mode):
        raise OSError(errno.EEXIST, "something that is no socket has this name", str(path))
    if _answers(path):
        raise OSError(errno.EADDRINUSE, "a server listens on this socket", str(path))
    path.unlink()


def _answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as trial:
        try:
            trial.connect(str(path))
        except ConnectionRefusedError:
            return False
    return True
