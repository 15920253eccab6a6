"""The server in this process, behind all checks: for `serve` and for `demo`."""

from collections.abc import Awaitable, Callable

import uvloop

from vestibule.apps.cli import logs
from vestibule.apps.cli.lock import locked
from vestibule.apps.cli.start import addresses_told, check_files, told
from vestibule.apps.configuration import Configuration
from vestibule.apps.pieces import Pieces
from vestibule.apps.server import Addresses, serve


async def _nothing(_pieces: Pieces, _addresses: Addresses) -> None:
    """The log says that it is ready."""


def run(
    configuration: Configuration,
    on_ready: Callable[[Pieces, Addresses], Awaitable[None]] = _nothing,
    database_url: Callable[[], str] | None = None,
) -> None:
    """Serve until SIGTERM or SIGINT; `database_url` as in `put_together`. Raises Stop for what prevents the start."""
    check_files(configuration)
    logs.configure(configuration.log)
    with locked(configuration.data_directory), told(), addresses_told(configuration):
        uvloop.run(serve(configuration, on_ready, database_url))
