"""One upstream server: its sockets, its breaker, and the probes that find out when it is back."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, Protocol

from vestibule.core.secret import Secret
from vestibule.directories.upstream_radius.answers import Pair, Relayed
from vestibule.directories.upstream_radius.breaker import Breaker
from vestibule.directories.upstream_radius.line import Letter, Line
from vestibule.directories.upstream_radius.servers import Server
from vestibule.directories.upstream_radius.timing import Timing, jitter
from vestibule.wire.radius.client import encode_access_request, encode_status_server
from vestibule.wire.radius.packet import Attribute
from vestibule.wire.radius.password import hide

MOST_LINES = 8  # so many times 256 requests under way at one server
PROBE_SECONDS = 5.0
AUTHENTICATOR = 16
Reply = asyncio.Future[Relayed]


class Log(Protocol):
    """Where a change of a server's state is told."""

    def info(self, event: str, **details: object) -> object:
        """Say it."""

    def warning(self, event: str, **details: object) -> object:
        """Say that it is bad."""


class Silent(Exception):
    """This server did not answer; the message says what is known."""


class Peer:
    """Asks one server."""

    def __init__(self, server: Server, timing: Timing, chance: Callable[[int], bytes], log: Log) -> None:
        """Open nothing yet."""
        self.server = server
        self.breaker = Breaker()
        self.counts: Counter[str] = Counter()
        self._timing = timing
        self._chance = chance
        self._log = log
        self._lines: list[Line] = []
        self._opening = asyncio.Lock()
        self._probing: asyncio.Task[None] | None = None
        self._closed = False

    async def ask(
        self, reply: Reply, attributes: tuple[Pair, ...], password: Secret | None, until: float, keeping: "Keeping"
    ) -> Relayed:
        """Send an Access-Request, and again, until `reply` is there or time is over. Raises Silent, ValueError.

        The identifier stays taken while `keeping` is open, so that a slow answer still counts. With `keeping.hasty` a
        refusal by the system ends the wait at once.
        """
        line = await self._free_line()
        number = line.take()
        keeping.stack.callback(line.give_back, number)
        letter = self._letter(number, attributes, password, reply)
        sent_at = asyncio.get_running_loop().time()
        self.breaker.asked(sent_at)
        await self._send_until(line, letter, until, hasty=keeping.hasty)
        now = asyncio.get_running_loop().time()
        if reply.done():
            return reply.result()
        if letter.refused.done() or now - sent_at >= self._timing.first:
            self._unheard(sent_at, now)
        raise Silent(self._told(letter, now - sent_at))

    async def close(self) -> None:
        """Stop probing and close the sockets; none is opened after that."""
        self._closed = True
        if self._probing:
            self._probing.cancel()
            await asyncio.gather(self._probing, return_exceptions=True)
        for line in self._lines:
            line.close()

    def _letter(self, identifier: int, attributes: tuple[Pair, ...], password: Secret | None, reply: Reply) -> Letter:
        secret, authenticator = self.server.secret.reveal(), self._chance(AUTHENTICATOR)
        if password is not None:
            hidden = hide(password.reveal(), secret, authenticator)
            attributes = (*attributes, (int(Attribute.USER_PASSWORD), hidden))
        octets = encode_access_request(identifier, authenticator, attributes, secret)
        return Letter(identifier, octets, reply, asyncio.get_running_loop().create_future())

    async def _send_until(self, line: Line, letter: Letter, until: float, *, hasty: bool) -> None:
        """Send again and again at the times of RFC 5080."""
        loop = asyncio.get_running_loop()
        awaited: list[asyncio.Future[Any]] = [letter.reply, letter.refused] if hasty else [letter.reply]
        for delay in self._delays():
            line.post(letter)
            left = min(delay, until - loop.time())
            done, _ = await asyncio.wait(awaited, timeout=max(left, 0.0), return_when=asyncio.FIRST_COMPLETED)
            if done or loop.time() >= until:
                return

    def _delays(self) -> Iterator[float]:
        return self._timing.delays(lambda: jitter(self._chance(2)))

    def _told(self, letter: Letter, seconds: float) -> str:
        if letter.doubts:
            return f"{self.server.name}: {letter.doubts[0]}"
        if letter.refused.done():
            return f"{self.server.name}: nobody listens at {self.server.host}, port {self.server.port}"
        return f"{self.server.name}: no answer within {seconds:.1f} s"

    async def _free_line(self) -> Line:
        async with self._opening:
            for line in self._lines:
                if not line.full:
                    return line
            if self._closed:
                raise Silent(f"{self.server.name}: it is not asked any more")
            if len(self._lines) >= MOST_LINES:
                raise Silent(f"{self.server.name}: {MOST_LINES * 256} requests wait for it already")
            return await self._open_line()

    async def _open_line(self) -> Line:
        address = self.server.host, self.server.port
        try:
            _, line = await asyncio.get_running_loop().create_datagram_endpoint(
                lambda: Line(self.server, self.counts, self._heard), remote_addr=address
            )
        except OSError as error:
            raise Silent(f"{self.server.name}: {error.strerror}") from error
        self._lines.append(line)
        return line

    # -- a server that is away ------------------------------------------------------------------------------------

    def _heard(self) -> None:
        if self.breaker.answered(asyncio.get_running_loop().time()):
            self._log.info("upstream server answers again", server=self.server.name)

    def _unheard(self, sent_at: float, now: float) -> None:
        self.counts["unanswered"] += 1
        if not self.breaker.unanswered(sent_at, now):
            return
        self._log.warning("upstream server does not answer", server=self.server.name, asked_again="when it is back")
        self._probing = asyncio.get_running_loop().create_task(self._probe())

    async def _probe(self) -> None:
        """Ask whether it lives (RFC 5997) until it says so, or a sign-in finds that out."""
        while self.breaker.open:
            with contextlib.suppress(Silent):
                await self._probe_once()
            if self.breaker.open:
                await asyncio.sleep(PROBE_SECONDS)

    async def _probe_once(self) -> None:
        line, loop = await self._free_line(), asyncio.get_running_loop()
        number, secret = line.take(), self.server.secret.reveal()
        asked = encode_status_server(number, self._chance(AUTHENTICATOR), secret)
        letter = Letter(number, asked, loop.create_future(), loop.create_future())
        try:
            line.post(letter)
            self.counts["probes"] += 1
            await asyncio.wait({letter.reply}, timeout=self._timing.first)
        finally:
            line.give_back(number)


class Keeping:
    """What stays open until a whole exchange has ended, over all servers that were asked."""

    def __init__(self, stack: contextlib.ExitStack) -> None:
        """`hasty` says whether another server could be asked instead."""
        self.stack = stack
        self.hasty = False
