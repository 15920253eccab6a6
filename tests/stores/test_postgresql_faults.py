"""A PostgreSQL that stops, dies, freezes, moves or loses an answer: waits end, and nobody is let in twice."""

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import asyncpg
import pytest

from tests.conformance.store.opening import lines_of, look, putting, sign_in, soon
from tests.conformance.store.settling import counting
from tests.conformance.store.sign_ins import SEED, START, VPN, Desk, code, person, token
from tests.stores.lossy import lossy_way
from tests.stores.postgresql import Server, Template, laid_out, open_node
from vestibule.core.case import Key, KeyKind, Step
from vestibule.core.decisions import Accept, Reject
from vestibule.core.errors import Unavailable
from vestibule.core.failures import FailureKind
from vestibule.core.users import User
from vestibule.stores.chain import first_fault
from vestibule.stores.sql import SqlStore
from vestibule.stores.sql.postgresql.connecting import Bounds

BOUNDS = Bounds(connect_seconds=1.0, statement_seconds=1.0)
LONGEST = 8.0  # seconds that anything may take while the database is away
ZOE = Key(KeyKind.NAME, "zoe", "here")


@pytest.fixture(scope="module")
def template() -> Iterator[Template]:
    """A server of this module's own, to be ill-treated."""
    server = Server.made()
    yield laid_out(server)
    server.remove()


@dataclass
class Crowd:
    """Zoe signs in again and again, each code sent twice, whatever happens to the database."""

    store: SqlStore
    ended: bool = False
    accepted: Counter[str] = field(default_factory=Counter)
    refused: int = 0
    away: int = 0
    longest: float = 0.0
    turn: int = 0

    async def run(self) -> None:
        desk = Desk(self.store)
        while not self.ended:
            self.turn += 1
            at = START + 30 * self.turn
            await asyncio.gather(self.one(desk, at), self.one(desk, at))

    async def one(self, desk: Desk, at: float) -> None:
        begun = time.monotonic()
        try:
            turn = await desk.began("zoe", code(at), at)
        except Unavailable:
            self.away += 1
        else:
            self.accepted[code(at) + str(at)] += isinstance(turn.decision, Accept)
            self.refused += isinstance(turn.decision, Reject)
        self.longest = max(self.longest, time.monotonic() - begun)

    async def until(self, holds: Callable[[], bool]) -> None:
        """Let it go on until this holds."""
        while not holds():  # noqa: ASYNC110 - the crowd's own turns make it true
            await asyncio.sleep(0)

    async def some_more(self) -> None:
        """Let twenty more be answered."""
        wanted = self.refused + 20
        await self.until(lambda: self.refused >= wanted)


@pytest.fixture
async def crowd(template: Template) -> AsyncIterator[Crowd]:
    store = await open_node(await template.copy(), template.vault, bounds=BOUNDS)
    await store.change(putting(VPN, person("zoe"), token("zoe"), SEED))
    crowd = Crowd(store)
    running = asyncio.create_task(crowd.run())
    yield crowd
    crowd.ended = True
    await running
    assert max(crowd.accepted.values()) == 1
    assert crowd.longest < LONGEST
    await verify(store, template, accepted=sum(crowd.accepted.values()), unheard=crowd.away)
    await store.close()


async def verify(store: SqlStore, template: Template, *, accepted: int, unheard: int) -> None:
    """Every accept is in the journal once; one more may be for each caller that heard nothing."""
    lines = await lines_of(store)
    written = Counter(line.entry.at for line in lines if line.entry.accepted)
    assert max(written.values(), default=1) == 1
    assert accepted <= len(written) <= accepted + unheard
    for head in await store.read(lambda reading: reading.chains()):
        chain = [line for line in lines if line.chain == head.chain]
        key = template.vault.derive("journal", head.chain.encode()).reveal()
        assert first_fault(chain, key, head.first_previous_mac, head.first_seq) is None


@pytest.mark.requirement(44)
@pytest.mark.requirement(53)
@pytest.mark.parametrize("ending", ["stop", "kill"])
async def test_a_server_that_ends_under_load_is_found_again(crowd: Crowd, template: Template, ending: str) -> None:
    await crowd.some_more()
    await asyncio.to_thread(getattr(template.server, ending))
    try:
        await crowd.until(lambda: crowd.away > 0)
    finally:
        await asyncio.to_thread(template.server.start)
    await crowd.some_more()


@pytest.mark.requirement(53)
async def test_a_short_restart_is_bridged(crowd: Crowd, template: Template) -> None:
    await crowd.some_more()
    await asyncio.to_thread(template.server.stop)
    await asyncio.to_thread(template.server.start)
    await crowd.some_more()
    assert crowd.longest < LONGEST


@pytest.mark.requirement(44)
@pytest.mark.requirement(53)
async def test_a_server_that_stands_still_keeps_nobody_waiting(crowd: Crowd, template: Template) -> None:
    await crowd.some_more()
    with template.server.frozen():
        await crowd.until(lambda: crowd.away > 100)
        begun = time.monotonic()
        with pytest.raises(Unavailable):
            await crowd.store.read(lambda reading: reading.count(User))
        with pytest.raises(Unavailable):
            await crowd.store.change(putting(VPN))
        assert time.monotonic() - begun < LONGEST
    await crowd.some_more()


@pytest.mark.requirement(44)
async def test_a_deadline_is_kept_while_the_server_stands_still(template: Template) -> None:
    store = await open_node(await template.copy(), template.vault)
    with template.server.frozen():
        begun = time.monotonic()
        with pytest.raises(Unavailable):
            await store.settle(ZOE, "event", counting, begun + 0.5)
        assert 0.5 <= time.monotonic() - begun < 2.0
    assert (await store.settle(ZOE, "event", lambda case: Step(case, Accept("zoe")), soon())).decision
    assert len(await lines_of(store)) <= 1
    await store.close()


@pytest.mark.requirement(40)
@pytest.mark.requirement(48)
async def test_a_commit_whose_answer_was_lost_is_not_decided_again(template: Template, tmp_path: Path) -> None:
    url = await template.copy()
    async with lossy_way(tmp_path, template.server.folder) as way:
        store = await open_node(url.replace(str(template.server.folder), str(tmp_path)), template.vault)
        await store.change(putting(User("1", "zoe", "zoe")))
        for turn in range(1, 4):
            way.lose = True
            step = await store.settle(ZOE, f"event {turn}", counting, soon())
            assert step.decision is not None
            assert way.lost == turn
            assert (await look(store, ZOE)).failures[FailureKind.SOURCE, "here"].count == turn
        await verify(store, template, accepted=0, unheard=0)
        assert len(await lines_of(store)) == 3
        assert len({head.chain for head in await store.read(lambda reading: reading.chains())}) == 4
        await store.close()


async def test_a_change_whose_answer_was_lost_says_so_and_the_store_goes_on(template: Template, tmp_path: Path) -> None:
    url = await template.copy()
    async with lossy_way(tmp_path, template.server.folder) as way:
        store = await open_node(url.replace(str(template.server.folder), str(tmp_path)), template.vault)
        way.lose = True
        with pytest.raises(Unavailable):
            await store.change(lambda writing: writing.note(sign_in()))
        await store.change(lambda writing: writing.note(sign_in()))
        assert len(await lines_of(store)) == 2
        await store.close()


@pytest.mark.requirement(53)
async def test_a_changed_password_is_asked_for_at_the_next_connection(template: Template) -> None:
    url, server = await template.copy(), template.server
    await server.command("CREATE ROLE guarded LOGIN SUPERUSER PASSWORD 'first'")
    rules = server.folder / "data" / "pg_hba.conf"
    rules.write_text(f"local all guarded scram-sha-256\n{rules.read_text()}")
    await server.command("SELECT pg_reload_conf()")
    password = "first"

    def address() -> str:
        return url.replace("vestibule@", f"guarded:{password}@")

    store = await open_node(address(), template.vault, current_url=address)
    password = "second"
    await server.command("ALTER ROLE guarded PASSWORD 'second'")
    cut = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE usename = 'guarded'"
    await server.command(cut)
    async with asyncio.timeout(LONGEST):
        while True:
            with contextlib.suppress(Unavailable):
                await look(store, ZOE)
                break
    await store.close()


async def test_a_wrong_password_stops_the_start_without_repeating_it(template: Template) -> None:
    url = template.server.url("nothing_of_this_name").replace("vestibule@", "vestibule:canary-secret@")
    with pytest.raises(Unavailable) as stopped:
        await open_node(url, template.vault)
    assert "canary" not in repr(stopped.value)


@pytest.mark.requirement(53)
async def test_a_slow_statement_is_given_up(template: Template) -> None:
    url = await template.copy()
    store = await open_node(url, template.vault, bounds=BOUNDS)
    holder = await asyncpg.connect(url)
    try:
        await holder.execute("BEGIN; LOCK TABLE settled")
        begun = time.monotonic()
        with pytest.raises(Unavailable):
            await store.settle(ZOE, "event", counting, begun + 3.0)
        assert time.monotonic() - begun < LONGEST
    finally:
        await holder.close()
    assert (await look(store, ZOE)).user is None
    await store.close()
