"""What providers tell: receipts and costs, replies, and calls from the ringing to the last word."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.delivery.scripted import Scripted, Talker
from tests.delivery.world import BACKUP, NUMBER, OLD, Delivering, sending_world
from tests.journeys.world import a_client, make_database, memory_store, sqlite_store
from vestibule.core.clients import SignIn
from vestibule.core.decisions import Accept, Decision, Reject, Wait
from vestibule.core.delivery import CallCause, CallEvent, Over, Picked, Pressed, Report, ReportKind, Silence
from vestibule.core.phones import CALL_USE, REPLY_USE, TEXT_USE, Phone
from vestibule.core.ports import Store
from vestibule.core.prompts import AnswerCall
from vestibule.core.reasons import Reason, Result
from vestibule.core.secret import Secret
from vestibule.core.sends import OptOut, Send, SendState

KNOWN = Phone(vouched=True, changed_at=OLD, proven_at=OLD)
OURS = "+14255550199"


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_database(tmp_path_factory.mktemp("template") / "vestibule.db")


@pytest.fixture(params=["memory", "sqlite"])
async def store(request: pytest.FixtureRequest, template: Path, tmp_path: Path) -> AsyncIterator[Store]:
    opened = memory_store() if request.param == "memory" else await sqlite_store(template, tmp_path)
    yield opened
    await opened.close()


class Calling:
    """A call that the test goes through, event by event."""

    def __init__(self, here: Delivering, send: Send) -> None:
        self.here, self.send, self.told = here, send, 0

    async def happens(self, *events: CallEvent) -> None:
        for event in events:
            self.told += 1
            report = Report(f"event {self.told}", ReportKind.CALL, self.send.id, event=event)
            await self.here.reports.take("a", report)
        await self.here.quiet()

    async def keys(self, text: str) -> None:
        await self.happens(*[Pressed(key, 2.0 + n) for n, key in enumerate(text)])


async def ringing(here: Delivering, **phone: object) -> tuple[Decision, Calling]:
    await here.phone(phone=replace(KNOWN, uses=(CALL_USE,), **phone))  # type: ignore[arg-type]
    await here.world.put(a_client(time_budget=60.0))
    waiting = await here.world.begin("alice", "secret")
    await here.quiet()
    (send,) = await here.sends()
    return waiting, Calling(here, send)


async def outcome(here: Delivering, waiting: Decision) -> Decision:
    assert isinstance(waiting, Wait)
    return await here.world.authenticate.look(waiting.attempt_id, "vpn", 0.0)


# -- calls --------------------------------------------------------------------------------------------------------


async def test_a_call_that_is_confirmed_lets_in(store: Store) -> None:
    talker = Talker()
    async with sending_world(store, {"a": talker}) as here:
        waiting, call = await ringing(here)
        await call.happens(Picked())
        await call.keys("#")
        assert await outcome(here, waiting) == Accept("alice")
        assert [say.hang_up for _, say, _ in talker.said] == [False, True]
        (sent,) = await here.sends()
        assert sent.state is SendState.DELIVERED


async def test_a_drawn_digit_is_pressed_where_the_settings_want_one(store: Store) -> None:
    talker = Talker()
    await store.change(lambda writing: writing.set("sending.call_digit", "1"))
    async with sending_world(store, {"a": talker}) as here:
        waiting, call = await ringing(here)
        await call.happens(Picked())
        await call.keys("#")
        assert await outcome(here, waiting) == waiting
        (_, digit, *_), *_ = [say.prompts for _, say, _ in talker.said]
        await call.keys(f"{digit.removeprefix('digit_')}#")
        assert await outcome(here, waiting) == Accept("alice")


async def test_the_same_event_twice_is_one_event(store: Store) -> None:
    talker = Talker()
    async with sending_world(store, {"a": talker}) as here:
        await here.phone()
        await here.pin("alice", "7302")
        waiting, call = await ringing(here, pin=True)
        await call.happens(Picked())
        for _ in range(3):
            call.told = 1
            await call.keys("7")
        assert len({(id, say) for id, say, _ in talker.said[1:]}) == 1, "it is told the same again"
        await call.keys("302#")
        assert await outcome(here, waiting) == Accept("alice")


async def test_a_fraud_is_reported_in_a_call_and_blocks(store: Store) -> None:
    talker = Talker()
    async with sending_world(store, {"a": talker}) as here:
        waiting, call = await ringing(here)
        await call.happens(Picked())
        await call.keys("0#")
        await call.keys("1")
        assert await outcome(here, waiting) == Reject(Reason.FRAUD_REPORTED)
        assert await here.world.begin("alice", "secret") == Reject(Reason.BLOCKED)
        (entry, _) = await here.told("sign_in")
        assert entry.result is Result.FRAUD_CODE


async def test_a_pin_that_must_be_changed_is_changed_in_the_call(store: Store) -> None:
    talker = Talker()
    async with sending_world(store, {"a": talker}) as here:
        await here.phone()
        await here.pin("alice", "7302", must_change=True)
        waiting, call = await ringing(here, pin=True)
        await call.happens(Picked())
        for keys in ("7302#", "8406#", "8406#"):
            await call.keys(keys)
        assert await outcome(here, waiting) == Accept("alice")


@pytest.mark.parametrize(
    ("cause", "result"),
    [
        (CallCause.BUSY, Result.UNREACHABLE),
        (CallCause.NO_ANSWER, Result.UNREACHABLE),
        (CallCause.INVALID_NUMBER, Result.INVALID_NUMBER),
        (CallCause.FAILED, Result.NOT_DELIVERED),
    ],
)
async def test_a_call_that_nobody_answers_is_followed_by_the_next_number(
    store: Store, cause: CallCause, result: Result
) -> None:
    async with sending_world(store, {"a": Talker()}) as here:
        await here.phone()
        await here.phone(number=BACKUP, phone=replace(KNOWN, uses=(CALL_USE,)), id="second")
        _, call = await ringing(here)
        await call.happens(Over(cause))
        attempt = await here.world.only_attempt()
        assert attempt.challenge
        assert attempt.challenge.prompt == AnswerCall("…77")
        (missed,) = await here.told("question.missed")
        assert missed.result is result
        assert sorted(await numbers(here)) == [NUMBER, BACKUP]


async def numbers(here: Delivering) -> list[str]:
    live = here.live["a"]
    assert isinstance(live, Scripted)
    return [one.to.address for one in live.sent]


async def test_who_hangs_up_has_decided_and_nobody_else_is_called(store: Store) -> None:
    talker = Talker()
    async with sending_world(store, {"a": talker}) as here:
        await here.phone()
        await here.phone(number=BACKUP, phone=replace(KNOWN, uses=(CALL_USE,)), id="second")
        waiting, call = await ringing(here)
        await call.happens(Picked(), Over(CallCause.HUNG_UP))
        assert isinstance(await outcome(here, waiting), Reject)
        (entry,) = await here.told("sign_in")
        assert (entry.result, len(talker.sent)) == (Result.HUNG_UP, 1)


@pytest.mark.parametrize(
    ("last", "reason", "result"),
    [
        ((Silence(), Silence()), Reason.WRONG_PIN, Result.PIN_ENTERED),
        ((Pressed("7", 2.0), Over(CallCause.DONE)), Reason.NO_ANSWER, Result.PIN_INCOMPLETE),
        ((Over(CallCause.HUNG_UP),), Reason.NO_ANSWER, Result.HUNG_UP),
    ],
)
async def test_a_call_that_ends_after_a_wrong_pin_says_how(
    store: Store, last: tuple[CallEvent, ...], reason: Reason, result: Result
) -> None:
    async with sending_world(store, {"a": Talker()}) as here:
        await here.phone()
        await here.pin("alice", "7302")
        waiting, call = await ringing(here, pin=True)
        await call.happens(Picked())
        await call.keys("1111#")
        await call.happens(*last)
        assert await outcome(here, waiting) == Reject(reason)
        wrong, end = await here.told("sign_in")
        assert (wrong.reason, wrong.result) == (Reason.WRONG_PIN, Result.PIN_ENTERED)
        assert (end.reason, end.result) == (reason, result)


async def test_a_mailbox_lets_nobody_in(store: Store) -> None:
    async with sending_world(store, {"a": Talker()}) as here:
        waiting, call = await ringing(here)
        await call.happens(Picked(machine=True), Over(CallCause.DONE))
        assert isinstance(await outcome(here, waiting), Reject)
        (entry,) = await here.told("sign_in")
        assert entry.result is Result.NO_INPUT


async def test_silence_is_asked_three_times(store: Store) -> None:
    talker = Talker()
    async with sending_world(store, {"a": talker}) as here:
        waiting, call = await ringing(here)
        await call.happens(Picked(), Silence(), Silence(), Silence(), Over(CallCause.DONE))
        assert isinstance(await outcome(here, waiting), Reject)
        assert [say.hang_up for _, say, _ in talker.said].count(True) == 1


@pytest.mark.requirement(47)
async def test_what_is_keyed_is_not_readable_where_it_is_stored(template: Path, tmp_path: Path) -> None:
    async with sending_world(await sqlite_store(template, tmp_path), {"a": Talker()}) as here:
        await here.phone()
        await here.pin("alice", "7302")
        _, call = await ringing(here, pin=True)
        await call.happens(Picked())
        await call.keys("730")
        (send,) = await here.sends()
        state = json.loads(json.loads(send.memory.reveal())["state"])
        assert state["keyed"] == "730"
        octets = everything_in(tmp_path)
        assert b'"keyed":' not in octets


def everything_in(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.iterdir() if path.is_file())


async def test_a_call_of_another_provider_is_nobodys(store: Store) -> None:
    async with sending_world(store, {"a": Talker(), "b": Talker()}) as here:
        waiting, call = await ringing(here)
        for id in ("1", "2"):
            event = Picked() if id == "1" else Pressed("#", 3.0)
            assert await here.reports.take("b", Report(id, ReportKind.CALL, call.send.id, event=event)) is None
        assert isinstance(await outcome(here, waiting), Wait)


# -- receipts -------------------------------------------------------------------------------------------------------


async def texted(here: Delivering) -> Send:
    await here.phone(phone=replace(KNOWN, uses=(TEXT_USE,)))
    await here.world.begin("alice", "secret")
    await here.quiet()
    (send,) = await here.sends()
    return send


def receipt(send: Send, kind: ReportKind, id: str = "1", **more: object) -> Report:
    return replace(Report(id, kind, reference=send.reference), **more)  # type: ignore[arg-type]


async def test_a_receipt_moves_a_send_forward_and_never_back(store: Store) -> None:
    async with sending_world(store, {"a": Scripted()}) as here:
        send = await texted(here)
        for kind in (ReportKind.DELIVERED, ReportKind.DELIVERED, ReportKind.UNDELIVERED):
            await here.reports.take("a", receipt(send, kind))
        (after,) = await here.sends()
        assert after.state is SendState.DELIVERED
        assert len(await here.told("delivery.delivered")) == 1
        await here.reports.take("a", Report("2", ReportKind.DELIVERED, reference="nobody's"))
        await here.reports.take("b", receipt(send, ReportKind.UNDELIVERED))


async def test_what_did_not_arrive_lets_another_way_be_asked(store: Store) -> None:
    async with sending_world(store, {"a": Scripted()}) as here:
        send = await texted(here)
        await here.reports.take("a", receipt(send, ReportKind.UNDELIVERED, code="30003"))
        (entry,) = await here.told("sign_in")
        assert (entry.reason, entry.result) == (Reason.NOT_DELIVERED, Result.TEXT_NOT_SENT)


async def test_a_receipt_that_comes_before_the_answer_stays(store: Store) -> None:
    provider = Scripted(held=asyncio.Event())
    async with sending_world(store, {"a": provider}) as here:
        await here.phone(phone=replace(KNOWN, uses=(TEXT_USE,)))
        await here.world.begin("alice", "secret")
        outgoing = await provider.arrived.get()
        await here.reports.take("a", Report("1", ReportKind.DELIVERED, send_id=outgoing.id))
        assert provider.held
        provider.held.set()
        await here.quiet()
        (send,) = await here.sends()
        assert (send.state, send.reference) == (SendState.DELIVERED, f"ref-{send.id}")
        assert await here.outbox() == []


async def test_a_cost_that_comes_later_goes_into_the_purse(store: Store) -> None:
    async with sending_world(store, {"a": Scripted()}) as here:
        send = await texted(here)
        for _ in range(2):
            await here.reports.take("a", receipt(send, ReportKind.COST, cost=250_000, currency="USD"))
        assert set((await here.spent()).values()) == {250_000}


# -- replies --------------------------------------------------------------------------------------------------------


async def awaited(here: Delivering) -> tuple[Wait, str]:
    await here.phone(phone=replace(KNOWN, uses=(REPLY_USE,)))
    await here.world.put(a_client("vpn", SignIn.PASSWORD_THEN_CODE, time_budget=60.0))
    waiting = await here.world.begin("alice", "secret")
    await here.quiet()
    assert isinstance(waiting, Wait)
    provider = here.live["a"]
    assert isinstance(provider, Scripted)
    assert provider.sent[-1].answers
    return waiting, provider.codes()[-1]


def reply(text: str, id: str = "1", sender: str = NUMBER) -> Report:
    return Report(id, ReportKind.REPLY, sender=sender, recipient=OURS, text=Secret.of(text))


async def test_a_reply_with_the_code_lets_in(store: Store) -> None:
    async with sending_world(store, {"a": Scripted()}) as here:
        waiting, code = await awaited(here)
        await here.reports.take("a", reply(f" {code[:3]} {code[3:]}."))
        assert await outcome(here, waiting) == Accept("alice")


async def test_a_wrong_reply_counts_once_however_often_it_is_told(store: Store) -> None:
    async with sending_world(store, {"a": Scripted()}) as here:
        waiting, code = await awaited(here)
        wrong = f"{(int(code) + 1) % 10**6:06}"
        for _ in range(5):
            await here.reports.take("a", reply(wrong))
        assert isinstance(await outcome(here, waiting), Wait)
        for id in ("2", "3"):
            await here.reports.take("a", reply(wrong, id))
        assert await outcome(here, waiting) == Reject(Reason.WRONG_CODE)
        assert (await here.told("sign_in"))[-1].result is Result.TEXT_TRIES_SPENT


async def test_a_reply_that_was_seen_is_not_looked_at_again(store: Store) -> None:
    async with sending_world(store, {"a": Scripted()}) as here:
        _, code = await awaited(here)
        looks = [
            await store.change(lambda writing: here.reports._replied(writing, "a", reply(code)) is not None)
            for _ in range(2)
        ]
        assert looks == [True, False]


@pytest.mark.parametrize("sender", ["+14255550101", BACKUP, ""])
async def test_a_reply_from_another_number_is_nobodys(store: Store, sender: str) -> None:
    async with sending_world(store, {"a": Scripted()}) as here:
        waiting, code = await awaited(here)
        await here.reports.take("a", reply(code, sender=sender))
        assert isinstance(await outcome(here, waiting), Wait)


async def test_a_reply_by_another_provider_is_nobodys(store: Store) -> None:
    async with sending_world(store, {"a": Scripted()}) as here:
        waiting, code = await awaited(here)
        await here.reports.take("b", reply(code))
        assert isinstance(await outcome(here, waiting), Wait)


async def test_a_late_reply_lets_nobody_in(store: Store) -> None:
    async with sending_world(store, {"a": Scripted()}) as here:
        waiting, code = await awaited(here)
        here.world.clock.later(301)
        await here.reports.take("a", reply(code))
        assert not isinstance(await outcome(here, waiting), Accept)


@pytest.mark.parametrize(("text", "said"), [("123456", "too late"), ("HELP", "STOP"), ("thanks", "")])
async def test_who_writes_too_late_or_asks_for_help_is_answered_once(store: Store, text: str, said: str) -> None:
    provider = Scripted()
    async with sending_world(store, {"a": provider, "b": Scripted()}) as here:
        await here.phone(phone=replace(KNOWN, uses=(REPLY_USE,)))
        for _ in range(3):
            await here.reports.take("a", reply(text))
            await here.sweep.outbox()
            await here.quiet()
        texts = [one.text.reveal().decode() for one in provider.sent]
        assert [said in one for one in texts] == ([True] if said else [])


@pytest.mark.parametrize("word", ["STOP", " stop ", "Unsubscribe", "ARRET"])
async def test_stop_ends_all_texts_until_start(store: Store, word: str) -> None:
    async with sending_world(store, {"a": Scripted()}) as here:
        await here.phone()
        await here.reports.take("a", reply(word))
        found = await here.world.store.read(lambda reading: reading.get(OptOut, here.digest(NUMBER)))
        assert found
        await here.reports.take("a", reply("START"))
        assert await here.world.store.read(lambda reading: reading.count(OptOut)) == 0
