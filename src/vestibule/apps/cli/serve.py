"""`vestibule serve`: check, take the lock, run."""

from vestibule.apps.cli.options import commands

app = commands()


@app.command()
def serve() -> None:
    """Run the server until it is told to stop.

    It stops at Ctrl-C or SIGTERM, once the requests that are under way have their answer.
    """
    import os

    from vestibule.apps.cli.serving import run
    from vestibule.apps.cli.start import configured
    from vestibule.apps.configuration import current_url, locate

    configuration = configured()
    run(configuration, database_url=current_url(configuration, locate(None, os.environ), os.environ))
