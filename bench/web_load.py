"""The load over HTTP: keep-alive connections, each with one request under way. Requests are made before the clock runs.

*Closed* and *open* as over RADIUS. An open loop takes more connections as it needs them, up to a bound.
"""

import json
import re
import select
import socket
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from time import perf_counter
from typing import Any

from bench.load import PATIENCE, Asked, Exchange, Run, without_collector

MOST_CONNECTIONS = 256
OCTETS = 1 << 16
LENGTH = re.compile(rb"\r\ncontent-length: *([0-9]+)", re.IGNORECASE)
END = b"\r\n\r\n"


@dataclass(frozen=True, slots=True)
class WebRequest:
    """One request, and what the JSON of its answer must say."""

    octets: bytes
    expected: Mapping[str, Any]

    def right(self, reply: bytes) -> bool:
        """Whether the answer is 200 and says what is expected."""
        said = told(reply)
        return all(said.get(name) == value for name, value in self.expected.items())


def told(reply: bytes) -> dict[str, Any]:
    """The JSON of an answer with the status 200; nothing of another."""
    head, _, body = reply.partition(END)
    if int(head.split(b" ", 2)[1]) != HTTPStatus.OK:
        return {}
    said: dict[str, Any] = json.loads(body)
    return said


def post(path: str, key: str, body: Mapping[str, str]) -> bytes:
    """A POST of JSON with an API key."""
    text = json.dumps(body).encode()
    return _head("POST", path, key, f"Content-Type: application/json\r\nContent-Length: {len(text)}\r\n") + text


def get(path: str, key: str) -> bytes:
    """A GET with an API key."""
    return _head("GET", path, key)


def _head(method: str, path: str, key: str, more: str = "") -> bytes:
    return f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {key}\r\n{more}\r\n".encode()


class _Line:
    """One connection and the exchange that is under way on it."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.exchange: Exchange | None = None
        self._arrived = b""

    def send(self, exchange: Exchange) -> None:
        self.exchange = exchange
        self.socket.sendall(exchange.request.octets)

    def receive(self) -> bool:
        """Take what came; whether the answer is whole. Raises ConnectionError when the server has hung up."""
        octets = self.socket.recv(OCTETS)
        if not octets:
            raise ConnectionResetError("the server closed a connection that it was to keep")
        self._arrived += octets
        if not self._whole():
            return False
        if self.exchange is not None:
            self.exchange.answered, self.exchange.reply = perf_counter(), self._arrived
        self.exchange, self._arrived = None, b""
        return True

    def _whole(self) -> bool:
        end = self._arrived.find(END)
        length = LENGTH.search(self._arrived, 0, end) if end >= 0 else None
        return length is not None and len(self._arrived) == end + len(END) + int(length[1])


class Lines:
    """All connections to one server."""

    def __init__(self, port: int, most: int) -> None:
        self._port, self._most = port, most
        self._poll = select.epoll()
        self._lines: dict[int, _Line] = {}
        self._free: deque[_Line] = deque()

    @property
    def busy(self) -> int:
        """How many have a request under way."""
        return len(self._lines) - len(self._free)

    @property
    def ready(self) -> bool:
        """Whether another request can leave now."""
        return bool(self._free) or len(self._lines) < self._most

    def send(self, exchange: Exchange) -> None:
        """Send on a connection that is free."""
        (self._free.popleft() if self._free else self._connected()).send(exchange)

    def receive(self, seconds: float) -> bool:
        """Take what has arrived, or what arrives first; whether anything did."""
        found = self._poll.poll(seconds)
        for descriptor, _ in found:
            line = self._lines[descriptor]
            if line.receive():
                self._free.append(line)
        return bool(found)

    def _connected(self) -> _Line:
        line = _Line(self._port)
        self._lines[line.socket.fileno()] = line
        self._poll.register(line.socket, select.EPOLLIN)
        return line

    def close(self) -> None:
        self._poll.close()
        for line in self._lines.values():
            line.socket.close()


@contextmanager
def connected(port: int, most: int) -> Iterator[Lines]:
    """Connections for one run."""
    lines = Lines(port, most)
    try:
        with without_collector():
            yield lines
    finally:
        lines.close()


def closed_loop(port: int, requests: Sequence[Asked], in_flight: int, seconds: float) -> Run:
    """Send as fast as answers come, for so many seconds or until the requests are used up."""
    exchanges = [Exchange(request) for request in requests]
    with connected(port, in_flight) as lines:
        return Run(exchanges[: _closed(lines, exchanges, perf_counter() + seconds)])


def _closed(lines: Lines, exchanges: Sequence[Exchange], end: float) -> int:
    following = 0
    while True:
        while lines.ready and following < len(exchanges) and (now := perf_counter()) < end:
            exchanges[following].due = now
            lines.send(exchanges[following])
            following += 1
        if not lines.busy or not lines.receive(PATIENCE):
            return following


def open_loop(port: int, plan: Sequence[tuple[float, Asked]]) -> Run:
    """Send each request when it is due (seconds from the start); one that finds no connection free waits for one."""
    exchanges = [Exchange(request, due) for due, request in plan]
    with connected(port, MOST_CONNECTIONS) as lines:
        begun = perf_counter() + 0.01
        for exchange in exchanges:
            exchange.due += begun
        _open(lines, exchanges)
    return Run(exchanges)


def _open(lines: Lines, exchanges: Sequence[Exchange]) -> None:
    following, end = 0, exchanges[-1].due + PATIENCE
    while (following < len(exchanges) or lines.busy) and (now := perf_counter()) < end:
        while following < len(exchanges) and exchanges[following].due <= now and lines.ready:
            lines.send(exchanges[following])
            following += 1
        lines.receive(0)
