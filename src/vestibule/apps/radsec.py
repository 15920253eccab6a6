"""RadSec on a running server: the configured addresses, and the files that say who is who."""

from collections.abc import Sequence
from dataclasses import dataclass

from structlog.typing import FilteringBoundLogger

from vestibule.apps.configuration import Configuration, Listener
from vestibule.frontends.radius.counts import Counts
from vestibule.frontends.radius.door import RadiusDoor
from vestibule.frontends.radius.radsec import Bounds, RadsecListener
from vestibule.frontends.radius.tls import Files, Tls


@dataclass(frozen=True, slots=True)
class Radsec:
    """All sockets of RadSec, none where it is off."""

    listeners: Sequence[RadsecListener] = ()

    @property
    def addresses(self) -> tuple[Listener, ...]:
        """Where it listens, with real ports."""
        return tuple(Listener(*one.address) for one in self.listeners)

    async def close(self) -> None:
        """End all connections."""
        for one in self.listeners:
            await one.close()


def open_radsec(door: RadiusDoor, configuration: Configuration, counts: Counts, log: FilteringBoundLogger) -> Radsec:
    """Listen. Raises OSError for an address that is taken and for files that can not be read or do not fit."""
    wanted = configuration.radsec
    if not wanted.listen:
        return Radsec()
    files = Files(wanted.certificate_files[0], wanted.certificate_files[-1], wanted.client_ca_file)
    try:
        tls = Tls(files, log)
    except OSError as error:
        raise OSError(
            f"RadSec: the files of radsec.certificate_files and radsec.client_ca_file can not be used: {error}. They "
            "are PEM: a certificate chain and its key, and the certificates of the clients' authorities"
        ) from error
    bounds = Bounds(connections=wanted.connection_limit)
    opened = [RadsecListener(door, tls, counts, (one.host, one.port), bounds) for one in wanted.listen]
    for one in opened:
        one.start()
    return Radsec(opened)
