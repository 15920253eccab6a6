"""`vestibule setting`."""

import json as jsons
from typing import Annotated

import typer

from vestibule.apps.cli.options import AsJson, commands
from vestibule.apps.cli.output import say, table, write_json
from vestibule.apps.cli.running import ask

app = commands()

Name = Annotated[str, typer.Argument(metavar="NAME", show_default=False)]


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
def set_(name: Name, value: Annotated[str, typer.Argument(metavar="VALUE", help="A number, a text, or JSON.")]) -> None:
    """Change a setting; it rules from the next sign-in."""
    result = ask("setting.set", name=name, value=value)
    say(f"{result['name']} = {_text(result['value'])}")


@app.command()
def unset(name: Name) -> None:
    """Put a setting back to its default."""
    result = ask("setting.unset", name=name)
    say(f"{result['name']} = {_text(result['value'])} (the default)")


def _text(value: object) -> str:
    return jsons.dumps(value, ensure_ascii=False)
