"""A small HTTP/1.1 server on a loopback socket, for fakes of providers: it plays its script, and then accepts."""

import asyncio
import json
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

from tests.conformance.provider_suite import PATIENCE, Act, Carried


@dataclass(frozen=True)
class Asked:
    """One request."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    @property
    def query(self) -> dict[str, str]:
        return dict(parse_qsl(urlsplit(self.target).query, keep_blank_values=True))

    def form(self) -> dict[str, str]:
        return dict(parse_qsl(self.body.decode(), keep_blank_values=True))

    def json(self) -> Any:  # noqa: ANN401 - what was sent
        return json.loads(self.body)


@dataclass(frozen=True)
class Said:
    """One answer."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def json(cls, status: int, value: object, **headers: str) -> Self:
        return cls(status, json.dumps(value).encode(), {"Content-Type": "application/json", **headers})


class FakeHttp:
    """Subclasses say what they accept, and how they refuse."""

    def __init__(self) -> None:
        self.carried: list[Carried] = []
        self.asked: list[Asked] = []
        self._acts: deque[Act] = deque()
        self._released = asyncio.Event()
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    def accept(self, asked: Asked) -> Said:
        """Note what is to be carried, and answer."""
        raise NotImplementedError

    def refuse(self, asked: Asked, act: Act) -> Said:
        """Answer with this fault of the provider's."""
        raise NotImplementedError

    def next(self, *acts: Act) -> None:
        self._acts = deque(acts)

    @property
    def port(self) -> int:
        assert self._server is not None
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._released.set()
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            while await self._once(reader, writer):
                pass
        except (OSError, EOFError, asyncio.CancelledError):
            pass
        finally:
            self._tasks.discard(task)
            writer.close()

    async def _once(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """One request; whether the connection goes on."""
        asked = await _read(reader)
        self.asked.append(asked)
        if await self.takes_over(asked, reader, writer):
            return False
        act = self._acts.popleft() if self._acts and self.counts(asked) else Act.ACCEPT
        match act:
            case Act.HANG:
                self.accept(asked)
                await self._released.wait()
                return False
            case Act.DROP:
                self.accept(asked)
                return False
            case Act.BROKEN:
                self.accept(asked)
                said = Said(502, b"<html>Bad Gateway</html>")
            case Act.NONSENSE:
                self.accept(asked)
                said = Said(200, b"<html>Welcome to the hotel's network</html>", {"Content-Type": "text/html"})
            case Act.ACCEPT:
                said = self.accept(asked)
            case _:
                said = self.refuse(asked, act)
        writer.write(_written(said))
        await writer.drain()
        return True

    async def takes_over(self, asked: Asked, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Whether this request was the beginning of another protocol, which has been spoken to its end."""
        return False

    def counts(self, asked: Asked) -> bool:
        """Whether this request is one of those that acts are for."""
        return True


def throttled(value: object) -> Said:
    """429, and for how long."""
    return Said.json(429, value, **{"Retry-After": str(int(PATIENCE))})


async def _read(reader: asyncio.StreamReader) -> Asked:
    method, target, _version = (await reader.readuntil(b"\r\n")).decode().split()
    headers = {}
    while line := (await reader.readuntil(b"\r\n")).decode("latin-1").strip():
        name, _, value = line.partition(":")
        headers[name.lower()] = value.strip()
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    return Asked(method, target, headers, body)


def _written(said: Said) -> bytes:
    lines = [f"HTTP/1.1 {said.status} X", *(f"{name}: {value}" for name, value in said.headers.items())]
    head = "\r\n".join([*lines, f"Content-Length: {len(said.body)}", "", ""])
    return head.encode() + said.body
