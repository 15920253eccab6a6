"""From a maker's file of tokens to a sign-in: good rows work, bad ones are named and kept."""

import asyncio
import base64
import csv
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.apps.cli.terminal import Server, Terminal
from tests.apps.installation import Installation, make_template
from tests.journeys.nas import SECRET, Address, Said, radclient
from vestibule.core.oath import hotp, time_step

PASSWORD = "correct horse battery"
KEYS = {name: name.encode() * 5 for name in ("anna", "otto")}
HEADER = "upn,serial number,secret key,time interval,manufacturer,model"


def row(upn: str, serial: str, key: str, period: str = "30") -> str:
    return f"{upn},{serial},{key},{period},Acme,Pocket 3"


def base32(key: bytes) -> str:
    return base64.b32encode(key).decode()


SPARE = base32(b"a key that nobody has yet")
ROWS = (
    row("anna", "A1", base32(KEYS["anna"])),
    row("nobody", "N1", SPARE),
    row("anna", "B1", "JBSW0Y3DPEHPK3PXPJBSWY3DPEHPK3PX"),
    row("anna", "S1", "JBSWY3DPEHPK3PXP"),
    row("anna", "P1", SPARE, "45"),
    row("otto", "O1", base32(KEYS["otto"]), "60"),
    row("", "D1", SPARE),
    "anna,A2",
)
BAD = {3: "upn", 4: "secret key", 5: "secret key", 6: "time interval", 9: ""}
"""Line by line, the column that is wrong; "" where it is the row."""


@pytest.fixture(scope="module")
def terminal(tmp_path_factory: pytest.TempPathFactory) -> Terminal:
    """A server with two users, and a client of each kind."""
    terminal = Terminal(Installation(make_template(tmp_path_factory.mktemp("server"))).environment())
    shared = ("--secret-file", "-")
    for name in KEYS:
        terminal.run("user", "add", name, "--mfa", "enforced", "--password-file", "-", given=f"{PASSWORD}\n")
    for number, sign_in in ((1, "password_and_code"), (2, "password_then_code")):
        address = f"127.0.0.{number}"
        done = terminal.run("client", "add", sign_in, address, "--sign-in", sign_in, *shared, given=SECRET.decode())
        assert done.returncode == 0, done.stderr
    return terminal


@pytest.fixture(scope="module")
def served(terminal: Terminal) -> Iterator[Server]:
    with terminal.serving() as server:
        yield server


@pytest.fixture(scope="module")
def imported(terminal: Terminal, served: Server, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The file, and what was said of it."""
    file = tmp_path_factory.mktemp("file") / "tokens.csv"
    file.write_text("\n".join((HEADER, *ROWS, "")))
    done = terminal.run("token", "import", str(file))
    assert done.returncode == 1, done.stderr
    return file, done.stdout


def test_each_bad_row_is_named_by_line_and_column_and_kept(imported: tuple[Path, str]) -> None:
    file, said = imported
    assert "tokens.csv: 3 new, 0 changed, 0 unchanged, 5 failed." in said
    named = {int(line.split()[0]): line for line in said.splitlines() if line[:1].isdigit() and not line.endswith(".")}
    assert named.keys() == BAD.keys()
    assert all(field in named[line] for line, field in BAD.items())
    kept = file.with_name("Failures_tokens.csv")
    assert kept.stat().st_mode & 0o777 == 0o600
    with kept.open(encoding="utf-8", newline="") as opened:
        assert [one["serial number"] for one in csv.DictReader(opened)] == ["N1", "B1", "S1", "P1", "A2"]


@pytest.mark.requirement(4)
@pytest.mark.parametrize(("name", "period"), [("anna", 30), ("otto", 60)])
def test_a_token_of_the_file_signs_in_at_one_go_and_by_a_question(
    imported: tuple[Path, str], served: Server, name: str, period: int
) -> None:
    first, second = (hotp(KEYS[name], time_step(time.time(), period) + steps) for steps in (0, 1))
    at_one_go = asked(served, 1, name, f"{PASSWORD}{first}")
    assert at_one_go.packet == "Access-Accept"
    assert asked(served, 1, name, f"{PASSWORD}{first}").packet == "Access-Reject"
    question = asked(served, 2, name, PASSWORD)
    assert question.packet == "Access-Challenge"
    (state,) = question.attributes["State"]
    assert asked(served, 2, name, second, f"State = {state}").packet == "Access-Accept"
    assert asked(served, 2, name, second, f"State = {state}").packet == "Access-Reject"


def test_a_second_import_of_the_same_file_changes_nothing(imported: tuple[Path, str], terminal: Terminal) -> None:
    file, _ = imported
    done = terminal.run("token", "import", str(file), "--dry-run")
    assert "0 new, 0 changed, 3 unchanged, 5 failed." in done.stdout


def asked(server: Server, client: int, name: str, typed: str, *more: str) -> Said:
    """Ask as the client that has this address."""
    host, _, port = server.radius.rpartition(":")
    address: Address = (host, int(port))
    lines = (f'User-Name = "{name}"', f'User-Password = "{typed}"', f"Packet-Src-IP-Address = 127.0.0.{client}")
    return asyncio.run(radclient(address, *lines, *more))
