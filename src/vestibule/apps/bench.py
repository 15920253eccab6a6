"""The way from the test bench to our own doors: real packets where an address leads there, the same code otherwise."""

import asyncio
import secrets
import socket
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network, ip_address
from typing import Any

from vestibule.apps.configuration import Listener
from vestibule.core.api_keys import ApiKey
from vestibule.core.clients import Client
from vestibule.core.errors import Unavailable
from vestibule.core.policy import parse_networks
from vestibule.flows.bench import Answered, Carried, Way
from vestibule.frontends.http.guard import Asgi, Message
from vestibule.frontends.radius.door import RadiusDoor
from vestibule.wire.radius.packet import LONGEST, Packet, decode

ANY = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - where a socket for all addresses is asked from here
PORT = 1812  # of the address that a packet is handed in from; nothing is sent there
TOKEN_OCTETS = 32
LOCAL = "127.0.0.1"
NO_ADDRESS = "none of the client's networks has an address that leads to it: those of other clients are narrower"

Recognise = Callable[[str, str], Awaitable[ApiKey | None]]


@dataclass(slots=True)
class Doors:
    """Has the shape `flows.bench.Carrier`; belongs to one event loop. The doors are set while the server starts."""

    door: RadiusDoor | None = None
    listening: tuple[Listener, ...] = ()
    api: Asgi | None = None
    host: str = LOCAL
    _keys: dict[str, ApiKey] = field(default_factory=dict, repr=False)

    def open(self, door: RadiusDoor, listening: tuple[Listener, ...]) -> None:
        """The RADIUS door listens there now."""
        self.door, self.listening = door, listening

    # -- RADIUS -------------------------------------------------------------------------------------------------------

    async def radius(self, client: Client, datagram: bytes, seconds: float) -> Carried:
        """See `Carrier.radius`."""
        if self.door is None:
            raise Unavailable("the RADIUS door is not open yet")
        packet = decode(datagram)
        for listener in self.listening:
            opened = self._socket(self.door, client, packet, listener)
            if opened is not None:
                with closing(opened):
                    source = opened.getsockname()[0]
                    return Carried(await _through(opened, datagram, seconds), Way.SOCKET, source)
        source = self._source(self.door, client, packet)
        return Carried(await _handed(self.door, datagram, source, seconds), Way.HANDED, source)

    def _socket(self, door: RadiusDoor, client: Client, packet: Packet, listener: Listener) -> socket.socket | None:
        """A socket to this listener whose address the door knows as this client's, if this host has one."""
        host = ANY.get(listener.host, listener.host)
        for network in parse_networks(client.networks):
            if network.version != ip_address(host).version:
                continue
            for address in _candidates(network):
                opened = _connected(address, host, listener.port)
                if opened is None:
                    continue
                if _is(door.client_of(packet, opened.getsockname()[0]), client):
                    return opened
                opened.close()
        return None

    def _source(self, door: RadiusDoor, client: Client, packet: Packet) -> str:
        """An address that the door knows as this client's. Raises Unavailable."""
        for network in parse_networks(client.networks):
            for address in _candidates(network):
                if _is(door.client_of(packet, address), client):
                    return address
        raise Unavailable(NO_ADDRESS)

    # -- HTTP ---------------------------------------------------------------------------------------------------------

    def recognising(self, recognise: Recognise) -> Recognise:
        """The same, which also knows the keys that live for one request of the bench."""

        async def recognised(text: str, address: str) -> ApiKey | None:
            return self._keys.get(text) or await recognise(text, address)

        return recognised

    async def http(self, client: Client, path: str, body: bytes, seconds: float) -> Answered:
        """See `Carrier.http`: through the API's own guard, with a key that nobody is told and that ends with it."""
        if self.api is None:
            raise Unavailable("the HTTP API is not open")
        token = secrets.token_urlsafe(TOKEN_OCTETS)
        self._keys[token] = ApiKey(f"bench {client.id}", f"test bench of {client.id}", "", client.id)
        try:
            async with asyncio.timeout(seconds):
                return await _posted(self.api, self.host, path, token, body)
        except TimeoutError:
            raise Unavailable("the API did not answer in time") from None
        finally:
            del self._keys[token]


def _is(found: Client | None, client: Client) -> bool:
    return found is not None and found.id == client.id


def _candidates(network: IPv4Network | IPv6Network) -> Iterator[str]:
    """Addresses to try of a network: its only one, else its first, some inside, its last."""
    size = network.num_addresses
    places = {0, 1, 2, size // 3, size // 2, 2 * size // 3, size - 2, size - 1}
    for place in sorted(one for one in places if 0 <= one < size):
        yield str(network[place])


def _connected(address: str, host: str, port: int) -> socket.socket | None:
    """A UDP socket from this very address, or from our own that looks at it, to the listener; None without either."""
    for source in (address, _own(address)):
        opened = _datagrams(host)
        with suppress(OSError):
            opened.bind((source, 0))
            opened.connect((host, port))
            return opened
        opened.close()
    return None


def _own(address: str) -> str:
    """Our own address that packets to this one leave from, as the routes are; itself where no route leads there."""
    with closing(_datagrams(address)) as asked, suppress(OSError):
        asked.connect((address, PORT))  # sends nothing
        return str(asked.getsockname()[0])
    return address


def _datagrams(address: str) -> socket.socket:
    opened = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM)
    opened.setblocking(False)
    return opened


async def _through(opened: socket.socket, datagram: bytes, seconds: float) -> bytes | None:
    """Send it once and wait; None for silence."""
    loop = asyncio.get_running_loop()
    with suppress(TimeoutError, OSError):
        async with asyncio.timeout(seconds):
            await loop.sock_sendall(opened, datagram)
            return await loop.sock_recv(opened, LONGEST)
    return None


class _Reply:
    """Stands where a socket stands, and keeps what the door would have sent."""

    def __init__(self) -> None:
        self.reply: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    def is_closing(self) -> bool:
        return self.reply.done()

    def sendto(self, reply: bytes, _address: tuple[Any, ...]) -> None:
        self.reply.set_result(reply)


async def _handed(door: RadiusDoor, datagram: bytes, source: str, seconds: float) -> bytes | None:
    """Give it to the door as one that came from this address; None for silence."""
    transport = _Reply()
    door.received(datagram, (transport, (source, PORT)), accounting=False)
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            return await transport.reply
    return None


async def _posted(api: Asgi, host: str, path: str, token: str, body: bytes) -> Answered:
    """One POST, as a server would hand it in."""
    sent: list[Message] = []
    left = [body]

    async def receive() -> Message:
        return {"type": "http.request", "body": left.pop(), "more_body": False} if left else {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        sent.append(message)

    headers = [
        (b"host", host.encode()),
        (b"authorization", f"Bearer {token}".encode()),
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
    ]
    scope: Message = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": headers,
        "client": (LOCAL, PORT),
        "server": (LOCAL, PORT),
    }
    await api(scope, receive, send)
    status = next(message["status"] for message in sent if message["type"] == "http.response.start")
    return Answered(status, b"".join(message.get("body", b"") for message in sent))
