"""`vestibule config`: what is in force, and whether it is right."""

import os
from typing import Annotated

import typer

from vestibule.apps.cli.options import commands

app = commands()


@app.callback()
def _config() -> None:
    """Explain and check the start-up configuration."""


@app.command()
def explain(json: Annotated[bool, typer.Option("--json", help="For machines.")] = False) -> None:
    """List every key with its value and where it comes from. With --json also type, default and meaning."""
    from dataclasses import asdict

    from vestibule.apps.cli.output import table, write_json
    from vestibule.apps.cli.start import configured
    from vestibule.apps.configuration import explain as explained

    rows = explained(configured())
    if json:
        write_json([asdict(row) for row in rows])
        return
    table(("key", "value", "from"), [(row.key, row.value, row.source) for row in rows])


@app.command()
def check() -> None:
    """Say whether a server could start with this configuration. Files and ports are not looked at."""
    from vestibule.apps.cli.output import say
    from vestibule.apps.cli.start import configured
    from vestibule.apps.configuration import locate

    configured()
    path = locate(None, os.environ)
    say(f"{path} is right." if path else "There is no file; defaults and the environment are right.")
