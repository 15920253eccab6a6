"""The API on a socket inside our own event loop, over TLS wherever others can reach it.

A certificate that was replaced on disk is taken for the next connections; one that does not fit its key is left where
it is, and said so, and the old one goes on.
"""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import uvicorn

from vestibule.frontends.http.guard import Asgi

STOP_SECONDS = 5
LOOK_SECONDS = 5.0
KEEP_ALIVE_SECONDS = 75
BACKLOG = 1024


class Log(Protocol):
    """Where the listener says what it saw."""

    def info(self, event: str, **details: object) -> object:
        """Say it."""

    def error(self, event: str, **details: object) -> object:
        """Say that it is wrong."""


@dataclass(frozen=True, slots=True)
class Files:
    """A certificate chain and its key, in PEM."""

    certificate: Path
    key: Path

    def seen(self) -> tuple[tuple[int, int, int], ...]:
        """What changes when one of them is replaced. Raises OSError."""
        found = (self.certificate.stat(), self.key.stat())
        return tuple((one.st_ino, one.st_mtime_ns, one.st_size) for one in found)


class Certificate:
    """A context for TLS 1.2 and later that follows its files."""

    def __init__(self, files: Files, log: Log) -> None:
        """Load them. Raises OSError, ssl.SSLError."""
        self._files = files
        self._log = log
        self._seen = files.seen()
        self.context = _context(files)

    def look(self) -> bool:
        """Take the files anew if they have changed; whether that was done."""
        try:
            seen = self._files.seen()
            if seen == self._seen:
                return False
            self._seen = seen
            _context(self._files)  # a pair that does not fit would leave the context with half of it
            self.context.load_cert_chain(self._files.certificate, self._files.key)
        except OSError as error:  # ssl.SSLError is one
            self._log.error("certificate not taken", file=str(self._files.certificate), error=str(error))
            return False
        self._log.info("certificate taken", file=str(self._files.certificate))
        return True

    async def follow(self) -> None:
        """Look again and again."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            await asyncio.to_thread(self.look)


class ApiListener:
    """One listening socket."""

    def __init__(self, application: Asgi, host: str, port: int, certificate: Certificate | None) -> None:
        """Bind at once, so that a taken port stops the start; port 0 takes a free one."""
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._socket = socket.create_server((host, port), family=family, backlog=BACKLOG)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # connections inherit it
        self._certificate = certificate
        settings = uvicorn.Config(
            application,
            log_config=None,
            access_log=False,
            lifespan="off",
            proxy_headers=False,  # the guard knows which proxies to believe
            server_header=False,
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=STOP_SECONDS,
        )
        settings.load()
        settings.ssl = certificate.context if certificate else None
        self._server = _Quiet(settings)
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def address(self) -> tuple[str, int]:
        """Where it listens."""
        name = self._socket.getsockname()
        return name[0], name[1]

    @property
    def url(self) -> str:
        """What callers begin their URLs with."""
        host, port = self.address
        scheme = "http" if self._certificate is None else "https"
        return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"

    def start(self) -> None:
        """Begin to serve."""
        self._tasks = [asyncio.create_task(self._server.serve(sockets=[self._socket]))]
        if self._certificate is not None:
            self._tasks.append(asyncio.create_task(self._certificate.follow()))

    async def close(self) -> None:
        """Finish the requests that are under way, and stop."""
        self._server.should_exit = True
        for task in self._tasks[1:]:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._socket.close()


def _context(files: Files) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    context.load_cert_chain(files.certificate, files.key)
    return context


class _Quiet(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield
