"""A command without a server: take the lock, open the pieces, run it here."""

import asyncio
import os
from collections.abc import Iterator
from contextlib import contextmanager

from vestibule.apps.cli import logs
from vestibule.apps.cli.lock import locked
from vestibule.apps.cli.output import Progress
from vestibule.apps.cli.running import Arguments, Ask, Result, stop
from vestibule.apps.cli.start import check_files, configured, told
from vestibule.apps.commands.link import CommandFailed
from vestibule.apps.commands.running import Commands
from vestibule.apps.pieces import put_together
from vestibule.frontends.control.door import actor_of


@contextmanager
def opened() -> Iterator[Ask]:
    """Open the store once for any number of commands. Raises Stop for what stops a start."""
    configuration = configured()
    check_files(configuration)
    logs.configure(configuration.log)
    with locked(configuration.data_directory), asyncio.Runner() as runner, told():
        pieces = runner.run(put_together(configuration))
        commands = Commands(pieces)

        def run(command: str, arguments: Arguments, progress: Progress | None) -> Result:
            actor = actor_of(os.geteuid())
            try:
                return runner.run(commands.run(command, arguments, actor, progress))
            except CommandFailed as failed:
                raise stop(failed.kind, failed.text) from None

        try:
            yield run
        finally:
            runner.run(pieces.close())
