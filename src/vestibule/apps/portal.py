"""The pages for people, put together: on the sockets of the API, with its hosts, its proxies and its limits."""

import time

from prometheus_client import CollectorRegistry, Counter
from structlog.typing import FilteringBoundLogger

from vestibule.apps.background import Beat
from vestibule.apps.bench import Doors
from vestibule.apps.commands.desk import desk_of
from vestibule.apps.pieces import Pieces
from vestibule.apps.telephone import beside
from vestibule.flows import binding, owners, sessions
from vestibule.flows.desk import Desk
from vestibule.frontends.http import counts as api_counts
from vestibule.frontends.http.guard import Manners as ApiManners
from vestibule.frontends.http.limits import Buckets
from vestibule.frontends.http.peers import caller_address, host_of
from vestibule.portals.application import application
from vestibule.portals.behind import Asgi, Behind, Bench, Headers, Manners

SWEEP_SECONDS = 300.0
HALF_MADE_SECONDS = 3600.0
MINUTE = 60.0
TESTS_PER_MINUTE = 20  # of one administrator


class Counts:
    """The metric of the pages; bugs are logged like those of the API."""

    def __init__(self, registry: CollectorRegistry, api: api_counts.Counts) -> None:
        """Register the metric."""
        self._requests = Counter("vestibule_portal_requests", "Pages answered.", ["status"], registry=registry)
        self.bug = api.bug

    def answered(self, status: int) -> None:
        """Count an answer."""
        self._requests.labels(str(status)).inc()


def open_portal(
    pieces: Pieces,
    desk: Desk,
    manners: ApiManners,
    counts: api_counts.Counts,
    registry: CollectorRegistry,
    *,
    doors: Doors,
) -> Asgi:
    """The pages, as one application."""

    def address_of(peer: str, headers: Headers) -> str:
        return caller_address(peer, headers, manners.trusted_proxies)

    behave = Manners(manners.allowed_hosts, host_of, address_of, manners.reject_delay, manners.in_flight_limit)
    failures = Buckets(manners.failures_per_minute / MINUTE, manners.failures_per_minute, time.monotonic)
    bench = Bench(doors, Buckets(TESTS_PER_MINUTE / MINUTE, TESTS_PER_MINUTE, time.monotonic))
    behind = Behind(pieces.authenticate, desk, behave, Counts(registry, counts), failures, time.monotonic, bench=bench)
    return beside(application(behind), behind, pieces.handset)


async def prepare_portal(pieces: Pieces, log: FilteringBoundLogger) -> None:
    """Make the client that the pages sign in as; an operator's own of its name keeps the pages shut, loudly."""
    if not await sessions.ensure_portal_client(desk_of(pieces)):
        log.error("the portal is shut: a client of yours has the id portal", remedy="remove it, or give it another id")
    wanted = pieces.configuration
    if wanted.api.listen and not wanted.demo.enabled and await owners.missing(desk_of(pieces)):
        log.warning("nobody is an owner, so nobody can administer with a browser", remedy="vestibule owner link")


def portal_beats(pieces: Pieces) -> tuple[Beat, ...]:
    """What is to be forgotten in time."""
    desk = desk_of(pieces)

    async def ended() -> int:
        return await sessions.sweep(pieces.store, time.time)

    async def half_made() -> int:
        return await binding.sweep(desk)

    return Beat("sessions", SWEEP_SECONDS, ended), Beat("half-made factors", HALF_MADE_SECONDS, half_made)
