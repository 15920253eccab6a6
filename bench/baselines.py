"""The baselines, each in a process of its own: `python -m bench.baselines echo|codec CORE`; they end by SIGTERM.

*echo* is the floor of the event loop. *codec* does all that RADIUS asks of a server that knows no one: decode, verify
the Message-Authenticator, reveal the password, encode and sign a reply.
"""

import asyncio
import json
import sys
from typing import Any

import uvloop

from bench.machine import pin
from bench.population import RADIUS_SECRET
from vestibule.wire.radius.authenticity import MessageAuthenticator, verify_request
from vestibule.wire.radius.packet import Attribute, Code, decode
from vestibule.wire.radius.password import reveal
from vestibule.wire.radius.reply import encode_reply


class Echo(asyncio.DatagramProtocol):
    """Sends back what came."""

    _transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, addr: tuple[Any, ...]) -> None:
        self._transport.sendto(data, addr)


class Codec(Echo):
    """Accepts whoever knows the shared secret."""

    def datagram_received(self, data: bytes, addr: tuple[Any, ...]) -> None:
        packet = decode(data)
        if verify_request(packet, RADIUS_SECRET) is not MessageAuthenticator.VALID:
            return
        reveal(packet.first(Attribute.USER_PASSWORD) or b"", RADIUS_SECRET, packet.authenticator)
        self._transport.sendto(encode_reply(packet, Code.ACCESS_ACCEPT, (), RADIUS_SECRET), addr)


async def serve(protocol: type[Echo]) -> None:
    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(protocol, local_addr=("127.0.0.1", 0))
    print(json.dumps({"port": transport.get_extra_info("sockname")[1]}), flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    pin(int(sys.argv[2]))
    uvloop.run(serve({"echo": Echo, "codec": Codec}[sys.argv[1]]))
