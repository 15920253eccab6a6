"""RADIUS over TLS: who may come in, what a connection may do, and radsecproxy as a real client."""

import asyncio
import shutil
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest
import structlog
from anyio.lowlevel import checkpoint

from tests.journeys.certificates import Authority
from tests.journeys.freeradius import free_port
from tests.journeys.nas import Address, Nas, Pair, radclient, typed_state
from tests.journeys.program import Home, running
from tests.journeys.world import World, a_client
from vestibule.core.clients import Client, SignIn
from vestibule.frontends.radius.radsec import Bounds, RadsecListener
from vestibule.frontends.radius.tls import Files, Tls, names_in
from vestibule.wire.radius.packet import Attribute, Code, Packet
from vestibule.wire.radius.stream import Splitter

pytestmark = pytest.mark.directories

RADSEC = b"radsec"
PATIENCE = 20.0
ELSEWHERE = ("192.0.2.0/24",)
QUICK = Bounds(handshake=0.3, packet=0.3, drain=0.3, connections=40, unsent=64 * 1024)


class Wire(Nas):
    """Writes requests under the secret of RadSec, and asks over one connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        super().__init__(RADSEC)
        self.reader = reader
        self.writer = writer
        self._packets: list[bytes] = []
        self._splitter = Splitter()

    def send(self, request: bytes) -> None:
        self.writer.write(request)

    async def next(self) -> bytes:
        """The next whole packet, b"" at the end."""
        async with asyncio.timeout(PATIENCE):
            while not self._packets:
                octets = await self.reader.read(65536)
                if not octets:
                    return b""
                self._packets += self._splitter.feed(octets)[0]
        return self._packets.pop(0)

    async def ask(self, request: bytes) -> Packet:
        self.send(request)
        return self.read(await self.next(), request)

    async def ended(self) -> bool:
        """Whether the other side ends the connection, without a word."""
        try:
            return await self.next() == b""
        except (ConnectionError, ssl.SSLError):
            return True


@dataclass
class Secure:
    """A world with RadSec in front, and two authorities of which one is trusted."""

    world: World
    ours: Authority
    theirs: Authority
    tls: Tls
    address: Address

    @asynccontextmanager
    async def wire(self, context: ssl.SSLContext, source: str = "127.0.0.1") -> AsyncIterator[Wire]:
        host, port = self.address
        reader, writer = await asyncio.open_connection(host, port, ssl=context, local_addr=(source, 0))
        try:
            yield Wire(reader, writer)
        finally:
            writer.close()

    def turned_away(self, why: str) -> float:
        return self.world.counted("vestibule_radsec_turned_away_total", why=why)

    async def until_turned_away(self, why: str, times: float = 1) -> None:
        async with asyncio.timeout(PATIENCE):
            while self.turned_away(why) < times:
                await checkpoint()


@asynccontextmanager
async def opened(world: World, folder: Path, bounds: Bounds) -> AsyncIterator[Secure]:
    ours, theirs = Authority.made(folder / "ours"), Authority.made(folder / "theirs")
    tls = Tls(Files(*ours.issue("server", "localhost", address="127.0.0.1"), ours.file), structlog.get_logger())
    listener = RadsecListener(world.door, tls, world.counts, ("127.0.0.1", 0), bounds)
    listener.start()
    try:
        yield Secure(world, ours, theirs, tls, listener.address)
    finally:
        await listener.close()


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, bool]]:
    """The loop that the server has, whose TLS is its own."""
    return "asyncio", {"use_uvloop": True}


@pytest.fixture
async def secure(world: World, tmp_path: Path) -> AsyncIterator[Secure]:
    async with opened(world, tmp_path, Bounds()) as made:
        yield made


@pytest.fixture
async def quick(world: World, tmp_path: Path) -> AsyncIterator[Secure]:
    async with opened(world, tmp_path, QUICK) as made:
        yield made


def roaming(**more: object) -> Client:
    return a_client("vpn.example.org", SignIn.CODE_ONLY, networks=ELSEWHERE, **more)


# -- who may come in ----------------------------------------------------------------------------------------------


@pytest.mark.requirement(38)
@pytest.mark.parametrize(
    "names", [("vpn.example.org",), ("vpn", "VPN.example.org"), ("x", "other.example.org", "vpn.example.org")]
)
async def test_a_certificate_names_the_client_wherever_it_is(secure: Secure, names: tuple[str, ...]) -> None:
    alice = await secure.world.person("alice")
    await secure.world.put(roaming())
    async with secure.wire(secure.ours.client(*names)) as wire:
        assert (await wire.ask(wire.request("alice", alice.press()))).code == Code.ACCESS_ACCEPT
        assert (await wire.ask(wire.request("alice", alice.wrong()))).code == Code.ACCESS_REJECT
        unsigned = wire.request("alice", alice.press(), signed=False)
        assert (await wire.ask(unsigned)).code == Code.ACCESS_ACCEPT
    assert {entry.client_id for entry in await secure.world.journal()} == {"vpn.example.org"}


async def test_a_certificate_with_another_name_is_taken_for_its_network(secure: Secure) -> None:
    alice = await secure.world.person("alice")
    await secure.world.put(a_client("lan"), a_client("wifi", SignIn.CODE_ONLY, nas_identifier="wifi"))
    async with secure.wire(secure.ours.client("somebody")) as wire:
        challenge = await wire.ask(wire.request("alice", "secret"))
        reply = await wire.ask(wire.request("alice", alice.press(), state=typed_state(challenge)))
        assert reply.code == Code.ACCESS_ACCEPT
        named = wire.request("alice", alice.press(), (Attribute.NAS_IDENTIFIER, b"wifi"))
        assert (await wire.ask(named)).code == Code.ACCESS_ACCEPT
    assert [entry.client_id for entry in await secure.world.journal() if entry.accepted] == ["lan", "wifi"]


async def comes_in(secure: Secure, context: ssl.SSLContext) -> bool:
    """Whether a client gets as far as an answer."""
    try:
        async with secure.wire(context) as wire:
            wire.send(wire.status())
            return not await wire.ended()
    except (ssl.SSLError, ConnectionError):
        return False


def without_certificate(secure: Secure) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=secure.ours.file)


def of_another_authority(secure: Secure) -> ssl.SSLContext:
    return secure.theirs.client("vpn.example.org", trusting=secure.ours)


def expired(secure: Secure) -> ssl.SSLContext:
    return secure.ours.client("vpn.example.org", lasts=timedelta(hours=-1))


def old_tls(secure: Secure) -> ssl.SSLContext:
    context = secure.ours.client("vpn.example.org")
    context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    context.set_ciphers("ALL:@SECLEVEL=0")
    return context


@pytest.mark.requirement(38)
@pytest.mark.parametrize("client", [without_certificate, of_another_authority, expired, old_tls])
async def test_nobody_comes_in_without_a_certificate_of_ours(
    secure: Secure, client: Callable[[Secure], ssl.SSLContext]
) -> None:
    await secure.world.put(roaming(), a_client("lan"))
    assert not await comes_in(secure, client(secure))
    await secure.until_turned_away("tls")
    assert secure.world.counted("vestibule_radius_packets_total", kind="status") == 0


async def test_a_certificate_of_nobody_from_nowhere_is_ended(secure: Secure) -> None:
    await secure.world.put(roaming())
    async with secure.wire(secure.ours.client("somebody")) as wire:
        wire.send(wire.status())
        assert await wire.ended()
    assert secure.turned_away("unknown client") == 1


async def test_a_client_without_a_network_asks_over_http_alone_whatever_a_certificate_says(secure: Secure) -> None:
    await secure.world.put(replace(roaming(), networks=()))
    async with secure.wire(secure.ours.client("vpn.example.org")) as wire:
        wire.send(wire.status())
        assert await wire.ended()
    assert secure.turned_away("unknown client") == 1


async def test_a_client_that_is_removed_is_gone_with_its_next_packet(secure: Secure) -> None:
    await secure.world.put(roaming())
    async with secure.wire(secure.ours.client("vpn.example.org")) as wire:
        assert (await wire.ask(wire.status())).code == Code.ACCESS_ACCEPT
        await secure.world.store.change(lambda writing: writing.remove(Client, "vpn.example.org"))
        wire.send(wire.status())
        assert await wire.ended()


def test_names_come_from_the_alternative_names_first() -> None:
    subject = ((("countryName", "AT"),), (("commonName", "One"),))
    assert names_in({"subject": subject}) == ("one",)
    assert names_in({"subject": subject, "subjectAltName": (("DNS", "Two"), ("email", "x@y"))}) == ("two",)
    assert names_in(None) == ()


# -- what a connection may do -------------------------------------------------------------------------------------


async def test_one_connection_carries_sign_ins_accounting_and_signs_of_life(secure: Secure) -> None:
    alice = await secure.world.person("alice")
    await secure.world.put(roaming())
    async with secure.wire(secure.ours.client("vpn.example.org")) as wire:
        requests = [wire.request("alice", alice.press()) for _ in range(20)]
        wire.send(b"".join(requests))
        replies = [await wire.next() for _ in requests]
        by_number = {request[1]: request for request in requests}
        codes = [wire.read(reply, by_number[reply[1]]).code for reply in replies]
        assert codes == [Code.ACCESS_ACCEPT] * 20
        assert (await wire.ask(wire.report(1))).code == Code.ACCOUNTING_RESPONSE
        assert (await wire.ask(wire.status())).code == Code.ACCESS_ACCEPT
    assert len(await secure.world.journal("accounting")) == 1


@pytest.mark.requirement(40)
async def test_the_same_packet_gets_the_same_answer_also_on_the_next_connection(secure: Secure) -> None:
    alice = await secure.world.person("alice")
    await secure.world.put(roaming())
    context = secure.ours.client("vpn.example.org")
    async with secure.wire(context) as wire:
        request = wire.request("alice", alice.press())
        wire.send(request)
        first = await wire.next()
        wire.send(request)
        assert await wire.next() == first
    async with secure.wire(context) as wire:
        wire.send(request)
        assert await wire.next() == first
    assert len(await secure.world.journal()) == 1


async def test_a_question_that_is_answered_elsewhere_is_waited_for(secure: Secure) -> None:
    await secure.world.put(roaming())
    await secure.world.person("alice", method="tap")
    async with secure.wire(secure.ours.client("vpn.example.org")) as wire:
        request = wire.request("alice", "")
        wire.send(request)
        await secure.world.approve(await secure.world.postbox.next())
        assert wire.read(await wire.next(), request).code == Code.ACCESS_ACCEPT


@pytest.mark.requirement(43)
@pytest.mark.parametrize(
    ("octets", "why"),
    [
        (b"\1\7\0\x13" + bytes(15), "malformed"),
        (b"\1\7\xff\xff", "malformed"),
        (b"\1\7\0\x16" + bytes(16) + b"\1\1", "malformed"),
        (b"GET / HTTP/1.1\r\n\r\n", "malformed"),
    ],
)
async def test_nonsense_ends_the_connection_and_no_other(secure: Secure, octets: bytes, why: str) -> None:
    await secure.world.put(roaming())
    context = secure.ours.client("vpn.example.org")
    async with secure.wire(context) as wire, secure.wire(context) as other:
        assert (await wire.ask(wire.status())).code == Code.ACCESS_ACCEPT
        wire.send(octets + wire.status())
        assert await wire.ended()
        assert (await other.ask(other.status())).code == Code.ACCESS_ACCEPT
    assert secure.turned_away(why) == 1


@pytest.mark.requirement(38)
async def test_another_secret_ends_the_connection(secure: Secure) -> None:
    await secure.world.put(roaming())
    async with secure.wire(secure.ours.client("vpn.example.org")) as wire:
        wire.secret = b"testing123"
        wire.send(wire.status())
        assert await wire.ended()
    assert secure.turned_away("not authentic") == 1


# -- who is slow, and how many ------------------------------------------------------------------------------------


@pytest.mark.requirement(53)
async def test_half_a_packet_is_waited_for_a_while_only(quick: Secure) -> None:
    await quick.world.put(roaming())
    async with quick.wire(quick.ours.client("vpn.example.org")) as wire:
        assert (await wire.ask(wire.status())).code == Code.ACCESS_ACCEPT
        wire.send(wire.status()[:30])
        assert await wire.ended()
    assert quick.turned_away("does not finish") == 1


@pytest.mark.requirement(53)
async def test_who_does_not_read_is_ended(quick: Secure) -> None:
    await quick.world.put(roaming())
    async with quick.wire(quick.ours.client("vpn.example.org")) as wire:
        wire.writer.transport.pause_reading()  # type: ignore[attr-defined]
        states: list[Pair] = [(Attribute.PROXY_STATE, bytes(253))] * 15
        big = wire.status(*states)
        for _ in range(5000):
            if quick.turned_away("does not read"):
                break
            wire.send(big)
            await checkpoint()
        await quick.until_turned_away("does not read")


@pytest.mark.requirement(53)
async def test_who_never_shakes_hands_is_ended_and_keeps_nobody_out(quick: Secure) -> None:
    await quick.world.put(roaming())
    idle = [await asyncio.open_connection(*quick.address, local_addr=("127.0.0.2", 0)) for _ in range(33)]
    await quick.until_turned_away("too many")
    async with quick.wire(quick.ours.client("vpn.example.org")) as wire:
        assert (await wire.ask(wire.status())).code == Code.ACCESS_ACCEPT
    for reader, writer in idle:
        async with asyncio.timeout(PATIENCE):
            assert await reader.read() == b""
        writer.close()
    assert quick.turned_away("tls") == 32


async def test_no_more_connections_than_may_be_are_open(quick: Secure) -> None:
    await quick.world.put(roaming())
    context = quick.ours.client("vpn.example.org")
    wires = []
    for _ in range(QUICK.connections):
        reader, writer = await asyncio.open_connection(*quick.address, ssl=context)
        wires.append(Wire(reader, writer))
        await wires[-1].ask(wires[-1].status())
    with pytest.raises((ConnectionError, ssl.SSLError)):
        async with quick.wire(context) as one_more:
            await one_more.ask(one_more.status())
    assert quick.world.counted("vestibule_radsec_connections") == QUICK.connections
    for wire in wires:
        wire.writer.close()
    async with asyncio.timeout(PATIENCE):
        while quick.world.counted("vestibule_radsec_connections"):
            await checkpoint()


# -- certificates that change -------------------------------------------------------------------------------------


async def test_new_files_are_taken_for_new_connections_and_broken_ones_are_not(secure: Secure) -> None:
    await secure.world.put(roaming())
    old, new = secure.ours.client("vpn.example.org"), secure.theirs.client("vpn.example.org", trusting=secure.ours)
    async with secure.wire(old) as wire:
        await wire.ask(wire.status())
        assert not await asyncio.to_thread(secure.tls.look)
        kept = await asyncio.to_thread(secure.ours.file.read_bytes)
        await asyncio.to_thread(secure.ours.file.write_text, "nothing")
        assert not await asyncio.to_thread(secure.tls.look)
        async with secure.wire(old) as still:
            await still.ask(still.status())
        await asyncio.to_thread(shutil.copy, secure.theirs.file, secure.ours.file)
        assert await asyncio.to_thread(secure.tls.look)
        async with secure.wire(new) as fresh:
            await fresh.ask(fresh.status())
        assert not await comes_in(secure, old)
        assert (await wire.ask(wire.status())).code == Code.ACCESS_ACCEPT
        await asyncio.to_thread(secure.ours.file.write_bytes, kept)


# -- radsecproxy --------------------------------------------------------------------------------------------------

PROXY = """
ListenUDP 127.0.0.1:{port}
LogLevel 4
tls default {{
    CACertificateFile {authority}
    CertificateFile {certificate}
    CertificateKeyFile {key}
}}
client 127.0.0.1 {{
    type udp
    secret testing123
}}
server vestibule {{
    type tls
    host {host}
    port {server}
    secret radsec
    StatusServer on
}}
realm * {{
    server vestibule
}}
"""


@asynccontextmanager
async def radsecproxy(
    folder: Path, server: Address, authority: Path, files: tuple[Path, Path]
) -> AsyncIterator[Address]:
    """Run it between radclient and us."""
    port, (certificate, key) = free_port(), files
    text = PROXY.format(
        folder=folder,
        port=port,
        host=server[0],
        server=server[1],
        authority=authority,
        certificate=certificate,
        key=key,
    )
    await asyncio.to_thread((folder / "proxy.conf").write_text, text)
    process = await asyncio.create_subprocess_exec(
        "/usr/sbin/radsecproxy", "-f", "-c", str(folder / "proxy.conf"), stderr=asyncio.subprocess.PIPE
    )
    assert process.stderr
    try:
        async with asyncio.timeout(PATIENCE):
            said = await process.stderr.readuntil(b"listening for udp")
        assert said
        reading = asyncio.create_task(process.stderr.read())
        yield "127.0.0.1", port
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()
    await reading


ASK = 'User-Name = "alice", User-Password = "{}"'
TESTING = b"testing123"


async def test_radsecproxy_carries_a_client_that_speaks_udp(secure: Secure, tmp_path: Path) -> None:
    alice = await secure.world.person("alice", groups=("staff",))
    await secure.world.group("staff", ("Class", "inside"))
    await secure.world.put(a_client("proxy.example.org", networks=ELSEWHERE))
    files = secure.ours.issue("proxy.example.org")
    async with radsecproxy(tmp_path, secure.address, secure.ours.file, files) as proxy:
        asked = await radclient(proxy, ASK.format("secret"), secret=TESTING)
        assert asked.packet == "Access-Challenge", asked.text
        state = asked.attributes["State"][0]
        typed = f"{ASK.format(alice.press())}, State = {state}"
        accepted = await radclient(proxy, typed, secret=TESTING)
        assert accepted.packet == "Access-Accept", accepted.text
        assert accepted.attributes.get("Class") == ["0x" + b"inside".hex()]
        refused = await radclient(proxy, ASK.format("wrong"), secret=TESTING)
        assert refused.packet == "Access-Reject", refused.text


@pytest.mark.requirement(38)
async def test_radsecproxy_with_another_authoritys_certificate_gets_nowhere(secure: Secure, tmp_path: Path) -> None:
    await secure.world.person("alice")
    await secure.world.put(a_client("proxy.example.org"))
    files = secure.theirs.issue("proxy.example.org")
    async with radsecproxy(tmp_path, secure.address, secure.ours.file, files) as proxy:
        asked = await radclient(proxy, ASK.format("secret"), secret=TESTING, options="-t 1")
        assert asked.packet in {"", "Access-Reject"}
        await secure.until_turned_away("tls")
    assert await secure.world.journal() == []


async def test_the_program_listens_where_the_file_says(tmp_path: Path) -> None:
    home, ours = Home.lay_out(tmp_path), Authority.made(tmp_path / "ours")
    certificate, key = ours.issue("server", "localhost", address="127.0.0.1")
    with home.configuration.open("a") as file:
        file.write(
            f'[radsec]\nlisten = ["127.0.0.1:0"]\ncertificate_files = ["{certificate}", "{key}"]\n'
            f'client_ca_file = "{ours.file}"\n'
        )
    async with home.opened() as store:
        await store.change(lambda writing: writing.put(roaming()))
    async with running(home) as server:
        reader, writer = await asyncio.open_connection(*server.radsec[0], ssl=ours.client("vpn.example.org"))
        wire = Wire(reader, writer)
        assert (await wire.ask(wire.status())).code == Code.ACCESS_ACCEPT
        writer.close()
