"""Calls by a real Asterisk to a telephone: all that can become of a call. `make test-voice` runs these."""

import asyncio
import contextlib
import math
import ssl
from array import array
from collections.abc import AsyncIterator, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from tests.voice import real
from tests.voice.carrier import Carrier, outgoing
from tests.voice.conversation import Engine
from tests.voice.phone import Phone, Plan
from vestibule.apps.speech import can_speak, spoken
from vestibule.channels.asterisk import Asterisk, Trunk
from vestibule.channels.asterisk.requests import Ari
from vestibule.channels.exchange import HttpExchange
from vestibule.core.call_sounds import Sound, words
from vestibule.core.delivery import CallCause, Fault, Outcome, Over, Picked
from vestibule.core.reasons import Result
from vestibule.core.secret import Secret
from vestibule.wire.wav import for_telephone, read_wav, write_wav

pytestmark = [
    pytest.mark.voice,
    pytest.mark.skipif(bool(real.missing()), reason=real.missing()),
    pytest.mark.timeout(120),
]

PLANS = {
    "15550000001": Plan(keys="#"),
    "15550000002": Plan(keys="#", by="info"),
    "15550000003": Plan(keys="#", by="inband"),
    "15550000004": Plan(keys="0#.1"),
    "15550000005": Plan(keys="4711#"),
    "15550000006": Plan(keys="1#.2#.3#"),
    "15550000007": Plan(status=486),
    "15550000008": Plan(answers=False),
    "15550000009": Plan(status=603),
    "15550000010": Plan(status=404),
    "15550000011": Plan(keys="#", at=1.2),
    "15550000012": Plan(hangs_up=1.5),
    "15550000013": Plan(),
    "15550000014": Plan(status=503),
    "15550000015": Plan(deaf=True),
    "15550000016": Plan(keys="#", at=0.1),
    "15550000017": Plan(keys="4*7#.4711#"),
    "15550000018": Plan(keys="#.#"),
}


@pytest.fixture(scope="module")
def sounds(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str]]:
    """Our words as files, where Asterisk fetches them."""
    if not can_speak():
        pytest.skip("espeak-ng is not installed")
    directory = tmp_path_factory.mktemp("sounds")
    for names in PLAYED:
        text = " ".join(words(name, "en") for name in names)
        recording = for_telephone(read_wav(spoken(text, "en"), 60))
        (directory / f"{'+'.join(names)}.wav").write_bytes(write_wav(recording))
    handler = partial(QuietFiles, directory=str(directory))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    Thread(target=server.serve_forever, daemon=True).start()
    yield directory, f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


PLAYED = [*((sound,) for sound in Sound), (Sound.DENIED_RETRY, Sound.RETRY_PIN)]


class QuietFiles(SimpleHTTPRequestHandler):
    def log_message(self, *_args: object) -> None:
        pass


@pytest.fixture(scope="module")
def asterisk() -> Iterator[real.RealAsterisk]:
    with real.running() as found:
        yield found


@contextlib.asynccontextmanager
async def carrying(
    asterisk: real.RealAsterisk, sounds: tuple[Path, str], *, context: str = "", ring_seconds: int = 20
) -> AsyncIterator[tuple[Carrier, Phone]]:
    ari = Ari(asterisk.url, "vestibule", Secret.of(real.PASSWORD), "vestibule")
    trunk = Trunk("PJSIP/{number}@trunk", "+14255550100", ring_seconds=ring_seconds, context=context)
    provider = Asterisk(ari, trunk, HttpExchange(), partial(_recording, sounds[1]), ssl.create_default_context())
    carrier, phone = Carrier(provider), await Phone.listen(PLANS, asterisk.phone)
    listening = asyncio.create_task(provider.listen(carrier.tell))
    await heard(provider)
    try:
        yield carrier, phone
    finally:
        await provider.close()
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)
        await phone.close()


def _recording(base: str, names: tuple[str, ...], _locale: str) -> str:
    return f"{base}/{'+'.join(names)}.wav"


async def heard(provider: Asterisk) -> None:
    async with asyncio.timeout(10):
        await provider.hearing.wait()


def number(last: int) -> str:
    return f"+155500000{last:02}"


@pytest.mark.parametrize(
    ("last", "entered", "prompts"),
    [
        (1, [""], ["fraud_greeting", "authentication_successful"]),
        (2, [""], ["fraud_greeting", "authentication_successful"]),
        (4, ["0", "1"], ["fraud_greeting", "fraud_confirmation", "fraud_reported"]),
        (11, [""], ["fraud_greeting", "authentication_successful"]),
    ],
    ids=["RFC 4733", "SIP INFO", "fraud", "barge-in"],
)
async def test_keys_are_heard(
    asterisk: real.RealAsterisk, sounds: tuple[Path, str], last: int, entered: list[str], prompts: list[str]
) -> None:
    async with carrying(asterisk, sounds) as (carrier, _phone):
        assert (await carrier.place(outgoing(f"keys-{last}", number(last)))).outcome is Outcome.ACCEPTED
        call = await carrier.over(f"keys-{last}")
        assert (call.entered, call.prompts, call.ended) == (entered, prompts, [])
        assert carrier.reports[-1].event == Over(CallCause.DONE)


@pytest.mark.parametrize(
    ("last", "entered", "result"),
    [(5, ["4711"], None), (6, ["1", "2", "3"], None), (17, ["4711"], None)],
    ids=["right", "three wrong", "star"],
)
async def test_a_pin_is_keyed(
    asterisk: real.RealAsterisk, sounds: tuple[Path, str], last: int, entered: list[str], result: Result | None
) -> None:
    async with carrying(asterisk, sounds) as (carrier, _phone):
        await carrier.place(outgoing(f"pin-{last}", number(last)), Engine("4711"), stage="pin", fraud=False)
        call = await carrier.over(f"pin-{last}", 60)
        assert (call.entered, [one.result for one in call.ended]) == (entered, [result] if result else [])


@pytest.mark.parametrize(
    ("last", "cause", "result"),
    [
        (7, CallCause.BUSY, Result.UNREACHABLE),
        (8, CallCause.NO_ANSWER, Result.UNREACHABLE),
        (9, CallCause.REJECTED, Result.UNREACHABLE),
        (10, CallCause.INVALID_NUMBER, Result.INVALID_NUMBER),
        (14, CallCause.CONGESTION, Result.UNREACHABLE),
        (15, CallCause.UNREACHABLE, Result.UNREACHABLE),
        (12, CallCause.HUNG_UP, Result.HUNG_UP),
    ],
    ids=["busy", "no answer", "rejected", "no such number", "congestion", "dead", "hangs up"],
)
async def test_a_call_that_fails_says_how(
    asterisk: real.RealAsterisk, sounds: tuple[Path, str], last: int, cause: CallCause, result: Result
) -> None:
    async with carrying(asterisk, sounds, ring_seconds=4) as (carrier, _phone):
        await carrier.place(outgoing(f"fails-{last}", number(last)))
        call = await carrier.over(f"fails-{last}")
        assert carrier.reports[-1].event == Over(cause)
        assert [one.result for one in call.ended] == [result]


async def test_silence_is_asked_three_times_and_then_hung_up_on(
    asterisk: real.RealAsterisk, sounds: tuple[Path, str]
) -> None:
    async with carrying(asterisk, sounds) as (carrier, _phone):
        await carrier.place(outgoing("silent", number(13)), fraud=False)
        call = await carrier.over("silent", 90)
        assert call.prompts == ["greeting", "retry", "retry", "authentication_denied"]
        assert [one.result for one in call.ended] == [Result.NO_INPUT]


async def test_tones_in_the_voice_are_not_taken_for_keys(asterisk: real.RealAsterisk, sounds: tuple[Path, str]) -> None:
    async with carrying(asterisk, sounds) as (carrier, _phone):
        await carrier.place(outgoing("inband", number(3)), fraud=False)
        call = await carrier.over("inband", 90)
        assert call.entered == []


async def test_a_pound_in_the_first_moment_confirms_nothing(
    asterisk: real.RealAsterisk, sounds: tuple[Path, str]
) -> None:
    async with carrying(asterisk, sounds) as (carrier, _phone):
        await carrier.place(outgoing("early", number(16), seconds=12), fraud=False)
        call = await carrier.over("early", 30)
        assert call.entered == []
        assert call.prompts[:2] == ["greeting", "retry"]


async def test_an_extension_is_reached_by_keys(asterisk: real.RealAsterisk, sounds: tuple[Path, str]) -> None:
    async with carrying(asterisk, sounds) as (carrier, phone):
        await carrier.place(outgoing("extension", number(18), extension=",12"))
        call = await carrier.over("extension")
        assert call.prompts == ["extension_prompt", "fraud_greeting", "authentication_successful"]
        assert phone.call_to("15550000018").pressed == "12"


async def test_the_person_hears_our_words_and_sees_our_number(
    asterisk: real.RealAsterisk, sounds: tuple[Path, str]
) -> None:
    async with carrying(asterisk, sounds) as (carrier, phone):
        await carrier.place(outgoing("heard", number(1)), fraud=False)
        await carrier.over("heard")
        call = phone.call_to("15550000001")
        assert call.headers["from"][0].startswith('"Example Corp" <sip:+14255550100@example.test>')
        assert '"Example Corp" <sip:+14255550100@' in call.headers["p-asserted-identity"][0]
        expected = read_wav((sounds[0] / "greeting.wav").read_bytes(), 20).samples
        assert likeness(call.samples, expected) > 0.98


async def test_the_same_send_is_one_call(asterisk: real.RealAsterisk, sounds: tuple[Path, str]) -> None:
    async with carrying(asterisk, sounds) as (carrier, phone):
        first = await carrier.place(outgoing("twice", number(8)))
        again = await carrier.provider.send(outgoing("twice", number(8)), asyncio.get_running_loop().time() + 5)
        assert (first.outcome, again.outcome) == (Outcome.ACCEPTED, Outcome.ACCEPTED)
        assert isinstance(carrier.provider, Asterisk)
        assert (await carrier.provider.ask("twice", "", asyncio.get_running_loop().time() + 5)) is not None
        await carrier.provider.cancel("twice", "", asyncio.get_running_loop().time() + 5)
        await carrier.over("twice")
        assert carrier.reports[-1].event == Over(CallCause.DONE)
        assert await carrier.provider.ask("twice", "", asyncio.get_running_loop().time() + 5) is None
        assert phone.invited == ["15550000008"]


async def test_two_calls_at_once_do_not_mix(asterisk: real.RealAsterisk, sounds: tuple[Path, str]) -> None:
    async with carrying(asterisk, sounds) as (carrier, _phone):
        await carrier.place(outgoing("one", number(1)))
        await carrier.place(outgoing("other", number(5)), Engine("4711"), stage="pin")
        one, other = await asyncio.gather(carrier.over("one"), carrier.over("other"))
        assert (one.entered, other.entered) == ([""], ["4711"])


async def test_a_dialplan_that_finds_a_machine_ends_the_call(
    asterisk: real.RealAsterisk, sounds: tuple[Path, str]
) -> None:
    async with carrying(asterisk, sounds, context="screened") as (carrier, _phone):
        await carrier.place(outgoing("machine", number(13)))
        call = await carrier.over("machine")
        assert Picked(machine=True) in [report.event for report in carrier.reports]
        assert (call.prompts, [one.result for one in call.ended]) == ([], [Result.NO_INPUT])


async def test_a_call_of_a_process_that_died_is_hung_up_by_the_next(
    asterisk: real.RealAsterisk, sounds: tuple[Path, str]
) -> None:
    async with carrying(asterisk, sounds) as (carrier, phone):
        await carrier.place(outgoing("orphan", number(13)))
        await carrier.speaking("orphan")
        died = carrier.provider
        assert isinstance(died, Asterisk)
        died._calls.clear()  # as if it had never known
        async with carrying_after(asterisk, sounds) as later:
            async with asyncio.timeout(10):
                await phone.call_to("15550000013").over.wait()
            assert [report.event for report in later.reports] == [Over(CallCause.FAILED)]


@contextlib.asynccontextmanager
async def carrying_after(asterisk: real.RealAsterisk, sounds: tuple[Path, str]) -> AsyncIterator[Carrier]:
    """The next process, on the same application."""
    ari = Ari(asterisk.url, "vestibule", Secret.of(real.PASSWORD), "vestibule")
    provider = Asterisk(
        ari, Trunk("PJSIP/{number}@trunk"), HttpExchange(), partial(_recording, sounds[1]), ssl.create_default_context()
    )
    carrier = Carrier(provider)
    listening = asyncio.create_task(provider.listen(carrier.tell))
    await heard(provider)
    yield carrier
    await provider.close()
    listening.cancel()
    await asyncio.gather(listening, return_exceptions=True)


async def test_a_wrong_password_is_a_matter_of_configuration(
    asterisk: real.RealAsterisk, sounds: tuple[Path, str]
) -> None:
    async with carrying(asterisk, sounds) as (carrier, _phone):
        assert isinstance(carrier.provider, Asterisk)
        carrier.provider._ari = Ari(asterisk.url, "vestibule", Secret(b"wrong"), "vestibule")
        sent = await carrier.place(outgoing("wrong", number(1)))
        assert (sent.outcome, sent.fault) == (Outcome.REJECTED, Fault.CONFIGURATION)


async def test_an_asterisk_that_dies_in_a_call_loses_it_loudly(sounds: tuple[Path, str]) -> None:
    with real.running() as asterisk:
        async with carrying(asterisk, sounds) as (carrier, _phone):
            await carrier.place(outgoing("dies", number(13)))
            await carrier.speaking("dies")
            asterisk.stop()
            sent = await carrier.provider.send(outgoing("later", number(1)), asyncio.get_running_loop().time() + 5)
            assert (sent.outcome, sent.fault) == (Outcome.REJECTED, Fault.OTHER)


def likeness(heard: "array[int]", expected: "array[int]") -> float:
    """The best normalised correlation of what was expected with any place of what was heard."""
    middle = expected[4000:12_000]
    size = math.sqrt(sum(sample * sample for sample in middle))
    sketch = middle[::40]

    def rough(start: int) -> float:
        return abs(sum(one * other for one, other in zip(sketch, heard[start : start + 8000 : 40], strict=False)))

    best = max(range(0, len(heard) - 8000, 2), key=rough)

    def exact(start: int) -> float:
        part = heard[max(0, start) : max(0, start) + 8000]
        other = math.sqrt(sum(sample * sample for sample in part)) or 1.0
        return sum(one * two for one, two in zip(middle, part, strict=False)) / (size * other)

    return max(exact(start) for start in range(best - 40, best + 40))
