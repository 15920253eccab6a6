"""`vestibule status`."""

import os

import typer

from vestibule.apps.cli.options import AsJson, commands

app = commands()


@app.command()
def status(json: AsJson = False) -> None:
    """Show whether the server runs, and what it holds. Exit code 3 when it does not run."""
    from vestibule.apps.cli.exits import Code
    from vestibule.apps.cli.output import card, moment, write_json
    from vestibule.apps.cli.paths import control_socket
    from vestibule.apps.cli.running import answers, ask

    path = control_socket(os.environ)
    runs = path is not None and answers(path)
    result = ask("status")
    if json:
        write_json({"runs": runs, **result})
    else:
        counts = {name.replace("_", " "): str(value) for name, value in result.items() if name != "now"}
        card({"server": "runs" if runs else "does not run", **counts, "its clock": moment(result["now"])})
    if not runs:
        raise typer.Exit(Code.UNAVAILABLE)
