"""What a command imports before it does anything, since that is what makes it slow."""

import json
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

HEAVY = {
    "alembic",
    "argon2",
    "asyncio",
    "cryptography",
    "prometheus_client",
    "sqlalchemy",
    "starlette",
    "structlog",
    "uvicorn",
    "uvloop",
    "vestibule.apps.configuration",
    "vestibule.stores",
}
LISTED = """
import sys
sys.argv = ["vestibule", *sys.argv[1:]]
from vestibule.apps.cli import main
try:
    main()
except SystemExit:
    print(*sorted(sys.modules), file=sys.stderr)
"""


def modules(*arguments: str, environment: dict[str, str] | None = None) -> set[str]:
    """The modules that are there when the command ends."""
    done = subprocess.run(
        [sys.executable, "-c", LISTED, *arguments],
        env=environment or {},
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    return set(done.stderr.split())


@pytest.fixture
def answering(tmp_path: Path) -> Iterator[Path]:
    """A socket whose server answers each command with an empty page."""
    path = tmp_path / "control.sock"
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path))
        listening.listen()
        thread = threading.Thread(target=_answer, args=(listening,))
        thread.start()
        yield path
        listening.shutdown(socket.SHUT_RDWR)
        thread.join()


def _answer(listening: socket.socket) -> None:
    while True:
        try:
            visit, _ = listening.accept()
        except OSError:
            return
        with visit, visit.makefile("rw") as lines:
            if lines.readline():
                lines.write(json.dumps({"result": {"users": [], "next": None}}) + "\n")


@pytest.mark.parametrize("arguments", [["--help"], ["--version"]])
def test_help_and_version_import_no_library_but_typer(arguments: list[str]) -> None:
    loaded = modules(*arguments)
    assert "typer" in loaded
    assert not loaded & (HEAVY | {"pydantic", "rich"})


@pytest.mark.parametrize("command", ["user", "token", "client", "policy", "journal", "setting", "serve", "test"])
def test_the_help_of_a_command_imports_nothing_heavy(command: str) -> None:
    assert not modules(command, "--help") & (HEAVY | {"rich"})


def test_a_command_that_a_server_answers_imports_nothing_heavy(answering: Path) -> None:
    loaded = modules("user", "list", "--json", environment={"VESTIBULE_SERVER_CONTROL_SOCKET": str(answering)})
    assert "vestibule.apps.commands.link" in loaded
    assert not loaded & (HEAVY | {"rich"})


def test_this_test_sees_what_is_imported(tmp_path: Path) -> None:
    loaded = modules("config", "check", environment={"VESTIBULE_DATA_DIRECTORY": str(tmp_path)})
    assert "vestibule.apps.configuration" in loaded
