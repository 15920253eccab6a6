"""A PostgreSQL with a synchronous standby under two real servers: what a client was told outlives the primary.

People sign in all the time, each code sent to both nodes, each datagram again and again until it is answered.
"""

import asyncio
import os
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path

import asyncpg
import pytest

from tests.conformance.store.opening import soon
from tests.journeys.nas import Nas, nas
from tests.journeys.program import Server, nursery
from tests.journeys.world import Person
from tests.races.shared import NAMES, insist, laid_out, opened, ready
from tests.races.test_kills import accepts_in_journal
from tests.stores import postgresql
from tests.stores.postgresql import Template, open_node
from tests.stores.postgresql import laid_out as laid_out_on
from vestibule.core.case import Case, Key, KeyKind, Step
from vestibule.core.decisions import Accept
from vestibule.core.errors import Unavailable
from vestibule.stores.sql import SqlStore
from vestibule.stores.sql.postgresql.connecting import Bounds
from vestibule.wire.radius.packet import Code

LOSSES = int(os.environ.get("VESTIBULE_FAILOVERS", "3"))
PEOPLE = 16
LOOK_SECONDS = 0.1
LONGEST = 8.0  # seconds that a node may take to say whether it is ready: twice a statement's limit, and connecting
ZOE = Key(KeyKind.NAME, "zoe", "here")
HASTY = Bounds(connect_seconds=1.0, statement_seconds=0.5)

pytestmark = pytest.mark.timeout(120 + 20 * LOSSES)


@dataclass
class Pair:
    """A primary and the standby that takes over from it, and then the other way round."""

    primary: postgresql.Server
    standby: postgresql.Server

    def url(self, database: str) -> str:
        """Both, the one that is the primary in the beginning first."""
        return self.primary.url(database) + f",{self.standby.folder}"

    async def fail_over(self, end: Callable[[], None]) -> None:
        """The primary ends and the standby takes over."""
        await asyncio.to_thread(end)
        await self.standby.promote()
        self.primary, self.standby = self.standby, self.primary

    async def rejoin(self) -> None:
        """A former primary that is gone comes back, as a standby."""
        if self.standby.process is None:
            await asyncio.to_thread(self.standby.follow, self.primary)


@pytest.fixture
def pair() -> Iterator[Pair]:
    primary = postgresql.Server.made()
    standby = primary.standby()
    yield Pair(primary, standby)
    primary.remove()
    standby.remove()


@pytest.fixture
def template(pair: Pair) -> Template:
    return laid_out_on(pair.primary)


class Load:
    """People who sign in as long as it goes on, and what the nodes say meanwhile."""

    def __init__(self, nodes: list[Server], persons: list[Person]) -> None:
        self.accepted: Counter[str] = Counter()
        self.away = 0
        self.longest = 0.0
        self._persons = persons
        self._nodes = nodes
        self._over = asyncio.Event()
        self._went_on = asyncio.Condition()

    async def sign_in(self, askers: list[Nas], person: Person) -> None:
        """One code after the other, each at both nodes: one of them lets the person in, the other does not."""
        while not self._over.is_set():
            code = person.press()
            replies = await asyncio.gather(*(insist(asker, asker.request(person.name, code)) for asker in askers))
            assert {reply.code for reply in replies} == {Code.ACCESS_ACCEPT, Code.ACCESS_REJECT}, person
            async with self._went_on:
                self.accepted[person.name] += 1
                self._went_on.notify_all()

    async def look(self, node: Server) -> None:
        """Ask a node again and again whether it is ready; it says so in time, be it or not."""
        while not self._over.is_set():
            begun = time.monotonic()
            away = not await ready(node.http)
            self.longest = max(self.longest, time.monotonic() - begun)
            async with self._went_on:
                self.away += away
                self._went_on.notify_all()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._over.wait(), LOOK_SECONDS)

    async def until(self, holds: Callable[[], bool]) -> None:
        async with self._went_on:
            await self._went_on.wait_for(holds)

    async def some_more(self) -> None:
        """Let everybody be let in twice more."""
        wanted = {person.name: self.accepted[person.name] + 2 for person in self._persons}
        await self.until(lambda: all(self.accepted[name] >= count for name, count in wanted.items()))

    def end(self) -> None:
        self._over.set()


@asynccontextmanager
async def load(nodes: list[Server], persons: list[Person]) -> AsyncIterator[Load]:
    """The load, for the time of the block; whatever it finds wrong ends the block."""
    running = Load(nodes, persons)
    async with AsyncExitStack() as sockets, asyncio.TaskGroup() as tasks:
        for person in persons:
            askers = [await sockets.enter_async_context(nas(node.radius)) for node in nodes]
            tasks.create_task(running.sign_in(askers, person))
        for node in nodes:
            tasks.create_task(running.look(node))
        yield running
        running.end()


@pytest.mark.requirement(4)
@pytest.mark.requirement(44)
@pytest.mark.requirement(48)
@pytest.mark.requirement(53)
async def test_what_a_client_was_told_outlives_the_primary(pair: Pair, tmp_path: Path) -> None:
    await pair.primary.command("CREATE DATABASE failing_over")
    homes, persons = await laid_out(tmp_path, pair.url("failing_over"), PEOPLE, "statement_seconds = 1.0\n")
    async with nursery(tmp_path) as start, AsyncExitStack() as started:
        nodes = [await started.enter_async_context(start(home)) for home in homes]
        async with load(nodes, persons) as running:
            await running.some_more()
            for turn, lose in zip(range(LOSSES), cycle(WAYS), strict=False):
                begun = time.monotonic()
                await lose(pair, running)
                print(f"{turn + 1}: {lose.__name__}, everybody let in after {time.monotonic() - begun:.1f} s")
                await pair.rejoin()
        print(f"{running.accepted.total()} let in, away {running.away} times, longest look {running.longest:.1f} s")
        assert running.away > 0
        assert running.longest < LONGEST
        await refused_again(nodes, persons)
    async with opened(homes[0]) as store:
        assert await accepts_in_journal(store) == running.accepted


async def kill_and_start_again(pair: Pair, running: Load) -> None:
    """Nobody takes over; the nodes say that they can do nothing, until the same server is back."""
    before = running.away
    await asyncio.to_thread(pair.primary.kill)
    await running.until(lambda: running.away > before)
    await asyncio.to_thread(pair.primary.start)
    await running.some_more()


async def kill(pair: Pair, running: Load) -> None:
    await pair.fail_over(pair.primary.kill)
    await running.some_more()


async def freeze(pair: Pair, running: Load) -> None:
    """The primary keeps all connections open and says nothing, until nobody needs it any more."""
    before = pair.primary
    with before.frozen():
        await pair.fail_over(lambda: None)
        await running.some_more()
    await asyncio.to_thread(before.kill)


async def stop(pair: Pair, running: Load) -> None:
    await pair.fail_over(pair.primary.stop)
    await running.some_more()


WAYS = (kill_and_start_again, kill, freeze, stop)


async def refused_again(nodes: list[Server], persons: list[Person]) -> None:
    """Send everybody's last code once more, to each node."""
    for node in nodes:
        async with nas(node.radius) as asker:
            for person in persons:
                person.pressed -= 1
            work = [insist(asker, asker.request(person.name, person.press())) for person in persons]
            assert {reply.code for reply in await asyncio.gather(*work)} == {Code.ACCESS_REJECT}


@pytest.mark.requirement(4)
@pytest.mark.requirement(48)
async def test_what_the_standby_has_not_got_is_told_by_no_node(pair: Pair, template: Template) -> None:
    url = await template.copy()
    stores = [await open_node(f"{url},{pair.standby.folder}", template.vault, name, bounds=HASTY) for name in NAMES]
    with pair.standby.frozen():
        for store in stores * 3:
            with pytest.raises(Unavailable):
                await store.settle(ZOE, "event", let_in, time.monotonic() + 2.0)
        assert await asked(url, "SELECT count(*) FROM settled") == 0
    await pair.fail_over(pair.primary.kill)
    for store in stores:
        assert (await sooner_or_later(store)).decision == Accept("zoe")
        await store.close()


def let_in(case: Case) -> Step:
    return Step(case, Accept("zoe"))


async def sooner_or_later(store: SqlStore) -> Step:
    """Tell it the event until the database is back."""
    async with asyncio.timeout(LONGEST):
        while True:
            with suppress(Unavailable):
                return await store.settle(ZOE, "event", let_in, soon())
            await asyncio.sleep(0)


async def asked(url: str, question: str) -> object:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(question)
    finally:
        await connection.close()
