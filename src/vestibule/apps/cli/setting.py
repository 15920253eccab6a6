"""`vestibule setting`."""

import json as jsons
from typing import Annotated, Any

import typer

from vestibule.apps.cli.options import AsJson, Limit, commands
from vestibule.apps.cli.output import moment, say, table, write_json
from vestibule.apps.cli.running import ask

app = commands()

Name = Annotated[str, typer.Argument(metavar="NAME", show_default=False)]
Reason = Annotated[str | None, typer.Option(metavar="TEXT", help="Why; the journal keeps it.")]


@app.callback()
def _setting() -> None:
    """Settings that take effect at once: limits, texts, journal fields."""


@app.command("list")
def list_(json: AsJson = False) -> None:
    """List all settings; a star marks one that was changed."""
    settings = ask("setting.list")["settings"]
    if json:
        return write_json(settings)
    rows = [(one["name"], f"{_text(one['value'])}{' *' if one['changed'] else ''}", one["help"]) for one in settings]
    return table(("setting", "value", "meaning"), rows)


@app.command("set")
def set_(
    name: Name,
    value: Annotated[str, typer.Argument(metavar="VALUE", help="A number, a text, or JSON.")],
    reason: Reason = None,
) -> None:
    """Change a setting; it rules from the next sign-in."""
    result = ask("setting.set", name=name, value=value, reason=reason)
    say(f"{result['name']} = {_text(result['value'])}")


@app.command()
def unset(name: Name, reason: Reason = None) -> None:
    """Put a setting back to its default."""
    result = ask("setting.unset", name=name, reason=reason)
    say(f"{result['name']} = {_text(result['value'])} (the default)")


@app.command()
def history(
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="One setting; else all.")] = None,
    limit: Limit = 20,
    json: AsJson = False,
) -> None:
    """Show the last changes of settings, the newest first."""
    changes = ask("setting.history", name=name, limit=limit)["changes"]
    if json:
        return write_json(changes)
    rows = [
        (moment(one["at"]), one["name"], f"{_old(one)} → {_text(one['new'])}", one["actor"], one["change"])
        for one in changes
    ]
    return table(("time (UTC)", "setting", "change", "who", "to undo it"), rows, "No setting was ever changed.")


@app.command()
def undo(
    change: Annotated[
        str, typer.Argument(metavar="CHANGE", help="As the last column of the history has it.", show_default=False)
    ],
) -> None:
    """Put back what a setting was before a change. Refused where it was changed again since."""
    result = ask("setting.undo", change=change)
    say(f"{result['name']} = {_text(result['value'])}")


def _old(change: dict[str, Any]) -> str:
    return "?" if change["old"] is None else _text(change["old"])


def _text(value: object) -> str:
    return jsons.dumps(value, ensure_ascii=False)
