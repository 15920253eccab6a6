"""A server that says what a test wants it to say, over a real socket and in our own codec or in raw octets."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from vestibule.core.errors import Malformed
from vestibule.wire.ldap.ber import message_size
from vestibule.wire.ldap.codec import decode, encode
from vestibule.wire.ldap.messages import (
    BindRequest,
    BindResponse,
    Control,
    Message,
    Operation,
    Result,
    SearchDone,
    SearchEntry,
    SearchRequest,
)

Said = Operation | Message | bytes
Script = Callable[[Message], list[Said]]
GOOD = Result(0)


@dataclass
class Scripted:
    """What it was asked, and where it listens."""

    script: Script
    port: int = 0
    asked: list[Message] = field(default_factory=list)

    @property
    def binds(self) -> list[str]:
        """The names of all binds, in order."""
        return [message.operation.name for message in self.asked if isinstance(message.operation, BindRequest)]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        held = b""
        try:
            while octets := await reader.read(65536):
                held += octets
                while (size := message_size(held, 1 << 20)) is not None and size <= len(held):
                    message, held = decode(held[:size]), held[size:]
                    self.asked.append(message)
                    writer.write(b"".join(_octets(message.id, said) for said in self.script(message)))
        except (ConnectionError, Malformed):  # what comes then is TLS, or nothing
            return
        finally:
            writer.close()


@asynccontextmanager
async def scripted(script: Script) -> AsyncIterator[Scripted]:
    """Run such a server."""
    double = Scripted(script)
    server = await asyncio.start_server(double.serve, "127.0.0.1", 0)
    double.port = server.sockets[0].getsockname()[1]
    async with server:
        yield double


def answering(
    *entries: SearchEntry, bind: Result = GOOD, search: Result = GOOD, controls: tuple[Control, ...] = ()
) -> Script:
    """A script that takes the searcher, finds these entries, and answers the binds of people as told."""

    def script(message: Message) -> list[Said]:
        match message.operation:
            case BindRequest("cn=searcher"):
                return [BindResponse(GOOD)]
            case BindRequest():
                return [Message(message.id, BindResponse(bind), controls)]
            case SearchRequest():
                return [*entries, SearchDone(search)]
            case _:
                return []

    return script


def _octets(message_id: int, said: Said) -> bytes:
    match said:
        case bytes():
            return said
        case Message():
            return encode(said)
        case _:
            return encode(Message(message_id, said))
