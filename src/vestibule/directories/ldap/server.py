"""One server of a directory: its breaker, the few connections on which the service account searches, those of binds.

Connections of searches are kept and used by all at a time. One that has been silent for long is not trusted and
replaced, because a firewall may have forgotten it; one that turns out broken costs another try, as a search does no
harm twice.

A connection on which a person's bind was answered may take the next bind, one at a time, within moments: a bind
replaces all that the one before it was (RFC 4511 section 4.2.1), and a handshake costs several times what it does.
Since a bind is never sent twice, none is kept for long, and none of a server that failed.
"""

import asyncio

from vestibule.directories.ldap.breaker import Breaker
from vestibule.directories.ldap.client import bind_service, search
from vestibule.directories.ldap.connection import SHUTDOWN_SECONDS, Answer, Connection, Lost, Mute
from vestibule.directories.ldap.settings import Endpoint, LdapSettings
from vestibule.directories.ldap.trust import Trust
from vestibule.wire.ldap.messages import SearchRequest


class Server:
    """Asked with a number of seconds; everything raises `Lost` when the server is not to be counted on."""

    def __init__(self, endpoint: Endpoint, settings: LdapSettings, trust: Trust) -> None:
        """Open nothing yet."""
        self.endpoint = endpoint
        self.breaker = Breaker(settings.bounds.first_pause, settings.bounds.longest_pause)
        self.trouble = ""  # what it was left alone for
        self.rests = 0  # how often that was
        self._settings = settings
        self._trust = trust
        self._service: list[Connection] = []
        self._all: list[Connection] = []  # also those of others, until they have ended
        self._idle: list[Connection] = []  # for the next bind
        self._opening: asyncio.Task[Connection] | None = None
        self._closed = False

    async def search(self, request: SearchRequest, seconds: float) -> Answer:
        """Search on a connection of the service account."""
        loop = asyncio.get_running_loop()
        until = loop.time() + seconds
        kept = self._kept(loop.time())
        if kept is not None:
            try:
                return await search(kept, request, seconds=seconds)
            except Mute:
                raise
            except Lost:
                pass  # it broke while nobody looked; a fresh one tells
        fresh = await self._opened(until - loop.time())
        return await search(fresh, request, seconds=until - loop.time())

    async def connect_bind(self, seconds: float) -> Connection:
        """A connection for one person's bind: one that has just served another, or a fresh one."""
        while self._idle:
            connection = self._idle.pop()
            if not connection.lost:
                return connection
        return await self.connect(seconds)

    def give_back(self, connection: Connection) -> None:
        """Its bind was answered: keep it a moment for the next one."""
        bounds = self._settings.bounds
        if self._closed or connection.lost or len(self._idle) >= bounds.kept_connections:
            connection.close()
            return
        self._idle.append(connection)
        asyncio.get_running_loop().call_later(bounds.kept_seconds, self._let_go, connection, connection.heard_at)

    def let_go(self) -> None:
        """Keep no connection for binds: the server is not to be counted on."""
        while self._idle:
            self._idle.pop().close()

    def _let_go(self, connection: Connection, heard_at: float) -> None:
        """Close what has waited in vain since then."""
        if connection in self._idle and connection.heard_at == heard_at:
            self._idle.remove(connection)
            connection.close()

    async def connect(self, seconds: float) -> Connection:
        """Open a connection that nobody has bound yet; none after `close`, since nobody would close it."""
        if self._closed:
            raise Lost(f"{self.endpoint}: the settings have just changed; ask again")
        bounds = self._settings.bounds
        connection = Connection(self.endpoint, bounds)
        self._all = [known for known in self._all if not known.ended]
        self._all.append(connection)
        await connection.reach(self._trust.context(), min(seconds, bounds.connect_seconds))
        return connection

    async def connect_service(self, seconds: float) -> Connection:
        """Open a connection on which the service account has bound. Raises `Refused` as well."""
        connection = await self.connect(seconds)
        settings = self._settings
        bound = False
        try:
            await bind_service(
                connection, settings.bind_name, settings.bind_secret, seconds=settings.bounds.answer_seconds
            )
            bound = True
        finally:
            if not bound:
                connection.cut("the service account could not bind")
        return connection

    async def probe(self, seconds: float) -> None:
        """See whether the server serves; what was opened for it is kept."""
        await self._opened(seconds)

    async def close(self) -> None:
        """Say goodbye on all connections."""
        self._closed = True
        self._idle.clear()
        if self._opening is not None:
            await asyncio.wait({self._opening}, timeout=SHUTDOWN_SECONDS)
        if self._opening is not None:
            self._opening.cancel()
            await asyncio.gather(self._opening, return_exceptions=True)
        await asyncio.gather(*(connection.end() for connection in self._all))
        self._service.clear()

    def _kept(self, now: float) -> Connection | None:
        """The connection that is least in use; None if another one ought to be opened."""
        bounds = self._settings.bounds
        stale = [kept for kept in self._service if not kept.under_way and now - kept.heard_at > bounds.idle_seconds]
        for connection in stale:
            connection.close()
        self._service = [kept for kept in self._service if not kept.lost]
        least = min(self._service, key=lambda kept: kept.under_way, default=None)
        full = len(self._service) >= bounds.service_connections
        return least if least is not None and (full or not least.under_way) else None

    async def _opened(self, seconds: float) -> Connection:
        """One more connection; those who want one at the same time share it."""
        if self._opening is None:
            self._opening = asyncio.create_task(self._open())
            self._opening.add_done_callback(self._opening_ended)
        try:
            async with asyncio.timeout(seconds):
                return await asyncio.shield(self._opening)
        except TimeoutError:
            raise Mute(f"{self.endpoint}: no connection within {seconds:.1f} s") from None

    async def _open(self) -> Connection:
        connection = await self.connect_service(self._settings.bounds.connect_seconds)
        self._service.append(connection)
        return connection

    def _opening_ended(self, opening: "asyncio.Task[Connection]") -> None:
        self._opening = None
        if not opening.cancelled():
            opening.exception()  # those who waited have it; when nobody did, nobody needs it
