"""Asking upstream servers over real sockets: order, time, identifiers, and replies that are not believed."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from anyio.lowlevel import checkpoint

from vestibule.core.decisions import Account
from vestibule.core.directories import Verdict
from vestibule.core.errors import Unavailable
from vestibule.core.secret import Secret
from vestibule.directories.upstream_radius import (
    Accepted,
    Challenged,
    Rejected,
    Relayed,
    Server,
    Timing,
    UpstreamRadius,
)
from vestibule.directories.upstream_radius.peer import MOST_LINES
from vestibule.wire.radius.authenticity import MessageAuthenticator, digest, verify_request
from vestibule.wire.radius.packet import Attribute, Code, Packet, decode, encode_attributes, encode_start
from vestibule.wire.radius.passing import Hop
from vestibule.wire.radius.password import reveal
from vestibule.wire.radius.reply import encode_reply

SECRET = b"a shared secret of thirty-two oc"
MARK = b"the mark of us.."
ALICE = Account("corp", "", "alice")
FAST = Timing(first=0.05, longest=0.4, most=5, in_all=5.0)
Pair = tuple[int, bytes]
Answers = Callable[[Packet], list[bytes]]


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, bool]]:
    """The loop that the server has, whose sockets are its own."""
    return "asyncio", {"use_uvloop": True}


@dataclass
class Log:
    lines: list[tuple[str, object]] = field(default_factory=list)

    def info(self, event: str, **details: object) -> None:
        self.lines.append((event, details["server"]))

    warning = info


class Upstream(asyncio.DatagramProtocol):
    """A server that keeps what it was asked, and answers what the test says."""

    def __init__(self, answers: Answers) -> None:
        self.answers = answers
        self.asked: list[Packet] = []
        self.transport: Any = None
        self.last: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, addr: tuple[Any, ...]) -> None:
        self.last = addr
        packet = decode(data)
        self.asked.append(packet)
        for octets in self.answers(packet):
            self.send(octets)

    def send(self, octets: bytes) -> None:
        self.transport.sendto(octets, self.last)

    def server(self, name: str = "one", patience: float = 5.0) -> Server:
        host, port = self.transport.get_extra_info("sockname")
        return Server(name, host, port, Secret(SECRET), patience=patience)


def says(code: int, *attributes: Pair) -> Answers:
    return lambda packet: [encode_reply(packet, code, attributes, SECRET)]


def password_in(packet: Packet) -> bytes:
    hidden = packet.first(Attribute.USER_PASSWORD)
    assert hidden is not None
    return reveal(hidden, SECRET, packet.authenticator)


def right(packet: Packet) -> list[bytes]:
    good = (packet.first(Attribute.USER_NAME), password_in(packet)) == (b"alice", b"secret")
    return says(Code.ACCESS_ACCEPT if good else Code.ACCESS_REJECT, (Attribute.CLASS, b"staff"))(packet)


def silent(_: Packet) -> list[bytes]:
    return []


@asynccontextmanager
async def upstreams(*answers: Answers) -> AsyncIterator[list[Upstream]]:
    loop, opened = asyncio.get_running_loop(), []
    for one in answers:
        _, server = await loop.create_datagram_endpoint(lambda one=one: Upstream(one), local_addr=("127.0.0.1", 0))  # type: ignore[misc]
        opened.append(server)
    try:
        yield opened
    finally:
        for server in opened:
            server.transport.close()


@asynccontextmanager
async def asking(*servers: Server, log: Log | None = None, timing: Timing = FAST) -> AsyncIterator[UpstreamRadius]:
    directory = UpstreamRadius(servers, MARK, secrets.token_bytes, log or Log(), timing=timing)
    try:
        yield directory
    finally:
        await directory.close()


def changed(server: Server, changes: dict[str, object]) -> Server:
    return replace(server, **changes)  # type: ignore[arg-type]  # by name


@asynccontextmanager
async def one(answers: Answers, **changes: object) -> AsyncIterator[tuple[Upstream, UpstreamRadius]]:
    async with upstreams(answers) as (server,), asking(changed(server.server(), changes)) as directory:
        yield server, directory


def now() -> float:
    return asyncio.get_running_loop().time()


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not holds():
            await checkpoint()


# -- passwords ------------------------------------------------------------------------------------------------------


async def test_a_password_is_asked_for_signed_and_hidden() -> None:
    async with one(right) as (server, directory):
        right_one = await directory.check(ALICE, Secret.of("secret"), "here", now() + 5)
        assert right_one == Verdict(right=True, attributes=(("#25", b"staff".hex()),))
        assert await directory.check(ALICE, Secret.of("wrong"), "here", now() + 5) == Verdict(right=False)
    asked = server.asked[0]
    assert verify_request(asked, SECRET) is MessageAuthenticator.VALID
    assert asked.attributes[0][0] == Attribute.MESSAGE_AUTHENTICATOR
    assert asked.first(Attribute.NAS_IDENTIFIER) == b"vestibule"


@pytest.mark.requirement(24)
@pytest.mark.parametrize(("name", "password"), [("alice", ""), ("alice", "x" * 129), ("", "s"), ("x" * 254, "s")])
async def test_what_radius_can_not_ask_takes_as_long_and_is_never_right(name: str, password: str) -> None:
    account = replace(ALICE, user_name=name)
    async with one(says(Code.ACCESS_ACCEPT)) as (server, directory):
        assert await directory.check(account, Secret.of(password), "here", now() + 5) == Verdict(right=False)
        server.answers = silent
        with pytest.raises(Unavailable):
            await directory.check(account, Secret.of(password), "here", now() + 0.2)
    assert {asked.first(Attribute.USER_NAME) for asked in server.asked}.isdisjoint({b"alice", b"", b"x" * 254})
    assert all(len(password_in(asked)) == 16 for asked in server.asked)


async def test_words_of_the_server_fit_into_a_line_of_the_journal() -> None:
    said = [(Attribute.REPLY_MESSAGE, b"locked\r\n\xffuntil noon"), (Attribute.REPLY_MESSAGE, b"x" * 253)]
    async with one(says(Code.ACCESS_REJECT, *said)) as (_, directory):
        verdict = await directory.check(ALICE, Secret.of("secret"), "here", now() + 5)
    assert verdict.detail.startswith("locked  \ufffduntil noonxxx")
    assert len(verdict.detail) == 250


async def test_keys_and_what_belongs_to_one_hop_are_not_passed_on() -> None:
    key = b"\0\0\1\x37\x10\x04\x80\0"
    given: list[Pair] = [
        (1, b"CORP"),
        (18, b"hi"),
        (24, b"s"),
        (26, key),
        (69, b"\1"),
        (26, b"\0\0\0\t\1\3x"),
        (11, b"in"),
    ]
    async with one(says(Code.ACCESS_ACCEPT, *given)) as (_, directory):
        verdict = await directory.check(ALICE, Secret.of("secret"), "here", now() + 5)
    assert verdict.attributes == (("#26", "00000009010378"), ("#11", b"in".hex()))


async def test_answers_have_types() -> None:
    said = (Attribute.REPLY_MESSAGE, "Grüße".encode())
    async with one(says(Code.ACCESS_ACCEPT, said, (Attribute.CLASS, b"staff"))) as (server, directory):
        asked = directory.ask("alice", Secret.of("secret"), now() + 5)
        assert await asked == Accepted((said, (Attribute.CLASS, b"staff")))
        server.answers = says(Code.ACCESS_REJECT, said)
        assert await directory.ask("alice", Secret.of("secret"), now() + 5) == Rejected("Grüße")
        server.answers = says(Code.ACCESS_CHALLENGE, said)
        assert await directory.ask("alice", Secret.of("secret"), now() + 5) == Challenged("one", "Grüße")


async def test_a_question_of_the_servers_own_is_no_answer_and_says_what_to_do() -> None:
    async with one(says(Code.ACCESS_CHALLENGE, (Attribute.STATE, b"s"))) as (_, directory):
        with pytest.raises(Unavailable, match="turn its own second factor off"):
            await directory.check(ALICE, Secret.of("secret"), "here", now() + 5)


# -- what is not believed -------------------------------------------------------------------------------------------


def unsigned(packet: Packet) -> list[bytes]:
    body = encode_attributes([(Attribute.REPLY_MESSAGE, b"come in")])
    start = encode_start(Code.ACCESS_ACCEPT, packet.identifier, len(body))
    return [start + digest(start, packet.authenticator, body, SECRET) + body]


@pytest.mark.requirement(37)
async def test_an_unsigned_reply_is_believed_only_where_that_was_set() -> None:
    log = Log()
    async with one(unsigned) as (server, directory):
        with pytest.raises(Unavailable, match="one: a reply was not believed: Message-Authenticator"):
            await directory.ask("alice", Secret.of("secret"), now() + 0.3)
        assert directory.counts["one"]["forged"] == len(server.asked) > 1
        relaxed = replace(server.server(), require_message_authenticator=False)
        async with asking(relaxed, log=log) as trusting:
            assert isinstance(await trusting.ask("alice", Secret.of("secret"), now() + 5), Accepted)
    assert log.lines == [("unsigned replies of an upstream server are believed", "one")]


@pytest.mark.requirement(37)
async def test_forged_replies_are_dropped_and_the_right_one_behind_them_is_taken() -> None:
    def forger(packet: Packet) -> list[bytes]:
        good = says(Code.ACCESS_REJECT)(packet)[0]
        yes = encode_reply(packet, Code.ACCESS_ACCEPT, (), b"another secret")
        other = bytes((2, (packet.identifier + 1) % 256)) + good[2:]
        return [b"\2", yes, other, bytes(4096), good, good]

    async with one(forger) as (_, directory):
        assert await directory.ask("alice", Secret.of("secret"), now() + 5) == Rejected()
        await until(lambda: sum(directory.counts["one"].values()) >= 6)
    assert directory.counts["one"] == {"answered": 1, "forged": 2, "late": 3}


async def test_a_wrong_secret_is_told() -> None:
    async with one(right, secret=Secret(b"another")) as (_, directory):
        with pytest.raises(Unavailable, match="compare the shared secret on both sides"):
            await directory.ask("alice", Secret.of("secret"), now() + 0.2)


async def test_another_code_is_no_answer() -> None:
    async with one(says(Code.PROTOCOL_ERROR)) as (_, directory):
        with pytest.raises(Unavailable, match="packet code 52"):
            await directory.ask("alice", Secret.of("secret"), now() + 0.2)
        assert directory.counts["one"]["unexpected"] >= 1


async def test_a_late_reply_is_dropped_and_counted_but_shows_life() -> None:
    async with one(silent) as (server, directory):
        with pytest.raises(Unavailable):
            await directory.ask("alice", Secret.of("secret"), now() + 0.1)
        server.send(says(Code.ACCESS_ACCEPT)(server.asked[0])[0])
        await until(lambda: directory.counts["one"].get("late", 0) == 1)


# -- time -----------------------------------------------------------------------------------------------------------


async def test_the_same_packet_is_sent_again_and_its_answer_taken() -> None:
    async with one(silent) as (server, directory):
        server.answers = lambda packet: right(packet) if len(server.asked) == 3 else []
        assert isinstance(await directory.ask("alice", Secret.of("secret"), now() + 5), Accepted)
    assert len({asked.octets for asked in server.asked}) == 1
    assert len(server.asked) == 3


async def test_a_wait_ends_at_its_deadline() -> None:
    async with one(silent) as (_, directory):
        began = now()
        with pytest.raises(Unavailable, match=r"one: no answer within 0\.3 s"):
            await directory.ask("alice", Secret.of("secret"), began + 0.3)
        assert 0.29 < now() - began < 2
        with pytest.raises(Unavailable, match="no time was left"):
            await directory.ask("alice", Secret.of("secret"), now() - 1)


async def test_the_next_server_is_asked_within_the_time_and_the_first_still_counts() -> None:
    async with AsyncExitStack() as stack:
        first, second = await stack.enter_async_context(upstreams(silent, right))
        directory = await stack.enter_async_context(asking(first.server("one"), second.server("two")))
        assert isinstance(await directory.ask("alice", Secret.of("secret"), now() + 0.6), Accepted)
        second.answers = silent
        slow = asyncio.create_task(directory.ask("alice", Secret.of("secret"), now() + 1.0))
        await until(lambda: len({asked.authenticator for asked in second.asked}) == 2)
        first.send(right(first.asked[-1])[0])
        assert isinstance(await slow, Accepted)
    assert first.asked[0].authenticator != second.asked[0].authenticator


async def test_where_nobody_listens_the_next_server_is_asked_at_once() -> None:
    async with upstreams(silent, right) as (gone, second):
        server = gone.server("one")
        gone.transport.close()
        async with asking(server, second.server("two")) as directory:
            began = now()
            assert isinstance(await directory.ask("alice", Secret.of("secret"), now() + 30), Accepted)
            assert now() - began < 2
        async with asking(server) as alone:
            with pytest.raises(Unavailable, match="nobody listens at"):
                await alone.ask("alice", Secret.of("secret"), now() + 0.2)


async def test_a_silent_server_is_left_alone_and_status_server_finds_out_when_it_is_back() -> None:
    log = Log()
    async with upstreams(silent) as (server,), asking(server.server(), log=log) as directory:
        for _ in range(3):
            with pytest.raises(Unavailable, match="no answer"):
                await directory.ask("alice", Secret.of("secret"), now() + 0.1)
        assert directory.resting == ("one",)
        began = now()
        with pytest.raises(Unavailable, match="left alone until it is back"):
            await directory.ask("alice", Secret.of("secret"), began + 5)
        assert now() - began < 1
        server.answers = lambda packet: right(packet) if packet.code == 1 else says(Code.ACCESS_ACCEPT)(packet)
        probe = await heard(server, Code.STATUS_SERVER)
        server.send(says(Code.ACCESS_ACCEPT)(probe)[0])
        await until(lambda: directory.resting == ())
        assert isinstance(await directory.ask("alice", Secret.of("secret"), now() + 5), Accepted)
    assert [event for event, _ in log.lines] == ["upstream server does not answer", "upstream server answers again"]


async def heard(server: Upstream, code: int) -> Packet:
    await until(lambda: any(asked.code == code for asked in server.asked))
    return next(asked for asked in server.asked if asked.code == code)


# -- many at once -----------------------------------------------------------------------------------------------------


async def test_many_requests_wait_at_once_on_several_sockets_and_no_more_than_that() -> None:
    places = MOST_LINES * 256
    async with upstreams(silent) as (server,), asking(server.server(patience=30.0), timing=Timing()) as directory:
        ports: set[Any] = set()
        heard_of: set[bytes] = set()

        def note(packet: Packet) -> list[bytes]:
            ports.add(server.last)
            heard_of.add(packet.authenticator)
            return []

        server.answers = note
        waiting = [asyncio.create_task(directory.ask("alice", Secret.of("s"), now() + 30)) for _ in range(places)]
        await until(lambda: len(heard_of) > places * 0.9)
        with pytest.raises(Unavailable, match="2048 requests wait for it already"):
            await directory.ask("alice", Secret.of("secret"), now() + 5)
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        server.answers = right
        assert isinstance(await directory.ask("alice", Secret.of("secret"), now() + 5), Accepted)
    assert len(ports) == MOST_LINES


async def test_what_no_packet_can_carry_takes_no_identifier_away() -> None:
    async with one(right) as (_, directory):
        for _ in range(300):
            with pytest.raises(ValueError, match="at most 128"):
                await directory.ask("alice", Secret.of("x" * 129), now() + 5)
        assert directory._peers[0]._lines[0].full is False
        assert isinstance(await directory.ask("alice", Secret.of("secret"), now() + 5), Accepted)


# -- loops and exchanges ----------------------------------------------------------------------------------------------


async def test_a_request_that_comes_back_to_us_ends_at_once_and_says_why() -> None:
    async with one(silent) as (server, directory):
        asked = asyncio.create_task(directory.ask("alice", Secret.of("secret"), now() + 30))
        await until(lambda: bool(server.asked))
        back = server.asked[0]
        assert not directory.came_back(back._replace(attributes=((Attribute.PROXY_STATE, b"somebody else's"),)))
        assert directory.came_back(back)
        with pytest.raises(Unavailable, match="the request came back to us"):
            await asked
        assert directory.came_back(back)
        assert directory.resting == ()


async def test_an_exchange_hands_on_what_it_is_given_and_goes_on_where_its_state_is_from() -> None:
    async with AsyncExitStack() as stack:
        first, second = await stack.enter_async_context(upstreams(silent, says(11, (24, b"two's"), (79, b"\1"))))
        directory = await stack.enter_async_context(asking(first.server("one"), second.server("two")))
        given = [(1, b"alice"), (79, b"\2"), (33, b"the client's")]
        relayed = await directory.exchange(given, now() + 1.0)
        assert (relayed.packet.code, relayed.server) == (Code.ACCESS_CHALLENGE, "two")
        asked_first = len(first.asked)
        await directory.exchange([*given, (24, b"two's")], now() + 5)
        assert len(first.asked) == asked_first
    sent = second.asked[-1].attributes
    assert sent[1:5] == (*given, (24, b"two's"))
    assert sent[5][0] == Attribute.PROXY_STATE
    assert sent[5][1].startswith(MARK)


async def test_closing_ends_what_is_under_way_and_opens_nothing_more() -> None:
    async with one(silent) as (server, directory):
        asked = asyncio.create_task(directory.ask("alice", Secret.of("secret"), now() + 30))
        await until(lambda: bool(server.asked))
        await directory.close()
        with pytest.raises(Unavailable, match="this server stops"):
            await asked
    async with asking(server.server()) as another:
        await another.close()
        with pytest.raises(Unavailable, match="not asked any more"):
            await another.ask("alice", Secret.of("secret"), now() + 5)


def test_servers_have_names_of_their_own() -> None:
    server = Server("one", "127.0.0.1", 1812, Secret(SECRET))
    with pytest.raises(ValueError, match="the same name"):
        UpstreamRadius([server, server], MARK, secrets.token_bytes, Log())


def test_nothing_prints_a_secret() -> None:
    server = Server("one", "127.0.0.1", 1812, Secret(SECRET))
    relayed = Relayed(decode(unsigned(Packet(1, 1, bytes(16), (), b""))[0]), "one", Hop(SECRET, bytes(16)))
    assert SECRET.decode() not in repr(server) + repr(relayed)
