"""What many commands share: how a command is made, and options."""

from pathlib import Path
from typing import Annotated

import typer

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for machines.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask whether you are sure.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only say what would happen; nothing is changed.")]
Limit = Annotated[int, typer.Option(min=1, metavar="N", help="At most so many.")]
File = Annotated[Path, typer.Argument(exists=True, dir_okay=False, metavar="FILE", show_default=False)]
SecretFile = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE", help="Read it from this file (- is standard input) instead of asking.", allow_dash=True
    ),
]


def commands() -> typer.Typer:
    """A command, or a family of commands; plain help that starts fast, and no values in tracebacks."""
    return typer.Typer(
        add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False, no_args_is_help=True
    )
