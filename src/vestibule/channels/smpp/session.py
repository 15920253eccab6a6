"""One bound connection to a message centre: requests out and their responses, its requests in, and a sign of life.

Rules of this file:
- A request of which no octet was handed to the connection was not carried; any other that has no response is lost.
- Numbers of requests are used once in the life of a session, so that a late response is never taken for another's.
"""

import asyncio
import contextlib
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from vestibule.core.errors import Malformed, Unavailable
from vestibule.wire.smpp.pdu import (
    BIND_TRANSCEIVER,
    DELIVER_SM,
    ENQUIRE_LINK,
    GENERIC_NACK,
    LONGEST,
    OK,
    RECEIVER_BUSY,
    RESPONSE,
    UNBIND,
    Bind,
    Pdu,
    bind_body,
    decode,
    encode,
    id_body,
    size,
)

CONNECT_SECONDS: Final = 3.0
CLOSE_SECONDS: Final = 1.0
LAST_SEQUENCE: Final = 0x7FFFFFFF
UNKNOWN_COMMAND: Final = 0x03


class Refused(Exception):
    """The centre does not let us in; the command_status says why."""

    def __init__(self, status: int) -> None:
        """Take the command_status."""
        super().__init__(f"command_status 0x{status:08x}")
        self.status = status


class NoResponse(Exception):
    """It was written, and nothing came back: it may have been carried out."""


@dataclass(frozen=True, slots=True)
class Centre:
    """Where it listens, by which certificates it is known (None for plain TCP), and how often it is greeted."""

    host: str
    port: int
    tls: ssl.SSLContext | None
    bind: Bind
    enquire_seconds: float = 30.0


class Session:
    """A session in state BOUND_TRX (section 2.2), until it is closed."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, delivered: "Callable[[Session, Pdu], bool]"
    ) -> None:
        """Take the connection, and who takes on what is delivered; he says whether there was room."""
        self._reader = reader
        self._writer = writer
        self._delivered = delivered
        self._sequence = 0
        self._waiting: dict[int, asyncio.Future[Pdu]] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self.ended = asyncio.Event()

    @classmethod
    async def opened(cls, centre: Centre, delivered: "Callable[[Session, Pdu], bool]", deadline: float) -> "Session":
        """Connect and bind. Raises Refused, Unavailable or OSError; TimeoutError by the deadline."""
        until = min(deadline, asyncio.get_running_loop().time() + CONNECT_SECONDS)
        async with asyncio.timeout_at(until):
            reader, writer = await asyncio.open_connection(centre.host, centre.port, ssl=centre.tls, limit=LONGEST)
        session = cls(reader, writer, delivered)
        session._tasks.append(asyncio.create_task(session._read(), name="vestibule reads smpp"))
        try:
            await session._enter(centre.bind, until)
        except (Refused, Unavailable):
            await session.close()
            raise
        session._tasks.append(asyncio.create_task(session._greet(centre.enquire_seconds), name="vestibule greets smpp"))
        return session

    async def _enter(self, bind: Bind, until: float) -> None:
        try:
            answer = await self.ask(BIND_TRANSCEIVER, bind_body(bind), until)
        except NoResponse:
            raise Unavailable("the message centre does not answer a bind") from None
        if answer.status != OK:
            raise Refused(answer.status)

    async def ask(self, command: int, body: bytes, deadline: float) -> Pdu:
        """One request and its response. Raises Unavailable where nothing was written, NoResponse where it was."""
        if self.ended.is_set() or self._sequence >= LAST_SEQUENCE:
            raise Unavailable("the session is over")
        self._sequence += 1
        sequence = self._sequence
        waiting: asyncio.Future[Pdu] = asyncio.get_running_loop().create_future()
        self._waiting[sequence] = waiting
        try:
            async with asyncio.timeout_at(deadline):
                self._writer.write(encode(Pdu(command, OK, sequence, body)))
                await self._writer.drain()
                return await waiting
        except (OSError, TimeoutError) as error:  # a closed connection is an OSError
            raise NoResponse(type(error).__name__) from None
        finally:
            del self._waiting[sequence]

    def answer(self, request: Pdu, status: int) -> None:
        """Answer a request of the centre's."""
        body = id_body("") if request.command == DELIVER_SM else b""
        self._write(Pdu(request.command | RESPONSE, status, request.sequence, body))

    async def close(self) -> None:
        """Say good-bye if there is still somebody, and let go."""
        if not self.ended.is_set():
            self._sequence += 1
            self._write(Pdu(UNBIND, OK, self._sequence))
        self._end()
        mine = asyncio.current_task()
        for task in self._tasks:
            if task is not mine:
                task.cancel()
        await asyncio.gather(*(task for task in self._tasks if task is not mine), return_exceptions=True)
        with contextlib.suppress(OSError, TimeoutError):
            async with asyncio.timeout(CLOSE_SECONDS):
                await self._writer.wait_closed()
        self._writer.transport.abort()

    def _write(self, pdu: Pdu) -> None:
        if not self.ended.is_set():
            self._writer.write(encode(pdu))

    async def _read(self) -> None:
        """Take what comes until the connection ends, or says what makes no sense."""
        try:
            while True:
                head = await self._reader.readexactly(4)
                self._take(decode(head + await self._reader.readexactly(size(head) - 4)))
        except (OSError, EOFError, Malformed):
            self._end()

    def _take(self, pdu: Pdu) -> None:
        if pdu.command & RESPONSE:
            waiting = self._waiting.get(pdu.sequence)
            if waiting is not None and not waiting.done():
                waiting.set_result(pdu)
            return
        match pdu.command:
            case c if c == DELIVER_SM:
                if not self._delivered(self, pdu):
                    self.answer(pdu, RECEIVER_BUSY)
            case c if c == ENQUIRE_LINK:
                self.answer(pdu, OK)
            case c if c == UNBIND:
                self.answer(pdu, OK)
                self._end()
            case _:
                self._write(Pdu(GENERIC_NACK, UNKNOWN_COMMAND, pdu.sequence))

    async def _greet(self, every: float) -> None:
        """A connection through a firewall dies in silence; one that does not answer is given up."""
        while True:
            await asyncio.sleep(every)
            try:
                await self.ask(ENQUIRE_LINK, b"", asyncio.get_running_loop().time() + min(every, 10.0))
            except (NoResponse, Unavailable):
                self._end()
                return

    def _end(self) -> None:
        """Whoever waits for a response learns that none will come."""
        self.ended.set()
        for waiting in self._waiting.values():
            if not waiting.done():
                waiting.set_exception(ConnectionResetError("the session has ended"))
        self._writer.close()
