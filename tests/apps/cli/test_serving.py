"""What keeps a server from starting, each told in one paragraph; and how it stops."""

import json
import signal
import socket
from pathlib import Path

import pytest

from tests.apps.cli.terminal import Terminal
from tests.apps.installation import Installation
from vestibule.core.heads import Head, Heads
from vestibule.stores.heads_file import heads_path, write_heads


def test_a_server_starts_logs_json_and_stops_at_ctrl_c(terminal: Terminal) -> None:
    with terminal.serving() as server:
        server.process.send_signal(signal.SIGINT)
        _, log = server.process.communicate(timeout=30)
    assert server.process.returncode == 0
    assert [json.loads(line)["event"] for line in log.splitlines()] == ["stopping"]


@pytest.mark.requirement(52)
@pytest.mark.parametrize(("name", "mode", "cure"), [("data", 0o750, "chmod 700"), ("data/vestibule.db", 0o644, "600")])
def test_loose_modes_are_refused(
    installation: Installation, terminal: Terminal, name: str, mode: int, cure: str
) -> None:
    (installation.folder / name).chmod(mode)
    done = terminal.run("serve")
    assert done.returncode == 2
    assert cure in done.stderr
    assert f"{mode:04o}" in done.stderr


@pytest.mark.requirement(52)
def test_a_missing_key_is_refused(installation: Installation, terminal: Terminal) -> None:
    installation.key.unlink()
    done = terminal.run("serve")
    assert done.returncode == 2
    assert "There is no master key" in done.stderr


def test_a_missing_directory_names_init(tmp_path: Path) -> None:
    done = Terminal({"VESTIBULE_DATA_DIRECTORY": str(tmp_path / "none")}).run("serve")
    assert (done.returncode, done.stdout) == (2, "")
    assert "vestibule init" in " ".join(done.stderr.split())


def test_a_wrong_configuration_names_place_and_remedy(terminal: Terminal) -> None:
    done = terminal.run("serve", more={"VESTIBULE_RADIUS_LISTENS": "x"})
    assert done.returncode == 2
    assert "Did you mean VESTIBULE_RADIUS_LISTEN?" in done.stderr


def test_a_wrong_schema_is_refused(installation: Installation, terminal: Terminal) -> None:
    installation.database.write_bytes(b"")
    done = terminal.run("serve")
    assert done.returncode == 2
    assert "vestibule init" in " ".join(done.stderr.split())


@pytest.mark.parametrize(
    ("kind", "variable"),
    [(socket.SOCK_STREAM, "VESTIBULE_HTTP_LISTEN"), (socket.SOCK_DGRAM, "VESTIBULE_RADIUS_LISTEN")],
)
def test_a_taken_port_is_named(terminal: Terminal, kind: socket.SocketKind, variable: str) -> None:
    with socket.socket(socket.AF_INET, kind) as taken:
        taken.bind(("127.0.0.1", 0))
        if kind == socket.SOCK_STREAM:
            taken.listen()
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        done = terminal.run("serve", more={variable: address})
    assert done.returncode == 3
    assert address in done.stderr
    assert "Traceback" not in done.stderr


def test_a_second_server_on_the_same_data_is_refused(terminal: Terminal) -> None:
    with terminal.serving() as first:
        done = terminal.run("serve")
    assert done.returncode == 3
    assert f"process {first.process.pid}" in " ".join(done.stderr.split())


@pytest.mark.parametrize("arguments", [["serve"], ["user", "list"]])
def test_a_closed_directory_tells_who_may(tmp_path: Path, arguments: list[str]) -> None:
    (tmp_path / "data").write_text("no directory")
    done = Terminal({"VESTIBULE_DATA_DIRECTORY": str(tmp_path / "data")}).run(*arguments)
    assert done.returncode == 2


@pytest.mark.requirement(49)
def test_nothing_is_written_to_a_database_that_is_behind_its_journal(
    installation: Installation, terminal: Terminal
) -> None:
    write_heads(heads_path(installation.key), Heads(0.0, {"a chain that is gone": Head(9, "f" * 64)}))
    done = terminal.run("user", "add", "eve")
    assert done.returncode == 1
    assert "vestibule restore" in " ".join(done.stderr.split())
    assert "eve" not in terminal.run("user", "list").stdout
