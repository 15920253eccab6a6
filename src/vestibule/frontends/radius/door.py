"""The RADIUS door: datagrams in, decisions out.

Malformed and unauthenticated packets are dropped, counted, and logged at a limited rate. A refusal leaves at a fixed
time after its packet came in, so that all refusals take alike, and holds nothing but a timer. A sign-in that waits
for an approval holds its task and this packet's turn, never a thread.
"""

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

from vestibule.core.clients import Client
from vestibule.core.decisions import Decision, Reject, Wait
from vestibule.core.errors import Malformed, Unavailable
from vestibule.core.snapshot import Snapshot
from vestibule.flows.account import Account
from vestibule.flows.authenticate import Authenticate, Beginning
from vestibule.frontends.radius.accounting import accounted
from vestibule.frontends.radius.clients import ClientTable
from vestibule.frontends.radius.counts import Counts
from vestibule.frontends.radius.duplicates import Asker, Duplicates, Turn, packet_id
from vestibule.frontends.radius.translation import Attributes, Replies, code_of, password_of, question
from vestibule.wire.radius.authenticity import MessageAuthenticator, accounting_authentic, verify_request
from vestibule.wire.radius.dictionary import Dictionary
from vestibule.wire.radius.packet import Attribute, Code, Packet, TooLong, decode
from vestibule.wire.radius.reply import encode_reply

MARGIN_SECONDS = 0.5  # what is left of a client's time budget for the way back
JITTER_SECONDS = 0.25


@dataclass(frozen=True, slots=True)
class Manners:
    """How the door behaves: seconds that a refusal is held and a packet remembered, packets decided on at once."""

    reject_delay: float = 1.0
    remember: float = 30.0
    in_flight_limit: int = 20_000


class RadiusDoor:
    """Serves any number of sockets in one event loop."""

    def __init__(  # noqa: PLR0913 - the pieces that apps/ puts together
        self,
        authenticate: Authenticate,
        account: Account,
        snapshot: Callable[[], Snapshot],
        dictionary: Dictionary,
        counts: Counts,
        manners: Manners,
    ) -> None:
        """Take the pieces; `snapshot` gives the settings in force."""
        self._authenticate = authenticate
        self._account = account
        self._snapshot = snapshot
        self._dictionary = dictionary
        self._counts = counts
        self._manners = manners
        self._duplicates = Duplicates(manners.remember)
        self._tasks: set[asyncio.Task[None]] = set()
        self._loop = asyncio.get_running_loop()
        self._transports: list[asyncio.DatagramTransport] = []
        self._follow(snapshot())

    async def listen(self, host: str, port: int, *, accounting: bool) -> tuple[str, int]:
        """Open one socket for authentication or for accounting; returns its address (port 0 takes a free one)."""
        transport, _ = await self._loop.create_datagram_endpoint(
            lambda: _Datagrams(self, accounting=accounting), local_addr=(host, port)
        )
        self._transports.append(transport)
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
        """Look at one datagram: drop it, repeat a reply, or begin to decide."""
        now = self._loop.time()
        source = asker[1][0]
        snapshot = self._snapshot()
        if snapshot is not self._followed:
            self._follow(snapshot)
        try:
            packet = decode(datagram)
        except Malformed as malformed:
            return self._counts.drop("malformed", source, now, str(malformed))
        client = self._clients.find(source, packet.first(Attribute.NAS_IDENTIFIER))
        if client is None:
            return self._counts.drop("unknown client", source, now)
        identity = packet_id(client.id, packet.octets)
        turn = self._duplicates.find(identity)
        if turn is not None:
            return self._again(turn, asker)
        secret = _secret_of(packet, client)
        if secret is None:
            return self._counts.drop("not authentic", source, now, f"client {client.id}")
        return self._admit(packet, client, secret, identity, asker, now, accounting=accounting)

    def _again(self, turn: Turn, asker: Asker) -> None:
        self._counts.duplicates.inc()
        if turn.reply is None:
            turn.join(asker)
        else:
            asker[0].sendto(turn.reply, asker[1])

    def _admit(  # noqa: PLR0913 - what is known of one packet by now
        self, packet: Packet, client: Client, secret: bytes, identity: str, asker: Asker, now: float, *, accounting: bool
    ) -> None:
        turn = self._duplicates.begin(identity, asker, now)
        if packet.code == Code.STATUS_SERVER:
            self._counts.status.inc()
            alive = Code.ACCOUNTING_RESPONSE if accounting else Code.ACCESS_ACCEPT
            return self._send(packet, secret, alive, (), turn)
        if packet.code != (Code.ACCOUNTING_REQUEST if accounting else Code.ACCESS_REQUEST):
            return self._counts.drop("unexpected code", asker[1][0], now, f"code {packet.code}")
        if len(self._tasks) >= self._manners.in_flight_limit:
            self._duplicates.drop(identity)
            return self._counts.drop("overload", asker[1][0], now)
        work = self._answer_accounting if accounting else self._answer_access
        task = self._loop.create_task(self._guarded(work(packet, client, secret, identity, turn, now), identity, asker))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return None

    async def _guarded(self, work: Any, identity: str, asker: Asker) -> None:
        """Nothing that goes wrong with one packet reaches another; its retransmission is tried anew."""
        try:
            await work
        except Unavailable as unavailable:
            self._fail("unavailable", identity, asker, str(unavailable))
        except Malformed as malformed:
            self._fail("malformed", identity, asker, str(malformed))
        except TooLong as too_long:
            self._fail("reply too long", identity, asker, str(too_long))
        except Exception as bug:  # noqa: BLE001 # outermost: silence for the client, a counted line for us
            self._fail("bug", identity, asker, f"{type(bug).__name__}: {bug}")

    def _fail(self, why: str, identity: str, asker: Asker, detail: str) -> None:
        self._duplicates.drop(identity)
        self._counts.drop(why, asker[1][0], self._loop.time(), detail)

    # -- access -------------------------------------------------------------------------------------------------

    async def _answer_access(
        self, packet: Packet, client: Client, secret: bytes, identity: str, turn: Turn, began: float
    ) -> None:
        self._counts.requests.inc()
        budget = began + max(client.time_budget - MARGIN_SECONDS, 1.0)
        password = password_of(packet, secret)
        if password is None:
            self._counts.drop("no password field", client.id, began, "CHAP and EAP are not served; set PAP")
            return self._refuse_later(packet, secret, self._replies.refusal, turn, began, budget)
        asked = question(packet, client, password, identity, budget)
        answering = self._authenticate.begin if isinstance(asked, Beginning) else self._authenticate.reply
        decision = await cast("Any", answering)(asked)
        self._counts.seconds.observe(self._loop.time() - began)
        if isinstance(decision, Wait):
            decision = await self._authenticate.wait(decision, budget)
        self._tell(packet, secret, decision, turn, began, budget)

    def _tell(
        self, packet: Packet, secret: bytes, decision: Decision, turn: Turn, began: float, budget: float
    ) -> None:
        attributes = self._replies.attributes(decision)
        if isinstance(decision, Reject):
            return self._refuse_later(packet, secret, attributes, turn, began, budget)
        return self._send(packet, secret, code_of(decision), attributes, turn)

    def _refuse_later(
        self, packet: Packet, secret: bytes, attributes: Attributes, turn: Turn, began: float, budget: float
    ) -> None:
        jitter = random.random() * JITTER_SECONDS  # noqa: TID251, S311 - blurs timing, protects nothing by itself
        at = min(began + self._manners.reject_delay + jitter, max(budget, began + 1.0))
        self._loop.call_at(at, self._send, packet, secret, Code.ACCESS_REJECT, attributes, turn)

    def _send(self, packet: Packet, secret: bytes, code: Code, attributes: Attributes, turn: Turn) -> None:
        turn.reply = encode_reply(packet, code, attributes, secret)
        for transport, address in turn.askers:
            transport.sendto(turn.reply, address)
        turn.askers.clear()
        self._counts.replied(code.name)

    # -- accounting ---------------------------------------------------------------------------------------------

    async def _answer_accounting(
        self, packet: Packet, client: Client, secret: bytes, identity: str, turn: Turn, began: float
    ) -> None:
        self._counts.accounting.inc()
        await self._account.note(accounted(packet, client, identity, began + client.time_budget))
        self._send(packet, secret, Code.ACCOUNTING_RESPONSE, (), turn)

    def _follow(self, snapshot: Snapshot) -> None:
        self._followed = snapshot
        self._clients = ClientTable(snapshot.clients)
        self._replies = Replies(snapshot, self._dictionary)


def _secret_of(packet: Packet, client: Client) -> bytes | None:
    """The shared secret that the packet proves to know; None when it proves none and must be dropped.

    Without Message-Authenticator nothing tells two secrets of a change-over apart: the first, the newer, is taken.
    """
    for secret in client.secrets:
        known = secret.reveal()
        if packet.code == Code.ACCOUNTING_REQUEST:
            if accounting_authentic(packet, known):
                return known
            continue
        found = verify_request(packet, known)
        if found is MessageAuthenticator.VALID:
            return known
        if found is MessageAuthenticator.MISSING:
            return known if _may_lack_authenticator(packet, client) else None
    return None


def _may_lack_authenticator(packet: Packet, client: Client) -> bool:
    """Status-Server never may; Access-Request where the client is excepted, and then without Proxy-State."""
    if packet.code == Code.STATUS_SERVER or client.require_message_authenticator:
        return False
    return not (client.limit_proxy_state and packet.first(Attribute.PROXY_STATE) is not None)


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
