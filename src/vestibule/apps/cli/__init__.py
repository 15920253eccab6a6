"""The command line `vestibule`.

Rules of this package:
- A command imports what it needs when it runs. What runs for `--help`, or before a running server is asked, imports
  no library but typer.
- Nothing secret is taken from the arguments or repeated; what is shown once is said to be shown once.
- A command that needs the store goes through `running.ask`: to the server if there is one, else in this process.

To add a command: a module with an `app`, one line in `tree.COMMANDS`, its part of docs/cli.md.
"""

import errno
import os
import sys
from typing import NoReturn

from vestibule.apps.cli.exits import Code, Stop

OUTPUT_FAULTS = (errno.ENOSPC, errno.EIO, errno.EPIPE)


def main() -> None:
    """Run the command that was typed, and end the process with its exit code."""
    from vestibule.apps.cli.tree import app

    try:
        app()
    except Stop as stop:
        _end(str(stop), stop.code)
    except OSError as error:
        if error.errno not in OUTPUT_FAULTS or error.filename is not None:
            raise
        _end(f"The output cannot be written: {error.strerror}.", Code.FAILED)


def _end(text: str, code: int) -> NoReturn:
    from vestibule.apps.cli.output import complain

    complain(text)
    sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115, PTH123 - what is left unwritten stays so
    sys.exit(code)
