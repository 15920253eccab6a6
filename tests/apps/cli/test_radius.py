"""`vestibule test radius` against a running server."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.apps.cli.terminal import Done, Server, Terminal
from tests.apps.installation import Installation
from vestibule.apps.cli.exits import Stop
from vestibule.apps.cli.radius import address
from vestibule.core.oath import hotp

SECRET = "a shared secret of the test"
PASSWORD = "correct horse battery"
KEY = b"12345678901234567890"


@dataclass(frozen=True)
class Place:
    """A running server that knows loopback as a client, and a user with a HOTP token."""

    terminal: Terminal
    server: Server
    secret: str  # the file

    def ask(self, *arguments: str, given: str = "") -> Done:
        return self.terminal.run("test", "radius", self.server.radius, *arguments, given=given)


@pytest.fixture(scope="module")
def place(new_installation: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    installation = Installation.copied(new_installation, tmp_path_factory.mktemp("radius") / "server")
    terminal, seed, secret = Terminal(installation.environment()), installation.folder / "s", installation.folder / "r"
    secret.write_text(SECRET)
    seed.write_text("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ")
    with terminal.serving() as server:
        for arguments, given in (
            (["group", "add", "staff", "--reply", "Class=staff", "--reply", "Session-Timeout=3600"], ""),
            (["user", "add", "anna", "--group", "staff", "--mfa", "enforced", "--password-file", "-"], PASSWORD),
            (["token", "add", "anna", "--method", "hotp", "--secret-file", str(seed), "--no-qr"], ""),
            (["client", "add", "nas", "127.0.0.1", "--secret-file", str(secret)], ""),
        ):
            done = terminal.run(*arguments, given=given)
            assert done.returncode == 0, done.stderr
        yield Place(terminal, server, str(secret))


def test_a_sign_in_with_its_question_and_what_the_reply_carries(place: Place) -> None:
    asked = ["--user", "anna", "--secret-file", place.secret]
    right = place.ask(*asked, given=f"{PASSWORD}\n{hotp(KEY, 0)}\n")
    spent = place.ask(*asked, given=f"{PASSWORD}\n{hotp(KEY, 0)}\n")
    assert right.returncode == 0, right.stderr
    assert 'Reply-Message = "Enter your verification code"' in right.stdout
    accept = right.stdout[right.stdout.index("Access-Accept") :].splitlines()
    assert accept == ["Access-Accept  (both authenticators are right)", '  Class = "staff"', "  Session-Timeout = 3600"]
    assert (spent.returncode, "Access-Reject" in spent.stdout) == (1, True)


def test_the_server_says_that_it_is_alive(place: Place) -> None:
    done = place.ask("--status", "--secret-file", place.secret)
    assert (done.returncode, done.stdout) == (0, "Access-Accept  (both authenticators are right)\n")


def test_a_wrong_secret_is_met_with_silence_and_an_explanation(place: Place) -> None:
    done = place.ask("--status", "--timeout", "1", given="another secret\n")
    assert done.returncode == 3
    assert "shared secret" in " ".join(done.stderr.split())


def test_a_port_where_nothing_listens_is_told() -> None:
    done = Terminal({}).run("test", "radius", "127.0.0.1:9", "--status", given="s\n")
    assert done.returncode == 3
    assert "Nothing listens" in done.stderr


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("192.0.2.1", ("192.0.2.1", 1812)),
        ("192.0.2.1:18120", ("192.0.2.1", 18120)),
        ("[2001:db8::1]:18120", ("2001:db8::1", 18120)),
        ("[2001:db8::1]", ("2001:db8::1", 1812)),
        ("2001:db8::1", ("2001:db8::1", 1812)),
        ("nas.example.org", ("nas.example.org", 1812)),
    ],
)
def test_an_address_is_taken_apart(text: str, found: tuple[str, int]) -> None:
    assert address(text) == found


@pytest.mark.parametrize("text", ["h:", "h:0", "h:65536", "h:x"])
def test_an_address_without_a_port_that_exists_is_refused(text: str) -> None:
    with pytest.raises(Stop):
        address(text)
