"""A command over the socket does what it does in the process: the same results, the same refusals."""

import asyncio
import socket
import subprocess
import sys
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import structlog

from tests.apps.installation import Installation
from vestibule.apps.commands import link
from vestibule.apps.commands.running import Commands
from vestibule.frontends.control.door import ControlDoor

HEAVY = ("asyncio", "pydantic", "sqlalchemy", "cryptography", "structlog", "starlette", "rich")


@pytest.fixture
async def path(installation: Installation) -> AsyncIterator[Path]:
    """The socket of a server that runs here."""
    pieces = await installation.open()
    door = ControlDoor(Commands(pieces).run, structlog.get_logger())
    socket_path = pieces.configuration.server.control_socket
    await door.listen(socket_path)
    yield socket_path
    await door.close()


async def call(path: Path, command: str, **arguments: object) -> dict[str, Any]:
    return await asyncio.to_thread(link.call, path, command, arguments)


async def test_commands_go_over_the_socket(path: Path) -> None:
    told = await call(path, "user.add", name="alice")
    assert (await call(path, "user.show", name="alice"))["user"] == told["user"]
    (line,) = (await call(path, "journal.list"))["lines"]
    assert line["actor"].startswith("uid ")
    with pytest.raises(link.CommandFailed) as failed:
        await call(path, "user.add", name="ALICE")
    assert (failed.value.kind, failed.value.fields) == ("refused", ("name",))
    assert "There is a user alice already" in failed.value.text


async def test_a_large_file_goes_over_the_socket_with_its_progress(path: Path) -> None:
    content = "name\n" + "".join(f"user{i}\n" for i in range(5000))
    seen: list[tuple[int, int | None]] = []
    report = await asyncio.to_thread(
        link.call,
        path,
        "user.import",
        {"content": content, "file_name": "users.csv"},
        lambda done, total: seen.append((done, total)),
    )
    assert report["created"] == 5000
    assert seen[-1] == (5000, 5002)
    assert seen == sorted(seen)


def test_the_link_needs_the_standard_library_only() -> None:
    program = f"import vestibule.apps.commands.link, sys; print([one for one in {HEAVY} if one in sys.modules])"
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


@pytest.mark.parametrize("answer", [b"", b'{"progress":[1,2]}\n', b'{"something":1}\n', b'{"result":7}\n'])
def test_a_server_that_goes_away_before_it_answered_is_unavailable(tmp_path: Path, answer: bytes) -> None:
    path = tmp_path / "control.sock"
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listening:
        listening.bind(str(path))
        listening.listen()
        served = threading.Thread(target=answer_once, args=(listening, answer))
        served.start()
        with pytest.raises(link.CommandFailed, match="went away") as failed:
            link.call(path, "status", {})
        served.join()
    assert failed.value.kind == "unavailable"


def answer_once(listening: socket.socket, answer: bytes) -> None:
    connection, _ = listening.accept()
    with connection:
        connection.recv(1000)
        connection.sendall(answer)
