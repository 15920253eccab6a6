"""People of an Active Directory sign in with the password that they have and a code: a real domain controller."""

import asyncio
import base64
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from tests.apps.cli.terminal import Server, Terminal
from tests.apps.installation import Installation, make_template
from tests.directories.samba import (
    ADDRESS,
    ADMINISTRATOR,
    BASE,
    PASSWORD,
    THRESHOLD,
    SambaDomain,
    Somebody,
    missing,
)
from tests.journeys.nas import SECRET, Said, radclient
from vestibule.core.oath import hotp

pytestmark = [
    pytest.mark.directories,
    pytest.mark.skipif(bool(missing()), reason=missing() or "-"),
    pytest.mark.timeout(180),
]

RIGHT = "Right-pass-1"
STATES = {
    "expired": "password_expired",
    "must_change": "password_must_change",
    "disabled": "account_disabled",
    "account_expired": "account_expired",
}
PEOPLE = (
    Somebody("jane", RIGHT, first_name="Jane", last_name="Miller", email="jane.miller@corp.example"),
    Somebody("locked", RIGHT),
    Somebody("nobody", RIGHT),
    *(Somebody(state, RIGHT, "active" if state == "disabled" else state) for state in STATES),
)
SETTINGS = (
    f"servers=ldaps://{ADDRESS}",
    f"base={BASE}",
    f"bind_name={ADMINISTRATOR}",
    'sign_in={"domains": ["CORP"]}',
    "person_filter=(&(objectCategory=person)(objectClass=user)(!(sAMAccountName=krbtgt)))",
)


@dataclass(frozen=True)
class World:
    """A domain, a server that has taken its people over, and a NAS."""

    domain: SambaDomain
    terminal: Terminal
    server: Server

    def sign_in(self, name: str, typed: str) -> Said:
        host, _, port = self.server.radius.rpartition(":")
        lines = (f'User-Name = "{name}"', f'User-Password = "{typed}"')
        return asyncio.run(radclient((host, int(port)), *lines))

    def last(self, name: str) -> dict[str, Any]:
        lines: list[dict[str, Any]] = self.terminal.json("journal", "list", "--user", name, "--json")
        return [line for line in lines if line["kind"] == "sign_in"][-1]


def key(name: str) -> bytes:
    return name.encode().ljust(20, b"-")


@pytest.fixture(scope="module")
def domain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SambaDomain]:
    domain = SambaDomain(tmp_path_factory.mktemp("samba") / "dc")
    domain.provision()
    domain.start()
    domain.add(*PEOPLE)
    yield domain
    domain.stop()


@pytest.fixture(scope="module")
def world(domain: SambaDomain, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    terminal = Terminal(Installation(make_template(tmp_path_factory.mktemp("server"))).environment())
    with terminal.serving() as server:
        run(
            terminal,
            "directory",
            "add",
            "corp",
            "ldap",
            *SETTINGS,
            f"ca_file={domain.authority.file}",
            "--secret-file",
            "-",
            given=PASSWORD,
        )
        run(terminal, "directory", "sync", "corp")
        run(
            terminal,
            "client",
            "add",
            "vpn",
            "127.0.0.0/8",
            "--sign-in",
            "password_and_code",
            "--secret-file",
            "-",
            given=SECRET.decode(),
        )
        for name in ("jane", "locked", *STATES):
            run(
                terminal,
                "token",
                "add",
                f"{name}@corp.example",
                "--method",
                "hotp",
                "--serial",
                name,
                "--secret-file",
                "-",
                given=base64.b32encode(key(name)).decode(),
            )
        yield World(domain, terminal, server)


def run(terminal: Terminal, *arguments: str, given: str = "") -> str:
    done = terminal.run(*arguments, given=given)
    assert done.returncode == 0, f"{arguments}: {done.stderr}{done.stdout}"
    return done.stdout


# -- signing in -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("counter", "name"),
    list(
        enumerate(
            ("jane@corp.example", "jane", "CORP\\jane", "corp\\JANE", "jane.miller@corp.example", "JANE@CORP.EXAMPLE")
        )
    ),
)
def test_a_person_signs_in_by_each_of_their_names_with_their_password_and_a_code(
    world: World, counter: int, name: str
) -> None:
    typed = f"{RIGHT}{hotp(key('jane'), counter)}"
    escaped = name.replace("\\", "\\\\")
    assert world.sign_in(escaped, typed).packet == "Access-Accept"
    assert world.sign_in(escaped, typed).packet == "Access-Reject"
    assert world.last("jane@corp.example")["reason"] == "code_reused"


def test_a_name_of_another_domain_is_nobodys(world: World) -> None:
    assert world.sign_in("OTHER\\\\jane", f"{RIGHT}{hotp(key('jane'), 9)}").packet == "Access-Reject"


def test_why_a_password_is_not_taken_is_told_in_the_journal_and_not_on_the_wire(world: World) -> None:
    wrong = world.sign_in("jane", f"Wrong-pass-1{hotp(key('jane'), 7)}")
    assert world.last("jane@corp.example")["reason"] == "wrong_password"
    world.domain.disable("disabled")
    for state, reason in STATES.items():
        said = world.sign_in(f"{state}@corp.example", f"{RIGHT}{hotp(key(state), 0)}")
        assert said.packet == wrong.packet == "Access-Reject"
        assert said.attributes["Reply-Message"] == wrong.attributes["Reply-Message"]
        assert said.attributes.keys() == wrong.attributes.keys()
        assert world.last(f"{state}@corp.example")["reason"] == reason


def test_a_locked_account_is_told_and_what_came_before_was_counted(world: World) -> None:
    for counter in range(THRESHOLD):
        assert world.sign_in("locked", f"Wrong-pass-{counter}{hotp(key('locked'), 0)}").packet == "Access-Reject"
    assert world.last("locked@corp.example")["reason"] == "wrong_password"
    assert world.sign_in("locked", f"{RIGHT}{hotp(key('locked'), 0)}").packet == "Access-Reject"
    assert world.last("locked@corp.example")["reason"] == "account_locked"


# -- the people -----------------------------------------------------------------------------------------------------


def test_people_come_over_with_their_names_and_a_second_run_changes_nothing(world: World) -> None:
    jane = world.terminal.json("user", "show", "jane@corp.example", "--json")["user"]
    assert (jane["first_name"], jane["last_name"], jane["email"]) == ("Jane", "Miller", "jane.miller@corp.example")
    assert jane["directory"] == "corp"
    assert "checked by the directory corp" in run(world.terminal, "user", "show", "jane@corp.example")
    again = world.terminal.json("directory", "sync", "corp", "--json")
    assert (again["created"], again["gone"], again["refused"]) == (0, 0, 0)


def test_an_account_that_is_disabled_there_is_blocked_at_the_next_synchronisation(world: World) -> None:
    world.domain.disable("disabled")
    run(world.terminal, "directory", "sync", "corp")
    blocked = world.terminal.json("user", "show", "disabled@corp.example", "--json")["user"]["blocked"]
    assert blocked["reason"] == "disabled in the directory"


def test_a_person_is_looked_for_and_their_password_tried(world: World) -> None:
    found = world.terminal.json("directory", "test", "corp", "--user", "CORP\\jane", "--json")
    assert found["found"]["name"] == "jane@corp.example"
    said = world.terminal.run("directory", "test", "corp", "--user", "expired", "--password", given=RIGHT)
    assert "The password is not taken: password_expired." in said.stdout


def test_who_leaves_the_domain_is_blocked_here(world: World) -> None:
    world.domain.remove("nobody")
    assert world.terminal.json("directory", "sync", "corp", "--json")["gone"] == 1
    blocked = world.terminal.json("user", "show", "nobody@corp.example", "--json")["user"]["blocked"]
    assert blocked["reason"] == "gone from the directory"
