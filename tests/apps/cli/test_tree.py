"""The tree of commands: complete, honest about itself, and closed to secrets in arguments."""

import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from tests.apps.cli.terminal import Terminal
from tests.house.sources import PACKAGE, ROOT, python_files
from vestibule.apps.cli.exits import Code
from vestibule.apps.cli.tree import COMMANDS, app
from vestibule.apps.commands.table import FLOWS

DOCS = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")


def module_of(name: str) -> str:
    return f"vestibule.apps.cli.{name.replace('-', '_')}"


def leaves(command: object, path: tuple[str, ...] = ()) -> Iterator[tuple[str, Any]]:
    """Every command that can be run, by its whole name."""
    inner = getattr(command, "commands", {})
    for name, one in inner.items():
        yield from leaves(one, (*path, name))
    if not inner:
        yield " ".join(path), command


def commands() -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name in COMMANDS:
        module = import_module(module_of(name))
        found |= dict(leaves(get_command(module.app), (name,)))
    return found


@pytest.mark.parametrize("name", COMMANDS)
def test_the_list_says_what_the_command_says_of_itself(name: str) -> None:
    command = get_command(import_module(module_of(name)).app)
    assert command.help
    assert command.help.splitlines()[0].startswith(COMMANDS[name].help)


def test_every_command_of_the_server_can_be_typed() -> None:
    sources = "".join(source.text for source in python_files("src/vestibule/apps/cli"))
    missing = [name for name in (*FLOWS, "verify") if f'"{name}"' not in sources.replace("'", '"')]
    assert not missing


@pytest.mark.requirement(47)
def test_no_secret_is_an_argument() -> None:
    """Arguments stand in the list of processes and in the shell's history."""
    for name, command in commands().items():
        for parameter in command.params:
            if any(word in parameter.name for word in ("password", "passphrase", "secret", "code")):
                assert parameter.is_flag or parameter.metavar == "FILE", f"{name} {parameter.name}"


FAMILIES = ("user", "group", "client", "policy", "journal", "config")
UNNAMED = re.compile(r"--[a-z-]+ <[^|>]+>")  # an option whose value is called by its type, not by what it is


@pytest.mark.parametrize("name", [name for name in commands() if name.split()[0] in FAMILIES])
def test_an_option_says_what_it_takes(name: str) -> None:
    shown = CliRunner().invoke(app, [*name.split(), "--help"]).stdout
    assert "--help" in shown
    assert UNNAMED.findall(shown) == []


@pytest.mark.parametrize("name", FAMILIES)
def test_a_list_of_commands_cuts_nothing_off(name: str) -> None:
    shown = CliRunner().invoke(app, [name, "--help"], terminal_width=80).stdout
    assert "..." not in shown.partition("Commands:")[2]


@pytest.mark.parametrize("name", commands())
def test_every_command_is_in_the_docs(name: str) -> None:
    assert f"`vestibule {name}" in DOCS


def test_the_docs_show_the_real_help() -> None:
    assert Terminal({}).run("--help").stdout.strip() in DOCS


@pytest.mark.parametrize("code", Code)
def test_every_exit_code_is_in_the_docs(code: Code) -> None:
    assert f"| {code.value} |" in DOCS


def test_every_module_that_is_a_command_is_in_the_tree() -> None:
    modules = Path(PACKAGE, "apps", "cli").glob("*.py")
    found = {path.stem.replace("_", "-") for path in modules if "app = commands()" in path.read_text()}
    assert found == set(COMMANDS)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("user set anna --mfa maybe", "'--mfa': 'maybe' is not one of 'off', 'enabled', 'enforced'."),
        ("policy add rule maybe", "'OUTCOME': 'maybe' is not one of"),
        ("user list --limit x", "'--limit': it must be a whole number"),
        ("user list --limit 0", "'--limit': it must be at least 1"),
        ("client add vpn --time-budget x", "'--time-budget': it must be a number"),
        ("test radius 127.0.0.1 --timeout 61", "'--timeout': it must be at most 60"),
    ],
)
def test_a_value_that_does_not_fit_is_told_in_words_for_people(arguments: str, said: str) -> None:
    told = CliRunner().invoke(app, arguments.split())
    assert told.exit_code == 2
    assert f"Invalid value for {said}" in " ".join(told.stderr.split())


@pytest.mark.parametrize(("arguments", "code"), [(["nonsense"], 2), (["user", "shw"], 2), (["user", "add"], 2)])
def test_wrong_usage_ends_with_2(arguments: list[str], code: int) -> None:
    assert CliRunner().invoke(app, arguments).exit_code == code
