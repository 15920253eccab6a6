"""The keys of RadSec, RADIUS over TLS."""

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field

from vestibule.apps.configuration.api import Listeners, Pem
from vestibule.apps.configuration.kinds import AbsolutePath, Section
from vestibule.apps.configuration.problems import Refused


def _some(files: tuple[Path, ...]) -> tuple[Path, ...]:
    if not files:
        raise Refused("No file is named, and clients must know whom they talk to.")
    return files


class Radsec(Section):
    """RADIUS over TLS, for clients that prove themselves with a certificate."""

    listen: Listeners = Field(
        default=(),
        description="TCP addresses of RadSec; an empty list leaves it off.",
        examples=[["0.0.0.0:2083"]],
    )
    certificate_files: Annotated[Pem, AfterValidator(_some)] = Field(
        default=(Path("/etc/vestibule/radsec.pem"), Path("/etc/vestibule/radsec.key")),
        description="PEM files with the certificate chain that clients see and its key: one file with both, or two. "
        "Files that are replaced are taken without a restart, for the connections that come after.",
    )
    client_ca_file: AbsolutePath = Field(
        default=Path("/etc/vestibule/radsec-clients.pem"),
        description="PEM file with the authorities that sign the certificates of clients; nobody else comes in, so "
        "name one of your own.",
    )
    connection_limit: int = Field(
        default=1_000,
        ge=1,
        le=100_000,
        description="Connections that may be open at once; more are turned away and counted.",
    )
