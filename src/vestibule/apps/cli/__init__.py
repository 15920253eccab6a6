"""The command line `vestibule`.

Rules of this package:
- A command imports what it needs when it runs. What runs for `--help`, or before a running server is asked, imports
  no library but typer.
- Nothing secret is taken from the arguments or repeated; what is shown once is said to be shown once.
- A command that needs the store goes through `running.ask`: to the server if there is one, else in this process.

To add a command: a module with an `app`, one line in `tree.COMMANDS`, its part of docs/cli.md.
"""

import sys

from vestibule.apps.cli.exits import Stop


def main() -> None:
    """Run the command that was typed, and end the process with its exit code."""
    from vestibule.apps.cli.tree import app

    try:
        app()
    except Stop as stop:
        from vestibule.apps.cli.output import complain

        complain(str(stop))
        sys.exit(stop.code)
