"""`vestibule owner`."""

from typing import Annotated

import typer

from vestibule.apps.cli.options import AsJson, commands
from vestibule.apps.cli.output import moment, once, say, write_json
from vestibule.apps.cli.running import ask

app = commands()


@app.callback()
def _owner() -> None:
    """The first owner, and the way back in: a one-time link."""


@app.command()
def link(
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", help="Somebody who is here already; else the page asks for a name.")
    ] = None,
    json: AsJson = False,
) -> None:
    """Make a link that makes an owner, good once and for a day."""
    result = ask("owner.link", name=name)
    if json:
        return write_json(result)
    say("Open this page in a browser, and go on until a second factor is registered.")
    say(f"It is good until {moment(result['until'])}.")
    if result["user"]:
        say(f"{result['user']} gets a new password there, and all their factors and sessions end.")
    return once({"Link": result["url"]}, "Whoever opens it first becomes an owner. Any earlier link is void.")
