"""The database of this node, copied to an empty one: to a PostgreSQL, from which more nodes can work, or back."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from vestibule.apps.cli.exits import Code, Stop
from vestibule.apps.cli.lock import locked
from vestibule.apps.cli.output import StageProgress
from vestibule.apps.cli.start import check_files, configured, told
from vestibule.apps.configuration import Configuration
from vestibule.apps.configuration.database import checked_url, holds_password
from vestibule.apps.configuration.problems import Refused
from vestibule.stores.heads_file import give_to_owner
from vestibule.stores.sql import copies, schema_of
from vestibule.stores.sql.at_once import is_postgresql
from vestibule.stores.sql.copying import Copied, CopyRefused, copy
from vestibule.stores.sql.looking import nodes_at
from vestibule.stores.sql.migrate import upgrade
from vestibule.stores.sql.schema_version import check_schema, named
from vestibule.stores.sql.sqlite import file_of


def copy_to(target: str, progress: StageProgress | None) -> tuple[Configuration, list[Copied]]:
    """Copy what `database.url` names to the URL `target`, an empty or a new database. Raises Stop, changing nothing."""
    _check_target(target)
    configuration = configured()
    check_files(configuration)
    source = configuration.database.url
    with told(), locked(configuration.data_directory):
        for url in (source, target):
            refuse_nodes(url)
        check_schema(source)
        with _laid_out(target):
            return configuration, copy(source, target, progress or _unseen)


def refuse_nodes(url: str) -> None:
    """Raise Stop while any node has this PostgreSQL open. Raises Unavailable."""
    nodes = nodes_at(url)
    if nodes:
        raise Stop(
            f"{named(url)} is in use by {', '.join(nodes)}. Nothing was changed; stop all its nodes, then try again.",
            Code.UNAVAILABLE,
        )


def _check_target(target: str) -> None:
    try:
        checked_url(target)
    except Refused as refused:
        raise Stop(f"The target's URL is wrong. {refused.what} {refused.remedy}".strip(), Code.USAGE) from None
    if holds_password(target):
        raise Stop(
            "A password among the arguments can be seen by other users of this machine. Put it into a file in the form "
            "of .pgpass, mode 0600, and end the URL in ?passfile=FILE.",
            Code.USAGE,
        )


@contextmanager
def _laid_out(target: str) -> Iterator[None]:
    """Give a new database its tables; an SQLite that was made here goes again when the copy is not made."""
    made = schema_of(target) is None
    try:
        if made:
            upgrade(target)
        yield
        _give(target)
    except BaseException as error:
        if made and not is_postgresql(target):
            copies.remove([file_of(target)])
        if isinstance(error, CopyRefused):
            raise Stop(str(error)) from None
        if isinstance(error, OSError):
            raise Stop(f"{named(target)} cannot be made: {error.strerror}.", Code.USAGE) from None
        raise


def _give(target: str) -> None:
    """Root works for the server's user, who must be able to open what root made."""
    if not is_postgresql(target):
        file = os.open(file_of(target), os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            give_to_owner(file, file_of(target).parent)
        finally:
            os.close(file)


def _unseen(_table: str, _done: int, _rows: int) -> None:
    """Nobody looks."""
