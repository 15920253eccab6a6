"""`vestibule api-key`."""

from typing import Annotated

import typer

from vestibule.apps.cli.options import AsJson, Yes, commands
from vestibule.apps.cli.output import listed, moment, once, say, table, write_json
from vestibule.apps.cli.running import ask

app = commands()


@app.callback()
def _api_key() -> None:
    """Keys of the HTTP API: add, list, remove."""


@app.command()
def add(
    name: Annotated[str, typer.Argument(metavar="NAME", show_default=False)],
    *,
    client: Annotated[str | None, typer.Option(metavar="ID", help="It verifies sign-ins as this client.")] = None,
    right: Annotated[
        list[str] | None, typer.Option("--right", help="It manages, with this right; repeat it for several.")
    ] = None,
    role: Annotated[str | None, typer.Option(metavar="ROLE", help="It manages, with all rights of this role.")] = None,
    expires: Annotated[str | None, typer.Option(metavar="DATE", help="Such as 2027-01-31.")] = None,
    json: AsJson = False,
) -> None:
    """Make a key, which verifies as a client, or manages with rights or with those of a role."""
    result = ask("api_key.add", name=name, client=client, rights=right, role=role, expires=expires)
    if json:
        return write_json(result)
    say(f"Added {result['key']['name']}.")
    return once({"Key": result["secret"]}, "Give it to the program that will use it.")


@app.command("list")
def list_(json: AsJson = False) -> None:
    """List all keys, never the keys themselves."""
    keys = ask("api_key.list")["keys"]
    if json:
        return write_json(keys)
    rows = [
        (one["name"], one["client"] or listed(one["rights"]), moment(one["expires_at"]), moment(one["used_at"]))
        for one in keys
    ]
    return table(("key", "client or rights", "expires", "last used"), rows, "There are no API keys.")


@app.command()
def remove(name: Annotated[str, typer.Argument(metavar="NAME", help="Or its id.")], yes: Yes = False) -> None:
    """Remove a key: it is refused from now on."""
    from vestibule.apps.cli.asking import sure

    sure(f"Remove the API key {name}?", yes=yes)
    say(f"Removed {ask('api_key.remove', id=name)['removed']}.")
