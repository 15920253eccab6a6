"""`vestibule demo`."""

import typer

from vestibule.apps.cli.options import commands

app = commands()
app.info.no_args_is_help = False


@app.callback(invoke_without_command=True)
def demo(context: typer.Context) -> None:
    """Run a demonstration with a user, tokens and a RADIUS client.

    It listens on this machine only and keeps everything in VESTIBULE_DEMO_DIR (./.demo). VESTIBULE_RADIUS_PORT (18120)
    and VESTIBULE_HTTP_PORT (19464) choose its ports; 0 is a free one.
    """
    if context.invoked_subcommand is None:
        from vestibule.apps.cli.demo_server import run

        run()


@app.command()
def code(hotp: bool = typer.Option(False, "--hotp", help="The next code of the HOTP token.")) -> None:
    """Print the demo user's current code, as an authenticator would."""
    from vestibule.apps.cli.demo_contents import current_code, directory_of_running
    from vestibule.apps.cli.output import say

    say(current_code(directory_of_running(), counted=hotp))
