"""FreeRADIUS as the upstream that checks passwords, as a proxy in front of us, and as both at once: a loop."""

import asyncio
import json
import secrets
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import httpx2
import pytest
import structlog
from anyio.lowlevel import checkpoint

from tests.journeys.freeradius import (
    PROXY,
    UNSIGNED_UPSTREAM,
    UPSTREAM,
    FreeRadius,
    free_port,
    freeradius,
)
from tests.journeys.nas import SECRET, Address, nas, radclient, run, typed_state
from tests.journeys.program import Home, running
from tests.journeys.world import Person, World, a_client, in_process, sqlite_store
from vestibule.core.directories import DirectoryRecord
from vestibule.core.journal import Query
from vestibule.core.ports import Record, Writing
from vestibule.core.reasons import Reason
from vestibule.core.secret import Secret
from vestibule.core.users import Mfa, User
from vestibule.directories.upstream_radius import Accepted, Server, UpstreamRadius
from vestibule.wire.names import name_key
from vestibule.wire.radius.authenticity import MessageAuthenticator, verify_request
from vestibule.wire.radius.packet import Attribute, Code, Packet, decode
from vestibule.wire.radius.passing import Hop, forwarded, needs_upstream, returned
from vestibule.wire.radius.password import reveal
from vestibule.wire.radius.reply import encode_reply

pytestmark = pytest.mark.directories

UPSTREAM_SECRET = b"what only the upstream server and we know"


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, bool]]:
    """The loop that the server has, whose sockets are its own."""
    return "asyncio", {"use_uvloop": True}


def server(address: Address, name: str = "one", **more: Any) -> Server:  # noqa: ANN401 - handed on
    return Server(name, *address, Secret(UPSTREAM_SECRET), **more)


@asynccontextmanager
async def asking(*servers: Server) -> AsyncIterator[UpstreamRadius]:
    mark = secrets.token_bytes(16)
    directory = UpstreamRadius(servers, mark, secrets.token_bytes, structlog.get_logger())
    try:
        yield directory
    finally:
        await directory.close()


@asynccontextmanager
async def behind(template: Path, folder: Path, *servers: Server) -> AsyncIterator[tuple[World, UpstreamRadius, Person]]:
    """A world whose people have their passwords at the upstream servers, and alice in it."""
    async with asking(*servers) as directory:
        store = await sqlite_store(template, folder)
        async with in_process(store, directory=directory, came_back=directory.came_back) as world:
            await world.put(a_client())
            yield world, directory, await elsewhere(world, "alice")


async def elsewhere(world: World, name: str) -> Person:
    """Somebody whose password is not ours to keep."""
    person = Person(name, "secret", world.clock)
    user, *others = person.records()
    assert isinstance(user, User)
    await world.put(replace(user, directory="corp", external_id=name_key(name)), *others)
    return person


Running = AbstractAsyncContextManager[FreeRadius]


def upstream(folder: Path, text: str = UPSTREAM, **more: Any) -> Running:  # noqa: ANN401 - handed on
    return freeradius(folder / f"upstream-{secrets.token_hex(2)}", text, secret=UPSTREAM_SECRET, **more)


def now() -> float:
    return asyncio.get_running_loop().time()


# -- the first factor ---------------------------------------------------------------------------------------------


async def test_the_password_is_checked_upstream_then_the_code_here(template: Path, tmp_path: Path) -> None:
    async with upstream(tmp_path) as radius, behind(template, tmp_path, server(radius.address)) as (world, _, alice):
        async with nas(world.radius) as asker:
            challenge = await asker.ask(asker.request("alice", "secret"))
            assert challenge.code == Code.ACCESS_CHALLENGE
            reply = await asker.ask(asker.request("alice", alice.press(), state=typed_state(challenge)))
            assert reply.code == Code.ACCESS_ACCEPT
            assert reply.attributes[1:] == ((Attribute.CLASS, b"staff"), (Attribute.FILTER_ID, b"inside"))
            assert (await asker.ask(asker.request("alice", "wrong"))).code == Code.ACCESS_REJECT
            assert (await asker.ask(asker.request("nobody", "secret"))).code == Code.ACCESS_REJECT
        reasons = [entry.reason for entry in await world.journal() if entry.accepted is False]
        assert reasons == [Reason.WRONG_PASSWORD, Reason.UNKNOWN_USER]


async def test_what_the_server_says_to_a_refusal_stands_in_the_journal(template: Path, tmp_path: Path) -> None:
    async with upstream(tmp_path) as radius, behind(template, tmp_path, server(radius.address)) as (world, _, _):
        await elsewhere(world, "frank")
        async with nas(world.radius) as asker:
            assert (await asker.ask(asker.request("frank", "secret"))).code == Code.ACCESS_REJECT
        (entry,) = await world.journal()
        assert "Your account is locked" in str(entry)


async def test_a_question_of_the_upstreams_own_is_told_and_is_no_wrong_password(template: Path, tmp_path: Path) -> None:
    async with upstream(tmp_path) as radius, behind(template, tmp_path, server(radius.address)) as (world, _, _):
        await elsewhere(world, "carol")
        async with nas(world.radius) as asker:
            asker.send(asker.request("carol", "secret"))
            line = await world.log.line("unavailable")
        assert "turn its own second factor off" in str(line["detail"])
        assert [entry.accepted for entry in await world.journal() if entry.accepted is not None] == []


@pytest.mark.requirement(37)
async def test_an_upstream_that_does_not_sign_is_believed_only_where_that_was_set(tmp_path: Path) -> None:
    async with upstream(tmp_path, UNSIGNED_UPSTREAM) as radius:
        relaxed = server(radius.address, "relaxed", require_message_authenticator=False)
        async with asking(server(radius.address, "strict", patience=0.5), relaxed) as directory:
            assert isinstance(await directory.ask("alice", Secret.of("secret"), now() + 5), Accepted)
            assert directory.counts["strict"]["forged"] == 1
            assert "answered" not in directory.counts["strict"]


# -- servers that are away ----------------------------------------------------------------------------------------


async def test_when_the_first_is_down_the_next_is_asked(template: Path, tmp_path: Path) -> None:
    gone = server(("127.0.0.1", free_port()), "gone")
    async with AsyncExitStack() as stack:
        radius = await stack.enter_async_context(upstream(tmp_path))
        opened = behind(template, tmp_path, gone, server(radius.address))
        world, directory, alice = await stack.enter_async_context(opened)
        asker, began = await stack.enter_async_context(nas(world.radius)), now()
        challenge = await asker.ask(asker.request("alice", "secret"))
        reply = await asker.ask(asker.request("alice", alice.press(), state=typed_state(challenge)))
        assert reply.code == Code.ACCESS_ACCEPT
        assert now() - began < 2
        assert directory.counts["gone"]["refused"] >= 1


@pytest.mark.requirement(44)
async def test_a_server_that_hangs_is_waited_for_within_the_clients_time_and_nothing_is_counted(
    template: Path, tmp_path: Path
) -> None:
    async with upstream(tmp_path) as radius, behind(template, tmp_path, server(radius.address)) as (world, _, _):
        await world.put(a_client(time_budget=2.0))
        async with nas(world.radius) as asker:
            radius.pause()
            began = now()
            asker.send(asker.request("alice", "wrong"))
            line = await world.log.line("unavailable")
            assert 1.0 < now() - began < 4
            assert "one: no answer within 1.5 s" in str(line["detail"])
            radius.resume()
            assert (await asker.ask(asker.request("alice", "secret"))).code == Code.ACCESS_CHALLENGE
        assert [entry for entry in await world.journal() if entry.accepted is False] == []


async def test_a_server_that_hangs_is_left_alone_until_it_says_that_it_lives(tmp_path: Path) -> None:
    async with upstream(tmp_path) as hangs, upstream(tmp_path) as lives:
        one, two = server(hangs.address, "one", patience=0.3), server(lives.address, "two")
        async with asking(one, two) as directory:
            hangs.pause()
            for _ in range(3):
                assert isinstance(await directory.ask("alice", Secret.of("secret"), now() + 5), Accepted)
            assert directory.counts["two"]["answered"] == 3
            assert await recovered(hangs, directory)
            assert isinstance(await directory.ask("alice", Secret.of("secret"), now() + 5), Accepted)


async def recovered(hangs: FreeRadius, directory: UpstreamRadius) -> bool:
    """Let it go on; what it was asked meanwhile it answers late, which shows that it lives."""
    hangs.resume()
    began = now()
    while directory.resting or not directory.counts["one"].get("late"):
        await asyncio.wait_for(directory.ask("alice", Secret.of("secret"), now() + 5), 10)
        if now() - began > 20:
            return False
    return True


# -- a proxy in front of us, and a loop ---------------------------------------------------------------------------


def proxy(
    folder: Path, to: Address, *, port: int = 0, secret: bytes = SECRET, behind_secret: bytes = SECRET
) -> Running:
    host, behind_port = to
    return freeradius(
        folder / "proxy", PROXY, port=port, secret=secret, host=host, behind=behind_port, shared=behind_secret.decode()
    )


async def test_freeradius_may_stand_in_front_of_us(world: World, tmp_path: Path) -> None:
    await world.put(a_client())
    alice = await world.person("alice", groups=("staff",))
    await world.group("staff", ("Class", "inside"))
    async with proxy(tmp_path, world.radius) as front:
        ask = 'User-Name = "alice", User-Password = "{}", Proxy-State = 0x0102'
        asked = await radclient(front.address, ask.format("secret"))
        assert asked.packet == "Access-Challenge", asked.text
        answer = f"{ask.format(alice.press())}, State = {asked.attributes['State'][0]}"
        accepted = await radclient(front.address, answer)
        assert accepted.packet == "Access-Accept", accepted.text
        assert accepted.attributes["Class"] == ["0x" + b"inside".hex()]
        assert accepted.attributes["Proxy-State"] == ["0x0102"]


async def test_a_loop_is_seen_at_once_told_and_nobodys_wrong_password(template: Path, tmp_path: Path) -> None:
    """We ask FreeRADIUS, and FreeRADIUS asks us."""
    port = free_port()
    upstream_server = Server("nps", "127.0.0.1", port, Secret(SECRET))
    async with behind(template, tmp_path, upstream_server) as (world, _, _):
        async with proxy(tmp_path, world.radius, port=port), nas(world.radius) as asker:
            began = now()
            asker.send(asker.request("alice", "secret"))
            told = await world.log.line("unavailable")
            assert "the request came back to us" in str(told["detail"])
            assert now() - began < 5
        assert "upstream server sends our requests back" in str((await world.log.line("loop"))["detail"])
        assert [entry for entry in await world.journal() if entry.accepted is False] == []


def _put(record: Record, writing: Writing) -> None:
    writing.put(record)


async def test_the_program_asks_the_servers_of_a_record_and_sees_the_loop(tmp_path: Path) -> None:
    home, port = Home.lay_out(tmp_path), free_port()
    settings = json.dumps({"servers": [{"host": "127.0.0.1", "port": port}]})
    user = User("id of alice", "alice", name_key("alice"), directory="corp", external_id="alice", mfa=Mfa.OFF)
    record = DirectoryRecord("corp", "radius", settings, Secret(UPSTREAM_SECRET))
    async with home.opened() as store:
        for one in (record, user, a_client(first_factor="corp", pass_through=True)):
            await store.change(partial(_put, one))
    async with running(home) as program, nas(program.radius) as asker:
        async with upstream(tmp_path, port=port):
            assert (await asker.ask(asker.request("alice", "secret"))).code == Code.ACCESS_ACCEPT
            handed_on = await radclient(program.radius, 'User-Name = "alice"', 'MS-CHAP-Password = "secret"')
            assert handed_on.packet == "Access-Accept", handed_on.text
            assert handed_on.attributes["MS-CHAP-MPPE-Keys"]
        async with httpx2.AsyncClient(trust_env=False) as http:
            metrics = (await http.get(f"http://{program.http[0]}:{program.http[1]}/metrics")).text
        labels = f'directory="corp",server="127.0.0.1 port {port}"'
        assert f'vestibule_upstream_total{{{labels},what="answered"}} 2.0' in metrics
        assert f"vestibule_upstream_resting{{{labels}}} 0.0" in metrics
        async with proxy(tmp_path, program.radius, port=port, secret=UPSTREAM_SECRET, behind_secret=SECRET):
            began = now()
            asker.send(asker.request("alice", "secret"))
            log = tmp_path / "log"
            async with asyncio.timeout(20):
                while "the request came back to us" not in await asyncio.to_thread(log.read_text):
                    await checkpoint()
            assert now() - began < 5
    async with home.opened() as store:
        lines = await store.read(lambda reading: reading.lines(Query(), (0.0, "", 0), 1000))
    (told,) = [line.entry for line in lines if line.entry.action == "directory.loop"]
    assert told.detail["directory"] == "corp"
    assert "authenticate requests of this client itself" in str(told.detail["what"])


# -- what carries no password: MS-CHAP and EAP, handed on ---------------------------------------------------------


class Relay(asyncio.DatagramProtocol):
    """The smallest proxy that our pieces make: takes a client's request, asks upstream, answers the client."""

    def __init__(self, directory: UpstreamRadius) -> None:
        self._directory = directory
        self._transport: Any = None
        self._tasks: set[asyncio.Task[None]] = set()
        self.needed: list[bool] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, addr: Any) -> None:  # noqa: ANN401 - the loop's
        request = decode(data)
        assert verify_request(request, SECRET) is MessageAuthenticator.VALID
        task = asyncio.get_running_loop().create_task(self._answer(request, addr))
        self._tasks.add(task)

    async def _answer(self, request: Packet, addr: Any) -> None:  # noqa: ANN401 - the loop's
        self.needed.append(needs_upstream(request))
        hidden = request.first(Attribute.USER_PASSWORD)
        password = None if hidden is None else Secret(reveal(hidden, SECRET, request.authenticator))
        relayed = await self._directory.exchange(forwarded(request), now() + 10, password=password)
        leaves = Hop(SECRET, request.authenticator)
        attributes = returned(relayed.packet, relayed.hop, leaves, secrets.token_bytes(2))
        self._transport.sendto(encode_reply(request, relayed.packet.code, attributes, SECRET), addr)


@asynccontextmanager
async def relay(*servers: Server) -> AsyncIterator[tuple[Address, Relay]]:
    async with asking(*servers) as directory:
        transport, made = await asyncio.get_running_loop().create_datagram_endpoint(
            lambda: Relay(directory), local_addr=("127.0.0.1", 0)
        )
        try:
            yield transport.get_extra_info("sockname"), made
        finally:
            transport.close()


KEYS = """
alice Cleartext-Password := "secret"
    Class = "staff",
    MS-MPPE-Send-Key = 0x00112233445566778899aabbccddeeff,
    MS-MPPE-Recv-Key = 0xffeeddccbbaa99887766554433221100,
    Tunnel-Password:1 = "s3kr1t"
"""


async def test_ms_chap_is_handed_on_and_its_keys_are_hidden_anew(tmp_path: Path) -> None:
    async with upstream(tmp_path, users=KEYS) as radius, relay(server(radius.address)) as (front, made):
        asked = 'User-Name = "alice", MS-CHAP-Password = "{}"'
        direct = await radclient(radius.address, asked.format("secret"), secret=UPSTREAM_SECRET)
        handed = await radclient(front, asked.format("secret"))
        assert handed.packet == "Access-Accept", handed.text
        assert handed.attributes["MS-CHAP-MPPE-Keys"] == direct.attributes["MS-CHAP-MPPE-Keys"]
        assert handed.attributes["MS-MPPE-Send-Key"] == ["0x00112233445566778899aabbccddeeff"]
        assert handed.attributes["MS-MPPE-Recv-Key"] == ["0xffeeddccbbaa99887766554433221100"]
        assert handed.attributes["Tunnel-Password:1"] == ["s3kr1t"]
        assert (await radclient(front, asked.format("wrong"))).packet == "Access-Reject"
        chap = await radclient(front, 'User-Name = "alice", CHAP-Password = "secret"')
        assert chap.packet == "Access-Accept", chap.text
        pap = await radclient(front, 'User-Name = "alice", User-Password = "secret"')
        assert pap.packet == "Access-Accept", pap.text
        assert made.needed == [True, True, True, False]


@pytest.mark.parametrize("method", ["MD5", "MSCHAPV2"])
async def test_eap_is_handed_on_over_all_its_rounds(tmp_path: Path, method: str) -> None:
    network = f'network={{\n key_mgmt=IEEE8021X\n eap={method}\n identity="alice"\n password="secret"\n}}\n'
    file = tmp_path / "eapol.conf"
    await asyncio.to_thread(file.write_text, network)
    async with upstream(tmp_path) as radius, relay(server(radius.address)) as ((host, port), _):
        said = await run(
            "eapol_test", "-c", str(file), "-a", host, "-p", str(port), "-s", SECRET.decode(), "-t", "8", "-n"
        )
        assert "SUCCESS" in said.splitlines()[-1], said[-2000:]
