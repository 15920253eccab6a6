"""What a client was told outlives the server: the process is killed under load, and watched while it syncs."""

import asyncio
import re
from collections import Counter
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from tests.conformance.store.opening import putting
from tests.journeys.nas import Nas, nas
from tests.journeys.program import Home, Server, nursery, running
from tests.journeys.world import Clock, Person, a_client
from vestibule.core.clients import SignIn
from vestibule.core.credentials import Seed
from vestibule.core.journal import Query
from vestibule.core.ports import Record, Store
from vestibule.wire.radius.packet import Code

PEOPLE = 8
KILLS = 20
PARTS = 2  # side by side where there are workers for it


async def laid_out(folder: Path, people: int = PEOPLE) -> tuple[Home, list[Person]]:
    home = Home.lay_out(folder)
    persons = [Person(f"user {number}", "", Clock()) for number in range(people)]
    records: list[Record] = [a_client(sign_in=SignIn.CODE_ONLY)]
    records += [record for person in persons for record in person.records()]
    async with home.opened() as store:
        await store.change(putting(*records))
    return home, persons


class Load:
    """People who sign in as fast as they are let in, and remember each accept that they saw."""

    def __init__(self, enough: int) -> None:
        self.accepted: Counter[str] = Counter()
        self.seen = asyncio.Event()
        self._enough = enough

    async def sign_in_for_ever(self, asker: Nas, person: Person) -> None:
        while (await asker.ask(asker.request(person.name, person.press()))).code == Code.ACCESS_ACCEPT:
            self.accepted[person.name] += 1
            if self.accepted.total() >= self._enough:
                self.seen.set()


async def load_and_kill(server: Server, persons: list[Person], enough: int) -> Counter[str]:
    load = Load(enough)
    async with AsyncExitStack() as sockets:
        askers = [await sockets.enter_async_context(nas(server.radius)) for _ in persons]
        pairs = zip(askers, persons, strict=True)
        tasks = [asyncio.create_task(load.sign_in_for_ever(*pair)) for pair in pairs]
        await asyncio.wait_for(load.seen.wait(), 30)
        await server.kill()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    return load.accepted


async def accepts_in_journal(store: Store) -> Counter[str]:
    lines = await store.read(lambda reading: reading.lines(Query(accepted=True), (0.0, "", 0), 100_000))
    return Counter(line.entry.user_name for line in lines)


@pytest.mark.requirement(48)
@pytest.mark.requirement(4)
@pytest.mark.timeout(120)
@pytest.mark.parametrize("part", range(PARTS))
async def test_every_accept_that_was_seen_is_in_the_journal_and_spent_after_a_kill(tmp_path: Path, part: int) -> None:
    home, persons = await laid_out(tmp_path)
    seen: Counter[str] = Counter()
    async with nursery(tmp_path) as start:
        for turn in range(KILLS // PARTS):
            async with start(home) as server:
                seen += await load_and_kill(server, persons, 20 + 7 * turn)
            async with home.opened() as store:
                await compare(store, persons, seen)


async def compare(store: Store, persons: list[Person], seen: Counter[str]) -> None:
    """See that what was seen is written and spent; from here on each presses the code that comes next."""
    journalled = await accepts_in_journal(store)
    seeds = await store.read(lambda reading: {seed.id: seed for seed in reading.page(Seed, "", PEOPLE)})
    for person in persons:
        seed = seeds[f"seed of {person.name}"]
        assert seen[person.name] <= journalled[person.name] <= seed.counter
        assert person.pressed - 1 <= seed.counter <= person.pressed
        person.pressed = seed.counter


@pytest.mark.requirement(4)
async def test_a_code_that_was_spent_is_refused_by_the_next_process(tmp_path: Path) -> None:
    home, persons = await laid_out(tmp_path)
    async with nursery(tmp_path) as start:
        async with start(home) as server:
            await load_and_kill(server, persons, 3 * PEOPLE)
        async with start(home) as server, nas(server.radius) as asker:
            codes = await ask_again(asker, persons)
    assert codes == {Code.ACCESS_REJECT}


async def ask_again(asker: Nas, persons: list[Person]) -> set[int]:
    """Send everybody's last code that surely was accepted, all at once."""
    for person in persons:
        person.pressed -= 2
    replies = [asker.ask(asker.request(person.name, person.press())) for person in persons]
    return {reply.code for reply in await asyncio.gather(*replies)}


@pytest.mark.requirement(48)
async def test_a_sync_comes_before_each_answer(tmp_path: Path) -> None:
    home, (alice, *_) = await laid_out(tmp_path, 1)
    trace = tmp_path / "trace"
    watching = (
        "strace",
        "--seccomp-bpf",
        "-f",
        "-e",
        "trace=fsync,fdatasync,sendto,sendmsg,sendmmsg",
        "-o",
        str(trace),
    )
    async with running(home, *watching) as server, nas(server.radius) as asker:
        for _ in range(20):
            reply = await asker.ask(asker.request(alice.name, alice.press()))
            assert reply.code == Code.ACCESS_ACCEPT
    order = "".join(filter(None, map(_call, trace.read_text().splitlines())))
    assert re.fullmatch(r"s*A(s+A){19}s*", order), order


def _call(line: str) -> str:
    """A for an answer that leaves (not for what wakes our own threads, through a socket pair), s for a sync done."""
    if re.search(r"send(to|msg|mmsg)\(", line) and "sa_family=AF_INET" in line:
        return "A"
    return "s" if re.search(r"f(data)?sync\b.*= 0$", line) else ""
