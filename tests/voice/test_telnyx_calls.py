"""Calls by Telnyx: the contract, and conversations with a fake that takes commands and tells events as Telnyx does."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from tests.channels.fakes.http_server import Asked, Said
from tests.channels.fakes.telnyx import KEY, PUBLIC, FakeTelnyx, event, finalized
from tests.conformance.provider_suite import NOW, NUMBER, SEND_ID, Act, Carried, outgoing, soon
from tests.voice.carrier import Carrier
from tests.voice.carrier import outgoing as call_to
from tests.voice.conversation import Conversation, Engine
from tests.voice.rigs import CallSuite
from vestibule.channels.exchange import HttpExchange
from vestibule.channels.telnyx.account import Account
from vestibule.channels.telnyx.both import Telnyx
from vestibule.channels.telnyx.texts import TelnyxTexts
from vestibule.channels.telnyx.voice import CallManners, TelnyxCalls
from vestibule.core.delivery import CallCause, Fault, Forged, Medium, Outcome, Over, Picked, ReportKind, Say
from vestibule.core.errors import Unavailable
from vestibule.core.reasons import Result
from vestibule.core.secret import Secret

HOOK = "https://mfa.example.org/hooks/tx/0123"
CONNECTION = "1494404757140276705"
SENDER = "+14255550100"


class FakeTelnyxVoice(FakeTelnyx):
    """Takes calls, each command once, and notes what is said and keyed in them."""

    def __init__(self) -> None:
        super().__init__()
        self.commands: list[tuple[str, dict[str, Any]]] = []
        self.gone: set[str] = set()

    def accept(self, asked: Asked) -> Said:
        if asked.path == "/v2/messages":
            return super().accept(asked)
        if asked.headers.get("authorization") != f"Bearer {KEY}":
            return self.refuse(asked, Act.CONFIGURATION)
        if asked.path == "/v2/calls":
            return self.dialled(asked.json())
        id, _, action = asked.path.removeprefix("/v2/calls/").partition("/actions/")
        id = id.replace("%3A", ":")
        if id in self.gone or not any(carried.reference == id for carried in self.carried):
            return Said.json(404 if asked.method == "GET" else 422, {"errors": [{"code": "90018", "title": "gone"}]})
        if asked.method == "POST":
            self.commands.append((action, asked.json()))
            self.gone |= {id} if action == "hangup" else set()
        return Said.json(200, {"data": {"result": "ok", "call_control_id": id}})

    def dialled(self, value: dict[str, Any]) -> Said:
        if self.once and value["command_id"] in self.answered:
            return self.answered[value["command_id"]]
        id = "v3:" + secrets.token_urlsafe(20)
        assert value["connection_id"] == CONNECTION
        self.carried.append(
            Carried(value["to"], "", value["from"], None, value["command_id"], id, value["webhook_url"])
        )
        self.answered[value["command_id"]] = Said.json(200, {"data": {"call_control_id": id, "is_alive": False}})
        self.state = value["client_state"]
        return self.answered[value["command_id"]]


class Line:
    """One call at Telnyx: keys and silences (`.`) from a script, `x` hangs up; commands are obeyed."""

    def __init__(self, fake: FakeTelnyxVoice, carrier: Carrier, script: str) -> None:
        self.fake, self.carrier = fake, carrier
        self.script = list(script)
        self.id = fake.carried[-1].reference
        self.state = fake.state

    async def live(self) -> None:
        await self.tells("call.initiated")
        await self.tells("call.answered")
        while self.id not in self.fake.gone:
            await self.obeys()
        await self.tells("call.hangup", hangup_cause="normal_clearing", hangup_source="caller")

    async def obeys(self) -> None:
        name, value = self.fake.commands[-1]
        self.state = value.get("client_state", self.state)
        if name in {"speak", "playback_start"}:
            await self.tells(f"call.{name.removesuffix('_start')}.ended", status="completed")
        elif not self.script or self.script[0] == "x":
            self.fake.gone.add(self.id)
        elif (key := self.script.pop(0)) == ".":
            assert value.get("maximum_digits") == 1
            await self.tells("call.gather.ended", status="timeout", digits="")
        else:
            await self.tells("call.dtmf.received", digit=key)
            await self.tells("call.gather.ended", status="valid", digits=key)

    async def tells(self, kind: str, **payload: str) -> None:
        await asyncio.sleep(0)
        hook = event(kind, {"call_control_id": self.id, "client_state": self.state, **payload}, NOW)
        provider = self.carrier.provider
        assert isinstance(provider, TelnyxCalls)
        for report in provider.understand(hook, NOW):
            for say in self.carrier.take(report, late=2.0):
                await provider.say(report.send_id, report.reference, say, "en", soon())
        assert provider.answer(hook, (), "en").status == 200


class TelnyxCallRig:
    medium = Medium.CALL
    secret = KEY

    def __init__(self, fake: FakeTelnyxVoice) -> None:
        self.fake = fake
        self.carried = fake.carried
        self.next = fake.next
        self.provider = self.at(fake.port)

    def at(self, port: int, hook: str = HOOK, recording: str = "") -> TelnyxCalls:
        account = Account(Secret.of(KEY), PUBLIC, f"http://127.0.0.1:{port}")
        manners = CallManners(CONNECTION, SENDER)
        return TelnyxCalls(account, manners, HttpExchange(), hook, lambda _names, _locale: recording)

    async def call(self, script: str, *, pin: str = "", extension: str = "") -> tuple[Conversation, Carrier]:
        carrier = Carrier(self.provider)
        stage = "pin" if pin else ""
        await carrier.place(call_to(SEND_ID, NUMBER, extension=extension), Engine(pin), stage=stage)
        await Line(self.fake, carrier, script).live()
        return carrier.calls[SEND_ID], carrier


@pytest.fixture
async def rig() -> AsyncIterator[TelnyxCallRig]:
    async with FakeTelnyxVoice() as fake:
        found = TelnyxCallRig(fake)
        yield found
        await found.provider.close()


class TestTelnyxCalls(CallSuite):
    """The whole contract."""


@pytest.mark.parametrize(
    ("script", "pin", "entered", "result"),
    [
        ("#", "", [""], None),
        ("0#1", "", ["0", "1"], None),
        ("4711#", "4711", ["4711"], None),
        ("1#2#3#", "4711", ["1", "2", "3"], None),
        ("47.4711#", "4711", ["4711"], None),
        ("...", "", [], Result.NO_INPUT),
        ("*#..", "", [], Result.INVALID_INPUT),
        ("x", "", [], Result.HUNG_UP),
        ("12...", "4711", [], Result.PIN_INCOMPLETE),
    ],
)
async def test_a_conversation_by_commands(
    rig: TelnyxCallRig, script: str, pin: str, entered: list[str], result: Result | None
) -> None:
    call, _carrier = await rig.call(script, pin=pin)
    assert call.entered == entered
    assert [one.result for one in call.ended] == ([result] if result else [])


async def test_what_is_said_is_spoken_by_telnyx_where_nothing_is_recorded(rig: TelnyxCallRig) -> None:
    await rig.call("#")
    (first, greeting), *_, (name, goodbye), (last, _) = rig.fake.commands
    assert (first, name, last) == ("gather_using_speak", "speak", "hangup")
    assert greeting["payload"].startswith("Hello. This is the sign-in service")
    assert (greeting["language"], greeting["timeout_millis"]) == ("en-US", 8000)
    assert goodbye["payload"].startswith("Thank you.")


async def test_what_is_recorded_is_played(rig: TelnyxCallRig) -> None:
    await rig.provider.send(outgoing(Medium.CALL), soon())
    provider = rig.at(rig.fake.port, recording="https://mfa.example.org/sounds/a.wav")
    for say in (Say(("greeting",), 8.0), Say(("authentication_successful",), hang_up=True)):
        await provider.say(SEND_ID, rig.carried[0].reference, say, "th", soon())
    names = [(name, value["audio_url"]) for name, value in rig.fake.commands]
    url = "https://mfa.example.org/sounds/a.wav"
    assert names == [("gather_using_audio", url), ("playback_start", url)]
    await provider.close()


async def test_an_extension_is_keyed_with_its_pauses(rig: TelnyxCallRig) -> None:
    call, _carrier = await rig.call("##", extension=",12*3")
    assert rig.fake.commands[0] == ("send_dtmf", {"digits": "ww12*3"})
    assert call.entered == [""]


async def test_a_machine_is_hung_up_on(rig: TelnyxCallRig) -> None:
    carrier = Carrier(rig.provider)
    await carrier.place(call_to(SEND_ID, NUMBER))
    line = Line(rig.fake, carrier, "")
    await line.tells("call.answered")
    await line.tells("call.machine.detection.ended", result="human")
    assert carrier.calls[SEND_ID].ended == []
    await line.tells("call.machine.detection.ended", result="machine")
    assert rig.fake.commands[-1][0] == "hangup"
    assert [one.result for one in carrier.calls[SEND_ID].ended] == [Result.NO_INPUT]


@pytest.mark.parametrize(
    ("why", "cause", "result"),
    [
        ("user_busy", CallCause.BUSY, Result.UNREACHABLE),
        ("timeout", CallCause.NO_ANSWER, Result.UNREACHABLE),
        ("call_rejected", CallCause.REJECTED, Result.UNREACHABLE),
        ("not_found", CallCause.INVALID_NUMBER, Result.INVALID_NUMBER),
        ("unspecified", CallCause.FAILED, Result.NOT_DELIVERED),
    ],
)
async def test_a_call_that_fails_says_how(rig: TelnyxCallRig, why: str, cause: CallCause, result: Result) -> None:
    carrier = Carrier(rig.provider)
    await carrier.place(call_to(SEND_ID, NUMBER))
    await Line(rig.fake, carrier, "").tells("call.hangup", hangup_cause=why)
    assert (carrier.reports[-1].event, carrier.reports[-1].code) == (Over(cause), why)
    assert [one.result for one in carrier.calls[SEND_ID].ended] == [result]


async def test_the_same_send_once_more_is_one_call(rig: TelnyxCallRig) -> None:
    rig.fake.once = True
    rig.next(Act.DROP)
    lost = await rig.provider.send(outgoing(Medium.CALL), soon())
    again = await rig.provider.send(outgoing(Medium.CALL), soon())
    assert (lost.outcome, again.outcome) == (Outcome.UNKNOWN, Outcome.ACCEPTED)
    assert len(rig.carried) == 1


async def test_an_event_that_comes_twice_is_one_report(rig: TelnyxCallRig) -> None:
    await rig.provider.send(outgoing(Medium.CALL), soon())
    hook = event("call.dtmf.received", {"client_state": rig.fake.state, "call_control_id": "v3:a", "digit": "4"}, NOW)
    assert rig.provider.understand(hook, NOW) == rig.provider.understand(hook, NOW)


async def test_events_of_calls_that_are_not_ours_are_no_reports(rig: TelnyxCallRig) -> None:
    for state in (None, "", "é", "bm8=", "WzFd"):
        payload = {"client_state": state, "call_control_id": "v3:a"}
        assert rig.provider.understand(event("call.answered", payload, NOW), NOW) == ()


async def test_no_forgery_is_believed(rig: TelnyxCallRig) -> None:
    await rig.provider.send(outgoing(Medium.CALL), soon())
    payload = {"client_state": rig.fake.state, "call_control_id": "v3:a", "digit": "1"}
    right = event("call.dtmf.received", payload, NOW)
    with pytest.raises(Forged):
        rig.provider.understand(replace(right, body=right.body.replace(b'"1"', b'"#"')), NOW)
    with pytest.raises(Forged):
        rig.provider.understand(right, NOW + 301)


async def test_nothing_that_was_pressed_stands_in_an_id_a_command_or_a_repr(rig: TelnyxCallRig) -> None:
    _call, carrier = await rig.call("8264#", pin="8264")
    shown = [repr(report) for report in carrier.reports] + [repr(command) for command in rig.fake.commands]
    assert not any("8264" in one for one in shown)


async def test_what_a_call_costs_is_told(rig: TelnyxCallRig) -> None:
    await rig.provider.send(outgoing(Medium.CALL), soon())
    payload = {"client_state": rig.fake.state, "call_control_id": "v3:a", "total_cost": "0.0042", "currency": "USD"}
    (report,) = rig.provider.understand(event("call.cost", payload, NOW), NOW)
    assert (report.kind, report.send_id, report.cost, report.currency) == (ReportKind.COST, SEND_ID, 4200, "USD")


async def test_a_call_that_is_gone_can_be_told_nothing(rig: TelnyxCallRig) -> None:
    with pytest.raises(Unavailable):
        await rig.provider.say(SEND_ID, "v3:gone", Say(hang_up=True), "en", soon())
    await rig.provider.cancel(SEND_ID, "v3:gone", soon())
    assert await rig.provider.ask(SEND_ID, "v3:gone", soon()) is None


async def test_without_a_public_address_nothing_is_placed(rig: TelnyxCallRig) -> None:
    provider = rig.at(rig.fake.port, hook="")
    sent = await provider.send(outgoing(Medium.CALL), soon())
    assert (sent.outcome, sent.fault, rig.carried) == (Outcome.REJECTED, Fault.CONFIGURATION, [])
    await provider.close()


async def test_one_account_carries_texts_and_calls(rig: TelnyxCallRig) -> None:
    account = Account(Secret.of(KEY), PUBLIC, f"http://127.0.0.1:{rig.fake.port}")
    both = Telnyx(TelnyxTexts(account, SENDER, "", HttpExchange(), HOOK), rig.provider)
    assert both.abilities.media == {Medium.TEXT, Medium.CALL}
    text, call = await both.send(outgoing(Medium.TEXT), soon()), await both.send(outgoing(Medium.CALL), soon())
    picked = event("call.answered", {"client_state": rig.fake.state, "call_control_id": call.reference}, NOW)
    delivered = event("message.finalized", finalized(text.reference, NUMBER, "delivered"), NOW)
    assert [report.event for report in both.understand(picked, NOW)] == [Picked()]
    assert [report.kind for report in both.understand(delivered, NOW)] == [ReportKind.DELIVERED]
    await both.say(SEND_ID, call.reference, Say(listen=5.0), "en", soon())
    assert rig.fake.commands[-1][0] == "gather"
    assert await both.ask("s", text.reference, soon()) is None
    await both.cancel("s", text.reference, soon())
    await both.cancel("s", call.reference, soon())
    assert [name for name, _ in rig.fake.commands] == ["gather", "hangup"]
    await both.close()
