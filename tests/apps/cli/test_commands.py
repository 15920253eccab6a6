"""Commands with and without a server: the same results, the same refusals."""

import csv
import json
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from select import select

import pytest

from tests.apps.cli.terminal import VESTIBULE, Server, Terminal
from tests.apps.installation import Installation

KEY = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
PASSWORD = "correct horse battery"
TOKENS = f"""upn,serial number,secret key,time interval,manufacturer,model
,S1,{KEY},30,Acme,X
nobody@example.org,S2,JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXQ,30,Acme,X
,S3,JBSW0Y3DPEHPK3PXPJBSWY3DPEHPK3PX,30,Acme,X
"""


@pytest.fixture(scope="module")
def place(new_installation: Path, tmp_path_factory: pytest.TempPathFactory) -> Terminal:
    folder = tmp_path_factory.mktemp("shared") / "server"
    return Terminal(Installation.copied(new_installation, folder).environment())


@pytest.fixture(scope="module")
def served(place: Terminal) -> Iterator[Server]:
    with place.serving() as server:
        yield server


@pytest.fixture(params=["server", "alone"])
def either(request: pytest.FixtureRequest, installation: Installation) -> Iterator[Terminal]:
    """A terminal, once beside a running server and once without one."""
    terminal = Terminal(installation.environment())
    if request.param == "alone":
        yield terminal
        return
    with terminal.serving():
        yield terminal


def test_a_user_is_added_shown_and_refused_a_second_time(either: Terminal) -> None:
    added = either.run("user", "add", "anna@example.org", "--password-file", "-", given=f"{PASSWORD}\n")
    assert (added.returncode, added.stdout) == (0, "Added anna@example.org.\n")
    shown = either.json("user", "show", "anna@example.org", "--json")
    assert shown["user"]["name"] == "anna@example.org"
    assert shown["password_changed_at"]
    again = either.run("user", "add", "anna@example.org")
    assert again.returncode == 1
    assert "vestibule:" in again.stderr


def test_the_journal_names_who_did_it(either: Terminal) -> None:
    either.run("group", "add", "staff", "--reply", "Class=staff")
    lines = either.json("journal", "list", "--kind", "administration", "--json")
    assert [line["action"] for line in lines] == ["group.add"]
    assert lines[0]["actor"].startswith("uid ")


def test_an_import_names_bad_rows_and_keeps_them(either: Terminal, tmp_path: Path) -> None:
    file = tmp_path / "tokens.csv"
    file.write_text(TOKENS)
    done = either.run("token", "import", str(file))
    assert done.returncode == 1
    assert "1 new, 0 changed, 0 unchanged, 2 failed" in done.stdout
    assert [line.split()[:2] for line in done.stdout.splitlines() if line[:1].isdigit()] == [["3", "1"], ["4", "3"]]
    failures = tmp_path / "Failures_tokens.csv"
    assert failures.stat().st_mode & 0o777 == 0o600
    assert [row["serial number"] for row in csv.DictReader(failures.read_text().splitlines())] == ["S2", "S3"]
    assert [one["serial"] for one in either.json("token", "list", "--json")] == ["S1"]


def test_a_second_failures_file_gets_a_number(place: Terminal, served: Server, tmp_path: Path) -> None:
    file = tmp_path / "more.csv"
    file.write_text(TOKENS)
    (tmp_path / "Failures_more.csv").write_text("of yesterday")
    done = place.run("token", "import", str(file))
    assert "Failures_more-2.csv" in done.stdout
    assert (tmp_path / "Failures_more.csv").read_text() == "of yesterday"


def test_a_dry_run_changes_and_writes_nothing(place: Terminal, served: Server, tmp_path: Path) -> None:
    file = tmp_path / "dry.csv"
    file.write_text(TOKENS.replace("S1", "D1"))
    done = place.run("token", "import", str(file), "--dry-run")
    assert "nothing was changed" in done.stdout
    assert [path.name for path in tmp_path.iterdir()] == ["dry.csv"]
    assert "D1" not in place.run("token", "list").stdout


@pytest.mark.requirement(1)
def test_a_short_key_needs_a_dated_waiver(place: Terminal, served: Server, tmp_path: Path) -> None:
    file = tmp_path / "old.csv"
    file.write_text("W1,JBSWY3DPEHPK3PXP,30\n")
    assert place.run("token", "import", str(file)).returncode == 1
    done = place.run("token", "import", str(file), "--waiver-until", "2099-01-31")
    assert done.returncode == 0, done.stderr
    assert "W1 (80 bits)" in done.stdout


def test_a_file_that_is_not_utf_8_is_refused_with_its_line(place: Terminal, tmp_path: Path) -> None:
    file = tmp_path / "latin.csv"
    file.write_bytes(b"name\nanna\nj\xf6rg\n")
    done = place.run("user", "import", str(file))
    assert done.returncode == 2
    assert "line 3" in " ".join(done.stderr.split())


@pytest.mark.requirement(47)
def test_a_secret_is_shown_once(place: Terminal, served: Server) -> None:
    added = place.run("client", "add", "vpn", "192.0.2.0/24")
    assert "This is shown once." in added.stdout
    (secret,) = [line.split()[1] for line in added.stdout.splitlines() if line.startswith("  Secret")]
    others = ["client show vpn", "client show vpn --json", "client list --json", "journal list --json", "token export"]
    for command in others:
        assert secret not in place.run(*command.split()).stdout


def test_a_sign_in_from_the_terminal_says_why(place: Terminal, served: Server) -> None:
    place.run("user", "add", "otto@example.org", "--password-file", "-", given=f"{PASSWORD}\n")
    place.run("client", "add", "portal", "192.0.2.1", "--sign-in", "password_then_code")
    done = place.run("verify", "otto@example.org", "--client", "portal", "--password-file", "-", given="wrong\n")
    assert (done.returncode, done.stdout) == (1, "Refused: wrong_password\n")


def test_the_journal_is_verified_and_exported(place: Terminal, served: Server) -> None:
    place.run("user", "add", "=cmd@example.org")
    assert "intact" in place.run("journal", "verify").stdout
    rows = list(csv.DictReader(place.run("journal", "export").stdout.splitlines()))
    assert {"at", "kind", "user_name", "accepted"} <= set(rows[0])
    assert all(not value.startswith("=") for row in rows for value in row.values())
    lines = place.run("journal", "export", "--format", "jsonl").stdout.splitlines()
    assert [json.loads(line)["seq"] for line in lines] == [int(row["seq"]) for row in rows]


def test_an_attempt_is_explained(place: Terminal, served: Server) -> None:
    place.run("user", "add", "ada@example.org", "--password-file", "-", given=f"{PASSWORD}\n")
    place.run("token", "add", "ada@example.org", "--secret", "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP")
    place.run("client", "add", "web", "192.0.2.9", "--sign-in", "password_then_code")
    place.run("verify", "ada@example.org", "--client", "web", "--password-file", "-", given=f"{PASSWORD}\n000000\n")
    lines = place.json("journal", "list", "--user", "ada@example.org", "--kind", "sign_in", "--json")
    line = "{chain}/{seq}".format(**lines[-1])
    told = place.run("journal", "trace", line)
    assert "ada@example.org asked to be let in, by way of web." in told.stdout
    assert "How it ended\n  They were refused: " in told.stdout
    assert place.json("journal", "trace", line, "--json")["line"]["reason"] == lines[-1]["reason"]
    missing = place.run("journal", "trace", "none")
    assert (missing.returncode, "no line of an attempt none" in missing.stderr) == (1, True)


def test_a_month_is_reported(either: Terminal) -> None:
    month = f"{datetime.now(UTC):%Y-%m}"
    empty = either.run("journal", "report", "--month", month)
    assert (empty.returncode, empty.stdout) == (0, f"{month}: 0 sign-ins, 0 accepted, 0 refused.\n")
    either.run("user", "add", "anna@example.org", "--password-file", "-", given=f"{PASSWORD}\n")
    either.run("client", "add", "mail", "192.0.2.1", "--sign-in", "password_then_code")
    either.run("verify", "anna@example.org", "--client", "mail", "--password-file", "-", given="wrong\n")
    shown = either.run("journal", "report", "--month", month).stdout
    assert f"{month}: 1 sign-ins, 0 accepted, 1 refused." in shown
    assert "mail" in shown
    assert "wrong_password   1" in shown
    assert "anna@example.org" not in shown
    told = either.json("journal", "report", "--month", month, "--json")
    assert (told["refused"], told["clients"]) == (1, [{"client": "mail", "accepted": 0, "refused": 1}])
    wrong = either.run("journal", "report", "--month", "november")
    assert (wrong.returncode, "2027-01" in wrong.stderr) == (1, True)


def test_the_journal_can_be_followed(place: Terminal, served: Server) -> None:
    command = [str(VESTIBULE), "journal", "follow", "--json"]
    with subprocess.Popen(command, env=place.whole(), stdout=subprocess.PIPE, text=True) as following:
        assert following.stdout
        names = (f"followed-{number}" for number in count())
        while not select([following.stdout], [], [], 0)[0]:  # until one was added after it began to look
            place.run("group", "add", next(names))
        seen = json.loads(following.stdout.readline())
        following.terminate()
    assert seen["action"] == "group.add"


def test_the_first_secret_of_a_client_begins_no_change_over(place: Terminal, served: Server) -> None:
    place.run("client", "add", "api-only")
    assert "api-only now has one secret" in place.run("client", "secret", "api-only").stdout
    refused = place.run("client", "secret", "api-only", "--finish")
    assert refused.stderr.splitlines()[-1] == "vestibule client secret api-only"
    assert "api-only now has two secrets" in " ".join(place.run("client", "secret", "api-only").stdout.split())
    assert place.run("client", "secret", "api-only", "--finish").returncode == 0


def test_following_needs_a_server(terminal: Terminal) -> None:
    assert terminal.run("journal", "follow").returncode == 3


def test_a_list_of_nothing_says_so_on_standard_error(terminal: Terminal) -> None:
    done = terminal.run("user", "list")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "There are no such users.\n")


def test_status_tells_whether_the_server_runs(terminal: Terminal) -> None:
    alone = terminal.run("status")
    assert (alone.returncode, "does not run" in alone.stdout) == (3, True)
    with terminal.serving():
        assert terminal.json("status", "--json")["runs"] is True


def test_removing_asks_first(place: Terminal, served: Server) -> None:
    place.run("user", "add", "gone@example.org")
    assert place.run("user", "remove", "gone@example.org").returncode == 2
    assert place.run("user", "remove", "gone@example.org", "--yes").returncode == 0


@pytest.mark.parametrize("kind", ["user", "group", "client", "policy"])
def test_nobody_is_asked_whether_to_remove_what_is_not_there(place: Terminal, served: Server, kind: str) -> None:
    done = place.run(kind, "remove", "nothing")
    assert done.returncode == 1
    assert "There is no" in done.stderr
    assert "--yes" not in done.stderr


@pytest.mark.parametrize("kind", ["group", "client", "policy"])
def test_whoever_does_not_say_yes_removes_nothing(place: Terminal, served: Server, kind: str) -> None:
    place.run(kind, "add", f"kept-{kind}", *(["allow"] if kind == "policy" else []))
    done = place.run(kind, "remove", f"kept-{kind}")
    assert (done.returncode, "--yes" in done.stderr) == (2, True)
    assert f"kept-{kind}" in place.run(kind, "list").stdout
    assert place.run(kind, "remove", f"kept-{kind}", "--yes").returncode == 0


def test_a_user_is_shown_with_factors_by_the_names_that_people_know(place: Terminal, served: Server) -> None:
    name = "factors@example.org"
    place.run("user", "add", name)
    for more in (["--serial", "F1"], ["--label", "phone"]):
        place.run("token", "add", name, "--no-qr", *more)
    place.run("recovery", "issue", name)
    place.run("client", "add", "asking", "--sign-in", "code_only")
    place.run("verify", name, "--client", "asking", "--password-file", "-", given="000000\n")
    shown = place.run("user", "show", name).stdout
    rows = [line.split() for line in shown.splitlines()]
    for row in (["factor", "serial", "label", "state"], ["totp", "F1", "active"], ["totp", "phone", "active"]):
        assert row in rows
    assert ["recovery", "active"] in rows
    assert [row[:3] for row in rows if row[2:3] == ["1"]] == [
        ["totp", "F1", "1"],
        ["totp", "phone", "1"],
        ["place", "terminal", "1"],
    ]
    ids = [one["id"] for one in place.json("user", "show", name, "--json")["credentials"]]
    assert not [one for one in ids if one in shown]


def test_a_list_of_recovery_codes_is_counted_apart(place: Terminal, served: Server) -> None:
    place.run("user", "add", "paper@example.org")
    before = place.json("status", "--json")
    place.run("recovery", "issue", "paper@example.org")
    after = place.json("status", "--json")
    assert (after["tokens"], after["recovery_lists"]) == (before["tokens"], before["recovery_lists"] + 1)
    assert "recovery lists" in place.run("status").stdout
    for command in (["list", "--limit", "1000"], ["list", "--user", "paper@example.org"], ["export"]):
        assert "recovery" not in place.run("token", *command).stdout


def test_a_backup_is_restored(installation: Installation, terminal: Terminal, tmp_path: Path) -> None:
    terminal.run("user", "add", "anna@example.org")
    done = terminal.run("backup", str(tmp_path / "copy"))
    assert done.returncode == 0, done.stderr
    assert "master key" in done.stdout
    terminal.run("user", "remove", "anna@example.org", "--yes")
    restored = terminal.run("restore", str(tmp_path / "copy"), "--yes")
    assert restored.returncode == 0, restored.stderr
    assert terminal.json("user", "list", "--json")[0]["name"] == "anna@example.org"


def test_the_doctor_looks_at_what_can_not_be_opened(installation: Installation, terminal: Terminal) -> None:
    installation.key.unlink()
    done = terminal.run("doctor", "--json")
    assert done.returncode == 1
    assert any("master key" in one["what"] for one in json.loads(done.stdout) if one["level"] == "error")


def test_the_configuration_is_explained(terminal: Terminal) -> None:
    rows = {row["key"]: row for row in terminal.json("config", "explain", "--json")}
    assert rows["server.name"]["value"] == '"mfa1"'
    assert rows["server.name"]["source"] == "VESTIBULE_SERVER_NAME"
    assert terminal.run("config", "check").returncode == 0


def test_a_directorys_secret_is_asked_for_again_before_other_servers_are_told_it(either: Terminal) -> None:
    settings = ["servers=ldaps://dc1.example", "base=dc=example", "bind_name=cn=reader"]
    either.run("directory", "add", "corp", "ldap", *settings, "--secret-file", "-", given="s3cret\n")
    assert either.run("directory", "set", "corp", "brake=7").stdout == "Changed brake.\n"
    moved = either.run("directory", "set", "corp", "servers=ldaps://dc2.example", given="s3cret\n")
    assert (moved.returncode, moved.stdout) == (0, "Changed servers, secret.\n")
    assert "told to others" in moved.stderr
    assert either.json("directory", "list", "--json")[0]["settings"]["servers"] == ["ldaps://dc2.example"]
