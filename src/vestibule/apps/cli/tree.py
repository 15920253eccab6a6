"""All commands by name. Each lives in a module of its own that is imported when the command is used."""

import os
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any, Protocol

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

from vestibule.apps.cli.paths import CONFIGURATION_FILE


@dataclass(frozen=True, slots=True)
class Branch:
    """One line of `vestibule --help`; `help` is the first sentence of the command's own. Its module has its name."""

    section: str
    help: str


def _branches(section: str, **commands: str) -> dict[str, Branch]:
    return {name.replace("_", "-"): Branch(section, text) for name, text in commands.items()}


COMMANDS: dict[str, Branch] = {
    **_branches(
        "Server",
        init="Make the data directory, the master key and the database.",
        serve="Run the server until it is told to stop.",
        demo="Run a demonstration with a user, tokens and a RADIUS client.",
        status="Show whether the server runs, and what it holds.",
        config="Explain and check the start-up configuration.",
        database="Bring the database to this version, or copy it to another one.",
        clock="Confirm the clock after it was moved.",
    ),
    **_branches(
        "People and what they prove",
        user="Users: add, import, list, show, set, role, block, pass, reset, remove.",
        owner="The first owner, and the way back in: a one-time link.",
        directory="Directories of others: add, list, show, set, test, sync, remove.",
        group="Groups: their members' reply attributes.",
        token="Tokens: import, assign, activate, resync, disable, export.",  # noqa: S106 - a help text
        recovery="Recovery codes for a user who lost everything else.",
        passkey="Passkeys: what is known of their models, and who has an unsafe one.",
        phone="Telephone numbers, mail addresses and PINs: add, list, set, remove, pin.",
    ),
    **_branches(
        "Who asks, and what is asked",
        client="RADIUS clients: add, list, show, set, secret, remove.",
        api_key="Keys of the HTTP API: add, list, remove.",
        provider="Providers of calls, texts and mail: add, list, show, set, test, sends, prices, remove.",
        sound="What is said in calls: list, add, remove, render.",
        route="Routes: which provider carries what where.",
        policy="Rules in order: who needs a second factor, who is let in, who is not.",
        setting="Settings that take effect at once: limits, texts, journal fields.",
    ),
    **_branches(
        "Looking after it",
        journal="What happened: list, trace, report, follow, verify, export, prune.",
        verify="Sign in from the terminal, as a client would.",
        test="Ask a server as its clients do.",
        doctor="Look for what is wrong or about to go wrong.",
        selftest="Check this build against published test vectors.",
        backup="Copy everything but the master key while the server runs.",
        restore="Put a backup in place of the database.",
        key="The keys that protect what is stored: status, rotate, discard.",
    ),
}


IN_WORDS = (
    ("Value error, ", ""),
    ("Input should be a valid integer, unable to parse string as an integer", "it must be a whole number"),
    ("Input should be a valid number, unable to parse string as a number", "it must be a number"),
    ("Input should be greater than or equal to", "it must be at least"),
    ("Input should be less than or equal to", "it must be at most"),
)
"""What the library says of a value that does not fit, and what is said instead."""


class Page(Protocol):
    """What typer writes help with."""

    def section(self, name: str) -> AbstractContextManager[None]:
        """Begin a section."""

    def write_dl(self, rows: Sequence[tuple[str, str]]) -> None:
        """Write names with what they are."""


class Tree(TyperGroup):
    """The commands of `COMMANDS`, none of which is imported for a list of them."""

    def list_commands(self, ctx: object) -> list[str]:  # noqa: ARG002 - typer's signature
        """All names, in the order in which they are shown."""
        return list(COMMANDS)

    def get_command(self, ctx: object, cmd_name: str) -> TyperCommand | TyperGroup | None:  # noqa: ARG002 - as above
        """Import the command, or None for a name that is none."""
        if cmd_name not in COMMANDS:
            return None
        module = import_module(f"vestibule.apps.cli.{cmd_name.replace('-', '_')}")
        command = get_command(module.app)
        if not isinstance(command, TyperCommand | TyperGroup):
            raise TypeError(cmd_name)
        command.name = cmd_name
        return command

    def invoke(self, ctx: Any) -> object:  # noqa: ANN401 - the class has no public name
        """Run what was typed; what is wrong with a value is said in words for people."""
        try:
            return super().invoke(ctx)
        except typer.BadParameter as bad:
            for told, meant in IN_WORDS:
                bad.message = bad.message.replace(told, meant)
            raise

    def format_commands(self, ctx: object, formatter: Page) -> None:  # noqa: ARG002 - as above
        """List the commands by section."""
        for section in dict.fromkeys(branch.section for branch in COMMANDS.values()):
            with formatter.section(section):
                formatter.write_dl(
                    [(name, branch.help) for name, branch in COMMANDS.items() if branch.section == section]
                )


app = typer.Typer(
    cls=Tree, add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False, no_args_is_help=True
)


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        print(f"vestibule {version('vestibule')}")
        raise typer.Exit


@app.callback(epilog="Exit codes: 0 done, 1 refused or failed, 2 wrong usage or configuration, 3 unavailable.")
def _root(
    config: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="The configuration; otherwise the one that VESTIBULE_CONFIG names."),
    ] = None,
    version: Annotated[  # noqa: ARG001 - its callback does it
        bool, typer.Option("--version", help="Show the version.", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    """Vestibule: the second factor for your sign-ins."""
    if config is not None:
        os.environ[CONFIGURATION_FILE] = str(config)
