"""`vestibule route`."""

from typing import Annotated

import typer

from vestibule.apps.cli.exits import Code, Stop
from vestibule.apps.cli.options import AsJson, Yes, commands
from vestibule.apps.cli.output import listed, say, table, write_json
from vestibule.apps.cli.running import ask

app = commands()

Name = Annotated[str, typer.Argument(metavar="ROUTE", help="Its name.", show_default=False)]


@app.callback()
def _route() -> None:
    """Routes: which provider carries what where."""


@app.command()
def add(
    name: Name,
    medium: Annotated[str, typer.Argument(metavar="MEDIUM", help="call, text or mail.", show_default=False)],
    providers: Annotated[
        list[str], typer.Argument(metavar="PROVIDER...", help="Who is tried, in order.", show_default=False)
    ],
    *,
    region: Annotated[
        list[str] | None, typer.Option(metavar="REGION", help="Only there, as US; may be given again.")
    ] = None,
    sender: Annotated[
        list[str] | None, typer.Option(metavar="PROVIDER=SENDER", help="What is shown; may be given again.")
    ] = None,
    position: Annotated[int | None, typer.Option(min=1, help="Where it stands; the last without it.")] = None,
) -> None:
    """Add a route; the first one that fits a message gives its providers."""
    pairs = [_pair(one) for one in sender or ()]
    ask(
        "route.add",
        name=name,
        medium=medium,
        providers=providers,
        regions=region,
        senders=dict(pairs) or None,
        position=position,
    )
    say(f"Added {name}.")


@app.command("list")
def list_(json: AsJson = False) -> None:
    """List all routes, in the order in which they are looked at."""
    routes = ask("route.list")["routes"]
    if json:
        return write_json(routes)
    rows = [
        (str(one["position"]), one["name"], one["medium"], listed(one["regions"]) or "all", listed(one["providers"]))
        for one in routes
    ]
    nothing = "There are none: every provider that can carry a message is tried, in order of id."
    return table(("", "route", "carries", "regions", "providers"), rows, nothing)


@app.command()
def remove(name: Name, *, yes: Yes = False) -> None:
    """Remove a route."""
    from vestibule.apps.cli.asking import sure

    sure(f"Remove the route {name}?", yes=yes)
    say(f"Removed {ask('route.remove', name=name)['removed']}.")


def _pair(text: str) -> tuple[str, str]:
    provider, sign, sender = text.partition("=")
    if not sign:
        raise Stop(f"{text} names no sender; write PROVIDER=SENDER.", Code.USAGE)
    return provider, sender
