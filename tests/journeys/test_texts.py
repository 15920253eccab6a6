"""Codes by text through real RADIUS sockets, on both stores: what the person types, what the provider was handed."""

from collections import Counter
from pathlib import Path

import pytest

from tests.delivery.scripted import Scripted, Talker
from tests.delivery.world import BACKUP, NUMBER, sending_world
from tests.journeys.nas import nas, typed_state
from tests.journeys.world import a_client, memory_store, sqlite_store
from vestibule.core.clients import SignIn
from vestibule.core.credentials import Credential
from vestibule.core.delivery import CallEvent, Fault, Outcome, Picked, Pressed, Report, ReportKind, Sent
from vestibule.core.phones import PHONE, Phone
from vestibule.core.ports import Record, Store
from vestibule.core.reasons import Reason, Result
from vestibule.core.sends import SendState
from vestibule.core.users import Mfa, User
from vestibule.wire.radius.packet import Attribute, Code

WAITING = 2000


@pytest.fixture(params=["memory", "sqlite"])
async def store(request: pytest.FixtureRequest, template: Path, tmp_path: Path) -> Store:
    return memory_store() if request.param == "memory" else await sqlite_store(template, tmp_path)


async def test_a_code_by_text_lets_in_once(store: Store) -> None:
    provider = Scripted()
    async with sending_world(store, {"one": provider}) as here, nas(here.world.radius) as asker:
        await here.phone()
        challenge = await asker.ask(asker.request("alice", "secret"))
        assert challenge.code == Code.ACCESS_CHALLENGE
        shown = (challenge.first(Attribute.REPLY_MESSAGE) or b"").decode()
        assert shown.startswith("Enter the code that was sent to …00")
        code = await provider.code()
        state = typed_state(challenge)
        assert (await asker.ask(asker.request("alice", code, state=state))).code == Code.ACCESS_ACCEPT
        assert (await asker.ask(asker.request("alice", code, state=state))).code == Code.ACCESS_REJECT
        await here.quiet()
        assert await here.outbox() == []
        (sent,) = await here.sends()
        assert (sent.state, sent.provider, sent.region, sent.reference) == (
            SendState.ACCEPTED,
            "one",
            "US",
            f"ref-{sent.id}",
        )
        (outgoing,) = provider.sent
        assert (outgoing.id, outgoing.to.address) == (sent.id, NUMBER)
        accepted = [entry for entry in await here.told("sign_in") if entry.accepted]
        assert [(one.method, one.result) for one in accepted] == [("text", Result.TEXT_AUTHENTICATED)]


def only_texts(**more: object) -> Phone:
    return Phone(uses=("text",), vouched=True, changed_at=1.0, proven_at=1.0, **more)  # type: ignore[arg-type]


@pytest.mark.requirement(40)
async def test_the_same_packet_never_sends_a_second_text_from_whatever_port(store: Store) -> None:
    provider = Scripted()
    async with sending_world(store, {"one": provider}) as here:
        await here.phone()
        async with nas(here.world.radius) as asker, nas(here.world.radius) as elsewhere:
            request = asker.request("alice", "secret")
            first = await asker.ask(request)
            for _ in range(3):
                asker.send(request)
                elsewhere.send(request)
            assert typed_state(elsewhere.read(await elsewhere.answer_to(request), request)) == typed_state(first)
            await here.quiet()
        assert len(provider.sent) == 1


@pytest.mark.requirement(40)
async def test_the_twin_node_sends_no_second_text(template: Path, tmp_path: Path) -> None:
    shared, first, twin = await sqlite_store(template, tmp_path), Scripted(), Scripted()
    async with sending_world(shared, {"one": first}) as here, nas(here.world.radius) as asker:
        await here.phone()
        request = asker.request("alice", "secret")
        challenge = await asker.ask(request)
        await here.quiet()
        async with sending_world(shared, {"one": twin}) as there, nas(there.world.radius) as twins:
            answered = await twins.ask(request)
            await there.quiet()
            assert typed_state(answered) == typed_state(challenge)
            code = first.codes()[0]
            typed = await twins.ask(twins.request("alice", code, state=typed_state(challenge)))
            assert typed.code == Code.ACCESS_ACCEPT
        assert (len(first.sent), twin.sent) == (1, [])


async def test_a_text_that_fails_falls_back_to_the_second_number(store: Store) -> None:
    failing = Scripted()
    failing.outcomes.append(Sent(Outcome.REJECTED, fault=Fault.DESTINATION, code="21614"))
    async with sending_world(store, {"one": failing}) as here, nas(here.world.radius) as asker:
        await here.phone(phone=only_texts())
        await here.phone(number=BACKUP, phone=only_texts(), id="second")
        challenge = await asker.ask(asker.request("alice", "secret"))
        await here.quiet()
        first, second = failing.sent
        assert (first.to.address, second.to.address) == (NUMBER, BACKUP)
        code = failing.codes()[1]
        again = await asker.ask(asker.request("alice", code, state=typed_state(challenge)))
        assert again.code == Code.ACCESS_CHALLENGE, "the question was replaced: whoever asked is shown the new one"
        said = await asker.ask(asker.request("alice", code, state=typed_state(again)))
        assert said.code == Code.ACCESS_ACCEPT


async def test_a_wrong_code_is_asked_again_and_the_third_refuses(store: Store) -> None:
    provider = Scripted()
    async with sending_world(store, {"one": provider}) as here, nas(here.world.radius) as asker:
        await here.phone(phone=only_texts())
        reply = await asker.ask(asker.request("alice", "secret"))
        wrong = f"{(int(await provider.code()) + 1) % 10**6:06}"
        codes = []
        for _ in range(3):
            reply = await asker.ask(asker.request("alice", wrong, state=typed_state(reply)))
            codes.append(reply.code)
        assert codes == [Code.ACCESS_CHALLENGE, Code.ACCESS_CHALLENGE, Code.ACCESS_REJECT]
        refused = [entry.result for entry in await here.told("sign_in")]
        assert refused == [Result.TEXT_INCORRECT, Result.TEXT_INCORRECT, Result.TEXT_TRIES_SPENT]
        assert {entry.reason for entry in await here.told("sign_in")} == {Reason.WRONG_CODE}


@pytest.mark.timeout(180)
async def test_two_thousand_telephones_ring_at_once_and_each_lets_in_its_person(store: Store) -> None:
    talker = Talker()
    async with sending_world(store, {"one": talker}) as here:
        world, calls = here.world, Phone(uses=("call",), vouched=True, changed_at=1.0, proven_at=1.0)
        await here.phone()
        await world.put(a_client(sign_in=SignIn.CODE_ONLY, time_budget=600.0))
        for name in ("money_in_day", "money_in_month", "region_money_in_day"):
            await world.set(f"sending.{name}", "100000")
        await world.put(*[record for n in range(WAITING) for record in person_with(n, calls)])
        sockets = [nas(world.radius) for _ in range(8)]
        askers = [await one.__aenter__() for one in sockets]
        requests = [(askers[n % 8], askers[n % 8].request(f"caller {n}", "")) for n in range(WAITING)]
        for start in range(0, WAITING, 100):
            for asker, request in requests[start : start + 100]:
                asker.send(request)
            for _ in range(100):
                await talker.arrived.get()
        assert world.counted("vestibule_radius_in_flight") == WAITING
        for outgoing in talker.sent:
            events: tuple[CallEvent, ...] = (Picked(), Pressed("#", 2.0))
            for number, event in enumerate(events):
                await here.reports.take(
                    "one", Report(f"{outgoing.id}/{number}", ReportKind.CALL, outgoing.id, event=event)
                )
        codes = Counter([asker.read(await asker.answer_to(one), one).code for asker, one in requests])
        for one in sockets:
            await one.__aexit__(None, None, None)
        assert codes == {Code.ACCESS_ACCEPT: WAITING}
        assert len({one.id for one in talker.sent}) == WAITING


def person_with(number: int, phone: Phone) -> list[Record]:
    name, to = f"caller {number}", f"+1425{2_000_000 + 13 * number}"
    user = User(f"id of {name}", name, name, mfa=Mfa.ENFORCED)
    return [user, Credential(f"phone of {name}", PHONE, user.id, memory=phone.text(), reach=to)]
