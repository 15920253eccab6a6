"""`vestibule serve`: check, take the lock, run."""

from vestibule.apps.cli.options import commands

app = commands()


@app.command()
def serve() -> None:
    """Run the server until it is told to stop.

    It stops at Ctrl-C or SIGTERM, once the requests that are under way have their answer.
    """
    from vestibule.apps.cli.serving import run
    from vestibule.apps.cli.start import configured

    configuration = configured()
    run(configuration)
