"""`vestibule group`."""

from typing import Annotated

import typer

from vestibule.apps.cli.exits import Code, Stop
from vestibule.apps.cli.options import AsJson, Yes, commands
from vestibule.apps.cli.output import listed, progress, say, table, write_json
from vestibule.apps.cli.running import ask

app = commands()

Name = Annotated[str, typer.Argument(metavar="GROUP", help="Its name.", show_default=False)]
Description = Annotated[str | None, typer.Option(metavar="TEXT")]
Attributes = Annotated[
    list[str] | None,
    typer.Option("--reply", metavar="NAME=VALUE", help="A RADIUS attribute of Access-Accept; repeat it for several."),
]


@app.callback()
def _group() -> None:
    """Groups: their members' reply attributes."""


@app.command()
def add(name: Name, description: Description = None, reply: Attributes = None) -> None:
    """Add a group."""
    result = ask("group.add", name=name, description=description, reply_attributes=_pairs(reply))
    say(f"Added {result['group']['name']}.")


@app.command("list")
def list_(json: AsJson = False) -> None:
    """List all groups."""
    groups = ask("group.list")["groups"]
    if json:
        return write_json(groups)
    rows = [
        (one["name"], one["description"], listed([f"{name}={value}" for name, value in one["reply_attributes"]]))
        for one in groups
    ]
    return table(("name", "description", "reply attributes"), rows, "There are no groups.")


@app.command("set")
def set_(
    name: Name,
    description: Description = None,
    reply: Attributes = None,
    no_reply: Annotated[bool, typer.Option("--no-reply", help="Take all reply attributes away.")] = False,
) -> None:
    """Change a group. What is not given stays; reply attributes are replaced as a whole."""
    ask("group.set", name=name, description=description, reply_attributes=[] if no_reply else _pairs(reply))
    say(f"Changed {name}.")


@app.command()
def remove(name: Name, yes: Yes = False) -> None:
    """Remove a group, and its members from it."""
    from vestibule.apps.cli.asking import sure

    if not yes:
        ask("group.show", name=name)  # nobody is asked about what is not there
    sure(f"Remove the group {name}?", yes=yes)
    with progress(name) as bar:
        result = ask("group.remove", bar, name=name)
    say(f"Removed {result['removed']}, which had {result['members']} members.")


def _pairs(given: list[str] | None) -> list[tuple[str, str]] | None:
    """NAME=VALUE, taken apart."""
    if given is None:
        return None
    pairs = [tuple(one.partition("=")[::2]) for one in given]
    if not all(name and value for name, value in pairs):
        raise Stop("Write a reply attribute as NAME=VALUE, for example --reply Class=staff", Code.USAGE)
    return [(name.strip(), value) for name, value in pairs]
