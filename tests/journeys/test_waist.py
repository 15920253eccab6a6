"""Sign-ins that are answered elsewhere, through real RADIUS sockets, on both stores.

The method is a tap on a number and the channel a postbox: what holds for them holds for every push, call and text.
"""

import asyncio
from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from tests.journeys.nas import Nas, nas, typed_state
from tests.journeys.world import Person, World, a_client, in_process, sqlite_store
from tests.waist.methods import Tap
from vestibule.core.clients import SignIn
from vestibule.core.credentials import Credential, Seed
from vestibule.core.decisions import Accept, Reject
from vestibule.core.errors import Unavailable
from vestibule.core.messages import Delivery, Message
from vestibule.core.outbox import OutboxRow
from vestibule.core.ports import Store
from vestibule.core.reasons import Reason
from vestibule.core.secret import Secret
from vestibule.wire.radius.packet import Attribute, Code

PARKED = 3000
TOGETHER = 100  # asked at once, well within the socket's buffer


async def tapper(world: World, name: str = "alice", *, with_token: bool = False) -> Person:
    await world.put(a_client())
    person = await world.person(name, method="tap")
    if with_token:
        seed = Seed("seed", Secret(person.secret))
        await world.put(seed, Credential("token", "hotp", person.user_id, seed_id=seed.id))
    return person


async def asked(world: World, asker: Nas, name: str = "alice") -> tuple[bytes, Message]:
    request = asker.request(name, "secret")
    asker.send(request)
    return request, await world.postbox.next()


async def answer(asker: Nas, request: bytes) -> Code:
    return Code(asker.read(await asker.answer_to(request), request).code)


async def outbox(world: World) -> list[OutboxRow]:
    return await world.store.read(lambda reading: reading.page(OutboxRow, "", 9))


# -- answered elsewhere -------------------------------------------------------------------------------------------


async def test_an_approval_at_another_door_wakes_the_waiting_client(any_world: World) -> None:
    await tapper(any_world)
    async with nas(any_world.radius) as asker:
        request, message = await asked(any_world, asker)
        assert await any_world.approve(message) == Accept("alice")
        assert await answer(asker, request) == Code.ACCESS_ACCEPT
    (entry,) = await any_world.journal()
    assert (entry.method, entry.client_id, entry.accepted) == ("tap", "vpn", True)


@pytest.mark.parametrize(("said", "reason"), [("declined", Reason.DECLINED), ("no number", Reason.WRONG_CODE)])
async def test_a_refusal_at_another_door_refuses_the_waiting_client(
    any_world: World, said: str, reason: Reason
) -> None:
    await tapper(any_world)
    async with nas(any_world.radius) as asker:
        request, message = await asked(any_world, asker)
        assert await any_world.approve(message, said) == Reject(reason)
        assert await answer(asker, request) == Code.ACCESS_REJECT


@pytest.mark.requirement(54)
async def test_whoever_asks_to_be_let_in_can_not_approve_himself(any_world: World) -> None:
    await tapper(any_world)
    async with nas(any_world.radius) as asker:
        request, message = await asked(any_world, asker)
        attempt = await any_world.only_attempt()
        assert attempt.challenge
        state = f"{attempt.id}{attempt.challenge.nonce}".encode()
        forged = await asker.ask(asker.request("alice", attempt.challenge.memory, state=state))
        assert forged.code == Code.ACCESS_REJECT
        await any_world.approve(message)
        assert await answer(asker, request) == Code.ACCESS_ACCEPT


@pytest.mark.requirement(40)
async def test_the_same_packet_while_it_waits_begins_no_second_attempt(any_world: World) -> None:
    await tapper(any_world)
    async with nas(any_world.radius) as asker, nas(any_world.radius) as elsewhere:
        request, message = await asked(any_world, asker)
        for _ in range(3):
            asker.send(request)
            elsewhere.send(request)
        await elsewhere.ask(elsewhere.status())
        await any_world.only_attempt()
        await any_world.approve(message)
        assert await asker.answer_to(request) == await elsewhere.answer_to(request)
    assert any_world.postbox.messages == [message]
    assert len(await any_world.journal()) == 1


@pytest.mark.requirement(40)
async def test_the_same_packet_after_its_answer_was_forgotten_sends_no_second_message(
    template: Path, tmp_path: Path
) -> None:
    async with in_process(await sqlite_store(template, tmp_path)) as world, nas(world.radius) as asker:
        await tapper(world)
        request, message = await asked(world, asker)
        await world.approve(message)
        await answer(asker, request)
        async with in_process(world.store) as twin, nas(twin.radius) as twins:
            twins.send(request)
            assert await answer(twins, request) == Code.ACCESS_ACCEPT
            assert twin.postbox.messages == []


# -- delivery -----------------------------------------------------------------------------------------------------


@dataclass
class Looking:
    """A channel that looks into the store while it sends."""

    store: Store
    outcome: Delivery = Delivery.SENT
    name: str = "test"
    sent: list[Message] = field(default_factory=list)
    seen: asyncio.Queue[OutboxRow | None] = field(default_factory=asyncio.Queue)

    async def send(self, message: Message, deadline: float) -> Delivery:
        self.sent.append(message)
        self.seen.put_nowait(await self.store.read(lambda reading: reading.get(OutboxRow, message.id)))
        return self.outcome


@pytest.mark.parametrize("outcome", [Delivery.SENT, Delivery.UNKNOWN])
async def test_a_message_is_on_disk_before_it_is_sent_and_struck_out_after(
    template: Path, tmp_path: Path, outcome: Delivery
) -> None:
    store = await sqlite_store(template, tmp_path)
    channel = Looking(store, outcome)
    async with in_process(store, channels={"test": channel}) as world, nas(world.radius) as asker:
        await tapper(world)
        request = asker.request("alice", "secret")
        asker.send(request)
        row = await channel.seen.get()
        assert row is not None
        assert (row.message, row.unknown) == (channel.sent[0], False)
        await world.approve(row.message)
        assert await answer(asker, request) == Code.ACCESS_ACCEPT
        await world.authenticate.close()
        left = [(one.id, one.unknown) for one in await outbox(world)]
        assert left == ([] if outcome is Delivery.SENT else [(row.id, True)])
        assert len(channel.sent) == 1


async def test_a_channel_that_hangs_is_given_up_at_the_deadline_and_nothing_is_sent_twice(
    template: Path, tmp_path: Path
) -> None:
    store = await sqlite_store(template, tmp_path)
    hanging = Hanging()
    async with in_process(store, channels={"test": hanging}, tap=Tap(seconds=0.3)) as world:
        await tapper(world)
        async with nas(world.radius) as asker:
            request = asker.request("alice", "secret")
            asker.send(request)
            assert await answer(asker, request) == Code.ACCESS_REJECT
        await world.authenticate.close()
        assert [row.unknown for row in await outbox(world)] == [True]
        assert hanging.called == 1


class Hanging:
    """A channel whose provider never answers."""

    name = "test"
    called = 0

    async def send(self, message: Message, deadline: float) -> Delivery:
        self.called += 1
        await asyncio.Event().wait()
        return Delivery.SENT


@pytest.mark.parametrize("outcome", [Delivery.FAILED, Unavailable("no carrier")], ids=["failed", "unavailable"])
async def test_what_can_not_be_delivered_turns_into_a_question_for_a_code(
    any_world: World, outcome: Delivery | Exception
) -> None:
    any_world.postbox.outcome = outcome
    alice = await tapper(any_world, with_token=True)
    async with nas(any_world.radius) as asker:
        challenge = await asker.ask(asker.request("alice", "secret"))
        assert challenge.code == Code.ACCESS_CHALLENGE
        assert challenge.first(Attribute.REPLY_MESSAGE) == b"Enter your verification code or type one of: tap, code"
        typed = await asker.ask(asker.request("alice", alice.press(), state=typed_state(challenge)))
    assert typed.code == Code.ACCESS_ACCEPT
    await any_world.authenticate.close()
    assert await outbox(any_world) == []


async def test_what_can_not_be_delivered_is_refused_where_nothing_else_can_be_asked(any_world: World) -> None:
    any_world.postbox.outcome = Delivery.FAILED
    await tapper(any_world)
    async with nas(any_world.radius) as asker:
        assert (await asker.ask(asker.request("alice", "secret"))).code == Code.ACCESS_REJECT
    assert [entry.reason for entry in await any_world.journal()] == [Reason.NOT_DELIVERED]


# -- time ---------------------------------------------------------------------------------------------------------


@pytest.mark.requirement(44)
async def test_nobody_answers_within_the_clients_time_and_a_late_answer_finds_nothing(any_world: World) -> None:
    await tapper(any_world)
    await any_world.put(a_client(time_budget=1.0))
    began = asyncio.get_running_loop().time()
    async with nas(any_world.radius) as asker:
        request, message = await asked(any_world, asker)
        assert await answer(asker, request) == Code.ACCESS_REJECT
    assert 0.9 < asyncio.get_running_loop().time() - began < 10
    assert await any_world.approve(message) == Reject(Reason.UNKNOWN_ATTEMPT)
    reasons = [entry.reason for entry in await any_world.journal()]
    assert reasons == [Reason.NO_ANSWER, Reason.UNKNOWN_ATTEMPT]


@pytest.mark.requirement(54)
async def test_an_answer_and_the_end_of_time_together_have_one_outcome(any_world: World) -> None:
    await tapper(any_world)
    async with nas(any_world.radius) as asker:
        request, message = await asked(any_world, asker)
        approved, expired = await asyncio.gather(
            any_world.approve(message), any_world.authenticate.expire(message.attempt_id, message.id)
        )
        said = await answer(asker, request)
    assert [isinstance(approved, Accept), isinstance(expired, Accept)] == [said == Code.ACCESS_ACCEPT] * 2
    assert sum(entry.accepted is True for entry in await any_world.journal()) == (said == Code.ACCESS_ACCEPT)


@pytest.mark.requirement(53)
@pytest.mark.timeout(180)
async def test_thousands_wait_while_others_sign_in_and_each_is_let_in(any_world: World) -> None:
    world = any_world
    await world.put(a_client(), a_client("one shot", SignIn.CODE_ONLY, nas_identifier="one shot"))
    model = await world.person("model", method="tap")
    await world.put(*[record for n in range(PARKED) for record in replace(model, name=f"tapper {n}").records("tap")])
    await world.put(a_client("taps", SignIn.CODE_ONLY, nas_identifier="taps", time_budget=600.0))
    alice = await world.person("alice")
    identifier = (Attribute.NAS_IDENTIFIER, b"taps")
    sockets = [nas(world.radius) for _ in range(12)]
    askers = [await one.__aenter__() for one in sockets]
    requests = [(askers[n % 12], askers[n % 12].request(f"tapper {n}", "", identifier)) for n in range(PARKED)]
    for start in range(0, PARKED, TOGETHER):
        for asker, request in requests[start : start + TOGETHER]:
            asker.send(request)
        for _ in range(TOGETHER):
            await world.postbox.next()
    assert world.counted("vestibule_radius_in_flight") == PARKED
    async with nas(world.radius) as asker:
        for _ in range(20):
            one_shot = asker.request("alice", alice.press(), (Attribute.NAS_IDENTIFIER, b"one shot"))
            assert (await asker.ask(one_shot)).code == Code.ACCESS_ACCEPT
    for start in range(0, PARKED, TOGETHER):
        await asyncio.gather(*map(world.approve, world.postbox.messages[start : start + TOGETHER]))
    codes = Counter([await answer(asker, request) for asker, request in requests])
    for one in sockets:
        await one.__aexit__(None, None, None)
    assert codes == {Code.ACCESS_ACCEPT: PARKED}
    assert world.counted("vestibule_radius_in_flight") == 0
