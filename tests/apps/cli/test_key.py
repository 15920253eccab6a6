"""`vestibule key`, with a server and without one."""

import json
from collections.abc import Iterator

import pytest

from tests.apps.cli.terminal import Terminal
from tests.apps.installation import Installation


@pytest.fixture(params=["server", "alone"])
def either(request: pytest.FixtureRequest, installation: Installation) -> Iterator[Terminal]:
    """A terminal, once beside a running server and once without one."""
    terminal = Terminal(installation.environment())
    if request.param == "alone":
        yield terminal
        return
    with terminal.serving():
        yield terminal


@pytest.mark.requirement(46)
def test_keys_are_shown_rotated_and_put_under_a_new_master_key(either: Terminal, installation: Installation) -> None:
    either.run("client", "add", "vpn", "192.0.2.0/24")
    assert "clients 1" in either.run("key", "status").stdout
    done = either.run("key", "rotate", "--again")
    assert done.stdout == "Key 6 seals from now on. 1 rows were sealed anew; key 1 is gone.\n"
    assert "nothing to do" in either.run("key", "rotate").stderr
    assert f"{installation.key} holds the new master key." in either.run("key", "rotate", "--master").stdout
    refused = either.run("key", "rotate", "--again")
    assert (refused.returncode, "--finish" in refused.stderr) == (1, True)
    assert "opens nothing here" in either.run("key", "rotate", "--master", "--finish").stdout
    told = json.loads(either.run("key", "status", "--json").stdout)
    assert {key["id"]: key["rows"] for key in told["keys"] if key["seals"]} == {6: {"clients": 1}}
    assert either.run("client", "show", "vpn").returncode == 0


def test_what_opens_is_not_discarded(either: Terminal) -> None:
    either.run("client", "add", "vpn", "192.0.2.0/24")
    refused = either.run("key", "discard", "clients/vpn", "--yes")
    assert (refused.returncode, "opens, so it is not removed here" in refused.stderr) == (1, True)


def test_finish_goes_with_master(terminal: Terminal) -> None:
    assert terminal.run("key", "rotate", "--finish").returncode == 2
