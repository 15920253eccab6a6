"""One directory is frozen or killed under load: people of others, and our own, sign in as before; nobody is removed.

`VESTIBULE_OUTAGE_SECONDS=60` measures for so long (`make measure-outage`); the usual run takes a moment.
"""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass

import pytest

from tests.apps.cli.terminal import Server, Terminal
from tests.apps.installation import Installation, make_template
from tests.directories.ldap.slapd import BASE, OTHERS, SEARCHER, SEARCHER_SECRET, Slapd, person
from tests.journeys.nas import SECRET, Address, Nas, nas
from vestibule.wire.radius.packet import Code

pytestmark = [pytest.mark.directories, pytest.mark.timeout(600)]

EACH = 30
SECONDS = float(os.environ.get("VESTIBULE_OUTAGE_SECONDS", "2"))
RATES = {"one": 20, "two": 20, "ours": 8}  # sign-ins a second
UNHEARD_SECONDS = 10.0
SLACK_SECONDS = 1.5  # less than a directory that hangs would cost
LOCAL_PASSWORD, THEIR_PASSWORD = "correct horse battery staple", "their password"
ONE, TWO, OURS = ([f"{name}{number}" for number in range(EACH)] for name in ("one", "two", "ours"))


@dataclass(frozen=True)
class World:
    """A server with the people of two directories and of its own."""

    terminal: Terminal
    server: Server
    one: Slapd
    two: Slapd

    @property
    def address(self) -> Address:
        host, _, port = self.server.radius.rpartition(":")
        return host, int(port)


def directory(terminal: Terminal, name: str, people: list[str]) -> Slapd:
    server = Slapd.made([*OTHERS[:3], *(person(one, THEIR_PASSWORD) for one in people)])
    settings = (
        f"servers=ldaps://localhost:{server.tls_port}",
        f"base={BASE}",
        f"bind_name={SEARCHER}",
        f"ca_file={server.certificates.authority}",
        "layout=openldap",
        'items=[{"mfa": "off"}]',
    )
    secret = SEARCHER_SECRET.reveal().decode()
    run(terminal, "directory", "add", name, "ldap", *settings, "--secret-file", "-", given=secret)
    run(terminal, "directory", "sync", name)
    return server


def run(terminal: Terminal, *arguments: str, given: str = "") -> None:
    done = terminal.run(*arguments, given=given)
    assert done.returncode == 0, f"{arguments}: {done.stderr}{done.stdout}"


@pytest.fixture
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    terminal = Terminal(Installation(make_template(tmp_path_factory.mktemp("server"))).environment())
    secret = SECRET.decode()
    run(terminal, "client", "add", "vpn", "127.0.0.0/8", "--secret-file", "-", given=secret)
    names = tmp_path_factory.mktemp("file") / "users.csv"
    names.write_text("\n".join(["name,mfa", *(f"{name},off" for name in OURS), ""]))
    run(terminal, "user", "import", str(names))
    run(terminal, "user", "password", OURS[0], "--password-file", "-", given=LOCAL_PASSWORD)
    with terminal.serving() as server:
        one, two = directory(terminal, "one", ONE), directory(terminal, "two", TWO)
        yield World(terminal, server, one, two)
        one.remove()
        two.remove()


@pytest.fixture
async def sockets(world: World) -> AsyncIterator[list[Nas]]:
    """Several, so that one's answers do not wait for another's."""
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(nas(world.address)) for _ in range(4)]


async def signs_in(asker: Nas, name: str, password: str = THEIR_PASSWORD) -> Code:
    return Code((await asker.ask(asker.request(name, password))).code)


async def all_of(asker: Nas, names: list[str], password: str = THEIR_PASSWORD) -> list[Code]:
    return list(await asyncio.gather(*(signs_in(asker, name, password) for name in names)))


@pytest.mark.requirement(53)
@pytest.mark.parametrize("how", ["frozen", "killed"])
async def test_others_sign_in_while_one_directory_is_out(world: World, sockets: list[Nas], how: str) -> None:
    first, second, third, fourth = sockets
    assert set(await all_of(first, ONE[:5])) == {Code.ACCESS_ACCEPT}
    if how == "frozen":
        world.one.freeze()
    else:
        await asyncio.to_thread(world.one.kill)
    waiting = [asyncio.create_task(signs_in(second, name)) for name in ONE]
    others = await asyncio.gather(all_of(third, TWO), all_of(fourth, 5 * OURS[:1], LOCAL_PASSWORD))
    assert {code for codes in others for code in codes} == {Code.ACCESS_ACCEPT}
    assert not any(task.done() for task in waiting), "an outage is no refusal"
    for task in waiting:
        task.cancel()
    failed = await asyncio.to_thread(world.terminal.run, "directory", "sync", "one")
    assert (failed.returncode, "0 gone" in failed.stdout) == (3, False), failed.stdout + failed.stderr
    blocked = [one["blocked"] for one in world.terminal.json("user", "list", "--json")]
    assert blocked == [None] * (3 * EACH)
    if how == "frozen":
        world.one.thaw()
        while await _again(first, ONE[0]) is not Code.ACCESS_ACCEPT:
            pass


@pytest.mark.parametrize("how", ["frozen", "killed"])
async def test_nobody_else_waits_longer_while_one_directory_is_out(world: World, how: str) -> None:
    """Three streams of sign-ins go on; what others wait while one directory is out is what they waited before."""
    before = await stream(world)
    if how == "frozen":
        world.one.freeze()
    else:
        await asyncio.to_thread(world.one.kill)
    during = await stream(world)
    for who in ("ours", "two"):
        print(f"{how}: {who} before {told(before[who])}, while one is out {told(during[who])}")
        assert len(during[who]) >= len(before[who]) - 2, "some waited in vain"
        assert percentile(during[who], 99) < percentile(before[who], 99) + SLACK_SECONDS
    print(f"{how}: one before {told(before['one'])}, while it is out {len(during['one'])} answers")
    assert len(before["one"]) > len(during["one"]) == 0
    if how == "frozen":
        world.one.thaw()


async def stream(world: World) -> dict[str, list[float]]:
    """Sign-ins at a steady rate; how long each that was let in took, in seconds."""
    took: dict[str, list[float]] = {name: [] for name in RATES}
    async with AsyncExitStack() as stack:
        askers = {name: [await stack.enter_async_context(nas(world.address)) for _ in range(4)] for name in RATES}

        async def one(name: str, turn: int) -> None:
            people = {"one": ONE, "two": TWO, "ours": OURS[:1]}[name]
            password = LOCAL_PASSWORD if name == "ours" else THEIR_PASSWORD
            begun = time.monotonic()
            with suppress(TimeoutError):
                async with asyncio.timeout(UNHEARD_SECONDS):
                    if await signs_in(askers[name][turn % 4], people[turn % len(people)], password) is not None:
                        took[name].append(time.monotonic() - begun)

        async def all_of_one(name: str) -> None:
            loop, tasks, last = asyncio.get_running_loop(), list[asyncio.Task[None]](), asyncio.Event()

            def begin(turn: int) -> None:
                tasks.append(loop.create_task(one(name, turn)))

            for turn in range(many := int(SECONDS * RATES[name])):
                loop.call_later(turn / RATES[name], begin, turn)
            loop.call_later(many / RATES[name], last.set)
            await last.wait()
            await asyncio.gather(*tasks)

        await asyncio.gather(*(all_of_one(name) for name in RATES))
    return took


def percentile(seconds: list[float], part: int) -> float:
    return sorted(seconds)[min(len(seconds) - 1, len(seconds) * part // 100)]


def told(seconds: list[float]) -> str:
    middle, worst = (percentile(seconds, part) * 1e3 for part in (50, 99))
    return f"{len(seconds)} answers, p50 {middle:.0f} ms, p99 {worst:.0f} ms"


async def _again(asker: Nas, name: str) -> Code | None:
    """Ask once more; nothing while the directory is still left alone."""
    try:
        async with asyncio.timeout(1.0):
            return await signs_in(asker, name)
    except TimeoutError:
        return None
