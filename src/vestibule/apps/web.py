"""What a running server answers over HTTP: the API, the pages for people, metrics and health for this machine alone."""

import secrets
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from prometheus_client import CollectorRegistry
from starlette.applications import Starlette
from structlog.typing import FilteringBoundLogger

from vestibule.apps.bench import Doors
from vestibule.apps.commands.desk import desk_of
from vestibule.apps.configuration import Configuration, Listener
from vestibule.apps.hooks import open_hooks
from vestibule.apps.pieces import Pieces
from vestibule.apps.portal import open_portal
from vestibule.flows.api_keys import KnownKeys
from vestibule.flows.sync_runs import SyncRuns
from vestibule.frontends.hooks.door import PREFIX as HOOKS_PREFIX
from vestibule.frontends.http.application import application
from vestibule.frontends.http.counts import Counts
from vestibule.frontends.http.guard import Asgi, Manners, Message, Receive, Send
from vestibule.frontends.http.listener import ApiListener, Certificate, Files
from vestibule.frontends.http.work import Behind
from vestibule.frontends.ops.listener import HttpListener
from vestibule.frontends.sounds.application import PREFIX as SOUNDS_PREFIX
from vestibule.frontends.sounds.application import application as sounds
from vestibule.stores.certificate_file import make_certificate

MIB = 1024 * 1024
HERE = ("localhost", "127.0.0.1", "[::1]")
OPS = frozenset({"/metrics", "/healthz", "/readyz"})
ANY = ("0.0.0.0", "::")  # noqa: S104 - addresses that nobody asks by


@dataclass(frozen=True, slots=True)
class Web:
    """All listening sockets: where metrics and health are, and the URLs of the API."""

    listeners: tuple[ApiListener | HttpListener, ...]
    http: Listener
    api: tuple[str, ...]
    runs: SyncRuns

    def start(self) -> None:
        """Begin to serve."""
        for one in self.listeners:
            one.start()

    async def close(self) -> None:
        """Finish the requests that are under way, and stop."""
        for one in self.listeners:
            await one.close()
        await self.runs.close()


def open_web(
    pieces: Pieces, ops: Starlette, registry: CollectorRegistry, log: FilteringBoundLogger, doors: Doors
) -> Web:
    """Bind all sockets. Raises OSError, also for a certificate that can not be read or does not fit.

    Where the API has the address of metrics and health, one socket serves both.
    """
    runs = SyncRuns()
    wanted, api = pieces.configuration.http.listen, _api_listeners(pieces, ops, registry, log, doors, runs)
    urls = tuple(one.url for one in api.values())
    if wanted in api:
        return Web(tuple(api.values()), Listener(*api[wanted].address), urls, runs)
    http = HttpListener(ops, wanted.host, wanted.port)
    return Web((http, *api.values()), Listener(*http.address), urls, runs)


def _api_listeners(  # noqa: PLR0917 - as of `open_web`
    pieces: Pieces,
    ops: Starlette,
    registry: CollectorRegistry,
    log: FilteringBoundLogger,
    doors: Doors,
    runs: SyncRuns,
) -> dict[Listener, ApiListener]:
    configuration = pieces.configuration
    if not configuration.api.listen:
        return {}
    public, certificate = _guarded(pieces, registry, log, doors, runs), _certificate(configuration, log)
    found: dict[Listener, ApiListener] = {}
    for one in configuration.api.listen:
        served = _beside(public, ops) if one == configuration.http.listen else public
        found[one] = ApiListener(served, one.host, one.port, _spoken(one, certificate, configuration))
    return found


def _guarded(
    pieces: Pieces, registry: CollectorRegistry, log: FilteringBoundLogger, doors: Doors, runs: SyncRuns
) -> Asgi:
    """The API and the pages, each behind its own guard."""
    behind = Behind(
        pieces.authenticate,
        desk_of(pieces),
        manners(pieces.configuration),
        Counts(registry, log, secrets.token_bytes),
        time.monotonic,
        runs,
    )
    known = KnownKeys(pieces.store, time.time, time.monotonic, behind.desk.mac)
    api = doors.api = application(behind, doors.recognising(known.recognise), time.monotonic)
    portal = open_portal(pieces, behind.desk, behind.manners, behind.counts, registry, doors=doors)

    hooks = open_hooks(pieces, behind.manners, behind.counts, registry)
    played = sounds(pieces.sounds.octets)

    async def both(scope: Message, receive: Receive, send: Send) -> None:
        if scope["path"].startswith(HOOKS_PREFIX):
            return await hooks(scope, receive, send)
        if scope["path"].startswith(SOUNDS_PREFIX):
            return await played(scope, receive, send)
        serve = api if scope["path"].startswith("/api/") else portal
        return await serve(scope, receive, send)

    return both


def _beside(public: Asgi, ops: Starlette) -> Asgi:
    async def both(scope: Message, receive: Receive, send: Send) -> None:
        serve = ops if scope["path"] in OPS else public
        await serve(scope, receive, send)

    return both


def manners(configuration: Configuration) -> Manners:
    """How the door behaves, as configured."""
    wanted = configuration.api
    return Manners(
        frozenset(allowed_hosts(configuration)),
        wanted.trusted_proxies,
        wanted.reject_delay_seconds,
        wanted.in_flight_limit,
        wanted.requests_per_second,
        wanted.failures_per_minute,
        wanted.upload_mib * MIB,
    )


def allowed_hosts(configuration: Configuration) -> Iterable[str]:
    """All names under which this server may be asked."""
    server, api = configuration.server, configuration.api
    addresses = [one.host for one in api.listen if one.host not in ANY]
    addresses += [server.address] if server.address else []
    public = [_in_header(urlsplit(api.public_url).hostname or "")] if api.public_url else []
    return [*HERE, server.name.lower(), *map(_in_header, addresses), *public, *api.allowed_hosts]


def _in_header(address: str) -> str:
    return f"[{address}]" if ":" in address else address


def _spoken(listener: Listener, certificate: Certificate | None, configuration: Configuration) -> Certificate | None:
    """TLS, but for loopback without a certificate of the operator's."""
    plain = listener.loopback and not configuration.api.certificate_files
    return None if plain else certificate


def _certificate(configuration: Configuration, log: FilteringBoundLogger) -> Certificate | None:
    """The configured one; else our own, where one is needed at all."""
    named = configuration.api.certificate_files
    if named:
        return Certificate(Files(named[0], named[-1]), log)
    if all(one.loopback for one in configuration.api.listen):
        return None
    files = _own(configuration.data_directory)
    names = [configuration.server.name, *(host.strip("[]") for host in allowed_hosts(configuration))]
    make_certificate(files.certificate, files.key, names, time.time())
    return Certificate(files, log)


def _own(directory: Path) -> Files:
    return Files(directory / "api-certificate.pem", directory / "api-key.pem")
