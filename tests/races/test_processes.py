"""Two real servers on one PostgreSQL and eight clients, each a process of its own: one code lets in one of them."""

import asyncio
import os
import sys
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest

from tests.house.sources import ROOT
from tests.journeys.nas import Address, nas
from tests.journeys.program import nursery, running
from tests.journeys.world import Person
from tests.races.shared import insist, laid_out, opened
from tests.stores import postgresql
from vestibule.core.journal import Query
from vestibule.core.reasons import Reason
from vestibule.wire.radius.packet import Code

ROUNDS = int(os.environ.get("VESTIBULE_RACE_ROUNDS", "60"))
ASKERS = 8
PEOPLE = 20  # in parallel, for a refusal takes its time
END_CONNECTIONS = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE usename = 'changing'"
Asker = asyncio.subprocess.Process

pytestmark = pytest.mark.timeout(60 + ROUNDS)


@pytest.fixture(scope="module")
def server() -> postgresql.Server:
    return postgresql.template().server


@asynccontextmanager
async def asking(address: Address) -> AsyncIterator[Asker]:
    """A client as a process, until the end of the block."""
    command = (sys.executable, "-m", "tests.races.radius_asker", *map(str, address))
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*command, cwd=ROOT, stdin=pipe, stdout=pipe)
    try:
        yield process
    finally:
        process.kill()
        await process.wait()


class Rounds:
    """Everybody sends one code of each person at once; who was let in is counted by person and code."""

    def __init__(self, askers: Sequence[Asker]) -> None:
        self._askers = askers

    async def ready(self) -> None:
        assert [await self._line(asker) for asker in self._askers] == ["ready"] * len(self._askers)

    async def one(self, people: Sequence[Person]) -> Counter[str]:
        """How often each outcome came; all have answered afterwards."""
        lines = [f"{person.name} {person.press()}" for person in people]
        for asker in self._askers:
            assert asker.stdin
            asker.stdin.write("".join(f"{line}\n" for line in lines).encode())
        return Counter([await self._line(asker) for asker in self._askers for _ in lines])

    async def _line(self, asker: Asker) -> str:
        assert asker.stdout
        return (await asker.stdout.readline()).decode().strip()


@pytest.mark.requirement(4)
async def test_of_eight_processes_that_send_one_code_to_two_servers_one_is_let_in_every_round(
    server: postgresql.Server, tmp_path: Path
) -> None:
    await server.command("CREATE DATABASE eight_processes")
    homes, people = await laid_out(tmp_path, server.url("eight_processes"), PEOPLE)
    async with nursery(tmp_path) as start, AsyncExitStack() as started:
        nodes = [await started.enter_async_context(start(home)) for home in homes]
        askers = [await started.enter_async_context(asking(nodes[i % 2].radius)) for i in range(ASKERS)]
        rounds = Rounds(askers)
        await rounds.ready()
        for _ in range(ROUNDS // PEOPLE):
            outcomes = await rounds.one(people)
            accepted = {line: count for line, count in outcomes.items() if line.endswith("Accept")}
            assert list(accepted.values()) == [1] * PEOPLE
            assert outcomes.total() == ASKERS * PEOPLE
    async with opened(homes[0]) as store:
        lines = await store.read(lambda reading: reading.lines(Query(), (0.0, "", 0), 100_000))
    reasons = Counter(line.entry.reason for line in lines if line.entry.action == "sign_in")
    decided = ROUNDS // PEOPLE * PEOPLE
    assert reasons == {None: decided, Reason.CODE_REUSED: decided * (ASKERS - 1)}


@pytest.mark.requirement(53)
async def test_a_password_of_the_database_is_changed_while_people_sign_in(
    server: postgresql.Server, tmp_path: Path
) -> None:
    """The URL stands in a file. The servers go on; an administrator ends their old connections."""
    await server.command("CREATE ROLE changing LOGIN SUPERUSER PASSWORD 'first'")
    await server.command("CREATE DATABASE changing")
    await only_with_password(server, "changing")
    homes, (alice, *_) = await laid_out(tmp_path, server.url("changing"), 1)
    file = tmp_path / "url"
    url = server.url("changing").replace("vestibule@", "changing:{}@")
    await change_password(server, file, url, "first")
    named = ("env", f"VESTIBULE_DATABASE_URL_FILE={file}")
    async with AsyncExitStack() as started:
        nodes = [await started.enter_async_context(running(home, *named)) for home in homes]
        askers = [await started.enter_async_context(nas(node.radius)) for node in nodes]
        for password in ("second", "third", "fourth"):
            await change_password(server, file, url, password)
            assert await server.asked(END_CONNECTIONS) >= len(nodes)
            for asker in askers:
                reply = await insist(asker, asker.request(alice.name, alice.press()))
                assert reply.code == Code.ACCESS_ACCEPT


async def change_password(server: postgresql.Server, file: Path, url: str, password: str) -> None:
    """First in the file, then in the database."""
    await asyncio.to_thread(file.touch, 0o600)
    await asyncio.to_thread(file.write_text, url.format(password))
    await server.command(f"ALTER ROLE changing PASSWORD '{password}'")


async def only_with_password(server: postgresql.Server, role: str) -> None:
    rules = server.folder / "data" / "pg_hba.conf"
    text = await asyncio.to_thread(rules.read_text)
    await asyncio.to_thread(rules.write_text, f"local all {role} scram-sha-256\n{text}")
    await server.command("SELECT pg_reload_conf()")
