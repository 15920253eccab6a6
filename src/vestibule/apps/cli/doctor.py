"""`vestibule doctor`."""

from typing import Any

import typer

from vestibule.apps.cli.options import AsJson, commands

app = commands()


@app.command()
def doctor(json: AsJson = False) -> None:
    """Look for what is wrong or about to go wrong. Exit code 1 when something is.

    It changes nothing and needs no network.
    """
    from vestibule.apps.cli.exits import Code
    from vestibule.apps.cli.output import write_json

    findings = _findings()
    if json:
        write_json(findings)
    else:
        _tell(findings)
    if any(one["level"] in ("warning", "error") for one in findings):
        raise typer.Exit(Code.FAILED)


def _findings() -> list[dict[str, Any]]:
    from vestibule.apps.cli.exits import Stop
    from vestibule.apps.cli.output import progress
    from vestibule.apps.cli.running import ask

    try:
        with progress("journal") as bar:
            return list(ask("doctor", bar)["findings"])
    except Stop as stop:
        from vestibule.apps.cli.caretaking import examine_closed

        return examine_closed(stop)


def _tell(findings: list[dict[str, Any]]) -> None:
    from vestibule.apps.cli.output import paragraph, say

    for one in findings:
        say(paragraph(f"{one['level'].upper():8} {one['what']}", hanging=9))
        if one["remedy"]:
            say(paragraph(one["remedy"], " " * 9))
    if all(one["level"] in ("ok", "note") for one in findings):
        say("Nothing is wrong.")
