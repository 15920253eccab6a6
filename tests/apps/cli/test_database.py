"""Every command on a PostgreSQL, and the way from one database to the other, as a person at the terminal goes it."""

import asyncio
import itertools
import shutil
import sqlite3
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.apps.cli.terminal import Done, Terminal
from tests.apps.installation import Installation
from tests.stores import postgresql
from vestibule.apps.cli.beginning import begin
from vestibule.apps.configuration import load
from vestibule.core.oath import hotp, time_step
from vestibule.wire.otpauth import read_key

PASSWORD = "correct horse battery"

_numbers = itertools.count()


@pytest.fixture(scope="session")
def server() -> postgresql.Server:
    return postgresql.template().server


@pytest.fixture
def fresh(server: postgresql.Server) -> str:
    """A database without anything in it; its URL."""
    name = f"fresh_{next(_numbers)}"
    asyncio.run(server.command(f"CREATE DATABASE {name}"))
    return server.url(name)


@dataclass(frozen=True)
class Machines:
    """Terminals on machines of their own that share one database."""

    folder: Path
    url: str

    def __call__(self, name: str) -> Terminal:
        more = {"VESTIBULE_DATABASE_URL": self.url, "VESTIBULE_SERVER_NAME": name}
        return Terminal(Installation(self.folder / name).environment(more))

    def give_key(self, source: str, target: str) -> None:
        key(self(target)).parent.mkdir(parents=True, mode=0o700)
        shutil.copy(key(self(source)), key(self(target)))


@pytest.fixture
def new(tmp_path: Path, fresh: str) -> Machines:
    """Nothing is on their disks yet, nor in the database."""
    return Machines(tmp_path, fresh)


@pytest.fixture(scope="session")
def template(server: postgresql.Server, tmp_path_factory: pytest.TempPathFactory) -> Machines:
    """One node that has begun, and one that has joined it."""
    asyncio.run(server.command("CREATE DATABASE joined"))
    made = Machines(tmp_path_factory.mktemp("joined"), server.url("joined"))
    assert begin(load(None, made("mfa1").environment))
    made.give_key("mfa1", "mfa2")
    assert not begin(load(None, made("mfa2").environment))
    return made


@pytest.fixture
def node(template: Machines, server: postgresql.Server, tmp_path: Path) -> Machines:
    """The nodes mfa1 and mfa2 of this test's own."""
    name = f"own_{next(_numbers)}"
    asyncio.run(server.command(f"CREATE DATABASE {name} TEMPLATE joined"))
    shutil.copytree(template.folder, tmp_path, dirs_exist_ok=True)
    return Machines(tmp_path, server.url(name))


def key(terminal: Terminal) -> Path:
    return Path(terminal.environment["VESTIBULE_KEY_FILE"])


# -- a new node -----------------------------------------------------------------------------------------------------


def test_a_first_node_makes_the_tables_and_a_second_joins_with_its_key(new: Machines) -> None:
    made = new("mfa1").run("init")
    assert (made.returncode, "(master key)" in made.stdout) == (0, True), made.stderr
    new.give_key("mfa1", "mfa2")
    joined = new("mfa2").run("init")
    assert (joined.returncode, "joined" in joined.stdout) == (0, True), joined.stderr
    assert actions(new("mfa1")) == ["system.init", "system.join"]


def test_a_node_without_the_key_does_not_join_and_leaves_nothing(node: Machines) -> None:
    stranger = node("mfa3")
    refused = stranger.run("init")
    assert refused.returncode == 1
    assert str(key(stranger)) in refused.stderr.replace("\n", " ")
    assert not (node.folder / "mfa3").exists()


def test_a_node_with_another_key_does_not_join(node: Machines, installation: Installation) -> None:
    stranger = node("mfa3")
    key(stranger).parent.mkdir(parents=True)
    shutil.copy(installation.key, key(stranger))
    refused = stranger.run("init")
    assert (refused.returncode, "master key" in refused.stderr) == (2, True)


@pytest.mark.parametrize("name", ["mfa1", "mfa2"])
def test_a_node_begins_once(node: Machines, name: str) -> None:
    refused = node(name).run("init")
    assert refused.returncode == 1
    assert "vestibule serve" in refused.stderr.replace("\n", " ")


def test_a_beginning_that_fails_leaves_a_database_to_begin_with(new: Machines) -> None:
    terminal = new("mfa1")
    in_the_way = key(terminal).with_name(f"{key(terminal).name}.heads.json.new")
    in_the_way.mkdir(parents=True)
    with pytest.raises(IsADirectoryError):
        begin(load(None, terminal.environment))
    assert not key(terminal).exists()
    in_the_way.rmdir()
    assert begin(load(None, terminal.environment))
    assert actions(terminal) == ["system.init"]


def actions(terminal: Terminal) -> list[str]:
    assert terminal.run("journal", "verify").returncode == 0
    return [line["action"] for line in terminal.json("journal", "list", "--limit", "999", "--json")]


# -- commands -------------------------------------------------------------------------------------------------------


def test_commands_work_with_and_without_a_server(node: Machines) -> None:
    terminal = node("mfa1")
    assert terminal.run("user", "add", "anna", "--password-file", "-", given=f"{PASSWORD}\n").returncode == 0
    assert terminal.run("config", "check").returncode == 0
    assert terminal.run("database", "upgrade").stdout.startswith("The database has schema")
    status = terminal.run("status")
    assert (status.returncode, "users" in status.stdout) == (3, True)
    with terminal.serving():
        assert terminal.run("status").returncode == 0
        shown = terminal.json("user", "show", "anna", "--json")
        assert shown["user"]["name"] == "anna"


def test_the_doctor_looks_at_the_postgresql(node: Machines) -> None:
    found = node("mfa1").run("doctor").stdout.replace("\n", " ")
    assert "fsync, full_page_writes off" in found.replace("         ", "")
    assert "SQLite" not in found


def test_the_doctor_says_that_the_database_is_away(node: Machines) -> None:
    terminal = node("mfa1")
    away = {"VESTIBULE_DATABASE_URL": "postgresql:///nothing?host=/nowhere"}
    assert "PostgreSQL cannot be used now" in terminal.run("doctor", more=away).stdout
    stopped = terminal.run("user", "list", more=away)
    assert (stopped.returncode, "PostgreSQL cannot be used now" in stopped.stderr) == (3, True)


def test_a_backup_is_refused_with_the_way_to_make_one(node: Machines, tmp_path: Path) -> None:
    refused = node("mfa1").run("backup", str(tmp_path / "backup"))
    said = " ".join(refused.stderr.split())
    assert refused.returncode == 1
    assert all(word in said for word in ("pg_dump", "pg_restore", "master key", "vestibule restore"))


@pytest.mark.requirement(52)
def test_a_passfile_that_others_read_is_refused(node: Machines, tmp_path: Path) -> None:
    terminal = node("mfa1")
    passfile = tmp_path / "pgpass"
    named = {"VESTIBULE_DATABASE_URL": f"{node.url}&passfile={passfile}"}
    assert "passfile" in terminal.run("user", "list", more=named).stderr
    passfile.touch(mode=0o644)
    assert f"chmod 600 {passfile}" in terminal.run("user", "list", more=named).stderr.replace("\n", " ")
    passfile.chmod(0o600)
    assert terminal.run("user", "list", more=named).returncode == 0


def test_a_url_that_was_changed_is_found_at_the_next_connection(
    node: Machines, server: postgresql.Server, tmp_path: Path
) -> None:
    """As after a fail-over, or with a new password: the server is not restarted."""
    here, there = node.url, f"there_{next(_numbers)}"
    asyncio.run(server.command(f"CREATE DATABASE {there} TEMPLATE joined"))
    file = tmp_path / "url"
    file.touch(mode=0o600)
    file.write_text(here)
    environment = {name: value for name, value in node("mfa1").environment.items() if name != "VESTIBULE_DATABASE_URL"}
    terminal = Terminal({**environment, "VESTIBULE_DATABASE_URL_FILE": str(file)})
    with terminal.serving():
        file.write_text(server.url(there))
        name = here.split("/")[3].partition("?")[0]
        end = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"
        asyncio.run(server.command(end))
        assert terminal.run("user", "add", "anna").returncode == 0
    assert [one["name"] for one in terminal.json("user", "list", "--json")] == ["anna"]
    assert node("mfa1").json("user", "list", "--json") == []


# -- a dump that was put back -----------------------------------------------------------------------------------------


@pytest.mark.requirement(6)
def test_a_dump_that_was_put_back_is_made_safe_before_it_serves(node: Machines, server: postgresql.Server) -> None:
    first, second = node("mfa1"), node("mfa2")
    first.run("user", "add", "anna")
    first.run("client", "add", "web", "--sign-in", "code_only")
    secret = first.json("token", "add", "anna", "--json")["secret"]
    name, old = node.url.split("/")[3].partition("?")[0], f"old_{next(_numbers)}"
    asyncio.run(server.command(f"CREATE DATABASE {old} TEMPLATE {name}"))  # stands for pg_dump and pg_restore
    with first.serving():
        code = hotp(read_key(secret).reveal(), time_step(time.time(), 30))
        assert "Accepted" in verified(first, code).stdout
    put_back = {"VESTIBULE_DATABASE_URL": server.url(old)}
    assert "vestibule restore" in first.run("serve", more=put_back).stderr.replace("\n", " ")
    safe = first.run("restore", "--yes", more=put_back)
    assert (safe.returncode, "Made the database safe" in safe.stdout) == (0, True), safe.stderr
    assert "journal gaps" in safe.stdout
    assert second.run("journal", "accept-rollback", "--yes", more=put_back).returncode == 0
    with second.serving(put_back):
        assert verified(second, code).returncode == 1
        assert {"restore", "restore.safe", "journal.rollback_accepted"} <= set(actions(second))


def verified(terminal: Terminal, code: str) -> Done:
    return terminal.run("verify", "anna", "--client", "web", "--password-file", "-", given=f"{code}\n")


def test_a_database_is_not_made_safe_under_a_running_node(node: Machines) -> None:
    first, second = node("mfa1"), node("mfa2")
    with second.serving():
        refused = first.run("restore", "--yes")
    assert (refused.returncode, "in use by mfa2" in refused.stderr) == (3, True)


def test_each_database_has_its_own_way_back(node: Machines, terminal: Terminal, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    assert "restore FILE" in " ".join(terminal.run("restore", "--yes").stderr.split())
    refused = node("mfa1").run("restore", "--yes", str(file))
    assert (refused.returncode, "pg_restore" in refused.stderr) == (2, True)


# -- from one database to the other -----------------------------------------------------------------------------------


def test_everything_goes_to_postgresql_and_back(terminal: Terminal, fresh: str, tmp_path: Path) -> None:
    terminal.run("user", "add", "anna", "--password-file", "-", given=f"{PASSWORD}\n")
    there = terminal.run("database", "copy", fresh)
    assert there.returncode == 0, there.stderr
    assert f"Set database.url to {fresh}" in there.stdout
    moved = {"VESTIBULE_DATABASE_URL": fresh}
    with terminal.serving(moved):
        assert [one["name"] for one in terminal.json("user", "list", "--json")] == ["anna"]
        assert terminal.run("user", "add", "berta").returncode == 0
    back = tmp_path / "server" / "data" / "back.db"
    home = terminal.run("database", "copy", f"sqlite:///{back}", more=moved)
    assert home.returncode == 0, home.stderr
    assert back.stat().st_mode & 0o777 == 0o600
    with terminal.serving({"VESTIBULE_DATABASE_URL": f"sqlite:///{back}"}):
        assert [one["name"] for one in terminal.json("user", "list", "--json")] == ["anna", "berta"]


def test_a_copy_says_what_it_copied_for_machines(terminal: Terminal, fresh: str) -> None:
    copied = terminal.json("database", "copy", fresh, "--json")
    assert {"keys", "users", "journal"} <= {one["table"] for one in copied}
    assert all(len(one["sha256"]) == 64 for one in copied)


def test_a_target_that_is_not_empty_is_refused(terminal: Terminal, fresh: str) -> None:
    assert terminal.run("database", "copy", fresh).returncode == 0
    refused = terminal.run("database", "copy", fresh)
    assert (refused.returncode, "not empty" in refused.stderr) == (1, True)


def test_nothing_is_copied_while_a_server_runs(terminal: Terminal, node: Machines, tmp_path: Path) -> None:
    with terminal.serving():
        refused = terminal.run("database", "copy", node.url)
    assert (refused.returncode, "Another vestibule works" in refused.stderr) == (3, True)
    first, second = node("mfa1"), node("mfa2")
    with second.serving():
        refused = first.run("database", "copy", f"sqlite:///{tmp_path}/copy.db")
    assert (refused.returncode, "in use by mfa2" in refused.stderr) == (3, True)
    assert not (tmp_path / "copy.db").exists()


def test_a_copy_that_is_not_made_leaves_no_file(terminal: Terminal, installation: Installation, tmp_path: Path) -> None:
    terminal.run("user", "add", "anna")
    with closing(sqlite3.connect(installation.database)) as connection, connection:
        connection.execute("UPDATE users SET first_name = 'a' || char(0)")
    refused = terminal.run("database", "copy", f"sqlite:///{tmp_path}/copy.db")
    assert (refused.returncode, "zero octet" in refused.stderr) == (1, True)
    assert not list(tmp_path.glob("copy.db*"))


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("postgresql://u:canary@localhost/v", "passfile"),
        ("mysql://u@localhost/v", "neither sqlite"),
        ("sqlite:////nowhere/at/all.db", "cannot be made"),
        ("postgresql:///v?host=/nowhere", "cannot be used now"),
    ],
)
@pytest.mark.requirement(47)
def test_a_target_that_is_none_is_named(terminal: Terminal, target: str, said: str) -> None:
    refused = terminal.run("database", "copy", target)
    assert refused.returncode in (2, 3)
    assert said in " ".join(refused.stderr.split())
    assert "canary" not in refused.stderr
