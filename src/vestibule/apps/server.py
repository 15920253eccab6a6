"""The server: open the pieces, listen, say that it is ready, run until told to stop, close in order."""

import asyncio
import contextlib
import gc
import os
import secrets
import signal
import socket
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import structlog
from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector
from structlog.typing import FilteringBoundLogger

from vestibule.apps.background import Background, Beat, background
from vestibule.apps.bench import Doors
from vestibule.apps.commands.desk import desk_of
from vestibule.apps.commands.running import Commands
from vestibule.apps.configuration import Configuration, Listener
from vestibule.apps.delivery_beats import delivery_beats
from vestibule.apps.delivery_counts import DeliveryCounts
from vestibule.apps.dictionary import dictionary
from vestibule.apps.directories.loops import Loops
from vestibule.apps.directories.server_rests import ServerRests
from vestibule.apps.directories.upkeep import Synchronising
from vestibule.apps.directories.upstream_counts import UpstreamCounts
from vestibule.apps.pieces import Pieces, put_together
from vestibule.apps.portal import portal_beats, prepare_portal
from vestibule.apps.radsec import open_radsec
from vestibule.apps.sounds import LOOK_SECONDS as SOUND_SECONDS
from vestibule.apps.web import open_web
from vestibule.flows.responses import Responses
from vestibule.frontends.control.door import ControlDoor
from vestibule.frontends.ops.application import application
from vestibule.frontends.radius.counts import Counts
from vestibule.frontends.radius.door import Manners, RadiusDoor
from vestibule.frontends.radius.unseen import Unseen

PAIRS_TRIED = 50
LOOK_SECONDS = 5.0  # between two looks at which directory is due
COLLECT_AFTER = (10_000, 20, 20)  # net allocations; younger collections before an older one


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where the server listens, with real ports."""

    radius: tuple[Listener, ...]
    http: Listener
    api: tuple[str, ...] = ()  # URLs
    radsec: tuple[Listener, ...] = ()


async def serve(
    configuration: Configuration,
    on_ready: Callable[[Pieces, Addresses], Awaitable[None]],
    database_url: Callable[[], str] | None = None,
) -> None:
    """Run until SIGTERM or SIGINT; `database_url` as in `put_together`.

    Raises KeyWrong, SchemaWrong, RolledBack, Unavailable, OSError for an address that is taken.
    """
    log: FilteringBoundLogger = structlog.get_logger()
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with contextlib.AsyncExitStack() as closing:
        pieces = await put_together(configuration, database_url)
        closing.push_async_callback(pieces.close)
        registry = _registry()
        desk = desk_of(pieces)
        synchronising = Synchronising(desk, time.monotonic, registry, log)
        closing.push_async_callback(synchronising.close)
        beat = Beat("directories", LOOK_SECONDS, synchronising.look)
        registry.register(UpstreamCounts(lambda: pieces.directories.upstreams))
        registry.register(ServerRests(lambda: pieces.directories.rests))
        registry.register(DeliveryCounts(pieces.delivery))
        await prepare_portal(pieces, log)
        beats = (
            beat,
            Beat("sounds", SOUND_SECONDS, pieces.sounds.look),
            *portal_beats(pieces),
            *delivery_beats(pieces),
        )
        upkeep = background(configuration, pieces.store, pieces.authenticate, pieces.channels, registry, log, beats)
        await upkeep.start()
        closing.push_async_callback(upkeep.close)
        doors = Doors()
        web = open_web(pieces, application(registry, _readiness(pieces, upkeep)), registry, log, doors)
        closing.push_async_callback(web.close)
        counts = Counts(registry, log)
        loops = Loops(desk, pieces.directories.looped, time.monotonic)
        closing.push_async_callback(loops.close)
        door = _door(pieces, counts, loops)
        closing.push_async_callback(door.close)
        radius = await _listen(door, configuration)
        doors.open(door, radius)
        radsec = open_radsec(door, configuration, counts, log)
        closing.push_async_callback(radsec.close)
        control = ControlDoor(Commands(pieces).run, log)
        await control.listen(configuration.server.control_socket)
        closing.push_async_callback(control.close)
        web.start()
        addresses = Addresses(radius, web.http, web.api, radsec.addresses)
        _spare_collections()
        await on_ready(pieces, addresses)
        log.info("ready", radius=[str(one) for one in radius], http=str(addresses.http), api=addresses.api)
        notify("READY=1")
        await stop.wait()
        notify("STOPPING=1")
        log.info("stopping")


def _spare_collections() -> None:
    """Let the collector of cycles pass over all that lives as long as the server.

    A full collection stops every sign-in that is under way, and one over modules, classes and the replies remembered
    for retransmissions took 140 ms. What a sign-in makes is freed by reference counts; cycles are the exception.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECT_AFTER)


def _door(pieces: Pieces, counts: Counts, loops: Loops) -> RadiusDoor:
    wanted = pieces.configuration.radius
    manners = Manners(wanted.reject_delay_seconds, wanted.duplicate_seconds, wanted.in_flight_limit)
    store = pieces.store
    return RadiusDoor(
        pieces.authenticate,
        pieces.account,
        lambda: store.snapshot,
        dictionary(pieces.configuration),
        counts,
        manners,
        loops.came_back,
        Unseen(
            pieces.directories.upstream_of,
            lambda said: pieces.vault.mac("token", said),
            secrets.token_bytes,
            Responses(store, pieces.directories.directory_of),
        ),
    )


async def _listen(door: RadiusDoor, configuration: Configuration) -> tuple[Listener, ...]:
    """Open the sockets; accounting listens on the port behind authentication."""
    opened = []
    for wanted in configuration.radius.listen:
        free = wanted.port or _free_pair(wanted.host)
        host, port = await door.listen(wanted.host, free, accounting=False)
        if configuration.radius.accounting:
            await door.listen(host, port + 1, accounting=True)
        opened.append(Listener(host, port))
    return tuple(opened)


def _free_pair(host: str) -> int:
    """A free port with a free one behind it, or 0 where none is found at once."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    for _ in range(PAIRS_TRIED):
        with socket.socket(family, socket.SOCK_DGRAM) as first, socket.socket(family, socket.SOCK_DGRAM) as second:
            first.bind((host, 0))
            port = int(first.getsockname()[1])
            with contextlib.suppress(OSError, OverflowError):
                second.bind((host, port + 1))
                return port
    return 0


def _readiness(pieces: Pieces, upkeep: Background) -> Callable[[], Awaitable[str]]:
    async def ready() -> str:
        await pieces.store.change(lambda _writing: None)
        doubt = await upkeep.doubt()
        return f"the clock was moved by {doubt.seconds:g} s, which nobody has confirmed" if doubt else ""

    return ready


def _registry() -> CollectorRegistry:
    registry = CollectorRegistry()
    for collector in (ProcessCollector, PlatformCollector, GCCollector):
        collector(registry=registry)
    return registry


def notify(state: str) -> None:
    """Tell systemd (sd_notify(3)), where there is one."""
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
        channel.connect(f"\0{address[1:]}" if address.startswith("@") else address)
        channel.sendall(state.encode())
