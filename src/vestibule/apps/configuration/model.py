"""The keys: each is one field here, with its type, default, help and bounds. Everything else is derived from them.

Types are strict: a text is no number. Text from the file becomes a path, listener or URL in the validators of `kinds`
and below, which raise `Refused` and never repeat the text.
"""

import re
import socket
from collections.abc import Mapping
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, PrivateAttr, model_validator

from vestibule.apps.configuration.api import Api
from vestibule.apps.configuration.database import SQLITE, Database
from vestibule.apps.configuration.kinds import (
    AbsolutePath,
    DefaultText,
    Kind,
    OneListener,
    Section,
    as_path,
    as_tuple,
)
from vestibule.apps.configuration.listener import Listener
from vestibule.apps.configuration.problems import DEFAULT, Place, Refused
from vestibule.apps.configuration.radsec import Radsec

DATA_DIRECTORY = Path("/var/lib/vestibule")
_SOCKET_PATH_BYTES = 107  # sun_path of unix(7), less its closing zero


def _base(directory: object) -> object:
    """Give the directory that other defaults follow; a wrong one is one problem, not three."""
    try:
        path = as_path(directory)
    except Refused:
        return DATA_DIRECTORY
    return path if isinstance(path, Path) else DATA_DIRECTORY


def _some(listeners: tuple[Listener, ...]) -> tuple[Listener, ...]:
    if not listeners:
        raise Refused("The list is empty, so nobody could sign in.")
    return listeners


def _loopback(one: Listener) -> Listener:
    if not one.loopback:
        raise Refused(
            "Metrics and health are served without a sign-in, so they listen on loopback only.",
            "Write 127.0.0.1:9464 or [::1]:9464, and put a reverse proxy that asks who calls before it.",
        )
    return one


def _socket_path(path: Path) -> Path:
    if len(bytes(path)) > _SOCKET_PATH_BYTES:
        raise Refused(
            f"The path is longer than the {_SOCKET_PATH_BYTES} bytes that the system allows for a socket.",
            "Set server.control_socket to a short path, for example /run/vestibule/control.sock.",
        )
    return path


def _name(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9._-]{1,64}", text):
        raise Refused("This is not a plain name of 1 to 64 letters, digits, dots, hyphens and underscores.")
    return text


def _address(text: str | None) -> str | None:
    try:
        return text if text is None else str(ip_address(text))
    except ValueError:
        raise Refused("This is not an IP address.") from None


Paths = Annotated[tuple[AbsolutePath, ...], BeforeValidator(as_tuple), Kind("a list of absolute paths")]
SocketPath = Annotated[AbsolutePath, AfterValidator(_socket_path)]
LoopbackListener = Annotated[
    OneListener, AfterValidator(_loopback), Kind("a loopback address with a port, 0 = a free one")
]
Listeners = Annotated[
    tuple[OneListener, ...],
    BeforeValidator(as_tuple),
    AfterValidator(_some),
    Kind("a list of IP addresses with ports, 0 = a free one"),
]
Name = Annotated[str, AfterValidator(_name), Kind("a plain name")]
Address = Annotated[str | None, AfterValidator(_address), Kind("an IP address")]


class Server(Section):
    """This node."""

    name: Annotated[Name, DefaultText("the host name")] = Field(
        default_factory=socket.gethostname,
        description="Name of this node in the journal, logs and metrics.",
        examples=["mfa1"],
    )
    address: Address = Field(
        default=None,
        description="IP address of this node as the journal shows it.",
        examples=["192.0.2.10"],
    )
    control_socket: Annotated[SocketPath, DefaultText("<data_directory>/control.sock")] = Field(
        description="Unix socket through which the command line talks to the running server.",
        examples=["/run/vestibule/control.sock"],
    )


class MasterKey(Section):
    """Where the key is that opens every stored secret. The key itself never stands in the configuration."""

    file: AbsolutePath = Field(
        default=Path("/etc/vestibule/master.key"),
        description="File with the master key, mode 0600, outside the data directory so that no backup holds both.",
    )


class Radius(Section):
    """The RADIUS door."""

    listen: Listeners = Field(
        default=(Listener("0.0.0.0", 1812),),  # noqa: S104 - a RADIUS server is there to be reached
        description="UDP addresses for authentication.",
    )
    accounting: bool = Field(
        default=True,
        description="Also answer accounting requests, each on the port after the one for authentication.",
    )
    reject_delay_seconds: float = Field(
        default=1.0,
        ge=1,
        le=10,
        description="Seconds for which a refusal is held back; without this delay guessing would be cheap.",
    )
    duplicate_seconds: int = Field(
        default=30,
        ge=10,
        le=60,
        description="Seconds for which a repeated request gets the remembered answer.",
    )
    in_flight_limit: int = Field(
        default=20_000,
        ge=1,
        le=1_000_000,
        description="Requests that may be under way at once; more are dropped and counted.",
    )
    dictionaries: Paths = Field(
        default=(),
        description="Further dictionary files for vendor-specific reply attributes.",
        examples=[["/etc/vestibule/dictionary.example"]],
    )


class Http(Section):
    """Metrics and health."""

    listen: LoopbackListener = Field(
        default=Listener("127.0.0.1", 9464),
        description="TCP address for /metrics, /healthz and /readyz.",
    )


class Passwords(Section):
    """Checking local passwords with argon2id."""

    workers: int = Field(
        default=0,
        ge=0,
        le=256,
        description="Passwords that are checked at once, 0 = one for each processor core.",
    )
    memory_kib: int = Field(
        default=19_456,
        ge=19_456,
        le=4_194_304,
        description="Memory for one new password hash, in KiB.",
    )
    time_cost: int = Field(
        default=2,
        ge=2,
        le=100,
        description="Passes over that memory for one new password hash.",
    )
    parallelism: int = Field(
        default=1,
        ge=1,
        le=16,
        description="Lanes of one new password hash.",
    )
    queue_limit: int = Field(
        default=200,
        ge=1,
        le=100_000,
        description="Passwords that may wait to be checked; more are answered as unavailable.",
    )


class Winbind(Section):
    """Samba's winbind, which asks an Active Directory about MS-CHAP version 2."""

    ntlm_auth: AbsolutePath = Field(
        default=Path("/usr/bin/ntlm_auth"),
        description="The program that asks winbind; it is started when a directory has ntlm_domain.",
    )
    at_once: int = Field(
        default=4,
        ge=1,
        le=256,
        description="Responses that are checked at once, by so many of that program; more wait.",
    )


class Log(Section):
    """The log of the program, on standard error; who signed in stands in the journal."""

    format: Literal["json", "console"] = Field(
        default="json",
        description="One JSON object a line for machines, or coloured text for people.",
    )
    level: Literal["debug", "info", "warning", "error"] = Field(
        default="info",
        description="The least severity that is logged; no level shows secrets.",
    )


class Demo(Section):
    """The demonstration set-up."""

    enabled: bool = Field(
        default=False,
        description="Marks a demonstration with well-known contents, which may listen on loopback only.",
    )


class Configuration(Section):
    """All that starting needs, checked. Made by `load`."""

    data_directory: AbsolutePath = Field(
        default=DATA_DIRECTORY,
        description="Directory of the database and of all else that must be kept.",
    )
    server: Server
    key: MasterKey
    database: Database
    radius: Radius
    radsec: Radsec
    http: Http
    api: Api
    passwords: Passwords
    winbind: Winbind
    log: Log
    demo: Demo

    _sources: Mapping[str, Place] = PrivateAttr(default_factory=dict)

    @classmethod
    def settled(cls, values: Mapping[str, Any], sources: Mapping[str, Place]) -> Self:
        """Check `values`, nested as in the file, and remember where each dotted key came from."""
        return cls.model_validate(values, context=sources)

    def model_post_init(self, context: Mapping[str, Place] | None, /) -> None:
        """Keep what `settled` hands over beside the values."""
        self._sources = context or {}

    def source(self, key: str) -> Place:
        """Say where the value of the dotted `key` came from."""
        return self._sources.get(key, DEFAULT)

    @model_validator(mode="before")
    @classmethod
    def _complete(cls, values: Mapping[str, Any]) -> dict[str, Any]:
        """Add the sections that are left out, and the defaults that follow the data directory."""
        directory = values.get("data_directory", DATA_DIRECTORY)
        sections = {name: dict(values.get(name, {})) for name in cls.model_fields if name != "data_directory"}
        base = _base(directory)
        sections["server"].setdefault("control_socket", f"{base}/control.sock")
        sections["database"].setdefault("url", f"{SQLITE}{base}/vestibule.db")
        return {"data_directory": directory, **sections}
