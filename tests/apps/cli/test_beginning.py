"""init: everything or nothing, and nothing twice."""

from pathlib import Path

import pytest

from tests.apps.cli.terminal import Terminal
from vestibule.apps.cli.beginning import begin
from vestibule.apps.cli.exits import Code, Stop
from vestibule.apps.configuration import Configuration, load


def environment(folder: Path, key: str = "key/master.key") -> dict[str, str]:
    return {
        "VESTIBULE_DATA_DIRECTORY": str(folder / "data"),
        "VESTIBULE_KEY_FILE": str(folder / key),
        "VESTIBULE_RADIUS_LISTEN": "127.0.0.1:0",
        "VESTIBULE_HTTP_LISTEN": "127.0.0.1:0",
    }


def configuration(folder: Path, key: str = "key/master.key") -> Configuration:
    return load(None, environment(folder, key))


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


@pytest.mark.requirement(52)
def test_what_is_made_is_closed_to_others(tmp_path: Path) -> None:
    begin(configuration(tmp_path))
    assert mode(tmp_path / "data") == 0o700
    assert mode(tmp_path / "key" / "master.key") == 0o600
    assert {mode(path) for path in (tmp_path / "data").iterdir()} == {0o600}


def test_the_journal_begins_with_init_and_the_next_step_is_told(tmp_path: Path) -> None:
    terminal = Terminal(environment(tmp_path))
    done = terminal.run("init")
    assert done.returncode == 0, done.stderr
    assert "vestibule serve" in done.stdout
    (line,) = terminal.json("journal", "list", "--json")
    assert (line["action"], line["kind"]) == ("system.init", "system")


@pytest.mark.requirement(52)
def test_no_user_and_no_client_is_there_at_first(tmp_path: Path) -> None:
    terminal = Terminal(environment(tmp_path))
    terminal.run("init")
    assert terminal.json("user", "list", "--json") == []
    assert terminal.json("client", "list", "--json") == []


@pytest.mark.parametrize("there", ["data/vestibule.db", "key/master.key"])
def test_nothing_is_overwritten(there: str, tmp_path: Path) -> None:
    (tmp_path / there).parent.mkdir(mode=0o700)
    (tmp_path / there).write_text("precious")
    with pytest.raises(Stop, match="already") as stopped:
        begin(configuration(tmp_path))
    assert stopped.value.code is Code.FAILED
    assert (tmp_path / there).read_text() == "precious"


def test_a_step_that_fails_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("a file where the key's directory should be")
    with pytest.raises(OSError, match="exists"):
        begin(configuration(tmp_path))
    assert [path.name for path in (tmp_path / "data").iterdir()] == ["lock"]


@pytest.mark.requirement(52)
@pytest.mark.parametrize("command", ["init", "config check", "serve", "doctor"])
def test_the_key_may_not_lie_with_the_data(command: str, tmp_path: Path) -> None:
    done = Terminal(environment(tmp_path, "data/master.key")).run(*command.split())
    assert done.returncode == 2
    assert "VESTIBULE_KEY_FILE: key.file\n  The master key lies in the data directory" in done.stderr
    assert not (tmp_path / "data").exists()


@pytest.mark.requirement(52)
def test_an_open_directory_is_refused(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir(mode=0o755)
    with pytest.raises(Stop, match="chmod 700"):
        begin(configuration(tmp_path))
