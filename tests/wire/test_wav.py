"""WAV files: what is read, what becomes of it, and what is refused with words."""

import math
import struct
import wave
from array import array
from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vestibule.core.errors import Malformed
from vestibule.wire.wav import LOUD, TELEPHONE_RATE, Recording, for_telephone, read_wav, write_wav


def tone(hertz: float, rate: int, seconds: float = 1.0, size: float = 0.5) -> "array[int]":
    count = int(rate * seconds)
    return array("h", (int(32_767 * size * math.sin(2 * math.pi * hertz * n / rate)) for n in range(count)))


def packed(kind: int, channels: int, rate: int, bits: int, data: bytes) -> bytes:
    head = struct.pack("<HHIIHH", kind, channels, rate, rate * channels * bits // 8, channels * bits // 8, bits)
    body = b"WAVEfmt " + struct.pack("<I", len(head)) + head + b"data" + struct.pack("<I", len(data)) + data
    return b"RIFF" + struct.pack("<I", len(body)) + body


def strength(samples: "array[int]", hertz: float, rate: int = TELEPHONE_RATE) -> float:
    """How much of a tone is in it (Goertzel), as the tone's size."""
    angle = 2 * math.pi * hertz / rate
    real = sum(sample * math.cos(angle * n) for n, sample in enumerate(samples))
    imaginary = sum(sample * math.sin(angle * n) for n, sample in enumerate(samples))
    return 2 * math.hypot(real, imaginary) / len(samples)


@pytest.mark.parametrize("rate", [8000, 11_025, 16_000, 22_050, 44_100, 48_000])
def test_a_voice_keeps_its_tones_and_what_a_telephone_can_not_carry_goes(rate: int) -> None:
    low = tone(1000, rate)
    high = tone(6000, rate) if rate > 16_000 else array("h", bytes(2 * len(low)))
    mixed = array("h", (one // 2 + other // 2 for one, other in zip(low, high, strict=True)))
    heard = for_telephone(Recording(rate, mixed))
    assert heard.rate == TELEPHONE_RATE
    assert heard.seconds == pytest.approx(1.0, abs=0.01)
    assert strength(heard.samples, 1000) > 0.9 * LOUD
    assert strength(heard.samples, 2000) < 0.01 * LOUD  # where 6000 Hz would come back


def test_what_is_written_is_read_by_another_reader() -> None:
    samples = tone(440, 8000, 0.5)
    with wave.open(BytesIO(write_wav(Recording(8000, samples)))) as opened:
        assert (opened.getnchannels(), opened.getsampwidth(), opened.getframerate()) == (1, 2, 8000)
        assert opened.readframes(opened.getnframes()) == samples.tobytes()


@given(st.lists(st.integers(-32_768, 32_767), min_size=1, max_size=500), st.integers(4000, 192_000))
def test_what_is_written_is_read_again(samples: list[int], rate: int) -> None:
    recording = Recording(rate, array("h", samples))
    assert read_wav(write_wav(recording), 20) == recording


@pytest.mark.parametrize(
    ("kind", "bits", "data"),
    [
        (1, 8, bytes([128, 192, 64])),
        (1, 16, struct.pack("<3h", 0, 16_384, -16_384)),
        (1, 24, b"\0\0\0" + b"\0\0\x40" + b"\0\0\xc0"),
        (1, 32, struct.pack("<3i", 0, 2**30, -(2**30))),
        (3, 32, struct.pack("<3f", 0.0, 0.50001, -0.50003)),
    ],
)
def test_all_depths_mean_the_same(kind: int, bits: int, data: bytes) -> None:
    assert list(read_wav(packed(kind, 1, 8000, bits, data), 20).samples) == [0, 16_384, -16_384]


def test_the_laws_of_telephones_are_read_as_the_standard_has_them() -> None:
    assert list(read_wav(packed(7, 1, 8000, 8, bytes([0xFF, 0x80, 0x00, 0x7F])), 20).samples) == [0, 32_124, -32_124, 0]
    assert list(read_wav(packed(6, 1, 8000, 8, bytes([0xD5, 0x55, 0xAA, 0x2A])), 20).samples) == [
        8,
        -8,
        32_256,
        -32_256,
    ]


def test_channels_are_mixed() -> None:
    data = struct.pack("<4h", 1000, 3000, -500, 500)
    assert list(read_wav(packed(1, 2, 8000, 16, data), 20).samples) == [2000, 0]


def test_silence_at_the_ends_goes_and_quiet_voices_become_audible() -> None:
    quiet = array("h", bytes(16_000)) + tone(500, 8000, 1.0, 0.05) + array("h", bytes(32_000))
    heard = for_telephone(Recording(8000, quiet))
    assert heard.seconds == pytest.approx(1.3, abs=0.02)
    assert max(heard.samples) == pytest.approx(LOUD, rel=0.01)


@pytest.mark.parametrize(
    ("octets", "words"),
    [
        (b"", "not a WAV file"),
        (b"ID3\x04" + bytes(60), "not a WAV file"),
        (b"RIFF\0\0\0\0WAVE", "how it is written"),
        (packed(1, 1, 8000, 16, b""), "nothing in the recording"),
        (packed(1, 1, 8000, 16, b"\0"), "nothing in the recording"),
        (packed(1, 0, 8000, 16, b"\0\0"), "0 channels"),
        (packed(1, 1, 0, 16, b"\0\0"), "0 Hz"),
        (packed(1, 1, 400_000_000, 16, b"\0\0"), "400000000 Hz"),
        (packed(17, 1, 8000, 4, b"\0\0"), "save it as PCM"),
        (packed(1, 1, 8000, 16, bytes(2 * 8000 * 21)), "less than 20"),
    ],
)
def test_what_can_not_be_used_is_refused_with_words(octets: bytes, words: str) -> None:
    with pytest.raises(Malformed, match=words):
        read_wav(octets, 20)


def test_silence_alone_is_refused() -> None:
    with pytest.raises(Malformed, match="nothing to be heard"):
        for_telephone(Recording(16_000, array("h", bytes(32_000))))


def test_a_size_that_lies_takes_no_more_than_is_there() -> None:
    octets = bytearray(packed(1, 1, 8000, 16, struct.pack("<2h", 5, 6)))
    octets[40:44] = (0xFFFFFFFF).to_bytes(4, "little")
    assert list(read_wav(bytes(octets), 20).samples) == [5, 6]
