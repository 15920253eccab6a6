"""Asking over real sockets: our own client, which believes nothing unproven, and FreeRADIUS's radclient.

async with nas(world.radius) as asker:
    reply = await asker.ask(asker.request("alice", "secret"))
"""

import asyncio
import itertools
import secrets
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from vestibule.wire.radius.client import (
    decode_reply,
    encode_access_request,
    encode_accounting_request,
    encode_status_server,
)
from vestibule.wire.radius.packet import Attribute, Packet
from vestibule.wire.radius.password import hide

SECRET = b"a shared secret of thirty-two oc"
PATIENCE = 20.0
Address = tuple[str, int]
Pair = tuple[int, bytes]


class Nas(asyncio.DatagramProtocol):
    """One socket that asks one server, and keeps what comes back by identifier, in order."""

    def __init__(self, secret: bytes = SECRET) -> None:
        self.secret = secret
        self.came = 0
        self._transport: Any = None
        self._identifiers = itertools.count()
        self._replies: dict[int, asyncio.Queue[bytes]] = defaultdict(asyncio.Queue)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, addr: Address) -> None:
        self.came += 1
        self._replies[data[1]].put_nowait(data)

    def error_received(self, exc: Exception) -> None:
        """Nobody listens there any more; whoever waits will see."""

    def close(self) -> None:
        self._transport.close()

    # -- requests ---------------------------------------------------------------------------------------------

    def request(
        self, name: str, typed: str, *more: Pair, state: bytes = b"", calling: str = "", signed: bool = True
    ) -> bytes:
        """Write an Access-Request as a NAS that speaks PAP does."""
        authenticator = secrets.token_bytes(16)
        attributes = [
            (Attribute.USER_NAME, name.encode()),
            (Attribute.USER_PASSWORD, hide(typed.encode(), self.secret, authenticator)),
            *([(Attribute.STATE, state)] if state else []),
            *([(Attribute.CALLING_STATION_ID, calling.encode())] if calling else []),
            *more,
        ]
        return self.bare_request(*attributes, authenticator=authenticator, signed=signed)

    def bare_request(self, *attributes: Pair, authenticator: bytes = b"", signed: bool = True) -> bytes:
        authenticator = authenticator or secrets.token_bytes(16)
        number = self.identifier()
        return encode_access_request(number, authenticator, attributes, self.secret, message_authenticator=signed)

    def status(self, *more: Pair) -> bytes:
        return encode_status_server(self.identifier(), secrets.token_bytes(16), self.secret, more)

    def report(self, status: int, *more: Pair) -> bytes:
        """Write an Accounting-Request; `status` is 1 for a start, 2 for a stop, 3 in between."""
        pair = (Attribute.ACCT_STATUS_TYPE, status.to_bytes(4, "big"))
        return encode_accounting_request(self.identifier(), [pair, *more], self.secret)

    def identifier(self) -> int:
        return next(self._identifiers) % 256

    # -- asking -----------------------------------------------------------------------------------------------

    def send(self, request: bytes) -> None:
        self._transport.sendto(request)

    async def answer_to(self, request: bytes) -> bytes:
        """Wait for the octets that answer a request."""
        async with asyncio.timeout(PATIENCE):
            return await self._replies[request[1]].get()

    def read(self, octets: bytes, request: bytes) -> Packet:
        """Read a reply that proves itself, Message-Authenticator first; else Malformed is raised."""
        return decode_reply(octets, request, self.secret)

    async def ask(self, request: bytes) -> Packet:
        self.send(request)
        return self.read(await self.answer_to(request), request)


@asynccontextmanager
async def nas(address: Address, secret: bytes = SECRET) -> AsyncIterator[Nas]:
    """Open a socket of its own, so that packets leave from another port."""
    _, asker = await asyncio.get_running_loop().create_datagram_endpoint(lambda: Nas(secret), remote_addr=address)
    try:
        yield asker
    finally:
        asker.close()


def typed_state(challenge: Packet) -> bytes:
    state = challenge.first(Attribute.STATE)
    assert state is not None
    return state


# -- radclient ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Said:
    """What radclient printed: the packet's name, its attributes as printed, and everything."""

    packet: str
    text: str
    attributes: dict[str, list[str]] = field(default_factory=dict)


async def radclient(
    address: Address, *lines: str, kind: str = "auth", secret: bytes = SECRET, signed: bool = True, options: str = ""
) -> Said:
    """Ask with FreeRADIUS's own client; one attribute a line, as in `User-Name = "alice"`."""
    whole = [*lines, *(["Message-Authenticator = 0x00"] if signed else [])]
    host, port = address
    arguments = ["-x", "-r", "1", "-t", "10", *options.split(), f"{host}:{port}", kind, secret.decode()]
    out = await run("radclient", *arguments, said="\n".join(whole))
    return _read_radclient(out)


async def run(program: str, *arguments: str, said: str = "") -> str:
    """Run a program to its end and give all that it printed."""
    process = await asyncio.create_subprocess_exec(
        program,
        *arguments,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    async with asyncio.timeout(PATIENCE):
        out, _ = await process.communicate(f"{said}\n".encode())
    return out.decode()


def _read_radclient(text: str) -> Said:
    _, _, received = text.partition("Received ")
    attributes: dict[str, list[str]] = defaultdict(list)
    for line in received.splitlines()[1:]:
        name, equals, value = line.strip().partition(" = ")
        if equals:
            attributes[name].append(value.strip('"'))
    return Said(received.partition(" ")[0], text, dict(attributes))
