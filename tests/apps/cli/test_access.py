"""Roles, the first owner, passes, bypasses and the history of settings, as they are typed at the terminal."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.apps.cli.terminal import Terminal
from tests.apps.installation import Installation

PASSWORD = "correct horse battery"
PORTAL = {"VESTIBULE_API_LISTEN": "127.0.0.1:9465"}
LINK = re.compile(r"  Link  (http://127\.0\.0\.1:9465/welcome/[\w-]{43})\n")


@pytest.fixture
def anna(terminal: Terminal) -> Iterator[Terminal]:
    """A terminal beside a server that knows somebody with a password and a token, and the way to its portal."""
    with terminal.serving({"VESTIBULE_API_LISTEN": "127.0.0.1:0", "VESTIBULE_API_PUBLIC_URL": "https://mfa.test"}):
        assert terminal.run("user", "add", "anna", "--password-file", "-", given=f"{PASSWORD}\n").returncode == 0
        assert terminal.run("token", "add", "anna", "--serial", "A1").returncode == 0
        yield terminal


def test_a_role_is_given_shown_and_taken(anna: Terminal) -> None:
    assert anna.run("user", "role", "anna", "owner").stdout == "anna is owner now.\n"
    assert "owner" in anna.run("user", "show", "anna").stdout
    assert anna.run("user", "list").stdout.split()[-3:] == ["anna", "enabled", "owner"]
    assert [one["name"] for one in anna.json("user", "roles", "--json")] == ["anna"]
    assert "anna" in anna.run("user", "roles").stdout
    last = anna.run("user", "block", "anna", "--reason", "left")
    assert last.returncode == 1
    assert "would leave no owner who can sign in" in " ".join(last.stderr.split())
    taken = anna.run("user", "role", "anna", "none")
    assert taken.returncode == 1
    anna.run("user", "add", "otto", "--password-file", "-", given=f"{PASSWORD}\n")
    anna.run("token", "add", "otto")
    anna.run("user", "role", "otto", "owner")
    assert anna.run("user", "role", "anna", "none").stdout == "anna has no role now.\n"
    assert anna.run("user", "role", "anna", "king").returncode == 1


@pytest.mark.requirement(47)
def test_a_pass_is_shown_once_and_ended(anna: Terminal) -> None:
    made = anna.run("user", "pass", "anna", "--minutes", "30", "--many", "--starts-in", "60")
    assert "as often as it is typed, from " in made.stdout
    found = re.search(r"  Pass  ([0-9A-Z]{5}-[0-9A-Z]{5})\n", made.stdout)
    assert found
    assert "This is shown once." in made.stdout
    others = ("user show anna", "user show anna --json", "user passes anna --json", "journal list --json")
    for command in others:
        assert found[1] not in anna.run(*command.split()).stdout
    assert "good" not in anna.run("user", "passes", "anna").stdout  # not yet
    assert anna.run("user", "revoke-pass", "anna").stdout == "Ended the pass of anna.\n"
    assert anna.run("user", "revoke-pass", "anna").returncode == 1
    assert "neither a pass nor a bypass" in anna.run("user", "passes", "anna").stderr


def test_a_bypass_is_granted_and_cancelled(anna: Terminal) -> None:
    assert anna.run("user", "bypass", "anna").returncode == 2
    done = anna.run("user", "bypass", "anna", "--reason", "left at home", "--seconds", "600")
    assert "passes with the password alone" in done.stdout
    assert "left at home" in anna.run("user", "passes", "anna").stdout
    assert anna.run("user", "cancel-bypass", "anna").stdout == "Ended the bypass of anna.\n"


def test_somebody_registers_anew_and_is_signed_out(anna: Terminal) -> None:
    assert anna.run("user", "sign-out", "anna").stdout == "Ended 0 sessions of anna.\n"
    done = anna.run("user", "reregister", "anna", "--reason", "stolen", "--yes")
    assert "anna has no factors now" in done.stdout
    assert "Back in the inventory: A1" in done.stdout
    assert anna.json("user", "show", "anna", "--json")["credentials"] == []
    assert anna.run("user", "reregister", "anna").returncode == 2
    assert anna.run("user", "reregister", "nobody", "--yes").returncode == 1


def test_a_caller_is_checked_by_a_note_or_a_code(anna: Terminal) -> None:
    assert "Not checked" in anna.run("user", "check", "anna", "--show").stdout
    done = anna.run("user", "check", "anna", "--note", "called back at the desk")
    assert done.stdout.startswith("anna is known as the caller until ")
    assert "Checked by note" in anna.run("user", "check", "anna", "--show").stdout
    wrong = anna.run("user", "check", "anna", given="000000\n")
    assert wrong.returncode == 1


def test_a_setting_is_put_back(anna: Terminal) -> None:
    anna.run("setting", "set", "challenge_seconds", "60", "--reason", "codes last 30 seconds")
    (change,) = anna.json("setting", "history", "--json")
    assert (change["old"], change["new"], change["reason"]) == (120.0, 60, "codes last 30 seconds")
    assert "120.0 → 60" in anna.run("setting", "history", "challenge_seconds").stdout
    assert anna.run("setting", "undo", change["change"]).stdout == "challenge_seconds = 120.0\n"
    assert anna.run("setting", "undo", change["change"]).returncode == 1


def test_a_key_takes_the_rights_of_a_role(anna: Terminal) -> None:
    anna.run("api-key", "add", "desk", "--role", "helpdesk")
    (key,) = anna.json("api-key", "list", "--json")
    assert {"users:write", "factors:write", "users:read"} <= set(key["rights"])
    assert "settings:write" not in key["rights"]
    assert anna.run("api-key", "add", "king", "--role", "king").returncode == 1
    assert anna.run("api-key", "add", "both", "--role", "helpdesk", "--right", "users:read").returncode == 1


@pytest.mark.requirement(52)
def test_init_shows_a_link_to_the_first_owner_that_stands_nowhere_else(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    terminal = Terminal(Installation(tmp_path).environment())
    made = terminal.run("init", more=PORTAL)
    found = LINK.search(made.stdout)
    assert found, made.stderr
    token = urlsplit(found[1]).path.rpartition("/")[2]
    lines = terminal.run("journal", "list", "--json").stdout
    assert [line["action"] for line in json.loads(lines)] == ["system.init", "owner.link"]
    kept = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert token.encode() not in lines.encode() + kept


def test_without_a_portal_init_says_what_to_do_for_an_owner(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    terminal = Terminal(Installation(tmp_path).environment())
    assert "api.public_url says where the portal is: vestibule owner link" in " ".join(
        terminal.run("init").stdout.split()
    )
    refused = terminal.run("owner", "link")
    assert refused.returncode == 1
    made = terminal.run("owner", "link", more={**PORTAL, "VESTIBULE_API_PUBLIC_URL": "https://mfa.example.org"})
    assert "  Link  https://mfa.example.org/welcome/" in made.stdout


def test_a_link_for_somebody_who_is_here_says_what_it_ends(anna: Terminal) -> None:
    made = anna.run("owner", "link", "anna")
    assert "  Link  https://mfa.test/welcome/" in made.stdout
    assert "anna gets a new password there, and all their factors and sessions end." in made.stdout
    assert anna.json("user", "show", "anna", "--json")["credentials"] != []
    assert anna.run("owner", "link", "nobody").returncode == 1
