"""A RADIUS server of others as the first factor: NPS, FreeRADIUS. It knows people by name and lists nobody."""

from collections.abc import Callable, Mapping
from ipaddress import ip_address
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field

from vestibule.apps.directories.forms import Form, as_tuple, kept, read, stored
from vestibule.core.directories import AccountDirectory, DirectoryRecord
from vestibule.core.errors import Malformed
from vestibule.core.secret import Secret
from vestibule.directories.upstream_radius import Server, UpstreamRadius
from vestibule.directories.upstream_radius.peer import Log
from vestibule.flows.kinds import Takeover


def _address(text: str) -> str:
    try:
        return str(ip_address(text))
    except ValueError:
        raise ValueError("is no IP address; a name could lead elsewhere between two packets") from None


class ServerForm(Form):
    """One server."""

    host: Annotated[str, AfterValidator(_address)]
    port: int = Field(1812, ge=1, le=65535)
    require_message_authenticator: bool = True
    patience: float = Field(5.0, ge=0.5, le=60)


class RadiusForm(Form):
    """The servers in order of preference; all of them know us by the same shared secret."""

    servers: Annotated[tuple[ServerForm, ...], BeforeValidator(as_tuple), Field(min_length=1, max_length=10)]
    nas_identifier: str = Field("vestibule", min_length=1, max_length=253)
    inner_name_checked: bool = False


class RadiusKind:
    """Has the shape `OpenKind`. `mark` is equal on all nodes of an installation and on no other."""

    def __init__(self, mark: Callable[[], bytes], chance: Callable[[int], bytes], log: Log) -> None:
        """Take what all upstream servers share."""
        self._mark = mark
        self._chance = chance
        self._log = log

    def checked(self, id: str, settings: Mapping[str, Any], secret: Secret) -> Mapping[str, Any]:
        """See `Kind.checked`."""
        form = read(RadiusForm, settings)
        if not secret:
            raise Malformed(f"directory {id}: give the secret that is shared with the RADIUS server")
        return kept(form)

    def takeover(self, record: DirectoryRecord, live: AccountDirectory) -> Takeover | None:  # noqa: ARG002 - RADIUS lists nobody
        """None: RADIUS lists nobody."""
        return None

    def groups(self, record: DirectoryRecord) -> tuple[str, ...]:  # noqa: ARG002 - it gives none
        """None."""
        return ()

    def open(self, record: DirectoryRecord) -> UpstreamRadius:
        """See `OpenKind.open`."""
        form = read(RadiusForm, stored(record))
        servers = [
            Server(
                f"{one.host} port {one.port}",
                one.host,
                one.port,
                record.secret,
                require_message_authenticator=one.require_message_authenticator,
                patience=one.patience,
            )
            for one in form.servers
        ]
        return UpstreamRadius(
            servers,
            self._mark(),
            self._chance,
            self._log,
            nas_identifier=form.nas_identifier,
            inner_name_checked=form.inner_name_checked,
        )
