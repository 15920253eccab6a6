"""The control door, over a real socket: who comes in, what is said, and what happens when somebody leaves."""

import asyncio
import errno
import json
import os
import socket
import stat
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from vestibule.apps.commands import link
from vestibule.frontends.control import protocol
from vestibule.frontends.control.door import ControlDoor, Progress, actor_of
from vestibule.frontends.control.protocol import LONGEST_LINE, CommandFailed

MEGABYTE = 1024 * 1024

Work = Callable[[dict[str, Any], Progress], Awaitable[dict[str, Any]]]


@dataclass
class Server:
    """A door before commands that the test gives."""

    path: Path
    commands: dict[str, Work] = field(default_factory=dict)
    actors: list[str] = field(default_factory=list)
    warnings: list[object] = field(default_factory=list)
    allowed: frozenset[int] | None = None

    def __post_init__(self) -> None:
        self.door = ControlDoor(self.run, self, allowed=self.allowed)

    async def run(self, name: str, arguments: dict[str, Any], actor: str, progress: Progress) -> dict[str, Any]:
        self.actors.append(actor)
        return await self.commands[name](arguments, progress)

    def warning(self, event: str, **details: object) -> None:
        self.warnings.append((event, details))

    async def call(self, command: str, arguments: dict[str, Any], progress: Progress | None = None) -> dict[str, Any]:
        return await asyncio.to_thread(link.call, self.path, command, arguments, progress)

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_unix_connection(str(self.path), limit=LONGEST_LINE)


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Server]:
    opened = Server(tmp_path / "control.sock", {"echo": echo})
    await opened.door.listen(opened.path)
    yield opened
    await opened.door.close()


async def echo(arguments: dict[str, Any], progress: Progress) -> dict[str, Any]:
    return arguments


async def test_a_command_is_run_for_the_one_who_asked(server: Server) -> None:
    said = {"text": "Zoë 漢 \u2028", "list": [1, 2.5, None, True], "long": "x" * 300_000}
    assert await server.call("echo", said) == said
    assert server.actors == [actor_of(os.geteuid())]
    assert server.actors[0].startswith(f"uid {os.geteuid()}")
    assert actor_of(4_000_000_000) == "uid 4000000000"


async def test_progress_comes_before_the_result(server: Server) -> None:
    async def work(arguments: dict[str, Any], progress: Progress) -> dict[str, Any]:
        progress(1, 2)
        progress(2, None)
        return {"done": True}

    server.commands["work"] = work
    seen: list[tuple[int, int | None]] = []
    assert await server.call("work", {}, lambda done, total: seen.append((done, total))) == {"done": True}
    assert seen == [(1, 2), (2, None)]
    assert await server.call("work", {}) == {"done": True}


@pytest.mark.parametrize("kind", protocol.KINDS)
async def test_a_failure_arrives_as_it_was_told(server: Server, kind: str) -> None:
    async def work(arguments: dict[str, Any], progress: Progress) -> dict[str, Any]:
        raise CommandFailed(kind, "Do it otherwise.", ("name",))

    server.commands["work"] = work
    with pytest.raises(CommandFailed) as failed:
        await server.call("work", {})
    assert (failed.value.kind, failed.value.text, failed.value.fields) == (kind, "Do it otherwise.", ("name",))
    assert await server.call("echo", {"still": "here"}) == {"still": "here"}


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"no JSON",
        b"\xff\xfe",
        b"[]",
        b"{}",
        b'{"command":"echo"}',
        b'{"command":7,"arguments":{}}',
        b'{"command":"echo","arguments":[]}',
        b'{"command":"echo","arguments":{},"more":1}',
        b"[" * 100_000,
    ],
)
async def test_a_line_that_is_no_request_is_answered_and_the_next_one_is_served(server: Server, line: bytes) -> None:
    reader, writer = await server.connect()
    writer.write(line + b'\n{"command":"echo","arguments":{"a":1}}\n')
    answer = json.loads(await reader.readline())
    assert answer["error"]["kind"] == "malformed"
    assert json.loads(await reader.readline()) == {"result": {"a": 1}}
    await left(writer)


async def test_a_line_without_an_end_is_refused_at_its_limit(server: Server) -> None:
    reader, writer = await server.connect()
    for _ in range(LONGEST_LINE // MEGABYTE + 1):
        writer.write(b"x" * MEGABYTE)
        await writer.drain()
    answer = json.loads(await reader.readline())
    assert answer["error"]["text"] == f"The line is longer than {LONGEST_LINE} octets."
    writer.write_eof()
    assert await reader.read() == b""
    await left(writer)


@pytest.mark.requirement(52)
async def test_the_socket_is_closed_to_everyone_else(server: Server) -> None:
    status = server.path.stat()
    assert stat.S_ISSOCK(status.st_mode)
    assert stat.S_IMODE(status.st_mode) == 0o600
    assert status.st_uid == os.geteuid()


async def test_a_peer_that_is_not_allowed_is_told_so_and_runs_nothing(tmp_path: Path) -> None:
    closed = Server(tmp_path / "closed.sock", {"echo": echo}, allowed=frozenset({4_000_000_000}))
    await closed.door.listen(closed.path)
    with pytest.raises(CommandFailed) as failed:
        await closed.call("echo", {})
    assert failed.value.kind in {"refused", "unavailable"}
    assert closed.actors == []
    assert closed.warnings == [("control socket refused", {"uid": os.geteuid()})]
    await closed.door.close()


async def test_several_are_served_at_once(server: Server) -> None:
    met = asyncio.Barrier(3)

    async def meet(arguments: dict[str, Any], progress: Progress) -> dict[str, Any]:
        await met.wait()
        return arguments

    server.commands["meet"] = meet
    calls = [server.call("meet", {"n": n}) for n in range(3)]
    assert await asyncio.gather(*calls) == [{"n": 0}, {"n": 1}, {"n": 2}]


async def test_who_leaves_stops_nothing(server: Server, caplog: pytest.LogCaptureFixture) -> None:
    begun, goes_on, ended = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def slow(arguments: dict[str, Any], progress: Progress) -> dict[str, Any]:
        begun.set()
        await goes_on.wait()
        for done in range(1000):
            progress(done, 1000)
        ended.set()
        return {"much": "x" * 1_000_000}

    server.commands["slow"] = slow
    _reader, writer = await server.connect()
    writer.write(b'{"command":"slow","arguments":{}}\n')
    await begun.wait()
    await left(writer)
    goes_on.set()
    await asyncio.wait_for(ended.wait(), 10)
    assert await server.call("echo", {"a": 1}) == {"a": 1}
    assert caplog.records == []


async def test_what_is_under_way_when_the_door_closes_is_broken_off(server: Server) -> None:
    begun = asyncio.Event()

    async def forever(arguments: dict[str, Any], progress: Progress) -> dict[str, Any]:
        begun.set()
        never: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        return await never

    server.commands["forever"] = forever
    call = asyncio.create_task(server.call("forever", {}))
    await begun.wait()
    await server.door.close()
    with pytest.raises(CommandFailed, match="went away") as failed:
        await call
    assert failed.value.kind == "unavailable"
    assert not server.path.exists()
    with pytest.raises(FileNotFoundError):
        await server.call("echo", {})


async def test_a_socket_that_was_left_behind_is_taken_over(tmp_path: Path) -> None:
    path = tmp_path / "control.sock"
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as dead:
        dead.bind(str(path))
    server = Server(path, {"echo": echo})
    await server.door.listen(path)
    assert await server.call("echo", {"a": 1}) == {"a": 1}
    await server.door.close()


async def test_a_socket_that_somebody_listens_on_is_left_to_them(server: Server) -> None:
    second = Server(server.path)
    with pytest.raises(OSError, match="listens") as taken:
        await second.door.listen(server.path)
    assert taken.value.errno == errno.EADDRINUSE
    await second.door.close()
    assert await server.call("echo", {"a": 1}) == {"a": 1}


async def test_a_file_of_that_name_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "control.sock"
    path.write_text("mine")
    with pytest.raises(OSError, match="no socket") as taken:
        await Server(path).door.listen(path)
    assert taken.value.errno == errno.EEXIST
    assert path.read_text() == "mine"


async def left(writer: asyncio.StreamWriter) -> None:
    writer.close()
    await writer.wait_closed()
