"""The load: one process, one thread, non-blocking sockets. Packets are made before, answers are checked after.

*Closed*: each answer lets the next request out, so that a fixed number is in flight. *Open*: requests leave by the
clock, and latency counts from the moment that a request was due, so that a slow answer hides no other one.
"""

import gc
import select
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from time import perf_counter
from typing import Protocol, Self

from bench.packets import SLOTS, SOCKETS, Request, asking
from bench.population import CODE_CLIENT
from vestibule.wire.radius.packet import Attribute, Code, decode

Ports = int | Sequence[int]
"""Where requests go: to one server, or to several in turn."""

PATIENCE = 3.0  # seconds after which a request counts as lost; refusals are held for 1.25
BUFFER = 1 << 22


class Asked(Protocol):
    """Octets that are sent, and what they must be answered with."""

    @property
    def octets(self) -> bytes:
        """What is sent."""

    def right(self, reply: bytes) -> bool:
        """Whether this is the answer that this request must get."""


@dataclass(slots=True)
class Exchange:
    """A request on its way, and what came back; times in seconds of `perf_counter`."""

    request: Asked
    due: float = 0.0
    answered: float = 0.0
    reply: bytes = b""

    @property
    def latency(self) -> float:
        """Milliseconds."""
        return (self.answered - self.due) * 1000


@dataclass
class Run:
    """What one run of the load saw."""

    exchanges: list[Exchange] = field(default_factory=list)
    logins: int | None = None

    @cached_property
    def answered(self) -> list[Exchange]:
        return [one for one in self.exchanges if one.reply]

    @property
    def done(self) -> int:
        """Whole sign-ins."""
        return len(self.answered) if self.logins is None else self.logins

    @property
    def rate(self) -> float:
        """Whole sign-ins a second."""
        begun = min(one.due for one in self.exchanges)
        return self.done / (max(one.answered for one in self.answered) - begun)

    @property
    def lost(self) -> int:
        return len(self.exchanges) - len(self.answered)

    @cached_property
    def wrong(self) -> int:
        """Answers with a wrong authenticator or another code than expected."""
        return sum(not one.request.right(one.reply) for one in self.answered)

    def quantile(self, share: float) -> float:
        """Milliseconds within which this share of all requests was answered; a lost one counts as `PATIENCE`."""
        latencies = sorted(one.latency if one.reply else PATIENCE * 1000 for one in self.exchanges)
        return latencies[min(int(len(latencies) * share), len(latencies) - 1)]


class Sockets:
    """Where requests leave and answers arrive."""

    def __init__(self, ports: Ports) -> None:
        several = [ports] if isinstance(ports, int) else ports
        self._sockets = [_connected(several[number % len(several)]) for number in range(SOCKETS)]
        self._send = [one.send for one in self._sockets]
        self._poll = select.epoll()
        self._arriving = {one.fileno(): (number, one.recv) for number, one in enumerate(self._sockets)}
        for one in self._sockets:
            self._poll.register(one, select.EPOLLIN)

    def send(self, n: int, octets: bytes) -> None:
        """Send the `n`th packet."""
        self._send[n % SOCKETS](octets)

    def receive(self, seconds: float) -> list[tuple[int, bytes]]:
        """Answers with their slots: what has arrived, or what arrives first."""
        arriving = self._arriving
        answers = []
        for descriptor, _ in self._poll.poll(seconds):
            number, receive = arriving[descriptor]
            reply = receive(4096)
            answers.append((reply[1] * SOCKETS + number, reply))
        return answers

    def close(self) -> None:
        self._poll.close()
        for one in self._sockets:
            one.close()


def _connected(port: int) -> socket.socket:
    one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER)
    one.connect(("127.0.0.1", port))
    one.setblocking(False)
    return one


@contextmanager
def opened(ports: Ports) -> Iterator[Sockets]:
    """Sockets for one run, without the collector of garbage in between."""
    sockets = Sockets(ports)
    try:
        with without_collector():
            yield sockets
    finally:
        sockets.close()


@contextmanager
def without_collector() -> Iterator[None]:
    """No collection of garbage while the clock runs."""
    gc.collect()
    gc.freeze()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def closed_loop(ports: Ports, requests: Sequence[Asked], in_flight: int, seconds: float) -> Run:
    """Send as fast as answers come, for so many seconds or until the requests are used up."""
    exchanges = [Exchange(request) for request in requests]
    with opened(ports) as sockets:
        sent = _closed(sockets, exchanges, in_flight, perf_counter() + seconds)
    return Run(exchanges[:sent])


def _closed(sockets: Sockets, exchanges: list[Exchange], in_flight: int, end: float) -> int:
    slots: dict[int, Exchange] = {}
    following, last = 0, len(exchanges)
    arrived: list[tuple[int, bytes]] = []
    while True:
        now = perf_counter()
        for slot, reply in arrived:
            exchange = slots.pop(slot, None)
            if exchange is not None:
                exchange.answered, exchange.reply = now, reply
        while len(slots) < in_flight and following < last and now < end:
            exchange = slots[following % SLOTS] = exchanges[following]
            exchange.due = perf_counter()
            sockets.send(following, exchange.request.octets)
            following += 1
        if not slots:
            return following
        arrived = sockets.receive(PATIENCE)
        if not arrived:
            slots.clear()  # lost: give up those, and go on


def open_loop(ports: Ports, plan: Sequence[tuple[float, Asked]]) -> Run:
    """Send each request when it is due (seconds from the start), whatever has been answered."""
    with opened(ports) as sockets:
        return Run(_open(sockets, plan))


def _open(sockets: Sockets, plan: Sequence[tuple[float, Asked]]) -> list[Exchange]:
    exchanges = [Exchange(request, due) for due, request in plan]
    begun = perf_counter() + 0.01
    for exchange in exchanges:
        exchange.due += begun
    slots: dict[int, Exchange] = {}
    following, last, end = 0, len(exchanges), exchanges[-1].due + PATIENCE
    while following < last or slots:
        now = perf_counter()
        while following < last and exchanges[following].due <= now:
            exchange = slots[following % SLOTS] = exchanges[following]
            sockets.send(following, exchange.request.octets)
            following += 1
        for slot, reply in sockets.receive(0):
            answered = slots.pop(slot, None)
            if answered is not None:
                answered.answered, answered.reply = perf_counter(), reply
        if now > end:
            break
    return exchanges


def beside(
    ports: Ports, plan: Sequence[tuple[float, Asked]], requests: Sequence[Asked], in_flight: int
) -> tuple[Run, Run]:
    """A plan by the clock, and a closed loop beside it for as long as the plan lasts; what both saw."""
    clocked, filling = [Exchange(request, due) for due, request in plan], [Exchange(request) for request in requests]
    with opened(ports) as sockets, opened(ports) as others:
        return Run(clocked), Run(filling[: _beside(_Flight(sockets, clocked), _Flight(others, filling), in_flight)])


def _beside(clocked: "_Flight", filling: "_Flight", in_flight: int) -> int:
    begun = perf_counter() + 0.01
    for exchange in clocked.exchanges:
        exchange.due += begun
    end = clocked.exchanges[-1].due
    while (now := perf_counter()) < end + PATIENCE and (now < end or clocked.slots or filling.slots):
        while clocked.more and clocked.exchanges[clocked.following].due <= now:
            clocked.send()
        while filling.more and now < end and len(filling.slots) < in_flight:
            filling.exchanges[filling.following].due = now
            filling.send()
        clocked.receive()
        filling.receive()
    return filling.following


class _Flight:
    """Exchanges that leave in order by sockets of their own, and those that are under way, by slot."""

    def __init__(self, sockets: Sockets, exchanges: list[Exchange]) -> None:
        self._sockets = sockets
        self.exchanges = exchanges
        self.following = 0
        self.slots: dict[int, Exchange] = {}

    @property
    def more(self) -> bool:
        """Whether one is left that was not sent."""
        return self.following < len(self.exchanges)

    def send(self) -> None:
        exchange = self.slots[self.following % SLOTS] = self.exchanges[self.following]
        self._sockets.send(self.following, exchange.request.octets)
        self.following += 1

    def receive(self) -> None:
        """Take what has arrived."""
        for slot, reply in self._sockets.receive(0):
            exchange = self.slots.pop(slot, None)
            if exchange is not None:
                exchange.answered, exchange.reply = perf_counter(), reply


class Parked:
    """Requests that are sent at a rate now, and answered when somebody approves them."""

    def __init__(self, port: int, requests: Sequence[Request], rate: float) -> None:
        self._sockets = Sockets(port)
        self._exchanges = [Exchange(request) for request in requests]
        begun = perf_counter()
        for n, exchange in enumerate(self._exchanges):
            while perf_counter() < begun + n / rate:
                pass
            self._sockets.send(n, exchange.request.octets)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._sockets.close()

    def answers(self) -> Run:
        """Wait for all answers; latency counts from now."""
        begun = perf_counter()
        for exchange in self._exchanges:
            exchange.due = begun
        left = len(self._exchanges)
        while left and (arrived := self._sockets.receive(PATIENCE)):
            for slot, reply in arrived:
                exchange = self._exchanges[slot]
                exchange.answered, exchange.reply = perf_counter(), reply
            left -= len(arrived)
        return Run(self._exchanges)


@dataclass(frozen=True, slots=True)
class Conversation:
    """A sign-in by challenge: the request that asks for it, and what is typed then."""

    begin: Request
    name: str
    code: str
    source: str


def conversations(port: int, logins: Sequence[Conversation], in_flight: int, seconds: float) -> Run:
    """Whole sign-ins of two requests each, a fixed number of them under way."""
    with opened(port) as sockets:
        return _Talk(sockets, logins).run(in_flight, perf_counter() + seconds)


class _Talk:
    """The first request of login `n` has slot 2n, the second 2n + 1."""

    def __init__(self, sockets: Sockets, logins: Sequence[Conversation]) -> None:
        self._sockets = sockets
        self._logins = logins
        self._slots: dict[int, tuple[int, Exchange]] = {}
        self._exchanges: list[Exchange] = []
        self._done = 0

    def run(self, in_flight: int, end: float) -> Run:
        following = 0
        while True:
            while len(self._slots) < in_flight and following < len(self._logins) and perf_counter() < end:
                self._send(2 * following, following, self._logins[following].begin)
                following += 1
            if not self._slots:
                return Run(self._exchanges, self._done)
            arrived = self._sockets.receive(PATIENCE)
            if not arrived:
                self._slots.clear()
            for slot, reply in arrived:
                self._received(slot, reply)

    def _send(self, n: int, login: int, request: Request) -> None:
        exchange = Exchange(request, perf_counter())
        self._exchanges.append(exchange)
        self._slots[n % SLOTS] = (login, exchange)
        self._sockets.send(n, request.octets)

    def _received(self, slot: int, reply: bytes) -> None:
        if slot not in self._slots:
            return
        login, exchange = self._slots.pop(slot)
        exchange.answered, exchange.reply = perf_counter(), reply
        if slot % 2 == 0:
            self._answer(login, reply)
        elif reply[0] == Code.ACCESS_ACCEPT:
            self._done += 1

    def _answer(self, login: int, reply: bytes) -> None:
        state = decode(reply).first(Attribute.STATE)
        if state is None:
            return
        n, asked = 2 * login + 1, self._logins[login]
        octets = asking(n, asked.name, asked.code, source=asked.source, client=CODE_CLIENT, state=state)
        self._send(n, login, Request(octets, (Code.ACCESS_ACCEPT,)))
