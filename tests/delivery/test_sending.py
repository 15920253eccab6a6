"""From the order to carry a message to what became of it: fail-over, limits, what nobody can say, and crashes."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.delivery.scripted import Scripted, Talker
from tests.delivery.world import BACKUP, NUMBER, OLD, Delivering, sending_world
from tests.journeys.world import a_client, make_database, memory_store, sqlite_store
from vestibule.core.attempts import Attempt
from vestibule.core.credentials import Credential, CredentialState
from vestibule.core.decisions import Ask, Decision, Wait
from vestibule.core.delivery import Abilities, Fault, Medium, Outcome, Report, ReportKind, Sent
from vestibule.core.journal import Query
from vestibule.core.messages import Message
from vestibule.core.outbox import OutboxRow
from vestibule.core.phones import CALL_USE, PHONE, TEXT_USE, Phone
from vestibule.core.ports import Store
from vestibule.core.prompts import TypeCode
from vestibule.core.providers import Price, ProviderRecord, Route
from vestibule.core.reasons import Reason, Result
from vestibule.core.secret import Secret
from vestibule.core.sends import OptOut, SendState
from vestibule.flows.authenticate import Choice
from vestibule.flows.breaker import Breaker

KNOWN = Phone(vouched=True, changed_at=OLD, proven_at=OLD)
TEXTS = frozenset({Medium.TEXT})


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_database(tmp_path_factory.mktemp("template") / "vestibule.db")


@pytest.fixture(params=["memory", "sqlite"])
async def store(request: pytest.FixtureRequest, template: Path, tmp_path: Path) -> AsyncIterator[Store]:
    opened = memory_store() if request.param == "memory" else await sqlite_store(template, tmp_path)
    yield opened
    await opened.close()


def rejected(fault: Fault | None = None, **more: object) -> Sent:
    return Sent(Outcome.REJECTED, fault=fault, **more)  # type: ignore[arg-type]


async def begun(here: Delivering, name: str = "alice") -> Decision:
    decision = await here.world.begin(name, "secret")
    await here.quiet()
    return decision


async def states(here: Delivering) -> list[tuple[str, SendState]]:
    return [(one.provider, one.state) for one in await here.sends()]


async def open_attempt(here: Delivering) -> Attempt:
    return await here.world.only_attempt()


# -- one provider after another -------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", [Fault.OTHER, Fault.CONFIGURATION, None])
async def test_what_one_provider_can_not_carry_another_does(store: Store, fault: Fault | None) -> None:
    first, second = Scripted(outcomes=deque([rejected(fault)])), Scripted()
    async with sending_world(store, {"a": first, "b": second}) as here:
        await here.phone()
        assert isinstance(await begun(here), Ask)
        assert await states(here) == [("a", SendState.FAILED), ("b", SendState.ACCEPTED)]
        assert first.codes() == second.codes()
        assert await here.outbox() == []


async def test_a_busy_provider_is_asked_again_and_then_another(store: Store) -> None:
    busy, second = Scripted(outcomes=deque([rejected(Fault.SAME)] * 9)), Scripted()
    async with sending_world(store, {"a": busy, "b": second}) as here:
        await here.phone()
        await begun(here)
        assert (len(busy.sent), len(second.sent)) == (3, 1)


@pytest.mark.parametrize("fault", [Fault.DESTINATION, Fault.POLICY])
async def test_what_is_forbidden_there_is_tried_by_nobody_else_and_another_number_is(
    store: Store, fault: Fault
) -> None:
    first, second = Scripted(outcomes=deque([rejected(fault, code="21614")])), Scripted()
    async with sending_world(store, {"a": first, "b": second}) as here:
        await here.phone(phone=replace(KNOWN, uses=(TEXT_USE,)))
        await here.phone(number=BACKUP, phone=replace(KNOWN, uses=(TEXT_USE,)), id="second")
        await begun(here)
        attempt = await open_attempt(here)
        assert attempt.challenge
        assert attempt.challenge.prompt == TypeCode("…77")
        assert [one.to.address for one in first.sent] == ["+14255550100", BACKUP]
        assert second.sent == []
        (missed,) = await here.told("question.missed")
        assert missed.result is Result.TEXT_NOT_SENT


async def test_what_nobody_can_carry_refuses_with_its_own_result(store: Store) -> None:
    async with sending_world(store, {"a": Scripted(outcomes=deque([rejected(Fault.OTHER)]))}) as here:
        await here.phone(phone=replace(KNOWN, uses=(TEXT_USE,)))
        await begun(here)
        (entry,) = await here.told("sign_in")
        assert (entry.reason, entry.result) == (Reason.NOT_DELIVERED, Result.TEXT_NOT_SENT)
        assert await here.outbox() == []


async def test_a_provider_that_is_switched_off_or_can_not_carry_it_is_passed_over(store: Store) -> None:
    off, calls, third = Scripted(), Scripted(Abilities(frozenset({Medium.CALL}))), Scripted()
    async with sending_world(store, {"a": off, "b": calls, "c": third}) as here:
        await here.phone()
        await here.world.put(ProviderRecord("a", "scripted", "{}", Secret(b""), enabled=False))
        await begun(here)
        assert (len(off.sent), len(calls.sent), len(third.sent)) == (0, 0, 1)


async def test_routes_say_who_carries_what_where_and_shown_from_whom(store: Store) -> None:
    live = {"a": Scripted(), "b": Scripted()}
    async with sending_world(store, dict(live)) as here:
        await here.phone()
        await here.world.put(
            Route("nl", 1, Medium.TEXT, ("NL",), ("a",)),
            Route("all", 2, Medium.TEXT, (), ("b", "a"), (("b", "+14255550199"),)),
        )
        await begun(here)
        assert [one.sender for one in live["b"].sent] == ["+14255550199"]
        assert live["a"].sent == []


def test_a_breaker_opens_waits_and_tries_with_one() -> None:
    breaker, bad, good = Breaker(), rejected(Fault.OTHER), Sent(Outcome.ACCEPTED)
    for at in range(5):
        assert breaker.lets(at)
        breaker.begins(at)
        breaker.ends(bad, at)
    assert [breaker.lets(at) for at in (5.0, 33.9, 34.0)] == [False, False, True]
    breaker.begins(34.0)
    assert not breaker.lets(34.0)
    breaker.ends(bad, 35.0)
    assert [breaker.lets(at) for at in (94.9, 95.0)] == [False, True]
    breaker.begins(95.0)
    breaker.ends(good, 95.0)
    assert breaker.lets(95.1)
    breaker.ends(rejected(Fault.CONFIGURATION), 96.0)
    assert not breaker.lets(97.0)


# -- what nobody can say --------------------------------------------------------------------------------------------


async def test_what_may_have_been_carried_is_unknown_and_never_sent_again(store: Store) -> None:
    first, second = Scripted(outcomes=deque([Sent(Outcome.UNKNOWN)])), Scripted()
    async with sending_world(store, {"a": first, "b": second}) as here:
        await here.phone()
        asked = await begun(here)
        assert await states(here) == [("a", SendState.UNKNOWN)]
        assert [row.unknown for row in await here.outbox()] == [True]
        await here.sweep.outbox(starting=True)
        await here.quiet()
        assert (len(first.sent), second.sent) == (1, [])
        assert isinstance(asked, Ask)
        here.world.clock.later(301)
        await here.sweep.outbox()
        assert await here.outbox() == []


class Crash(Exception):
    """The process ends here."""


async def crashed(here: Delivering, provider: Scripted) -> None:
    """Begin a sign-in whose process ends in the middle of the provider's call."""
    provider.outcomes.append(Crash())
    await here.world.begin("alice", "secret")
    with pytest.raises(Crash):
        await asyncio.gather(*here.world.authenticate._deliveries)
    assert [one.state for one in await here.sends()] == [SendState.DISPATCHING]


@pytest.mark.parametrize(
    ("provider", "sent", "state"),
    [
        (Scripted, 1, SendState.UNKNOWN),
        (lambda: Scripted(Abilities(TEXTS, idempotent=True)), 2, SendState.ACCEPTED),
        (lambda: Asked(Sent(Outcome.ACCEPTED, "found")), 1, SendState.ACCEPTED),
        (lambda: Asked(None), 1, SendState.UNKNOWN),
    ],
    ids=["plain", "idempotent", "it knows", "it does not know"],
)
async def test_after_a_crash_it_is_asked_repeated_or_unknown(
    store: Store, provider: Callable[[], Scripted], sent: int, state: SendState
) -> None:
    live = provider()
    async with sending_world(store, {"a": live}) as here:
        await here.phone(phone=replace(KNOWN, uses=(TEXT_USE,)))
        await crashed(here, live)
        await here.sweep.outbox(starting=True)
        await here.quiet()
        assert await states(here) == [("a", state)]
        assert len(live.sent) == sent
        assert len({one.id for one in live.sent}) == 1
        assert [row.unknown for row in await here.outbox()] == ([True] if state is SendState.UNKNOWN else [])


async def test_what_a_receipt_has_told_of_meanwhile_is_not_sent_again(store: Store) -> None:
    live = Scripted(Abilities(TEXTS, idempotent=True))
    other = Scripted()
    async with sending_world(store, {"a": live, "b": other}) as here:
        await here.phone(phone=replace(KNOWN, uses=(TEXT_USE,)))
        await crashed(here, live)
        await here.reports.take("a", Report("1", ReportKind.DELIVERED, send_id=live.sent[0].id))
        here.world.clock.later(31)  # so that no limit is in its way
        await here.sweep.outbox(starting=True)
        await here.quiet()
        assert (len(live.sent), other.sent) == (1, [])
        assert await here.outbox() == []


async def test_what_is_unknown_stays_so_whoever_is_told_to_send_it(store: Store) -> None:
    live = Scripted(Abilities(TEXTS, idempotent=True))
    async with sending_world(store, {"a": live}) as here:
        await here.phone(phone=replace(KNOWN, uses=(TEXT_USE,)))
        await crashed(here, live)
        (row,) = await here.outbox()
        await here.world.put(replace(row, unknown=True))
        here.world.authenticate.resend(row.message)
        await here.quiet()
        assert len(live.sent) == 1


class Asked(Scripted):
    """A provider that can be asked what became of a send."""

    def __init__(self, known: Sent | None) -> None:
        super().__init__()
        self.known = known

    async def ask(self, send_id: str, reference: str, deadline: float) -> Sent | None:
        return self.known


async def test_what_was_never_begun_is_sent_by_whoever_sweeps(store: Store) -> None:
    provider = Scripted()
    async with sending_world(store, {"a": provider}) as here:
        await here.phone()
        decision = await here.world.begin("alice", "secret")
        for task in tuple(here.world.authenticate._deliveries):
            task.cancel()
        await here.quiet()
        assert isinstance(decision, Ask)
        assert provider.sent == []
        await here.sweep.outbox(starting=True)
        await here.quiet()
        assert await states(here) == [("a", SendState.ACCEPTED)]


async def test_whoever_lost_its_lease_has_nothing_to_say_any_more(store: Store) -> None:
    provider = Scripted(outcomes=deque([rejected(Fault.OTHER)]), held=asyncio.Event())
    async with sending_world(store, {"a": provider, "b": Scripted()}) as here:
        await here.phone()
        await here.world.begin("alice", "secret")
        await provider.arrived.get()
        (row,) = await here.outbox()
        await here.world.put(replace(row, fence=row.fence + 1, leased_by="another"))
        assert provider.held
        provider.held.set()
        await here.quiet()
        assert await states(here) == [("a", SendState.FAILED)]
        assert [one.leased_by for one in await here.outbox()] == ["another"]


# -- when it is not needed, or too late -----------------------------------------------------------------------------


async def test_what_is_not_needed_any_more_is_not_sent(store: Store) -> None:
    provider = Scripted()
    async with sending_world(store, {"a": provider}) as here:
        await here.phone()
        asked = await here.world.begin("alice", "secret")
        assert isinstance(asked, Ask)
        for task in tuple(here.world.authenticate._deliveries):
            task.cancel()
        await here.quiet()
        await here.world.authenticate.expire(asked.attempt_id, asked.nonce)
        await here.sweep.outbox(starting=True)
        await here.quiet()
        assert (provider.sent, await here.outbox()) == ([], [])
        assert len(await here.told("delivery.not_needed")) == 1


async def test_what_was_asked_before_another_way_was_chosen_is_not_sent(store: Store) -> None:
    provider = Talker()
    async with sending_world(store, {"a": provider}) as here:
        await here.phone()
        await here.world.put(a_client(time_budget=60.0))
        asked = await here.world.begin("alice", "secret")
        assert isinstance(asked, Ask)
        for task in tuple(here.world.authenticate._deliveries):
            task.cancel()
        await here.quiet()
        await choose(here, asked, "call/phone of alice")
        await here.sweep.outbox(starting=True)
        await here.quiet()
        assert [one.medium for one in provider.sent] == [Medium.CALL]


async def test_a_call_is_not_begun_when_too_little_time_is_left(store: Store) -> None:
    provider = Talker()
    async with sending_world(store, {"a": provider}) as here:
        await here.phone(phone=replace(KNOWN, uses=(CALL_USE,)))
        await here.world.put(a_client(time_budget=34.0))
        await begun(here)
        assert provider.sent == []
        (refused,) = await here.told("delivery.refused")
        assert refused.detail["why"] == "deadline"


async def test_another_way_hangs_the_call_up(store: Store) -> None:
    provider = Talker()
    async with sending_world(store, {"a": provider}) as here:
        await here.phone(phone=KNOWN)
        await here.world.put(a_client(time_budget=60.0))
        asked = await begun(here)
        assert isinstance(asked, Ask)
        calling = await choose(here, asked, "call/phone of alice")
        assert isinstance(calling, Wait)
        back = await choose(here, calling, "text/phone of alice")
        assert isinstance(back, Ask)
        (call,) = [one for one in await here.sends() if one.medium is Medium.CALL]
        assert call.id in provider.cancelled


async def choose(here: Delivering, asked: Ask | Wait, way: str) -> Decision:
    monotonic = asyncio.get_running_loop().time() + 30
    choice = Choice(f"{asked.nonce}/{way}", "vpn", "alice", asked.attempt_id, asked.nonce, way, monotonic)
    decision = await here.world.authenticate.choose(choice)
    await here.quiet()
    return decision


@pytest.mark.requirement(14)
async def test_the_old_number_is_told_of_a_change_at_once(store: Store) -> None:
    provider = Scripted()
    async with sending_world(store, {"a": provider}) as here:
        await here.phone()
        await begun(here)
        earlier = Credential(
            "earlier",
            PHONE,
            here.people["alice"].user_id,
            state=CredentialState.DISABLED,
            memory=KNOWN.text(),
            reach=NUMBER,
        )
        message = Message("notice", "text", earlier.id, "", "number_changed", here.world.clock() + 600)
        await here.world.put(earlier, OutboxRow(message.id, message, "", 0.0))
        await here.sweep.outbox()
        await here.quiet()
        assert "changed" in provider.sent[-1].text.reveal().decode()


# -- limits ---------------------------------------------------------------------------------------------------------


async def test_who_asks_once_more_too_soon_goes_on_with_the_code_they_have(store: Store) -> None:
    provider = Scripted()
    async with sending_world(store, {"a": provider}) as here:
        await here.phone()
        asked = await begun(here)
        assert isinstance(asked, Ask)
        again = await choose(here, asked, "text/phone of alice")
        assert isinstance(again, Ask)
        (code,) = provider.codes()
        attempt = await open_attempt(here)
        assert attempt.challenge
        assert attempt.challenge.nonce == again.nonce
        assert len(await here.told("delivery.spared")) == 1
        assert await here.outbox() == []
        assert code


async def test_a_limit_that_is_reached_is_told_and_another_way_is_asked(store: Store) -> None:
    provider = Scripted()
    async with sending_world(store, {"a": provider}) as here:
        await here.phone(phone=replace(KNOWN, uses=(TEXT_USE,)))
        for _ in range(4):
            await begun(here)
            here.world.clock.later(40)
        assert len(provider.sent) == 3
        (entry,) = [one for one in await here.told("sign_in") if one.reason]
        assert (entry.reason, entry.result) == (Reason.NOT_DELIVERED, Result.THROTTLED)
        (refused,) = await here.told("delivery.refused")
        assert refused.detail["why"] == "person_in_5_minutes"


async def test_a_try_that_failed_costs_nothing_and_prices_are_kept(store: Store) -> None:
    first = Scripted(outcomes=deque([rejected(Fault.OTHER)]))
    second = Scripted(outcomes=deque([Sent(Outcome.ACCEPTED, "r", cost=90_000, currency="USD")]))
    async with sending_world(store, {"a": first, "b": second}) as here:
        await here.phone()
        await here.world.put(Price("a/text/*", 10_000), Price("b/text/+1425", 20_000), Price("b/text/US", 70_000))
        await begun(here)
        failed, sent = await here.sends()
        assert (failed.reserved, sent.cost, sent.reserved) == (0, 90_000, 90_000)
        spent = await here.spent()
        assert set(spent.values()) == {90_000}


@pytest.mark.requirement(25)
@pytest.mark.parametrize(
    ("number", "phone", "why"),
    [
        ("+18765550100", Phone(uses=(CALL_USE,), vouched=True, changed_at=OLD), "dear_region"),
        ("+881612345678", Phone(uses=(TEXT_USE,), vouched=True, changed_at=OLD), "no_region"),
        ("+19005550123", Phone(uses=(TEXT_USE,), vouched=True, changed_at=OLD), "number_type"),
        ("+14255550100", Phone(uses=(TEXT_USE,), changed_at=OLD), "region"),
    ],
)
async def test_what_the_shield_forbids_is_not_sent(store: Store, number: str, phone: Phone, why: str) -> None:
    provider = Scripted()
    async with sending_world(store, {"a": provider}) as here:
        await here.phone(number=number, phone=phone)
        await here.world.put(a_client(time_budget=60.0))
        await begun(here)
        assert provider.sent == []
        (refused,) = await here.told("delivery.refused")
        assert refused.detail["why"] == why


async def test_who_wants_no_texts_gets_none(store: Store) -> None:
    provider = Scripted()
    async with sending_world(store, {"a": provider}) as here:
        await here.phone()
        await here.world.put(OptOut(here.digest("+14255550100"), 0.0))
        await begun(here)
        assert [one for one in provider.sent if one.medium is Medium.TEXT] == []


@pytest.mark.requirement(47)
async def test_no_line_holds_a_number_an_address_or_a_code(store: Store) -> None:
    provider = Scripted(outcomes=deque([rejected(Fault.OTHER), Sent(Outcome.ACCEPTED)]))
    async with sending_world(store, {"a": provider, "b": Scripted()}) as here:
        await here.phone()
        await begun(here)
        lines = await here.world.store.read(lambda reading: reading.lines(Query(), (0.0, "", 0), 9999))
        said = repr([line.entry for line in lines])
        for secret in ("4255550100", *provider.codes()):
            assert secret not in said
        assert "delivery.accepted" in said
