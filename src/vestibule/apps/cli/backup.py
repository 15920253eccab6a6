"""`vestibule backup`."""

from pathlib import Path
from typing import Annotated

import typer

from vestibule.apps.cli.options import AsJson, commands

app = commands()


@app.command()
def backup(
    target: Annotated[Path, typer.Argument(metavar="FILE", help="A new file.", show_default=False)],
    json: AsJson = False,
) -> None:
    """Copy everything but the master key while the server runs.

    The server writes the file, so it must be able to write there.
    """
    from vestibule.apps.cli.output import paragraph, say, write_json
    from vestibule.apps.cli.running import ask

    result = ask("backup", target=str(target.absolute()))
    if json:
        return write_json(result)
    say(f"{result['path']}  {result['octets']} octets")
    say(f"SHA-256 {result['sha256']}")
    return say(paragraph("It does not hold the master key, and opens nothing without it. Keep the two apart."))
