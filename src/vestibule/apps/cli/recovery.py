"""`vestibule recovery`."""

from typing import Annotated

import typer

from vestibule.apps.cli.options import AsJson, commands
from vestibule.apps.cli.output import paragraph, say, write_json
from vestibule.apps.cli.running import ask

app = commands()


@app.callback()
def _recovery() -> None:
    """Recovery codes for a user who lost everything else."""


@app.command()
def issue(user: Annotated[str, typer.Argument(metavar="USER", show_default=False)], json: AsJson = False) -> None:
    """Make new recovery codes; all earlier ones are void."""
    result = ask("recovery.issue", user=user)
    if json:
        return write_json(result)
    say(f"Recovery codes of {result['token']['user']}, each for one sign-in:")
    say()
    for code in result["codes"]:
        say(f"  {code}")
    say()
    return say(paragraph("They are shown once. All earlier ones are void."))
