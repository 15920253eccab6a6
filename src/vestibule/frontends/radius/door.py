"""The RADIUS door: packets in, decisions out; as datagrams, or from connections that `radsec` has opened.

Malformed and unauthenticated packets are dropped, counted, and logged at a limited rate. A refusal leaves at a fixed
time after its packet came in, so that all refusals take alike, and holds nothing but a timer. A sign-in that waits
for an approval holds its task and this packet's turn, never a thread.
"""

import asyncio
import socket
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass
from traceback import extract_tb
from typing import Any

from vestibule.core.clients import Client
from vestibule.core.decisions import Accept, Decision, Wait
from vestibule.core.errors import Malformed, Unavailable
from vestibule.core.secret import Secret
from vestibule.core.snapshot import Snapshot
from vestibule.flows.account import Account
from vestibule.flows.authenticate import Authenticate, Beginning, Reply
from vestibule.frontends.radius.accounting import accounted
from vestibule.frontends.radius.clients import ClientTable
from vestibule.frontends.radius.counts import Counts
from vestibule.frontends.radius.duplicates import Asker, Duplicates, Turn, packet_id
from vestibule.frontends.radius.proof import proven_secret
from vestibule.frontends.radius.translation import (
    Attributes,
    Replies,
    Unsayable,
    code_of,
    merged,
    password_of,
    place_of,
    question,
)
from vestibule.frontends.radius.unseen import Disproven, Onward, Proven, Unseen
from vestibule.wire.radius.dictionary import Dictionary
from vestibule.wire.radius.packet import Attribute, Code, Packet, TooLong, decode
from vestibule.wire.radius.reply import encode_reply

MARGIN_SECONDS = 0.5  # what is left of a client's time budget for the way back
SHORTEST_BUDGET = 1.0
JITTER = 0.25  # of the delay of refusals, at most
RECEIVE_OCTETS = 4 * 1024 * 1024  # for bursts; the system allows no more than net.core.rmem_max
LOOP = "we asked this ourselves: the upstream server sends our requests back; let it authenticate them itself"


@dataclass(frozen=True, slots=True)
class Manners:
    """How the door behaves: seconds that a refusal is held and a reply remembered, packets decided on at once."""

    reject_delay: float = 1.0
    remember: float = 30.0
    in_flight_limit: int = 20_000


@dataclass(frozen=True, slots=True)
class Exchange:
    """One authentic packet on its way to its answer; `began` in seconds of the event loop."""

    packet: Packet
    client: Client
    secret: bytes
    turn: Turn
    source: str
    began: float

    @property
    def until(self) -> float:
        """When the client stops listening, less the way back."""
        return self.began + max(self.client.time_budget - MARGIN_SECONDS, SHORTEST_BUDGET)


class RadiusDoor:
    """Serves any number of sockets in one event loop."""

    def __init__(  # noqa: PLR0917 - the pieces that apps/ puts together
        self,
        authenticate: Authenticate,
        account: Account,
        snapshot: Callable[[], Snapshot],
        dictionary: Dictionary,
        counts: Counts,
        manners: Manners,
        came_back: Callable[[Packet], bool] | None = None,
        unseen: Unseen | None = None,
    ) -> None:
        """Take the pieces; `snapshot` gives the settings in force.

        `came_back` says whether a request with Proxy-State is one that we ourselves asked an upstream server. Without
        `unseen` nothing is let in that carries no password.
        """
        self._authenticate = authenticate
        self._account = account
        self._snapshot = snapshot
        self._dictionary = dictionary
        self._counts = counts
        self._manners = manners
        self._came_back = came_back
        self._unseen = unseen or Unseen(lambda _: None, lambda _: b"", bytes)
        self._duplicates = Duplicates(manners.remember)
        self._tasks: set[asyncio.Task[None]] = set()
        self._loop = asyncio.get_running_loop()
        self._transports: list[asyncio.DatagramTransport] = []
        self._follow(snapshot())
        counts.follow_in_flight(lambda: len(self._tasks))

    async def listen(self, host: str, port: int, *, accounting: bool) -> tuple[str, int]:
        """Open one socket for authentication or for accounting; returns its address (port 0 takes a free one)."""
        transport, _ = await self._loop.create_datagram_endpoint(
            lambda: _Datagrams(self, accounting=accounting), local_addr=(host, port)
        )
        self._transports.append(transport)
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_OCTETS)
        address = transport.get_extra_info("sockname")
        return address[0], address[1]

    async def close(self) -> None:
        """Take no more packets; those that are being decided on go unanswered, and their clients ask the twin."""
        for transport in self._transports:
            transport.close()
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    # -- one datagram -------------------------------------------------------------------------------------------

    def received(self, datagram: bytes, asker: Asker, *, accounting: bool) -> None:
        """Look at one datagram. Whatever goes wrong with it stays with it: the socket lives on."""
        source, now = asker[1][0], self._loop.time()
        try:
            self._look_at(decode(datagram), asker, source, now, accounting=accounting)
        except Malformed as malformed:
            self._counts.drop("malformed", source, now, str(malformed))
        except Exception as bug:  # noqa: BLE001 # outermost: silence for the client, a counted line for us
            self._counts.drop("bug", source, now, _place_of(bug))

    def _look_at(self, packet: Packet, asker: Asker, source: str, now: float, *, accounting: bool) -> None:
        """Drop it, repeat a reply, or begin to decide."""
        client = self.client_of(packet, source)
        if client is None:
            return self._counts.drop("unknown client", source, now)
        identity = packet_id(client.id, packet.octets)
        turn = self._duplicates.find(identity)
        if turn is not None:
            return self._again(turn, asker)
        secret = proven_secret(packet, client)
        if secret is None:
            return self._counts.drop("not authentic", source, now, f"client {client.id}")
        turn = Turn(identity, [asker])
        return self._take(Exchange(packet, client, secret, turn, source, now), asker, accounting=accounting)

    def client_of(self, packet: Packet, source: str) -> Client | None:
        """Which client a packet from this address comes from, or None for a stranger."""
        snapshot = self._snapshot()
        if snapshot is not self._followed:
            self._follow(snapshot)
        return self._clients.find(source, packet.first(Attribute.NAS_IDENTIFIER))

    def client_named(self, names: Iterable[str]) -> Client | None:
        """The client whose id is the first of these names that is one's; who has no network asks over HTTP alone."""
        snapshot = self._snapshot()
        if snapshot is not self._followed:
            self._follow(snapshot)
        known = (snapshot.clients[name] for name in names if name in snapshot.clients)
        return next((client for client in known if client.networks), None)

    def heard(self, packet: Packet, client: Client, secret: bytes, asker: Asker, source: str) -> None:
        """Take a packet from a client that its connection has named; `secret` is what the packet proved."""
        identity = packet_id(client.id, packet.octets)
        turn = self._duplicates.find(identity)
        if turn is not None:
            return self._again(turn, asker)
        exchange = Exchange(packet, client, secret, Turn(identity, [asker]), source, self._loop.time())
        return self._take(exchange, asker, accounting=packet.code == Code.ACCOUNTING_REQUEST)

    def _take(self, exchange: Exchange, asker: Asker, *, accounting: bool) -> None:
        """Answer at once, drop, or begin to decide on what is authentic and new."""
        packet, source, now = exchange.packet, exchange.source, exchange.began
        if packet.code == Code.STATUS_SERVER:
            return self._answer_status(packet, exchange.secret, asker, accounting=accounting)
        if packet.code != (Code.ACCOUNTING_REQUEST if accounting else Code.ACCESS_REQUEST):
            return self._counts.drop("unexpected code", source, now, f"code {packet.code}")
        if len(self._tasks) >= self._manners.in_flight_limit:
            return self._counts.drop("overload", source, now)
        if self._came_back is not None and self._came_back(packet):
            return self._counts.drop("loop", source, now, LOOP)
        self._duplicates.begin(exchange.turn)
        return self._begin(exchange, accounting=accounting)

    def _again(self, turn: Turn, asker: Asker) -> None:
        self._counts.duplicates.inc()
        if turn.reply is None:
            turn.join(asker)
        else:
            _transmit(turn.reply, asker)

    def _answer_status(self, packet: Packet, secret: bytes, asker: Asker, *, accounting: bool) -> None:
        """Say that we live (RFC 5997); nothing was decided, so nothing is remembered."""
        self._counts.status.inc()
        alive = Code.ACCOUNTING_RESPONSE if accounting else Code.ACCESS_ACCEPT
        _transmit(encode_reply(packet, alive, (), secret), asker)
        self._counts.replied(alive.name)

    def _begin(self, exchange: Exchange, *, accounting: bool) -> None:
        work = self._answer_accounting if accounting else self._answer_access
        task = self._loop.create_task(self._guarded(work(exchange), exchange))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _guarded(self, work: Coroutine[Any, Any, None], exchange: Exchange) -> None:
        """Nothing that goes wrong with one packet reaches another; its retransmission is tried anew."""
        try:
            await work
        except Unavailable as unavailable:
            self._fail("unavailable", exchange, str(unavailable))
        except Malformed as malformed:
            self._fail("malformed", exchange, str(malformed))
        except (TooLong, Unsayable) as unsayable:
            self._fail("reply attributes", exchange, str(unsayable))
        except Exception as bug:  # noqa: BLE001 # outermost: silence for the client, a counted line for us
            self._fail("bug", exchange, _place_of(bug))

    def _fail(self, why: str, exchange: Exchange, detail: str) -> None:
        self._duplicates.drop(exchange.turn)
        self._counts.drop(why, exchange.source, self._loop.time(), detail)

    # -- the work -----------------------------------------------------------------------------------------------

    async def _answer_access(self, exchange: Exchange) -> None:
        self._counts.requests.inc()
        password = password_of(exchange.packet, exchange.secret)
        if password is None:
            return await self._answer_unseen(exchange)
        asked = question(exchange.packet, exchange.client, password, exchange.turn.identity, exchange.until)
        decision = await self._held(await self._timed(self._decide(asked), exchange), exchange)
        return self._answer(exchange, code_of(decision), self._replies.attributes(decision))

    async def _answer_unseen(self, exchange: Exchange) -> None:
        """Let another server look at what we can not, and ask for the second factor where it says yes."""
        packet, client = exchange.packet, exchange.client
        why = self._unseen.why_not(packet, client)
        if why:
            self._counts.refuse("no password field", exchange.source, exchange.began, why)
            return self._refuse_unseen(exchange)
        said = await self._unseen.ask(packet, client, exchange.secret, exchange.until)
        if isinstance(said, Onward):
            return self._answer(exchange, Code.ACCESS_CHALLENGE, said.attributes)
        decision = await self._held(await self._timed(self._go_on(said, exchange), exchange), exchange)
        if not isinstance(said, Proven) or not isinstance(decision, Accept):
            return self._refuse_unseen(exchange)
        attributes = merged(self._replies.attributes(decision), said.attributes)
        return self._answer(exchange, Code.ACCESS_ACCEPT, attributes)

    async def _go_on(self, said: Proven | Disproven, exchange: Exchange) -> Decision:
        """Decide on the second factor, or write down what refused the first."""
        place = place_of(exchange.packet, exchange.client)
        begin = Beginning(
            exchange.turn.identity,
            exchange.client.id,
            said.user_name,
            Secret(b""),
            place.source,
            place.address,
            exchange.until,
            proven=isinstance(said, Proven),
        )
        if isinstance(said, Disproven):
            return await self._authenticate.disprove(begin, said.reason, said.detail)
        return await self._authenticate.begin(begin)

    def _refuse_unseen(self, exchange: Exchange) -> None:
        """Say no; the conversation inside needs one of its own."""
        refusal = (*self._replies.refusal, *self._unseen.refusal(exchange.packet))
        return self._answer(exchange, Code.ACCESS_REJECT, refusal)

    async def _timed(self, work: Coroutine[Any, Any, Decision], exchange: Exchange) -> Decision:
        decision = await work
        self._counts.seconds.observe(self._loop.time() - exchange.began)
        return decision

    async def _held(self, decision: Decision, exchange: Exchange) -> Decision:
        """Hold the packet while an answer is awaited elsewhere."""
        if isinstance(decision, Wait):
            return await self._authenticate.wait(decision, exchange.until)
        return decision

    async def _decide(self, asked: Beginning | Reply) -> Decision:
        if isinstance(asked, Beginning):
            return await self._authenticate.begin(asked)
        return await self._authenticate.reply(asked)

    async def _answer_accounting(self, exchange: Exchange) -> None:
        self._counts.accounting.inc()
        report = accounted(exchange.packet, exchange.client, exchange.turn.identity, exchange.until)
        await self._account.note(report)
        self._answer(exchange, Code.ACCOUNTING_RESPONSE, ())

    # -- the answer ---------------------------------------------------------------------------------------------

    def _answer(self, exchange: Exchange, code: Code, attributes: Attributes) -> None:
        """Send it now, a refusal at its time. Raises TooLong."""
        reply = encode_reply(exchange.packet, code, attributes, exchange.secret)
        if code is Code.ACCESS_REJECT:
            self._loop.call_at(self._refusal_time(exchange, reply), self._send, exchange.turn, reply, code)
        else:
            self._send(exchange.turn, reply, code)

    def _refusal_time(self, exchange: Exchange, reply: bytes) -> float:
        """Hold it as long as any other; the jitter is drawn from the reply's own digest, which nobody foresees."""
        delay = self._manners.reject_delay * (1 + JITTER * reply[4] / 255)
        return min(exchange.began + delay, exchange.until)

    def _send(self, turn: Turn, reply: bytes, code: Code) -> None:
        for asker in turn.askers:
            _transmit(reply, asker)
        self._duplicates.answer(turn, reply, self._loop.time())
        self._counts.replied(code.name)

    def _follow(self, snapshot: Snapshot) -> None:
        self._clients = ClientTable(snapshot.clients)
        self._replies = Replies(snapshot, self._dictionary)
        self._followed = snapshot


def _transmit(reply: bytes, asker: Asker) -> None:
    transport, address = asker
    if not transport.is_closing():
        transport.sendto(reply, address)


def _place_of(bug: Exception) -> str:
    """What went wrong and where, without the words of the exception: they may quote what nobody should read."""
    last = extract_tb(bug.__traceback__)[-1]
    return f"{type(bug).__name__} in {last.filename}, line {last.lineno}"


class _Datagrams(asyncio.DatagramProtocol):
    """One socket."""

    def __init__(self, door: RadiusDoor, *, accounting: bool) -> None:
        self._door = door
        self._accounting = accounting
        self._transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, addr: tuple[Any, ...]) -> None:
        self._door.received(data, (self._transport, addr), accounting=self._accounting)

    def error_received(self, exc: Exception) -> None:
        """A client's port is closed by now: nothing to do."""
