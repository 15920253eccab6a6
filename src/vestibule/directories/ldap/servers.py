"""The servers of one directory, in order: who is asked, who is left alone, and who takes over.

Rules of this file:
- The first server that is known to answer is asked; what a breaker has learned, nobody pays for again.
- Whether a server is back is found out behind people's backs, as long as another one answers.
- No wait is longer than a server's bound and than what the caller has left, and the next one gets its share of that.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from vestibule.core.errors import Unavailable
from vestibule.directories.ldap.client import Refused
from vestibule.directories.ldap.connection import Answer, Connection, Lost, Mute
from vestibule.directories.ldap.server import Server
from vestibule.directories.ldap.settings import LdapSettings
from vestibule.directories.ldap.trust import Log, Trust
from vestibule.wire.ldap.messages import SearchRequest

T = TypeVar("T")

FAIR_SECONDS: Final = 1.0
"""A server that was given less than this (and less than its bound) is not blamed for its silence."""


class Servers:
    """Asked with a deadline in seconds of the event loop's clock; raises `Unavailable` when none can tell."""

    def __init__(self, settings: LdapSettings, log: Log | None = None) -> None:
        """Know them all, and open nothing yet. Raises `Malformed` when the CA file can not be read."""
        self._settings = settings
        self._log = log
        trust = Trust(settings, log)
        self._all = [Server(endpoint, settings, trust) for endpoint in settings.servers]
        self._probes: set[asyncio.Task[None]] = set()

    async def search(self, request: SearchRequest, deadline: float) -> Answer:
        """Search on the first server that answers."""
        return await self._first(
            deadline, self._settings.bounds.answer_seconds, lambda server, seconds: server.search(request, seconds)
        )

    async def connect(self, deadline: float) -> tuple[Server, Connection]:
        """Open a connection to the first server that takes it, for a person's bind."""
        return await self._first(deadline, self._settings.bounds.connect_seconds, _connected)

    async def connect_service(self, deadline: float) -> Connection:
        """Open a connection of its own for the service account, for a search by pages."""
        bounds = self._settings.bounds
        return await self._first(
            deadline, bounds.connect_seconds + bounds.answer_seconds, lambda server, left: server.connect_service(left)
        )

    @property
    def resting(self) -> tuple[str, ...]:
        """The servers that are left alone because they did not answer."""
        return tuple(str(server.endpoint) for server in self._all if not server.breaker.closed)

    def failed(self, server: Server, lost: Lost, waited: float, bound: float) -> None:
        """Blame a server, if it was given a fair time."""
        if isinstance(lost, Mute) and waited < min(bound, FAIR_SECONDS):
            return
        server.trouble = str(lost)
        server.let_go()
        pause = self._settings.bounds.refused_pause if isinstance(lost, Refused) else 0.0
        if server.breaker.failed(asyncio.get_running_loop().time(), at_least=pause):
            server.rests += 1
            self._tell_resting(server)

    @property
    def rests(self) -> dict[str, tuple[bool, int]]:
        """By server: whether it is left alone now, and how often it has been since the start."""
        return {str(server.endpoint): (not server.breaker.closed, server.rests) for server in self._all}

    def _tell_resting(self, server: Server) -> None:
        if self._log is not None:
            self._log.warning(
                "directory server does not answer",
                directory=self._settings.name,
                server=str(server.endpoint),
                why=server.trouble,
                asked_again="when it is back",
            )

    async def close(self) -> None:
        """Hang up everywhere."""
        for probe in self._probes:
            probe.cancel()
        await asyncio.gather(*self._probes, return_exceptions=True)
        for server in self._all:
            await server.close()

    async def _first(self, deadline: float, bound: float, act: Callable[[Server, float], Awaitable[T]]) -> T:
        loop = asyncio.get_running_loop()
        servers = self._candidates(loop.time())
        failed: Unavailable | None = None
        for others_left, server in zip(range(len(servers) - 1, -1, -1), servers, strict=True):
            left = deadline - loop.time()
            if left <= 0:
                server.breaker.gave_up()
                raise failed or Unavailable(f"directory {self._settings.name}: no time is left to ask it")
            try:
                return await self._ask(server, act, min(bound, left / 2 if others_left else left), bound)
            except Refused:
                raise  # the same name and password would fail elsewhere, and count there too
            except Unavailable as error:
                failed = error  # what one server can not say, another may
        raise failed or Unavailable(f"directory {self._settings.name}: {self._none_is_left(loop.time())}")

    async def _ask(
        self, server: Server, act: Callable[[Server, float], Awaitable[T]], seconds: float, bound: float
    ) -> T:
        """Ask one server, and let its breaker learn."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        try:
            answer = await act(server, seconds)
        except Lost as lost:
            self.failed(server, lost, loop.time() - began, bound)
            raise
        finally:
            server.breaker.gave_up()
        if server.breaker.succeeded() and self._log is not None:
            self._log.info("directory server answers again", directory=self._settings.name, server=str(server.endpoint))
        return answer

    def _candidates(self, now: float) -> list[Server]:
        """Those that answer, in order; if there is none, one that this caller may look after."""
        answering = [server for server in self._all if server.breaker.closed]
        due = (server for server in self._all if server.breaker.probe(now))
        if not answering:
            found = next(due, None)
            return [] if found is None else [found]
        for server in due:
            probe = asyncio.create_task(self._probe(server))
            self._probes.add(probe)
            probe.add_done_callback(self._probes.discard)
        return answering

    async def _probe(self, server: Server) -> None:
        """See whether a server is back; an Unavailable only says that it is not."""
        bounds = self._settings.bounds
        seconds = bounds.connect_seconds + bounds.answer_seconds
        try:
            await self._ask(server, lambda probed, left: probed.probe(left), seconds, seconds)
        except Unavailable:
            return

    def _none_is_left(self, now: float) -> str:
        pause = min(server.breaker.wait(now) for server in self._all)
        troubles = "; ".join(server.trouble for server in self._all if not server.breaker.closed)
        return f"no server answers; the next look is in {pause:.0f} s ({troubles})"


async def _connected(server: Server, seconds: float) -> tuple[Server, Connection]:
    return server, await server.connect_bind(seconds)
