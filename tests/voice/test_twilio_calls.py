"""Calls by Twilio: the contract, and conversations with a fake that takes TwiML as Twilio does."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest

from tests.channels.fakes.http_server import Asked, Said
from tests.channels.fakes.twilio import ACCOUNT, TOKEN, FakeTwilio, callback
from tests.conformance.provider_suite import NOW, NUMBER, SEND_ID, Act, Carried, outgoing, soon
from tests.voice.carrier import Carrier
from tests.voice.carrier import outgoing as call_to
from tests.voice.conversation import Conversation, Engine
from tests.voice.rigs import CallSuite
from vestibule.channels.exchange import HttpExchange
from vestibule.channels.twilio.account import Account
from vestibule.channels.twilio.both import Twilio
from vestibule.channels.twilio.texts import TwilioTexts
from vestibule.channels.twilio.voice import CallManners, TwilioCalls
from vestibule.core.delivery import CallCause, Fault, Forged, Hook, Medium, Outcome, Over, Picked, ReportKind, Say
from vestibule.core.errors import Malformed
from vestibule.core.reasons import Result
from vestibule.core.secret import Secret

HOOK = "https://mfa.example.org/hooks/tw/0123456789abcdef"
SENDER = "+14255550100"


class FakeTwilioVoice(FakeTwilio):
    """Takes calls as well; a call is then lived through by `Line`."""

    def accept(self, asked: Asked) -> Said:
        if asked.path != f"/2010-04-01/Accounts/{ACCOUNT}/Calls.json" or asked.method != "POST":
            return super().accept(asked)
        form = asked.form()
        if "basic" not in asked.headers.get("authorization", "").lower():
            return self.problem(asked, Act.CONFIGURATION)
        sid = "CA" + secrets.token_hex(16)
        self.carried.append(Carried(form["To"], "", form["From"], None, "", sid, form["Url"]))
        return Said.json(201, {"sid": sid, "status": "queued", "price": None})


class Line:
    """One call at Twilio: keys and silences (`.`) from a script, `x` hangs up; what TwiML says is done."""

    def __init__(self, carrier: Carrier, asked: Asked, sid: str, script: str, answered_by: str = "") -> None:
        self.carrier = carrier
        self.form = asked.form()
        self.sid = sid
        self.script = list(script)
        self.spoken: list[str] = []
        self.dialled: list[str] = []
        self.answered_by = {"AnsweredBy": answered_by} if answered_by else {}

    async def live(self) -> None:
        document = await self.request(self.form["Url"], {"CallStatus": "in-progress"} | self.answered_by)
        while document is not None:
            document = await self.run(document)
        await self.status("completed")

    async def status(self, status: str, **fields: str) -> None:
        await self.request(self.form["StatusCallback"], {"CallStatus": status} | fields)

    async def run(self, document: ET.Element) -> ET.Element | None:
        for verb in document:
            self.spoken += [one.text or "" for one in verb.iter() if one.tag in {"Say", "Play"} and one.text]
            match verb.tag:
                case "Play" if verb.get("digits"):
                    self.dialled.append(verb.get("digits", ""))
                case "Hangup":
                    return None
                case "Gather":
                    assert (verb.get("numDigits"), verb.get("finishOnKey")) == ("1", "")
                    assert int(verb.get("timeout", "0")) >= 1
                    key = self.script.pop(0) if self.script else "x"
                    if key == "x":
                        return None
                    if key != ".":
                        return await self.request(verb.get("action", ""), {"Digits": key})
                case "Redirect":
                    return await self.request(verb.text or "", {})
                case _:
                    pass
        return None  # a document that ends hangs up

    async def request(self, url: str, fields: dict[str, str]) -> ET.Element | None:
        await asyncio.sleep(0)
        hook = callback(url, {"CallSid": self.sid, "AccountSid": ACCOUNT, "To": self.form["To"]} | fields)
        assert isinstance(self.carrier.provider, TwilioCalls | Twilio)
        says = [
            say for report in self.carrier.provider.understand(hook, NOW) for say in self.carrier.take(report, late=2.0)
        ]
        answer = self.carrier.provider.answer(hook, tuple(says), "en")
        return ET.fromstring(answer.body) if answer.body else None


class TwilioCallRig:
    medium = Medium.CALL
    secret = TOKEN

    def __init__(self, fake: FakeTwilioVoice) -> None:
        self.fake = fake
        self.carried = fake.carried
        self.next = fake.next
        self.provider = self.at(fake.port)

    def at(self, port: int, hook: str = HOOK, recording: str = "") -> TwilioCalls:
        account = Account(ACCOUNT, Secret.of(TOKEN), f"http://127.0.0.1:{port}")
        return TwilioCalls(account, CallManners(SENDER), HttpExchange(), hook, lambda _names, _locale: recording)

    async def call(self, script: str, *, pin: str = "", extension: str = "", answered_by: str = "") -> "Called":
        carrier = Carrier(self.provider)
        stage = "pin" if pin else ""
        await carrier.place(call_to(SEND_ID, NUMBER, extension=extension), Engine(pin), stage=stage)
        line = Line(carrier, self.fake.asked[-1], self.carried[-1].reference, script, answered_by)
        await line.live()
        return Called(carrier.calls[SEND_ID], line, carrier)


class Called:
    def __init__(self, call: Conversation, line: Line, carrier: Carrier) -> None:
        self.call, self.line, self.carrier = call, line, carrier


@pytest.fixture
async def rig() -> AsyncIterator[TwilioCallRig]:
    async with FakeTwilioVoice() as fake:
        found = TwilioCallRig(fake)
        yield found
        await found.provider.close()


class TestTwilioCalls(CallSuite):
    """The whole contract."""


@pytest.mark.parametrize(
    ("script", "pin", "entered", "result"),
    [
        ("#", "", [""], None),
        ("0#1", "", ["0", "1"], None),
        ("4711#", "4711", ["4711"], None),
        ("1#2#3#", "4711", ["1", "2", "3"], None),
        ("47..4711#", "4711", ["4711"], None),
        ("...", "", [], Result.NO_INPUT),
        ("*#..", "", [], Result.INVALID_INPUT),
        ("x", "", [], Result.HUNG_UP),
        ("12...", "4711", [], Result.PIN_INCOMPLETE),
    ],
)
async def test_a_conversation_by_webhooks(
    rig: TwilioCallRig, script: str, pin: str, entered: list[str], result: Result | None
) -> None:
    called = await rig.call(script, pin=pin)
    assert called.call.entered == entered
    assert [one.result for one in called.call.ended] == ([result] if result else [])


async def test_what_is_said_is_spoken_by_twilio_where_nothing_is_recorded(rig: TwilioCallRig) -> None:
    called = await rig.call("#")
    assert called.line.spoken[0].startswith("Hello. This is the sign-in service")
    assert called.line.spoken[-1].startswith("Thank you.")


async def test_what_is_recorded_is_played(rig: TwilioCallRig) -> None:
    provider = rig.at(rig.fake.port, recording="https://mfa.example.org/sounds/a+b.wav?x=1&y=2")
    hook = callback(f"{HOOK}?send=s&call=answer&n=0", {"CallSid": "CA1"})
    body = provider.answer(hook, (Say(("greeting",), 8.0),), "en").body.decode()
    assert "<Play>https://mfa.example.org/sounds/a+b.wav?x=1&amp;y=2</Play>" in body
    await provider.close()


async def test_an_extension_is_keyed_with_its_pauses(rig: TwilioCallRig) -> None:
    called = await rig.call("##", extension=",12*3")
    assert called.line.dialled == ["ww12*3"]
    assert called.call.entered == [""]


async def test_a_machine_is_hung_up_on(rig: TwilioCallRig) -> None:
    called = await rig.call("#", answered_by="machine_start")
    assert called.line.spoken == []
    assert [one.result for one in called.call.ended] == [Result.NO_INPUT]


@pytest.mark.parametrize(
    ("status", "sip", "cause", "result"),
    [
        ("busy", "486", CallCause.BUSY, Result.UNREACHABLE),
        ("no-answer", "", CallCause.NO_ANSWER, Result.UNREACHABLE),
        ("failed", "404", CallCause.INVALID_NUMBER, Result.INVALID_NUMBER),
        ("failed", "503", CallCause.UNREACHABLE, Result.UNREACHABLE),
        ("failed", "603", CallCause.REJECTED, Result.UNREACHABLE),
    ],
)
async def test_a_call_that_fails_says_how(
    rig: TwilioCallRig, status: str, sip: str, cause: CallCause, result: Result
) -> None:
    carrier = Carrier(rig.provider)
    await carrier.place(call_to(SEND_ID, NUMBER))
    line = Line(carrier, rig.fake.asked[-1], "CA1", "")
    await line.status(status, **({"SipResponseCode": sip} if sip else {}))
    assert carrier.reports[-1].event == Over(cause)
    assert [one.result for one in carrier.calls[SEND_ID].ended] == [result]


async def test_states_on_the_way_are_no_reports(rig: TwilioCallRig) -> None:
    for status in ("queued", "ringing", "in-progress", "initiated"):
        hook = callback(f"{HOOK}?send=s&call=status&n=0", {"CallSid": "CA1", "CallStatus": status})
        assert rig.provider.understand(hook, NOW) == ()


async def test_a_key_that_is_told_twice_is_one_report_and_the_next_is_another(rig: TwilioCallRig) -> None:
    first = callback(f"{HOOK}?send=s&call=key&n=3", {"CallSid": "CA1", "Digits": "4"})
    second = callback(f"{HOOK}?send=s&call=key&n=4", {"CallSid": "CA1", "Digits": "4"})
    ids = [rig.provider.understand(hook, NOW)[0].id for hook in (first, first, second)]
    assert ids[0] == ids[1] != ids[2]


async def test_nothing_that_was_pressed_stands_in_a_url_an_id_or_a_repr(rig: TwilioCallRig) -> None:
    called = await rig.call("8264#", pin="8264")
    shown = [repr(report) for report in called.carrier.reports] + [one.target for one in rig.fake.asked]
    assert not any("8264" in one or "key='" in one for one in shown)


async def test_no_forgery_is_believed(rig: TwilioCallRig) -> None:
    right = callback(f"{HOOK}?send=s&call=key&n=1", {"CallSid": "CA1", "Digits": "#"})
    for wrong in (
        replace(right, headers={}),
        replace(right, body=right.body.replace(b"%23", b"1")),
        replace(right, url=right.url.replace("send=s", "send=t"), query=(("send", "t"), ("call", "key"), ("n", "1"))),
        callback(right.url, {"CallSid": "CA1", "Digits": "#"}, "another token"),
    ):
        with pytest.raises(Forged):
            rig.provider.understand(wrong, NOW)


async def test_a_signed_request_that_names_no_call_is_malformed(rig: TwilioCallRig) -> None:
    with pytest.raises(Malformed):
        rig.provider.understand(callback(HOOK, {"CallSid": "CA1"}), NOW)


async def test_without_a_public_address_nothing_is_placed(rig: TwilioCallRig) -> None:
    provider = rig.at(rig.fake.port, hook="")
    sent = await provider.send(outgoing(Medium.CALL), soon())
    assert (sent.outcome, sent.fault, rig.carried) == (Outcome.REJECTED, Fault.CONFIGURATION, [])
    await provider.close()


async def test_a_call_can_be_hung_up_and_asked_after(rig: TwilioCallRig) -> None:
    sent = await rig.provider.send(outgoing(Medium.CALL), soon())
    await rig.provider.cancel(SEND_ID, sent.reference, soon())
    assert rig.fake.asked[-1].form() == {"Status": "completed"}
    assert await rig.provider.ask(SEND_ID, sent.reference, soon()) is not None
    assert await rig.provider.ask(SEND_ID, "CA" + "0" * 32, soon()) is None


async def test_one_account_carries_texts_and_calls(rig: TwilioCallRig) -> None:
    account = Account(ACCOUNT, Secret.of(TOKEN), f"http://127.0.0.1:{rig.fake.port}")
    both = Twilio(TwilioTexts(account, SENDER, HttpExchange(), HOOK), rig.provider)
    assert both.abilities.media == {Medium.TEXT, Medium.CALL}
    text, call = await both.send(outgoing(Medium.TEXT), soon()), await both.send(outgoing(Medium.CALL), soon())
    assert (text.reference[:2], call.reference[:2]) == ("SM", "CA")
    picked = callback(f"{HOOK}?send=s&call=answer&n=0", {"CallSid": call.reference})
    delivered = callback(f"{HOOK}?send=s", {"MessageSid": text.reference, "MessageStatus": "delivered"})
    assert [report.event for report in both.understand(picked, NOW)] == [Picked()]
    assert [report.kind for report in both.understand(delivered, NOW)] == [ReportKind.DELIVERED]
    assert b"<Gather" in both.answer(picked, (), "en").body
    assert both.answer(delivered, (), "en").body == b"<Response/>"
    await both.cancel("s", text.reference, soon())
    await both.cancel("s", call.reference, soon())
    assert [one.form() for one in rig.fake.asked[-2:]] == [{"Status": "canceled"}, {"Status": "completed"}]
    await both.close()


def test_a_hook_is_what_twilio_signs() -> None:
    hook = callback(f"{HOOK}?send=s&call=key&n=1", {"CallSid": "CA1"})
    assert isinstance(hook, Hook)
    assert dict(hook.query) == {"send": "s", "call": "key", "n": "1"}
