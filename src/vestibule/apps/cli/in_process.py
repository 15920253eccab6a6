"""A command without a server: take the lock, open the pieces, run it here."""

import asyncio
import os
from collections.abc import Iterator
from contextlib import contextmanager

from vestibule.apps.background import heads_file
from vestibule.apps.cli import logs
from vestibule.apps.cli.lock import locked
from vestibule.apps.cli.output import Progress
from vestibule.apps.cli.running import Arguments, Ask, Result, stop
from vestibule.apps.cli.start import check_files, configured, told
from vestibule.apps.commands.link import CommandFailed
from vestibule.apps.commands.running import Commands
from vestibule.apps.pieces import put_together
from vestibule.flows.heads import require_whole
from vestibule.frontends.control.door import actor_of
from vestibule.stores.heads_file import read_heads

LOOKS = ("status", "doctor", "journal.verify", "key.status", "user.roles", "setting.history")


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
            if not _only_looks(command):
                known = read_heads(heads_file(configuration, os.environ))
                runner.run(require_whole(pieces.store, known))  # what is written to an old database would be lost
            try:
                return runner.run(commands.run(command, arguments, actor, progress))
            except CommandFailed as failed:
                raise stop(failed) from None

        try:
            yield run
        finally:
            runner.run(pieces.close())


def _only_looks(command: str) -> bool:
    return command.endswith((".list", ".show", ".test", ".export")) or command in LOOKS
