"""Work on a database that no server has open: accept a rollback, restore a backup, look at what can not be opened."""

import asyncio
import os
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from vestibule.apps.background import heads_file
from vestibule.apps.cli.copying import refuse_nodes
from vestibule.apps.cli.exits import Code, Stop
from vestibule.apps.cli.lock import locked
from vestibule.apps.cli.start import check_files, configured, told
from vestibule.apps.configuration import Configuration
from vestibule.apps.doctor import examine
from vestibule.apps.pieces import put_together
from vestibule.apps.restore import Outcome, make_safe_in_place
from vestibule.apps.restore import restore as bring_back
from vestibule.flows.heads import accept_rollback, current_heads
from vestibule.frontends.control.door import actor_of
from vestibule.stores.heads_file import heads_path, read_heads, write_heads


def accept() -> int:
    """Journal every gap as accepted and remember the journal as it is now; how many gaps there were."""
    configuration = configured()
    check_files(configuration)
    with locked(configuration.data_directory), told():
        return asyncio.run(_accept(configuration))


async def _accept(configuration: Configuration) -> int:
    pieces = await put_together(configuration)
    try:
        found = 0
        for path in _heads_files(configuration):
            known = read_heads(path)
            if known is not None:
                found += len(await accept_rollback(pieces.store, known, actor=_actor(), at=time.time()))
                write_heads(path, await current_heads(pieces.store, time.time()))
        return found
    finally:
        await pieces.close()


def _heads_files(configuration: Configuration) -> set[Path]:
    """A server that systemd gives its key to keeps the heads with the data; this command runs without systemd."""
    return {
        heads_file(configuration, os.environ),
        heads_path(configuration.data_directory / configuration.key.file.name),
    }


def restore(source: Path) -> Outcome:
    """Put a backup in place. Raises Stop when a server runs."""
    configuration = configured()
    if configuration.database.postgresql:
        raise Stop(
            "A backup file takes the place of an SQLite file. Put a dump of the PostgreSQL back with pg_restore, then "
            "run without a file: vestibule restore. To bring the contents of a backup file to the PostgreSQL, restore "
            "it with database.url naming an SQLite file, then: vestibule database copy",
            Code.USAGE,
        )
    if not configuration.data_directory.is_dir():
        configuration.data_directory.mkdir(mode=0o700, parents=True)
    check_files(configuration)
    with locked(configuration.data_directory), told():
        try:
            return asyncio.run(bring_back(configuration, source, actor=_actor(), at=time.time()))
        except OSError as error:
            raise Stop(f"{error.filename or source}: {error.strerror}. Nothing was changed.") from None


def make_safe() -> Outcome:
    """Make a PostgreSQL safe that was put back by its own program. Raises Stop while any node runs."""
    configuration = configured()
    if not configuration.database.postgresql:
        raise Stop("Name the backup that shall take the place of the database: vestibule restore FILE", Code.USAGE)
    check_files(configuration)
    with locked(configuration.data_directory), told():
        refuse_nodes(configuration.database.url)
        return asyncio.run(make_safe_in_place(configuration, actor=_actor(), at=time.time()))


def examine_closed(why: Stop) -> list[dict[str, Any]]:
    """What can be seen from outside when the database can not be opened, and `why` it can not."""
    configuration = configured()
    findings = asyncio.run(examine(configuration, None, now=time.time(), environment=os.environ))
    level = "note" if why.code is Code.UNAVAILABLE else "error"
    return [{"level": level, "what": str(why), "remedy": ""}, *map(asdict, findings)]


def _actor() -> str:
    return actor_of(os.geteuid())
