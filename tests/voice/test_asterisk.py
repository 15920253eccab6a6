"""Calls by Asterisk: the contract, conversations, and what happens when the connection breaks; against a fake."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable

import pytest

from tests.conformance.provider_suite import NUMBER, SEND_ID, Act, free_port, outgoing, soon
from tests.voice.carrier import Carrier
from tests.voice.carrier import outgoing as call_to
from tests.voice.conversation import Conversation, Engine
from tests.voice.fake_ari import PASSWORD, USER, FakeAri
from tests.voice.rigs import CallSuite
from vestibule.channels.asterisk import Asterisk, Trunk
from vestibule.channels.asterisk.causes import CAUSES, cause_of
from vestibule.channels.asterisk.events import Told, told
from vestibule.channels.asterisk.requests import Ari, dialled
from vestibule.channels.exchange import HttpExchange
from vestibule.core.delivery import CallCause, Fault, Medium, Outcome, Over, Picked, Pressed, Say, Silence
from vestibule.core.errors import Unavailable
from vestibule.core.reasons import Result
from vestibule.core.secret import Secret

SOUNDS = "http://127.0.0.1:8080/sounds"


class AriRig:
    medium = Medium.CALL
    secret = PASSWORD

    def __init__(self, fake: FakeAri) -> None:
        self.fake = fake
        self.carried = fake.carried
        self.next = fake.next
        self.provider = self.at(fake.port)
        self.carrier = Carrier(self.provider)
        self.listening = asyncio.create_task(self.provider.listen(self.carrier.tell))

    def at(self, port: int, recording: Callable[[tuple[str, ...], str], str] | None = None) -> Asterisk:
        ari = Ari(f"http://127.0.0.1:{port}/ari", USER, Secret.of(PASSWORD), "vestibule")
        trunk = Trunk("PJSIP/{number}@trunk", "+14255550100")
        found = Asterisk(ari, trunk, HttpExchange(), recording or _recording, ssl.create_default_context())
        if recording or port != self.fake.port:
            found.hearing.set()  # as if it had been heard until now
        return found

    async def ready(self) -> None:
        async with asyncio.timeout(5):
            await self.provider.hearing.wait()

    async def plays(self, script: str, pin: str = "", extension: str = "") -> Conversation:
        """Place a call and live it: keys, `.` for a silence, `x` for hanging up."""
        stage = "pin" if pin else ""
        await self.carrier.place(call_to(SEND_ID, NUMBER, extension=extension), Engine(pin), stage=stage)
        call = self.carrier.calls[SEND_ID]
        await self.fake.tells("Dial", channel=SEND_ID, dialstatus="RINGING")
        await self.fake.tells("StasisStart", channel=SEND_ID)
        await self.fake.said(1)
        call.now -= 2  # the first moment is over
        self.provider._calls[SEND_ID].answered_at -= 2
        for key in script:
            told = len(self.carrier.reports)
            if key == ".":
                await self.provider._silent(self.provider._calls[SEND_ID])
            elif key == "x":
                await self.fake.tells("ChannelDestroyed", channel=SEND_ID, cause=16)
            else:
                await self.fake.tells("ChannelDtmfReceived", channel=SEND_ID, digit=key, duration_ms=100)
            await self.until(lambda known=told: len(self.carrier.reports) > known)  # type: ignore[misc]
        if not script.endswith("x"):
            await self.until(lambda: call.hung_up)
            await self.until(lambda: bool(self.provider._calls[SEND_ID].playback))
            playback = self.provider._calls[SEND_ID].playback
            await self.fake.tells("PlaybackFinished", channel=SEND_ID, playback=playback)
        return await self.carrier.over(SEND_ID, 5)

    async def until(self, holds: Callable[[], bool]) -> None:
        async with asyncio.timeout(5):
            while not holds():  # noqa: ASYNC110 - the turns of the fake make it true
                await asyncio.sleep(0)

    async def close(self) -> None:
        self.listening.cancel()
        await asyncio.gather(self.listening, return_exceptions=True)
        await self.provider.close()


def _recording(names: tuple[str, ...], locale: str) -> str:
    return f"{SOUNDS}/{locale}/{'+'.join(names)}.wav"


@pytest.fixture
async def rig() -> AsyncIterator[AriRig]:
    async with FakeAri() as fake:
        found = AriRig(fake)
        await found.ready()
        yield found
        await found.close()


class TestAsterisk(CallSuite):
    """The whole contract, but that Asterisk has no words for a number that may not be called."""

    told = frozenset({Fault.SAME, Fault.OTHER, Fault.CONFIGURATION})

    async def test_what_may_have_been_carried_is_unknown(self, rig: AriRig) -> None:  # type: ignore[override]
        for act in (Act.HANG, Act.DROP, Act.BROKEN):
            rig.next(act)
            rig.fake.there.clear()
            sent = await rig.provider.send(outgoing(rig.medium), soon(0.5))
            assert (sent.outcome, sent.fault) == (Outcome.UNKNOWN, None)

    async def test_many_at_once_are_all_carried(self, rig: AriRig) -> None:  # type: ignore[override]
        sends = [rig.provider.send(call_to(f"many-{number}"), soon(20)) for number in range(25)]
        assert {sent.outcome for sent in await asyncio.gather(*sends)} == {Outcome.ACCEPTED}
        assert len(rig.carried) == 25

    async def test_nothing_is_tried_again_by_itself(self, rig: AriRig) -> None:  # type: ignore[override]
        """The same id is one call, however often it is sent."""
        rig.next(Act.DROP)
        lost = await rig.provider.send(outgoing(rig.medium), soon(1.0))
        again = await rig.provider.send(outgoing(rig.medium), soon())
        assert (lost.outcome, again.outcome, len(rig.carried)) == (Outcome.UNKNOWN, Outcome.ACCEPTED, 1)


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
    ],
)
async def test_a_conversation_by_events(
    rig: AriRig, script: str, pin: str, entered: list[str], result: Result | None
) -> None:
    call = await rig.plays(script, pin)
    assert call.entered == entered
    assert [one.result for one in call.ended] == ([result] if result else [])
    over = CallCause.HUNG_UP if script == "x" else CallCause.DONE
    assert rig.carrier.reports[-1].event == Over(over)


async def test_several_messages_are_one_sound(rig: AriRig) -> None:
    await rig.plays("1#4711#", "4711")
    assert f"sound:{SOUNDS}/en/authentication_denied_retry+retry_pin.wav" in rig.fake.played


async def test_a_key_stops_the_voice(rig: AriRig) -> None:
    await rig.plays("#")
    assert rig.fake.stopped == [f"{SEND_ID}-1"]


async def test_a_silence_is_told_when_the_voice_has_ended_and_nobody_pressed(rig: AriRig) -> None:
    await rig.carrier.place(call_to(SEND_ID))
    await rig.fake.tells("StasisStart", channel=SEND_ID)
    await rig.fake.said(1)
    live = rig.provider._calls[SEND_ID]
    live.listen = 0.01
    await rig.fake.tells("PlaybackFinished", channel=SEND_ID, playback=live.playback)
    await rig.fake.said(2)
    assert [type(report.event) for report in rig.carrier.reports] == [Picked, Silence]


async def test_the_end_of_an_older_message_ends_no_silence(rig: AriRig) -> None:
    await rig.carrier.place(call_to(SEND_ID))
    await rig.fake.tells("StasisStart", channel=SEND_ID)
    await rig.fake.said(1)
    await rig.fake.tells("PlaybackFinished", channel=SEND_ID, playback="another")
    await rig.fake.tells("Dial", channel=SEND_ID, dialstatus="RINGING")
    live = rig.provider._calls[SEND_ID]
    await rig.until(lambda: live.rang)
    assert (live.timer, live.playback) == (None, f"{SEND_ID}-1")


async def test_an_extension_is_keyed_with_its_pauses(rig: AriRig) -> None:
    call = await rig.plays("##", extension=",12,,3#")
    assert rig.fake.keyed == [("12", "1000"), ("3#", "2000")]
    assert call.entered == [""]


@pytest.mark.parametrize("number", sorted(CAUSES))
async def test_a_call_that_nobody_answers_says_why(rig: AriRig, number: int) -> None:
    await rig.carrier.place(call_to(SEND_ID))
    await rig.fake.tells("Dial", channel=SEND_ID, dialstatus="RINGING")
    await rig.fake.tells("ChannelDestroyed", channel=SEND_ID, cause=number)
    call = await rig.carrier.over(SEND_ID, 5)
    assert rig.carrier.reports[-1].event == Over(CAUSES[number])
    assert [one.answered for one in call.ended] == [False]


def test_a_telephone_that_never_rang_was_unreachable() -> None:
    assert cause_of(19, answered=False, rang=False, ours=False) is CallCause.UNREACHABLE
    assert cause_of(19, answered=False, rang=True, ours=False) is CallCause.NO_ANSWER
    assert cause_of(0, answered=True, rang=True, ours=False) is CallCause.HUNG_UP
    assert cause_of(38, answered=True, rang=True, ours=False) is CallCause.FAILED
    assert cause_of(4711, answered=False, rang=True, ours=False) is CallCause.FAILED
    assert cause_of(16, answered=True, rang=True, ours=True) is CallCause.DONE


async def test_a_machine_that_the_dialplan_found_is_told(rig: AriRig) -> None:
    await rig.carrier.place(call_to(SEND_ID))
    await rig.fake.tells("StasisStart", channel=SEND_ID, args=["MACHINE", "LONGGREETING"])
    call = await rig.carrier.over(SEND_ID, 5)
    assert [one.result for one in call.ended] == [Result.NO_INPUT]
    assert rig.fake.played == []


async def test_who_is_called_sees_our_number_and_a_harmless_name(rig: AriRig) -> None:
    await rig.provider.send(call_to(SEND_ID), soon())
    assert rig.carried[0].sender == '"Example Corp" <+14255550100>'


async def test_without_ears_no_call_is_placed(rig: AriRig) -> None:
    rig.fake.breaks()
    await asyncio.gather(rig.listening, return_exceptions=True)
    sent = await rig.provider.send(outgoing(Medium.CALL), soon())
    assert (sent.outcome, sent.fault, rig.carried) == (Outcome.REJECTED, Fault.OTHER, [])


async def test_without_recordings_no_call_is_placed(rig: AriRig) -> None:
    mute = rig.at(rig.fake.port, lambda _names, _locale: "")
    sent = await mute.send(outgoing(Medium.CALL), soon())
    await mute.close()
    assert (sent.outcome, sent.fault, sent.code) == (Outcome.REJECTED, Fault.CONFIGURATION, "no_recordings")
    assert rig.carried == []


async def test_a_connection_that_breaks_says_so(rig: AriRig) -> None:
    rig.fake.breaks()
    with pytest.raises(Unavailable, match="not heard"):
        await rig.listening


@pytest.mark.parametrize("password", ["wrong", ""])
async def test_a_wrong_password_says_so(rig: AriRig, password: str) -> None:
    ari = Ari(f"http://127.0.0.1:{free_port()}/ari", USER, Secret.of(password), "vestibule")
    lost = Asterisk(ari, Trunk("PJSIP/{number}"), HttpExchange(), _recording, ssl.create_default_context())
    with pytest.raises(Unavailable, match="not heard"):
        await lost.listen(rig.carrier.tell)
    await lost.close()


async def test_another_program_under_our_name_is_told_about(rig: AriRig) -> None:
    await rig.fake.tells("ApplicationReplaced", application="vestibule")
    with pytest.raises(Unavailable, match="give each node its own"):
        await rig.listening


async def test_a_call_that_is_still_there_after_a_break_is_asked_again(rig: AriRig) -> None:
    await rig.carrier.place(call_to(SEND_ID))
    await rig.fake.tells("StasisStart", channel=SEND_ID)
    await rig.fake.said(1)
    await again(rig)
    await rig.fake.said(2)
    assert rig.fake.played[-1].endswith("/retry.wav")


async def test_a_call_that_was_answered_in_a_break_is_greeted(rig: AriRig) -> None:
    await rig.carrier.place(call_to(SEND_ID))
    rig.fake.breaks()
    await asyncio.gather(rig.listening, return_exceptions=True)
    await rig.fake.tells("StasisStart", channel=SEND_ID)
    await again(rig)
    await rig.fake.said(1)
    assert [report.event for report in rig.carrier.reports] == [Picked()]


async def test_a_call_that_went_in_a_break_is_over(rig: AriRig) -> None:
    await rig.carrier.place(call_to(SEND_ID))
    rig.fake.breaks()
    await asyncio.gather(rig.listening, return_exceptions=True)
    rig.fake.there.clear()
    await again(rig)
    await rig.carrier.over(SEND_ID, 5)
    assert rig.carrier.reports[-1].event == Over(CallCause.FAILED)


async def test_a_call_that_nobody_here_knows_is_hung_up(rig: AriRig) -> None:
    await rig.fake.tells("StasisStart", channel="stranger")
    await rig.until(lambda: bool(rig.carrier.reports))
    assert rig.fake.hung_up == ["stranger"]
    assert (rig.carrier.reports[-1].send_id, rig.carrier.reports[-1].event) == ("stranger", Over(CallCause.FAILED))


async def test_calls_of_an_earlier_process_are_hung_up_at_the_start(rig: AriRig) -> None:
    rig.fake.there["left"] = True
    await again(rig)
    assert rig.fake.hung_up == ["left"]
    assert rig.carrier.reports[-1].event == Over(CallCause.FAILED)


async def again(rig: AriRig) -> None:
    """Listen anew."""
    rig.fake.breaks()
    await asyncio.gather(rig.listening, return_exceptions=True)
    rig.listening = asyncio.create_task(rig.provider.listen(rig.carrier.tell))
    await rig.ready()


async def test_a_call_that_is_gone_can_be_told_nothing(rig: AriRig) -> None:
    with pytest.raises(Unavailable):
        await rig.provider.say("gone", "gone", Say(hang_up=True), "en", soon())
    await rig.provider.send(outgoing(Medium.CALL), soon())
    rig.fake.there.clear()
    with pytest.raises(Unavailable):
        await rig.provider.say(SEND_ID, SEND_ID, Say(("greeting",), 8.0), "en", soon())


async def test_closing_hangs_up(rig: AriRig) -> None:
    await rig.provider.send(outgoing(Medium.CALL), soon())
    await rig.close()
    assert rig.fake.hung_up == [SEND_ID]


async def test_nothing_that_was_pressed_stands_in_an_id_a_url_or_a_repr(rig: AriRig) -> None:
    await rig.plays("8264#", "8264")
    shown = [repr(report) for report in rig.carrier.reports] + [one.target for one in rig.fake.asked]
    assert not any("8264" in one or "key='" in one for one in shown)
    assert "8" not in repr(Told("ChannelDtmfReceived", "c", "t", "8"))
    assert "8" not in repr(Pressed("8"))


@pytest.mark.parametrize(
    "text", ["", "no", "[]", "1", '"x"', "{", '{"type": 1, "channel": [], "args": 5, "cause": "x"}']
)
def test_events_of_no_sense_are_nobodys(text: str) -> None:
    event = told(text)
    assert event is None or event.channel == ""


def test_a_comma_is_a_second() -> None:
    assert dialled("") == []
    assert dialled("12") == [("12", 0)]
    assert dialled(",,1*,#") == [("1*", 2000), ("#", 1000)]
    assert dialled("1,") == [("1", 0)]
