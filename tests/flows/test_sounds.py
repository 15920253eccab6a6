"""Recordings for calls: taken, refused with words, played to whom they are for, served under names nobody guesses."""

from array import array
from math import sin
from pathlib import Path

import pytest
import structlog
from starlette.testclient import TestClient

from tests.flows.desks import ACTOR, Office
from vestibule.apps import rendering
from vestibule.apps.sounds import Sounds, public_base, under
from vestibule.apps.speech import can_speak, spoken, unpacked
from vestibule.core.call_sounds import LANGUAGES, Sound, words
from vestibule.core.errors import Malformed
from vestibule.core.providers import ProviderRecord
from vestibule.core.secret import Secret
from vestibule.flows import sounds
from vestibule.flows.refused import Missing, Refused
from vestibule.frontends.sounds.application import application
from vestibule.wire.wav import Recording, for_telephone, read_wav, write_wav

needs_a_voice = pytest.mark.skipif(not can_speak(), reason="espeak-ng is not installed")


def wav(seconds: float = 1.0, rate: int = 8000, pitch: float = 0.3) -> bytes:
    return write_wav(Recording(rate, array("h", (int(9000 * sin(pitch * n)) for n in range(int(rate * seconds))))))


@pytest.fixture
def library(office: Office, tmp_path: Path) -> Sounds:
    return Sounds(office.desk.store, tmp_path / "sounds", structlog.get_logger())


async def add(office: Office, language: str = "nl", message: str = "greeting", octets: bytes = b"") -> str:
    told = await sounds.add(
        office.desk, ACTOR, language=language, message=message, content=octets or wav(), file_name="hello.wav"
    )
    digest: str = told["recording"]["digest"]
    return digest


async def test_a_recording_is_taken_once_listed_and_removed(office: Office) -> None:
    digest = await add(office, octets=wav(2.0, 44_100))
    [told] = (await sounds.listed(office.desk, ACTOR))["recordings"]
    assert told == {
        "language": "nl",
        "message": "greeting",
        "seconds": pytest.approx(2.0, abs=0.1),
        "source": "hello.wav",
        "changed_at": office.clock.at,
        "digest": digest,
    }
    [kept] = await sounds.recordings(office.desk)
    assert read_wav(kept.octets, 20).rate == 8000
    await sounds.remove(office.desk, ACTOR, language="nl", message="greeting")
    assert (await sounds.listed(office.desk, ACTOR))["recordings"] == []
    assert await office.actions() == ["sound.add", "sound.remove"]


@pytest.mark.parametrize(
    ("language", "message", "octets", "text"),
    [
        ("nl", "hello", wav(), "no message hello"),
        ("", "greeting", wav(), "language is written"),
        ("n/l", "greeting", wav(), "language is written"),
        ("nl", "greeting", b"ID3" + bytes(100), "hello.wav can not be used: this is not a WAV file"),
        ("nl", "greeting", wav(21.0), "less than 20"),
        ("nl", "greeting", bytes(5 * 1024 * 1024 + 1), "larger than 5 MB"),
    ],
)
async def test_what_can_not_be_played_is_refused_with_words(
    office: Office, language: str, message: str, octets: bytes, text: str
) -> None:
    with pytest.raises(Refused, match=text):
        await add(office, language, message, octets)
    assert await sounds.recordings(office.desk) == []


async def test_what_is_not_there_can_not_be_removed(office: Office) -> None:
    with pytest.raises(Missing):
        await sounds.remove(office.desk, ACTOR, language="nl", message="greeting")


async def test_a_recording_is_played_to_people_of_its_language_only(office: Office, library: Sounds) -> None:
    digest = await add(office)
    await library.look()
    path = library.recording(speaks=("en", "nl"))
    assert path(("greeting",), "nl") == f"/sounds/{digest}.wav"
    assert path(("greeting",), "nl-BE") == f"/sounds/{digest}.wav"
    assert path(("greeting",), "en") == ""
    assert path(("retry",), "nl") == ""


async def test_a_recording_of_a_region_goes_before_that_of_its_language(office: Office, library: Sounds) -> None:
    await add(office)
    flemish = await add(office, "nl-BE", octets=wav(pitch=0.5))
    await library.look()
    assert library.recording(speaks=("nl",))(("greeting",), "nl_BE") == f"/sounds/{flemish}.wav"


async def test_what_another_node_has_changed_is_played_at_the_next_look(office: Office, library: Sounds) -> None:
    await library.look()
    digest = await add(office)
    await library.look()
    assert library.octets((digest,)) is not None
    await sounds.remove(office.desk, ACTOR, language="nl", message="greeting")
    await library.look()
    assert library.recording(speaks=("nl",))(("greeting",), "nl") == ""


async def test_recordings_are_served_under_their_digests_and_nothing_else(office: Office, library: Sounds) -> None:
    one, other = await add(office), await add(office, message="retry", octets=wav(pitch=0.5))
    await library.look()
    client = TestClient(application(library.octets))
    answer = client.get(f"/sounds/{one}.wav")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "audio/wav")
    assert read_wav(answer.content, 20).seconds == pytest.approx(1.0, abs=0.1)
    both = read_wav(client.get(f"/sounds/{one}+{other}.wav").content, 20)
    assert both.seconds == pytest.approx(2.1, abs=0.2)
    for wrong in (
        "x.wav",
        f"{one}",
        f"{'0' * 64}.wav",
        f"{one}+{'0' * 64}.wav",
        "..%2f..%2fetc%2fpasswd",
        f"{one}.wav.wav",
    ):
        assert client.get(f"/sounds/{wrong}").status_code == 404
    assert client.get(f"/sounds/{'+'.join([one] * 25)}.wav").status_code == 404
    assert client.post(f"/sounds/{one}.wav").status_code == 405


def test_a_url_is_made_where_there_is_an_address() -> None:
    def path(names: tuple[str, ...], _locale: str) -> str:
        return "/sounds/a.wav" if names == ("greeting",) else ""

    assert under("https://mfa.example.org", path)(("greeting",), "en") == "https://mfa.example.org/sounds/a.wav"
    assert under("https://mfa.example.org", path)(("retry",), "en") == ""
    assert under("", path)(("greeting",), "en") == ""
    assert public_base("https://mfa.example.org/hooks/tw/0123") == "https://mfa.example.org"
    assert public_base("") == ""


@needs_a_voice
async def test_the_words_that_we_ship_are_spoken_where_an_asterisk_is_set_up(
    office: Office, library: Sounds, tmp_path: Path
) -> None:
    (tmp_path / "sounds").mkdir()
    missing = {("th", Sound.RETRY_PIN), ("th", Sound.DENIED_RETRY)}
    for language, sound in ((language, sound) for language in LANGUAGES for sound in Sound):
        if (language, sound) not in missing:
            rendering.place_of(tmp_path / "sounds", language, sound).write_bytes(wav(0.3))
    await library.look()
    path = library.recording()
    assert path((Sound.RETRY_PIN,), "th") == ""
    record = ProviderRecord("pbx", "asterisk", "{}", Secret(b""))
    await office.desk.store.change(lambda writing: writing.put(record))
    await library.look()
    url = path((Sound.DENIED_RETRY, Sound.RETRY_PIN), "th")
    octets = library.octets(tuple(url.removeprefix("/sounds/").removesuffix(".wav").split("+")))
    assert octets
    assert 2 < read_wav(octets, 20).seconds < 12
    await library.close()


@needs_a_voice
def test_no_message_that_we_ship_takes_longer_than_twenty_seconds() -> None:
    for language in LANGUAGES:
        longest = max(Sound, key=lambda sound: len(words(sound, language)))
        assert for_telephone(read_wav(spoken(words(longest, language), language), 60)).seconds < 20


@needs_a_voice
def test_recordings_of_older_words_go(tmp_path: Path) -> None:
    old = tmp_path / "en.greeting.000000000000.wav"
    old.write_bytes(b"old")
    place = rendering.place_of(tmp_path, "en", Sound.GREETING)
    for sound in Sound:
        rendering.place_of(tmp_path, "en", sound).write_bytes(b"there")
    assert rendering.render(tmp_path, ["en"]) == 0
    assert (old.exists(), place.exists(), rendering.complete(tmp_path, "en")) == (False, True, True)


def test_an_mp3_that_is_none_is_refused() -> None:
    with pytest.raises((Malformed, Exception), match="MP3"):
        unpacked(b"ID3" + bytes(200))
