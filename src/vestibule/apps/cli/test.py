"""`vestibule test`."""

from typing import Annotated

import typer

from vestibule.apps.cli.options import SecretFile, commands

app = commands()


@app.callback()
def _test() -> None:
    """Ask a server as its clients do."""


@app.command()
def radius(
    server: Annotated[str, typer.Argument(metavar="HOST:PORT", help="The port is 1812 if left out.")],
    *,
    user: Annotated[str | None, typer.Option(help="Who signs in; asked for otherwise.")] = None,
    status: Annotated[bool, typer.Option("--status", help="Only ask whether the server is alive.")] = False,
    secret_file: SecretFile = None,
    password_file: SecretFile = None,
    nas_identifier: Annotated[str | None, typer.Option(metavar="TEXT", help="Which client to be.")] = None,
    calling_station: Annotated[str | None, typer.Option(metavar="TEXT", help="Where the person is.")] = None,
    timeout: Annotated[float, typer.Option(min=1, max=60, metavar="SECONDS", help="How long to wait.")] = 10.0,
) -> None:
    """Send a real Access-Request and show what comes back.

    A question of the server (Access-Challenge) is put to you, and your answer sent. It needs no configuration: it can
    ask any RADIUS server from any machine that the server knows.
    """
    from vestibule.apps.cli.asking import hidden, typed
    from vestibule.apps.cli.exits import Code
    from vestibule.apps.cli.radius import Asker, accepted, address, ask_access, ask_status

    host, port = address(server)
    secret = hidden("Shared secret", secret_file).encode()
    asker = Asker(host, port, secret, timeout, nas_identifier, calling_station)
    if status:
        alive = ask_status(asker)
    else:
        name = user or typed("User name")
        alive = accepted(ask_access(asker, name, hidden("Password", password_file), lambda: typed("Answer")))
    if not alive:
        raise typer.Exit(Code.FAILED)
