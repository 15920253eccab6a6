"""`vestibule demo`."""

from enum import StrEnum
from typing import Annotated

import typer

from vestibule.apps.cli.options import commands

app = commands()
app.info.no_args_is_help = False


class Database(StrEnum):
    """What the demonstration keeps its contents in."""

    SQLITE = "sqlite"
    POSTGRESQL = "postgresql"


@app.callback(invoke_without_command=True)
def demo(
    context: typer.Context,
    database: Annotated[
        Database, typer.Option(help="postgresql: two nodes on a private PostgreSQL.")
    ] = Database.SQLITE,
) -> None:
    """Run a demonstration with a user, tokens and a RADIUS client.

    It listens on this machine only and keeps everything in VESTIBULE_DEMO_DIR (./.demo). VESTIBULE_RADIUS_PORT (18120)
    and VESTIBULE_HTTP_PORT (19464) choose its ports; 0 is a free one. A second node has its own: 18122 and 19465.
    """
    if context.invoked_subcommand is not None:
        return
    if database is Database.POSTGRESQL:
        from vestibule.apps.cli.demo_nodes import run
    else:
        from vestibule.apps.cli.demo_server import run
    run()


@app.command()
def code(
    hotp: Annotated[bool, typer.Option("--hotp", help="The next code of the HOTP token.")] = False,
    admin: Annotated[bool, typer.Option("--admin", help="The code of the owner, admin.")] = False,
) -> None:
    """Print the demo user's current code, as an authenticator would."""
    from vestibule.apps.cli.demo_contents import current_code, directory_of_running
    from vestibule.apps.cli.output import say

    say(current_code(directory_of_running(), counted=hotp, of_admin=admin))
