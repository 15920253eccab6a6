"""The same packet again gets the same answer again; another packet with the same code does not."""

import asyncio
import statistics
import time
from collections import defaultdict
from pathlib import Path

import pytest

from tests.journeys.nas import nas
from tests.journeys.world import NOON, World, a_client, in_process, sqlite_store
from vestibule.core.clients import SignIn
from vestibule.core.reasons import Reason, Result
from vestibule.core.users import Block, Mfa, User
from vestibule.frontends.radius.door import JITTER, Manners
from vestibule.wire.radius.packet import Code, Packet

# -- the same packet ----------------------------------------------------------------------------------------------


@pytest.mark.requirement(40)
@pytest.mark.parametrize("typed", ["right", "wrong"])
async def test_the_same_packet_gets_the_same_octets_from_any_port_and_is_decided_once(world: World, typed: str) -> None:
    await world.put(a_client(sign_in=SignIn.CODE_ONLY))
    alice = await world.person("alice")
    async with nas(world.radius) as asker, nas(world.radius) as elsewhere:
        request = asker.request("alice", alice.press() if typed == "right" else alice.wrong())
        asker.send(request)
        first = await asker.answer_to(request)
        asker.send(request)
        elsewhere.send(request)
        assert await asker.answer_to(request) == first
        assert await elsewhere.answer_to(request) == first
    assert len(await world.journal()) == 1
    assert world.counted("vestibule_radius_packets_total", kind="duplicate") == 2
    assert world.counted("vestibule_radius_packets_total", kind="access") == 1


@pytest.mark.requirement(40)
async def test_a_packet_that_comes_again_while_it_is_decided_is_answered_at_each_port_it_came_from(
    world: World,
) -> None:
    await world.put(a_client(sign_in=SignIn.PASSWORD_AND_CODE))
    alice = await world.person("alice")
    async with nas(world.radius) as asker, nas(world.radius) as elsewhere:
        request = asker.request("alice", f"secret{alice.press()}")
        for _ in range(5):
            asker.send(request)
            elsewhere.send(request)
        first = await asker.answer_to(request)
        assert asker.read(first, request).code == Code.ACCESS_ACCEPT
        assert await elsewhere.answer_to(request) == first
    assert world.passwords.begun == 2  # one to make the hash, one to check it
    assert len(await world.journal()) == 1


@pytest.mark.requirement(40)
async def test_a_refusal_that_is_held_back_goes_to_all_who_asked_meanwhile(template: Path, tmp_path: Path) -> None:
    store = await sqlite_store(template, tmp_path)
    async with in_process(store, Manners(reject_delay=0.5)) as world:
        await world.put(a_client(sign_in=SignIn.CODE_ONLY))
        alice = await world.person("alice")
        async with nas(world.radius) as asker, nas(world.radius) as elsewhere:
            request = asker.request("alice", alice.wrong())
            asker.send(request)
            await asker.ask(asker.status())
            elsewhere.send(request)
            assert await asker.answer_to(request) == await elsewhere.answer_to(request)
        assert len(await world.journal()) == 1


async def test_an_answer_is_forgotten_when_its_time_is_over_and_the_store_still_knows(
    template: Path, tmp_path: Path
) -> None:
    store = await sqlite_store(template, tmp_path)
    async with in_process(store, Manners(reject_delay=0.0, remember=0.0)) as world, nas(world.radius) as asker:
        await world.put(a_client(sign_in=SignIn.CODE_ONLY))
        alice = await world.person("alice")
        request = asker.request("alice", alice.press())
        assert await asker.ask(request) == await asker.ask(request)
        assert world.counted("vestibule_radius_packets_total", kind="access") == 2
        assert len(await world.journal()) == 1


# -- the same code ------------------------------------------------------------------------------------------------


@pytest.mark.requirement(4)
async def test_a_fresh_packet_with_a_spent_code_is_refused(world: World) -> None:
    await world.put(a_client(sign_in=SignIn.CODE_ONLY))
    alice = await world.person("alice")
    code = alice.press()
    async with nas(world.radius) as asker:
        assert (await asker.ask(asker.request("alice", code))).code == Code.ACCESS_ACCEPT
        assert (await asker.ask(asker.request("alice", code))).code == Code.ACCESS_REJECT
    assert [entry.result for entry in await world.journal()] == [Result.OATH_VERIFIED, Result.OATH_DUPLICATE]


@pytest.mark.requirement(50)
async def test_a_client_that_may_rejoin_repeats_a_sign_in_within_seconds_from_the_same_place(world: World) -> None:
    await world.put(a_client(sign_in=SignIn.PASSWORD_AND_CODE, rejoin_seconds=10))
    alice = await world.person("alice")
    field = f"secret{alice.press()}"
    async with nas(world.radius) as asker:

        async def code(typed: str, calling: str) -> int:
            return (await asker.ask(asker.request("alice", typed, calling=calling))).code

        assert await code(field, "192.0.2.1") == Code.ACCESS_ACCEPT
        assert await code(field, "192.0.2.1") == Code.ACCESS_ACCEPT
        assert await code(field, "192.0.2.2") == Code.ACCESS_REJECT
        assert await code(f"other{field.removeprefix('secret')}", "192.0.2.1") == Code.ACCESS_REJECT
        world.clock.later(11)
        assert await code(field, "192.0.2.1") == Code.ACCESS_REJECT
    results = [entry.result for entry in await world.journal()]
    assert results == [Result.OATH_VERIFIED, Result.USED_CACHE, *[Result.OATH_DUPLICATE] * 3]


async def test_a_clock_that_was_turned_back_is_the_reason_and_a_resync_the_cure(world: World) -> None:
    await world.put(a_client(sign_in=SignIn.CODE_ONLY))
    alice = await world.person("alice", method="totp")
    world.clock.at = NOON + 7200
    async with nas(world.radius) as asker:
        assert (await asker.ask(asker.request("alice", alice.code()))).code == Code.ACCESS_ACCEPT
        world.clock.at = NOON
        assert (await asker.ask(asker.request("alice", alice.code()))).code == Code.ACCESS_REJECT
        assert (await world.journal())[0].reason is Reason.CLOCK
        await world.resync(alice)
        world.clock.later(60)
        assert (await asker.ask(asker.request("alice", alice.code()))).code == Code.ACCESS_ACCEPT


# -- time ---------------------------------------------------------------------------------------------------------


@pytest.mark.requirement(41)
async def test_refusals_are_held_back_and_let_everybody_else_through(template: Path, tmp_path: Path) -> None:
    """500 are held back at a time, nothing works for them, and 20 sign-ins go through meanwhile."""
    store = await sqlite_store(template, tmp_path)
    async with (
        in_process(store, Manners(reject_delay=3.0)) as world,
        nas(world.radius) as guesser,
        nas(world.radius) as asker,
    ):
        await world.put(a_client(sign_in=SignIn.CODE_ONLY))
        alice = await world.person("alice")
        others = [nas(world.radius) for _ in range(2)]
        guessers = [guesser, *[await other.__aenter__() for other in others]]
        delays = []

        async def refused(one: int) -> None:
            through = guessers[one % 3]
            began = time.monotonic()
            reply = await through.ask(through.request(f"nobody {one}", "000000"))
            assert reply.code == Code.ACCESS_REJECT
            delays.append(time.monotonic() - began)

        guesses = [asyncio.create_task(refused(one)) for one in range(500)]
        while world.counted("vestibule_radius_seconds_count") < 500:
            assert (await asker.ask(asker.status())).code == Code.ACCESS_ACCEPT
        for _ in range(20):
            assert (await asker.ask(asker.request("alice", alice.press()))).code == Code.ACCESS_ACCEPT
        assert world.counted("vestibule_radius_in_flight") == 0
        assert world.counted("vestibule_radius_replies_total", code="ACCESS_REJECT") < 500
        await asyncio.gather(*guesses)
        for other in others:
            await other.__aexit__(None, None, None)
    assert min(delays) >= 3.0


@pytest.mark.requirement(41)
async def test_the_jitter_of_a_refusal_follows_its_own_digest(template: Path, tmp_path: Path) -> None:
    store = await sqlite_store(template, tmp_path)
    async with in_process(store, Manners(reject_delay=0.8)) as world, nas(world.radius) as asker:
        await world.put(a_client(sign_in=SignIn.CODE_ONLY))
        requests = [asker.request(f"nobody {number}", "000000") for number in range(40)]
        began = time.monotonic()

        async def seen(request: bytes) -> tuple[int, float]:
            asker.send(request)
            reply = await asker.answer_to(request)
            return reply[4], time.monotonic() - began

        digests, took = zip(*await asyncio.gather(*map(seen, requests)), strict=True)
    assert min(took) >= 0.8
    assert statistics.correlation(digests, took) > 0.5


@pytest.mark.requirement(23)
async def test_all_refusals_take_alike(template: Path, tmp_path: Path) -> None:
    """Medians of five ways to be refused, asked in turn, lie closer than the jitter blurs them."""
    store = await sqlite_store(template, tmp_path)
    async with in_process(store, Manners(reject_delay=0.3)) as world, nas(world.radius) as asker:
        await world.put(a_client("one field", SignIn.PASSWORD_AND_CODE))
        await world.set("limits.source_tries", "100")
        await world.person("alice")
        await world.person("blocked")
        block = Block(0.0, 1e12, "root", "lost")
        await world.put(User("id of blocked", "blocked", "blocked", mfa=Mfa.ENFORCED, block=block))
        alice = await world.person("alice")
        await world.person("throttled")
        for _ in range(20):
            await world.begin("throttled", "secret000000", "one field", "client:one field")
        tries = {
            "unknown": ("nobody", "secret000000"),
            "wrong password": ("alice", ""),
            "wrong code": ("alice", f"secret{alice.wrong()}"),
            "blocked": ("blocked", "secret000000"),
            "throttled": ("throttled", "secret000000"),
        }
        took: dict[str, list[float]] = defaultdict(list)

        async def measure(kind: str, name: str, typed: str) -> Packet:
            began = time.monotonic()
            reply = await asker.ask(asker.request(name, typed))
            took[kind].append(time.monotonic() - began)
            return reply

        for _ in range(9):
            turn = []
            for kind, (name, typed) in tries.items():
                turn.append(measure(kind, name, typed or f"wrong{alice.press()}"))
            replies = await asyncio.gather(*turn)
            assert {reply.code for reply in replies} == {Code.ACCESS_REJECT}
    medians = {kind: statistics.median(times) for kind, times in took.items()}
    assert min(min(times) for times in took.values()) >= 0.3
    assert max(medians.values()) - min(medians.values()) < 0.3 * JITTER + 0.05, medians
