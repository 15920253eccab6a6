"""One connection to one LDAP server: octets of a socket and the questions that are under way on it.

Rules of this file:
- Every wait ends: connecting, TLS and each answer have their seconds.
- A connection on which anything makes no sense is cut; all that wait on it hear so at once.
- Before TLS stands nothing is said that it ought to cover, and nothing that was heard before it counts after it.
"""

import asyncio
import ssl
from dataclasses import dataclass, field
from typing import Final, cast

from vestibule.core.errors import Malformed, Unavailable
from vestibule.directories.ldap.settings import Bounds, Endpoint, Security
from vestibule.wire.ldap import ber
from vestibule.wire.ldap.ber import message_size
from vestibule.wire.ldap.codec import decode, encode
from vestibule.wire.ldap.messages import (
    START_TLS,
    AbandonRequest,
    BindRequest,
    BindResponse,
    Control,
    ExtendedRequest,
    ExtendedResponse,
    Message,
    ResultCode,
    SearchDone,
    SearchEntry,
    SearchReference,
    SearchRequest,
    UnbindRequest,
)

SHUTDOWN_SECONDS: Final = 1.0
"""How long a server may take to say goodbye over TLS."""

_TURNS: Final = 3
"""Turns of the event loop in which asyncio closes the socket of what was cut: its TLS, its transport, and the rest."""

Question = BindRequest | SearchRequest | ExtendedRequest


class Lost(Unavailable):
    """The server could not be reached, or the connection broke: this server is not to be counted on."""


class Mute(Lost):
    """The server said nothing in time."""


@dataclass(slots=True)
class Answer:
    """Everything that a question brought; `end` is the last message, with its controls."""

    end: Message
    entries: list[SearchEntry] = field(default_factory=list)
    references: list[str] = field(default_factory=list)


@dataclass(eq=False, slots=True)
class _Asked:
    question: Question
    end: "asyncio.Future[Message]"
    most_entries: int
    entries: list[SearchEntry] = field(default_factory=list)
    references: list[str] = field(default_factory=list)


class Connection(asyncio.Protocol):
    """Carries any number of questions at a time, told apart by their message ids (RFC 4511 section 4.1.1.1)."""

    def __init__(self, endpoint: Endpoint, bounds: Bounds) -> None:
        """Belong to this server; `reach` connects."""
        self.endpoint = endpoint
        self._bounds = bounds
        self._buffer = bytearray()
        self._asked: dict[int, _Asked] = {}
        self._last_id = 0
        self._heard_at = 0.0
        self._before_tls = False
        self._lost: Lost | None = None
        self._transport: asyncio.Transport | None = None
        self._ended = asyncio.Event()

    @property
    def ended(self) -> bool:
        """Whether there is no socket any more."""
        return self._ended.is_set()

    @property
    def lost(self) -> bool:
        """Whether nothing can be asked here any more."""
        return self._lost is not None

    @property
    def under_way(self) -> int:
        """How many answers are waited for."""
        return len(self._asked)

    @property
    def heard_at(self) -> float:
        """When the server was last heard, in seconds of the event loop's clock."""
        return self._heard_at

    async def ask(
        self, question: Question, controls: tuple[Control, ...] = (), *, seconds: float, most_entries: int = 0
    ) -> Answer:
        """Ask, and give what came. Raises `Mute` after so many seconds, `Lost` when the connection breaks.

        A server that sends more than `most_entries` entries is cut off. Raises `Unavailable` when too many wait.
        """
        if self._lost is not None or self._transport is None:
            raise self._lost or Lost(f"{self.endpoint}: not connected")
        if len(self._asked) >= self._bounds.answers_under_way:
            raise Unavailable(f"{self.endpoint}: too many questions wait for an answer")
        message_id = self._next_id()
        asked = _Asked(question, asyncio.get_running_loop().create_future(), most_entries)
        self._asked[message_id] = asked
        self._transport.write(encode(Message(message_id, question, controls)))
        return await self._answered(message_id, asked, seconds)

    def close(self) -> None:
        """Say goodbye and hang up (RFC 4511 section 4.3)."""
        if self._transport is None:
            self._ended.set()
        elif not self.lost:
            self._transport.write(encode(Message(self._next_id(), UnbindRequest())))
            self._transport.close()
        self._lose(f"{self.endpoint}: closed")

    async def end(self) -> None:
        """Say goodbye and wait until the socket is closed, which takes a second at most."""
        self.close()
        try:
            async with asyncio.timeout(SHUTDOWN_SECONDS):
                await self._ended.wait()
        except TimeoutError:
            self.cut("closed")
        for _ in range(_TURNS):
            await asyncio.sleep(0)

    def cut(self, why: str) -> None:
        """Hang up without a word, and tell all who wait."""
        self._lose(f"{self.endpoint}: {why}")
        if self._transport is None:
            self._ended.set()
        else:
            self._transport.abort()

    # -- what asyncio calls -------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the socket."""
        self._transport = cast("asyncio.Transport", transport)  # a stream's; uvloop's are no subclass of it
        self._heard_at = asyncio.get_running_loop().time()

    def data_received(self, data: bytes) -> None:
        """Take octets; whole messages go to those who wait for them."""
        self._heard_at = asyncio.get_running_loop().time()
        self._buffer += data
        try:
            while not self.lost and (size := message_size(self._buffer, self._bounds.message_octets)) is not None:
                if len(self._buffer) < size:
                    break
                octets = bytes(self._buffer[:size])
                del self._buffer[:size]
                self._take(decode(octets))
        except Malformed as malformed:
            self.cut(f"what it says makes no sense: {malformed}")
        if self._before_tls and not self._asked and self._buffer:
            self.cut("it goes on speaking before TLS stands")

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's name for it
        """Tell all who wait."""
        self._ended.set()
        self._lose(f"{self.endpoint}: the connection broke")

    # -- asking -------------------------------------------------------------------------------------------------

    async def _answered(self, message_id: int, asked: _Asked, seconds: float) -> Answer:
        asked_at = asyncio.get_running_loop().time()
        try:
            async with asyncio.timeout(seconds):
                end = await asked.end
        except TimeoutError:
            if self._heard_at <= asked_at:
                self.cut("it does not answer")
            raise Mute(f"{self.endpoint}: no answer within {seconds:.1f} s") from None
        finally:
            if self._asked.pop(message_id, None) is not None:
                self._abandon(message_id)
        return Answer(end, asked.entries, asked.references)

    def _abandon(self, message_id: int) -> None:
        """Let the server forget it; an answer that comes all the same is nobody's."""
        if self._transport is not None and not self.lost:
            self._transport.write(encode(Message(self._next_id(), AbandonRequest(message_id))))

    def _next_id(self) -> int:
        self._last_id = self._last_id % ber.LARGEST_INTEGER + 1
        return self._last_id

    def _take(self, message: Message) -> None:
        if message.id == 0:
            self.cut(_notice(message))
            return
        if self._before_tls and not self._asked:
            raise Malformed("it goes on speaking before TLS stands")
        asked = self._asked.get(message.id)
        if asked is None:
            return  # it was given up meanwhile
        match asked.question, message.operation:
            case SearchRequest(), SearchEntry() as entry:
                asked.entries.append(entry)
                if len(asked.entries) > asked.most_entries:
                    raise Malformed("more entries than were asked for")
            case SearchRequest(), SearchReference(addresses):
                asked.references.extend(addresses)
                if len(asked.references) > self._bounds.answers_under_way:
                    raise Malformed("references without end")
            case (
                (SearchRequest(), SearchDone())
                | (BindRequest(), BindResponse())
                | (ExtendedRequest(), ExtendedResponse())
            ):
                del self._asked[message.id]
                if not asked.end.done():
                    asked.end.set_result(message)
            case _:
                raise Malformed("an answer of another kind than the question")

    def _lose(self, why: str) -> None:
        if self._lost is not None:
            return
        self._lost = Lost(why)
        self._buffer.clear()
        for asked in self._asked.values():
            if not asked.end.done():
                asked.end.set_exception(Lost(why))
        self._asked.clear()

    # -- getting there ------------------------------------------------------------------------------------------

    async def reach(self, context: ssl.SSLContext, seconds: float) -> None:
        """Connect within so many seconds, with TLS unless the configuration says plain. Raises `Lost`."""
        reached = False
        try:
            async with asyncio.timeout(seconds):
                await self._reach(context, seconds)
            reached = True
        except TimeoutError:
            raise Mute(f"{self.endpoint}: no connection within {seconds:.1f} s") from None
        except ssl.SSLCertVerificationError as error:
            raise Lost(f"{self.endpoint}: its certificate is not trusted: {error.verify_message}") from None
        except OSError as error:  # those of TLS are among them
            raise Lost(f"{self.endpoint}: can not be reached: {error.strerror or type(error).__name__}") from None
        finally:
            if not reached:
                self.cut("it could not be reached")

    async def _reach(self, context: ssl.SSLContext, seconds: float) -> None:
        loop, endpoint = asyncio.get_running_loop(), self.endpoint
        if endpoint.security is Security.TLS:
            await loop.create_connection(
                lambda: self,
                endpoint.host,
                endpoint.port,
                ssl=context,
                ssl_handshake_timeout=seconds,
                ssl_shutdown_timeout=SHUTDOWN_SECONDS,
            )
            return
        await loop.create_connection(lambda: self, endpoint.host, endpoint.port)
        if endpoint.security is Security.START_TLS:
            await self._start_tls(context, seconds)

    async def _start_tls(self, context: ssl.SSLContext, seconds: float) -> None:
        """Begin TLS on this connection (RFC 4511 section 4.14). Raises `Lost` if the server will not."""
        self._before_tls = True
        answer = await self.ask(ExtendedRequest(START_TLS), seconds=seconds)
        operation = answer.end.operation
        if not isinstance(operation, ExtendedResponse) or operation.result.code != ResultCode.SUCCESS:
            raise Lost(f"{self.endpoint}: the server does not begin TLS; give it a certificate or use ldaps")
        if self._lost is not None or self._transport is None:
            raise self._lost or Lost(f"{self.endpoint}: not connected")
        upgrading = asyncio.get_running_loop().start_tls(
            self._transport,
            self,
            context,
            server_hostname=self.endpoint.host,
            ssl_handshake_timeout=seconds,
            ssl_shutdown_timeout=SHUTDOWN_SECONDS,
        )
        self._transport = await upgrading
        self._before_tls = False


def _notice(message: Message) -> str:
    """Say in words what the server says unasked: it disconnects, whatever the rest (RFC 4511 section 4.4)."""
    if isinstance(message.operation, ExtendedResponse):
        return f"the server disconnects: {message.operation.result.named}"
    return "the server says something unasked that is no notice"
