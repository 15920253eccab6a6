"""One socket to one server: 256 identifiers, and only replies that prove themselves come through.

The socket is connected, so the system drops what comes from elsewhere; its port is the system's random choice.
"""

import asyncio
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from vestibule.core.errors import Malformed
from vestibule.directories.upstream_radius.answers import Relayed
from vestibule.directories.upstream_radius.servers import Server
from vestibule.wire.radius.client import decode_reply
from vestibule.wire.radius.packet import HEADER, Code, Packet
from vestibule.wire.radius.passing import Hop

IDENTIFIERS = 256
REPLIES = frozenset({Code.ACCESS_ACCEPT, Code.ACCESS_REJECT, Code.ACCESS_CHALLENGE})


@dataclass(slots=True, eq=False)
class Letter:
    """One request at one server. `reply` is shared by all servers that are asked the same; the first one counts."""

    identifier: int
    octets: bytes = field(repr=False)  # a hidden password and its authenticator are enough for guessing offline
    reply: "asyncio.Future[Relayed]"
    refused: "asyncio.Future[None]"
    doubts: list[str] = field(default_factory=list)


class Line(asyncio.DatagramProtocol):
    """One socket."""

    def __init__(self, server: Server, counts: "Counter[str]", heard: Callable[[], None]) -> None:
        """Count into `counts` what came and was not believed; `heard` is called for all that was."""
        self._server = server
        self._secret = server.secret.reveal()
        self._counts = counts
        self._heard = heard
        self._free = deque(range(IDENTIFIERS))
        self._open: dict[int, Letter] = {}
        self._transport: Any = None

    @property
    def full(self) -> bool:
        """Whether every identifier is waited on."""
        return not self._free

    def take(self) -> int:
        """Take the identifier that was free for longest; IndexError when the line is full."""
        return self._free.popleft()

    def post(self, letter: Letter) -> None:
        """Send it, the first time or again."""
        self._open[letter.identifier] = letter
        if not self._transport.is_closing():
            self._transport.sendto(letter.octets)

    def give_back(self, identifier: int) -> None:
        """Nobody waits for this answer any more."""
        self._open.pop(identifier, None)
        self._free.append(identifier)

    def close(self) -> None:
        """Close the socket."""
        self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the socket."""
        self._transport = transport

    def datagram_received(self, data: bytes, addr: tuple[Any, ...]) -> None:  # noqa: ARG002 - the socket is connected
        """Take a reply, or drop it and count why."""
        letter = self._open.get(data[1]) if len(data) >= HEADER else None
        if letter is None:
            self._counts["late"] += 1
            return
        try:
            packet = decode_reply(
                data,
                letter.octets,
                self._secret,
                require_message_authenticator=self._server.require_message_authenticator,
                require_it_first=False,
            )
        except Malformed as malformed:
            self._counts["forged"] += 1
            letter.doubts[:] = [f"a reply was not believed: {malformed}"]
            return
        if packet.code not in REPLIES and letter.octets[0] != Code.STATUS_SERVER:
            self._counts["unexpected"] += 1
            letter.doubts[:] = [f"it answered with packet code {packet.code}"]
            return
        self._take(packet, letter)

    def error_received(self, exc: Exception) -> None:  # noqa: ARG002 - which error it is changes nothing
        """Nobody listens there, or no way leads there: tell those who could ask another server."""
        self._counts["refused"] += 1
        for letter in self._open.values():
            if not letter.refused.done():
                letter.refused.set_result(None)

    def _take(self, packet: Packet, letter: Letter) -> None:
        self._heard()
        if letter.reply.done():
            self._counts["late"] += 1
            return
        self._counts["answered"] += 1
        hop = Hop(self._secret, letter.octets[4:HEADER])
        letter.reply.set_result(Relayed(packet, self._server.name, hop))
