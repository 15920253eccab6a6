"""RadSec: RADIUS in TLS over TCP (RFC 6614), for clients that prove themselves with a certificate.

A client is the one whose id stands in its certificate; with another name in it, the one whose network it comes from.
The shared secret is "radsec" for everybody. What is wrong with one packet ends the connection, since nobody honest
sends it (RFC 6613 section 2.6.4); what can not be decided on stays without an answer, as over UDP.
"""

import asyncio
import contextlib
import socket
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from traceback import extract_tb
from typing import Any

from vestibule.core.clients import Client
from vestibule.core.errors import Malformed
from vestibule.core.secret import Secret
from vestibule.frontends.radius.counts import Counts
from vestibule.frontends.radius.door import RadiusDoor
from vestibule.frontends.radius.proof import proven_secret
from vestibule.frontends.radius.tls import Tls, names_in
from vestibule.wire.radius.packet import Packet, decode
from vestibule.wire.radius.stream import Splitter

SECRET = Secret(b"radsec")  # RFC 6614 section 2.3: the same for everybody, TLS is what protects
BACKLOG = 256
HANDSHAKES_OF_ONE = 32
WITHOUT_FILES = 1.0  # seconds of rest when the system has no file descriptor left
KEEP_ALIVE = {socket.TCP_KEEPIDLE: 60, socket.TCP_KEEPINTVL: 15, socket.TCP_KEEPCNT: 4}


@dataclass(frozen=True, slots=True)
class Bounds:
    """How slow and how many: seconds for the handshake, for the rest of a packet, for taking what was sent to it.

    `connections` may be open at once; `unsent` octets may wait for one that does not read.
    """

    handshake: float = 10.0
    packet: float = 10.0
    drain: float = 10.0
    connections: int = 1000
    unsent: int = 1024 * 1024


class RadsecListener:
    """One listening socket, and the connections that came through it."""

    def __init__(self, door: RadiusDoor, tls: Tls, counts: Counts, address: tuple[str, int], bounds: Bounds) -> None:
        """Bind at once, so that a taken port stops the start; port 0 takes a free one. Raises OSError."""
        host, port = address
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._socket = socket.create_server((host, port), family=family, backlog=BACKLOG)
        self._socket.setblocking(False)
        self._door = door
        self._tls = tls
        self._counts = counts
        self._bounds = bounds
        self._loop = asyncio.get_running_loop()
        self._handshakes: Counter[str] = Counter()
        self._tasks: set[asyncio.Task[None]] = set()
        self._open: set[Connection] = set()

    @property
    def address(self) -> tuple[str, int]:
        """Where it listens."""
        name = self._socket.getsockname()
        return name[0], name[1]

    def start(self) -> None:
        """Begin to take connections."""
        self._keep(self._accept())
        self._keep(self._tls.follow())

    async def close(self) -> None:
        """Take no more connections, and end those that are open once they have taken their answers."""
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._socket.close()
        for connection in tuple(self._open):
            connection.close()

    def _keep(self, work: Any) -> None:  # noqa: ANN401 - any coroutine
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _accept(self) -> None:
        while True:
            try:
                accepted, address = await self._loop.sock_accept(self._socket)
            except OSError as error:
                self._counts.turn_away("no room", "", self._loop.time(), str(error.strerror))
                await asyncio.sleep(WITHOUT_FILES)
                continue
            self._keep(self._welcome(accepted, address[0]))

    async def _welcome(self, accepted: socket.socket, source: str) -> None:
        """Shake hands, unless too many are under way already."""
        full = len(self._open) + self._handshakes.total() >= self._bounds.connections
        if full or self._handshakes[source] >= HANDSHAKES_OF_ONE:
            accepted.close()
            return self._counts.turn_away("too many", source, self._loop.time())
        self._handshakes[source] += 1
        try:
            await self._shake_hands(accepted, source)
        finally:
            self._handshakes[source] -= 1
            self._handshakes += Counter()  # forgets those at nothing
        return None

    async def _shake_hands(self, accepted: socket.socket, source: str) -> None:
        try:
            _prepare(accepted)
            await self._loop.connect_accepted_socket(
                partial(Connection, self._door, self._counts, source, self._bounds, self._open),
                accepted,
                ssl=self._tls.context,
                ssl_handshake_timeout=self._bounds.handshake,
            )
        except OSError as error:  # ssl.SSLError and TimeoutError are such
            accepted.close()
            self._counts.turn_away("tls", source, self._loop.time(), getattr(error, "reason", "") or str(error))


class Connection(asyncio.Protocol):
    """One client; for the door it is what a socket is for datagrams."""

    def __init__(self, door: RadiusDoor, counts: Counts, source: str, bounds: Bounds, among: "set[Connection]") -> None:
        """Stand `among` the others from the end of the handshake on."""
        self._door = door
        self._counts = counts
        self._source = source
        self._bounds = bounds
        self._among = among
        self._splitter = Splitter()
        self._names: tuple[str, ...] = ()
        self._transport: Any = None
        self._loop = asyncio.get_running_loop()
        self._unfinished: asyncio.TimerHandle | None = None
        self._unread: asyncio.TimerHandle | None = None
        self._known: tuple[Client, Client] | None = None

    # -- what the door does with it -------------------------------------------------------------------------------

    def is_closing(self) -> bool:
        """Whether nothing can be sent any more."""
        return bool(self._transport.is_closing())

    def sendto(self, octets: bytes, _address: tuple[Any, ...]) -> None:
        """Send a reply, unless too many wait to be read."""
        if self._transport.get_write_buffer_size() + len(octets) > self._bounds.unsent:
            return self._end("does not read", f"{self._bounds.unsent} octets wait for it")
        self._transport.write(octets)
        return None

    def close(self) -> None:
        """End it behind what was sent."""
        self._transport.close()

    # -- what the connection does ---------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Read the names in the certificate that the handshake has checked."""
        self._transport = transport
        self._transport.set_write_buffer_limits(high=self._bounds.unsent // 4)
        certificate: Mapping[str, Any] | None = transport.get_extra_info("peercert")
        self._names = names_in(certificate)
        self._among.add(self)
        self._counts.connections.inc()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - why changes nothing
        """Forget it."""
        self._among.discard(self)
        self._counts.connections.dec()
        for timer in (self._unfinished, self._unread):
            if timer:
                timer.cancel()

    def pause_writing(self) -> None:
        """It reads too slowly: read nothing from it either, and give it some time."""
        self._transport.pause_reading()
        self._unread = self._loop.call_later(
            self._bounds.drain, self._end, "does not read", f"nothing for {self._bounds.drain:g} s"
        )

    def resume_writing(self) -> None:
        """It has caught up."""
        if self._unread:
            self._unread.cancel()
        with contextlib.suppress(RuntimeError):  # it is closing
            self._transport.resume_reading()

    def data_received(self, data: bytes) -> None:
        """Take what is complete. Whatever goes wrong ends this connection and no other."""
        packets, wrong = self._splitter.feed(data)
        try:
            for octets in packets:
                self._packet(decode(octets))
        except Malformed as malformed:
            wrong = malformed
        except Exception as bug:  # noqa: BLE001 # outermost: the end for this client, a counted line for us
            last = extract_tb(bug.__traceback__)[-1]
            self._end("bug", f"{type(bug).__name__} in {last.filename}, line {last.lineno}")
        if wrong is not None:
            self._end("malformed", str(wrong))
        self._time_the_rest(fresh=bool(packets))

    def _time_the_rest(self, *, fresh: bool) -> None:
        """A packet that has begun must end soon."""
        if self._unfinished and (fresh or not self._splitter.unfinished):
            self._unfinished.cancel()
            self._unfinished = None
        if self._splitter.unfinished and self._unfinished is None and not self.is_closing():
            self._unfinished = self._loop.call_later(
                self._bounds.packet, self._end, "does not finish", f"half a packet for {self._bounds.packet:g} s"
            )

    def _packet(self, packet: Packet) -> None:
        if self.is_closing():
            return None
        client = self._client(packet)
        if client is None:
            return self._end("unknown client", f"certificate of {', '.join(self._names) or 'nobody'}")
        secret = proven_secret(packet, client)
        if secret is None:
            return self._end("not authentic", f"client {client.id}; over TLS the shared secret is radsec")
        return self._door.heard(packet, client, secret, (self, ()), self._source)

    def _client(self, packet: Packet) -> Client | None:
        """The client as it is over TLS, where a signature under a secret that everybody knows adds nothing."""
        client = self._door.client_named(self._names) or self._door.client_of(packet, self._source)
        if client is None:
            return None
        if self._known is None or self._known[0] is not client:
            changed = replace(client, secrets=(SECRET,), require_message_authenticator=False, limit_proxy_state=False)
            self._known = client, changed
        return self._known[1]

    def _end(self, why: str, detail: str) -> None:
        if not self.is_closing():
            self._counts.turn_away(why, self._source, self._loop.time(), detail)
            self._transport.abort()


def _prepare(accepted: socket.socket) -> None:
    accepted.setblocking(False)
    accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    accepted.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)  # one that is gone without a word is noticed
    for option, value in KEEP_ALIVE.items():
        accepted.setsockopt(socket.IPPROTO_TCP, option, value)
