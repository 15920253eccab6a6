"""`vestibule test radius` against a running server."""

import pytest

from tests.apps.cli.terminal import Terminal
from tests.apps.installation import Installation
from vestibule.apps.cli.exits import Stop
from vestibule.apps.cli.radius import _text, address
from vestibule.core.oath import hotp

SECRET = "a shared secret of the test"
PASSWORD = "correct horse battery"
KEY = b"12345678901234567890"


@pytest.fixture
def installed(installation: Installation, terminal: Terminal) -> Terminal:
    """A client on loopback, and a user with a HOTP token."""
    (installation.folder / "secret").write_text(SECRET)
    (installation.folder / "key").mkdir(exist_ok=True)
    (installation.folder / "seed").write_text("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ")
    seed, secret = str(installation.folder / "seed"), str(installation.folder / "secret")
    for arguments, given in (
        (["group", "add", "staff", "--reply", "Class=staff", "--reply", "Session-Timeout=3600"], ""),
        (["user", "add", "anna", "--group", "staff", "--mfa", "enforced", "--password-file", "-"], PASSWORD),
        (["token", "add", "anna", "--method", "hotp", "--secret-file", seed, "--no-qr"], ""),
        (["client", "add", "nas", "127.0.0.1", "--secret-file", secret], ""),
    ):
        done = terminal.run(*arguments, given=given)
        assert done.returncode == 0, done.stderr
    return terminal


def test_a_sign_in_with_its_question_and_what_the_reply_carries(
    installation: Installation, installed: Terminal
) -> None:
    secret = ["--secret-file", str(installation.folder / "secret")]
    with installed.serving() as server:
        asked = ["test", "radius", server.radius, "--user", "anna", *secret]
        right = installed.run(*asked, given=f"{PASSWORD}\n{hotp(KEY, 0)}\n")
        spent = installed.run(*asked, given=f"{PASSWORD}\n{hotp(KEY, 0)}\n")
        alive = installed.run("test", "radius", server.radius, "--status", *secret)
    assert right.returncode == 0, right.stderr
    assert 'Reply-Message = "Enter your verification code"' in right.stdout
    assert right.stdout.splitlines()[-3:] == [
        "Access-Accept  (both authenticators are right)",
        "  Class = " + '"staff"',
        "  Session-Timeout = 3600",
    ]
    assert (spent.returncode, "Access-Reject" in spent.stdout) == (1, True)
    assert (alive.returncode, alive.stdout) == (0, "Access-Accept  (both authenticators are right)\n")


def test_a_wrong_secret_is_met_with_silence_and_an_explanation(installed: Terminal) -> None:
    with installed.serving() as server:
        done = installed.run("test", "radius", server.radius, "--status", "--timeout", "1", given="another secret\n")
    assert done.returncode == 3
    assert "shared secret" in " ".join(done.stderr.split())


def test_a_port_where_nothing_listens_is_told(installed: Terminal) -> None:
    done = installed.run("test", "radius", "127.0.0.1:9", "--status", given="s\n")
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


def test_octets_that_could_control_the_terminal_are_shown_as_hex() -> None:
    assert (_text(b"staff"), _text(b"\x1b[2J"), _text(b"\xff")) == ('"staff"', "0x1b5b324a", "0xff")
