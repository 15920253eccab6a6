"""Many at once: one code, many guesses, a poisoned neighbour, a database that stands still."""

import asyncio
import sqlite3
from collections import Counter
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from tests.journeys.nas import nas
from tests.journeys.world import World, a_client
from vestibule.core.clients import SignIn
from vestibule.core.reasons import Reason
from vestibule.wire.radius.packet import Code

ROUNDS = 500
CLIENTS = 8


@pytest.mark.requirement(4)
async def test_one_code_sent_by_eight_clients_at_once_lets_in_one_of_them_every_round(world: World) -> None:
    await world.put(a_client(sign_in=SignIn.CODE_ONLY))
    alice = await world.person("alice")
    async with AsyncExitStack() as sockets:
        askers = [await sockets.enter_async_context(nas(world.radius)) for _ in range(CLIENTS)]
        for _ in range(ROUNDS):
            code = alice.press()
            replies = await asyncio.gather(*(one.ask(one.request("alice", code)) for one in askers))
            codes = Counter(reply.code for reply in replies)
            assert codes == {Code.ACCESS_ACCEPT: 1, Code.ACCESS_REJECT: CLIENTS - 1}
    reasons = Counter(entry.reason for entry in await world.journal())
    assert reasons == {None: ROUNDS, Reason.CODE_REUSED: ROUNDS * (CLIENTS - 1)}


@pytest.mark.requirement(20)
async def test_of_two_hundred_guesses_at_once_no_more_than_the_limit_are_hashed(any_world: World) -> None:
    world = any_world
    await world.put(a_client())
    await world.set("limits.source_tries", "3")
    await world.person("alice")
    made = world.passwords.begun
    async with nas(world.radius) as asker:
        guesses = [asker.request("alice", f"guess {number}") for number in range(200)]
        replies = await asyncio.gather(*map(asker.ask, guesses))
    assert {reply.code for reply in replies} == {Code.ACCESS_REJECT}
    assert 1 <= world.passwords.begun - made <= 3
    reasons = Counter(entry.reason for entry in await world.journal())
    assert reasons == {Reason.WRONG_PASSWORD: 3, Reason.THROTTLED: 197}


@pytest.mark.requirement(20)
async def test_guesses_through_several_clients_are_counted_in_one_place(world: World) -> None:
    await world.put(a_client("vpn", nas_identifier="vpn"), a_client("wifi", nas_identifier="wifi"))
    await world.set("limits.source_tries", "3")
    await world.person("alice")
    async with nas(world.radius) as asker:
        guesses = [
            asker.request("alice", f"guess {n}", (32, (b"vpn", b"wifi")[n % 2]), calling="192.0.2.7") for n in range(20)
        ]
        await asyncio.gather(*map(asker.ask, guesses))
    reasons = Counter(entry.reason for entry in await world.journal())
    assert reasons == {Reason.WRONG_PASSWORD: 3, Reason.THROTTLED: 17}


@pytest.mark.requirement(20)
async def test_a_check_that_nobody_could_make_is_given_back(world: World) -> None:
    """The pool is closed, so each check fails; the person is not throttled for it."""
    await world.put(a_client(time_budget=1.5))
    await world.set("limits.source_tries", "1")
    await world.person("alice")
    world.passwords.close()
    async with nas(world.radius) as asker:
        for dropped in range(1, 4):
            asker.send(asker.request("alice", "secret"))
            while world.counted("vestibule_radius_dropped_total", why="unavailable") < dropped:
                await asker.ask(asker.status())
    assert not await world.journal()


@pytest.mark.requirement(21)
async def test_names_that_nobody_has_raise_nobodys_counter(world: World) -> None:
    await world.put(a_client())
    await world.set("limits.source_tries", "1")
    await world.person("alice")
    async with nas(world.radius) as asker:
        for name in ("", "  ", "alice2", "al", "nobody", "\ufeffalice", "alice\t"):
            assert (await asker.ask(asker.request(name, "wrong"))).code == Code.ACCESS_REJECT
        assert (await asker.ask(asker.request("alice", "secret"))).code == Code.ACCESS_CHALLENGE


@pytest.mark.requirement(45)
async def test_one_poisoned_row_in_a_batch_harms_nobody_else(world: World, tmp_path: Path) -> None:
    await world.put(a_client(sign_in=SignIn.CODE_ONLY))
    people = [await world.person(f"user {number}") for number in range(32)]
    with sqlite3.connect(tmp_path / "vestibule.db") as database:
        spoil = "UPDATE seeds SET sealed = zeroblob(64) WHERE id = 'seed of user 7'"
        changed = database.execute(spoil).rowcount
    database.close()
    assert changed == 1
    async with nas(world.radius) as asker:
        requests = [asker.request(person.name, person.press()) for person in people]
        replies = await asyncio.gather(*map(asker.ask, requests))
    assert [number for number, reply in enumerate(replies) if reply.code != Code.ACCESS_ACCEPT] == [7]
    refused = [entry.detail for entry in await world.journal("row.refused")]
    assert refused == [{"row": "seeds/seed of user 7/sealed", "why": "sealed in format 0, this program reads format 1"}]


@pytest.mark.requirement(44)
@pytest.mark.requirement(48)
async def test_a_database_that_stands_still_spends_no_code_and_comes_back(world: World, tmp_path: Path) -> None:
    """Another process holds the write lock for longer than one client waits, and shorter than another."""
    hasty = a_client("hasty", SignIn.CODE_ONLY, nas_identifier="hasty", time_budget=1.0)
    await world.put(hasty, a_client(sign_in=SignIn.CODE_ONLY))
    alice, bob = await world.person("alice"), await world.person("bob")
    lock = sqlite3.connect(tmp_path / "vestibule.db", isolation_level=None)
    lock.execute("BEGIN IMMEDIATE")
    async with nas(world.radius) as asker:
        code = alice.press()
        asker.send(asker.request("alice", code, (32, b"hasty")))
        while not world.counted("vestibule_radius_in_flight"):
            await asker.ask(asker.status())
        asyncio.get_running_loop().call_later(1.1, lock.close)
        came = asker.came
        assert (await asker.ask(asker.request("bob", bob.press()))).code == Code.ACCESS_ACCEPT
        assert "deadline" in str((await world.log.line("unavailable"))["detail"])
        assert asker.came == came + 1
        assert (await asker.ask(asker.request("alice", code))).code == Code.ACCESS_ACCEPT
    assert sorted(entry.user_name for entry in await world.journal()) == ["alice", "bob"]
