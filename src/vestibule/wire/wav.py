"""Recordings: a WAV file becomes what a telephone carries, 8 kHz, one channel, 16 bit. Pure.

Rules of this file:
- A file says how long it is; what it says is compared with what is there before anything of it is used.
- PCM of 8 to 32 bit, 32-bit floats, A-law and µ-law are read (RFC 2361; EXTENSIBLE for the same), nothing else.
"""

import math
import struct
import sys
from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from operator import mul
from typing import Final

from vestibule.core.errors import Malformed

TELEPHONE_RATE: Final = 8000
LOWEST_RATE, HIGHEST_RATE = 4000, 192_000
MOST_CHANNELS: Final = 8
PCM, FLOAT, A_LAW, MU_LAW, EXTENSIBLE = 1, 3, 6, 7, 0xFFFE
FULL: Final = 32_767
LOUD: Final = 23_000  # 3 dB below full scale
AUDIBLE: Final = 200
EDGE_SECONDS: Final = 0.15
BAND: Final = 0.45  # of the lower rate: what a telephone line carries
WINGS: Final = 12  # zero crossings of the filter on each side


@dataclass(frozen=True, slots=True)
class Recording:
    """One channel of samples, -32768 to 32767."""

    rate: int
    samples: "array[int]"

    @property
    def seconds(self) -> float:
        """How long it takes to play."""
        return len(self.samples) / self.rate


def read_wav(octets: bytes, longest: float) -> Recording:
    """The channels of a WAV file, mixed into one. Raises Malformed, also for more than `longest` seconds."""
    chunks = dict(_chunks(octets))
    head, data = chunks.get(b"fmt ", b""), chunks.get(b"data", b"")
    if len(head) < 16:
        raise Malformed("this is not a WAV file that can be read: it does not say how it is written")
    kind, channels, rate, _, _, bits = struct.unpack("<HHIIHH", head[:16])
    if kind == EXTENSIBLE and len(head) >= 26:
        kind = int.from_bytes(head[24:26], "little")
    if not LOWEST_RATE <= rate <= HIGHEST_RATE or not 1 <= channels <= MOST_CHANNELS:
        raise Malformed(f"a recording of {rate} Hz with {channels} channels can not be used")
    read = _READ.get((kind, bits))
    if read is None:
        raise Malformed(
            f"the way this WAV file is written (format {kind}, {bits} bit) is not known; save it as PCM, 16 bit"
        )
    width = bits // 8
    frames = len(data) // (width * channels)
    if frames > longest * rate:
        raise Malformed(f"the recording takes {frames / rate:.0f} seconds; it must take less than {longest:g}")
    if not frames:
        raise Malformed("there is nothing in the recording")
    return Recording(rate, _mixed(read(data[: frames * width * channels]), channels))


def for_telephone(recording: Recording) -> Recording:
    """The same at 8 kHz, as loud as a voice should be, without silence at its ends. Raises Malformed for silence."""
    narrow = recording if recording.rate == TELEPHONE_RATE else _resampled(recording, TELEPHONE_RATE)
    loud = [place for place, sample in enumerate(narrow.samples) if abs(sample) > AUDIBLE]
    if not loud:
        raise Malformed("there is nothing to be heard in the recording")
    edge = int(EDGE_SECONDS * TELEPHONE_RATE)
    kept = narrow.samples[max(0, loud[0] - edge) : loud[-1] + edge]
    gain = LOUD / max(abs(sample) for sample in kept)
    return Recording(TELEPHONE_RATE, array("h", (_clipped(sample * gain) for sample in kept)))


def write_wav(recording: Recording) -> bytes:
    """A WAV file of 16-bit PCM."""
    samples = array("h", recording.samples)
    if sys.byteorder == "big":
        samples.byteswap()
    data, rate = samples.tobytes(), recording.rate
    head = struct.pack("<HHIIHH", PCM, 1, rate, rate * 2, 2, 16)
    body = b"WAVEfmt " + struct.pack("<I", len(head)) + head + b"data" + struct.pack("<I", len(data)) + data
    return b"RIFF" + struct.pack("<I", len(body)) + body


def joined(recordings: Sequence[Recording], gap: float = 0.1) -> Recording:
    """One after another, `gap` seconds apart; all of one rate. Raises ValueError for several rates or none."""
    (rate,) = {recording.rate for recording in recordings}
    silence = array("h", bytes(2 * int(gap * rate)))
    samples = array("h", recordings[0].samples)
    for recording in recordings[1:]:
        samples += silence + recording.samples
    return Recording(rate, samples)


def _chunks(octets: bytes) -> Iterator[tuple[bytes, bytes]]:
    if octets[:4] != b"RIFF" or octets[8:12] != b"WAVE":
        raise Malformed("this is not a WAV file")
    place = 12
    while place + 8 <= len(octets):
        name, size = octets[place : place + 4], int.from_bytes(octets[place + 4 : place + 8], "little")
        yield name, octets[place + 8 : place + 8 + size]
        place += 8 + size + size % 2


def _mixed(samples: "array[int]", channels: int) -> "array[int]":
    if channels == 1:
        return samples
    parts = [samples[number::channels] for number in range(channels)]
    return array("h", (_clipped(sum(frame) / channels) for frame in zip(*parts, strict=True)))


def _resampled(recording: Recording, rate: int) -> Recording:
    """Through a windowed-sinc low-pass, one set of its values for each place between two samples that comes up."""
    step = recording.rate / rate
    cutoff = BAND * min(1.0, 1 / step) * 2
    reach = math.ceil(WINGS / cutoff)
    edge = array("h", bytes(2 * reach))
    padded = edge + recording.samples + edge
    phases: dict[int, tuple[float, ...]] = {}
    common = math.gcd(recording.rate, rate)
    whole, parts = recording.rate // common, rate // common
    found = array("h")
    for number in range(int(len(recording.samples) / step)):
        place, phase = divmod(number * whole, parts)
        kernel = phases.get(phase) or phases.setdefault(phase, _kernel(phase / parts, cutoff, reach))
        found.append(_clipped(sum(map(mul, padded[place + 1 : place + 1 + 2 * reach], kernel))))
    return Recording(rate, found)


def _kernel(offset: float, cutoff: float, reach: int) -> tuple[float, ...]:
    """2 · reach values of the filter, its middle `offset` behind the sample at reach - 1; they add up to 1."""
    values = []
    for tap in range(2 * reach):
        distance = tap - (reach - 1) - offset
        angle = math.pi * distance * cutoff
        window = 0.5 + 0.5 * math.cos(math.pi * distance / reach) if abs(distance) < reach else 0.0
        values.append(window * (math.sin(angle) / angle if angle else 1.0))
    total = sum(values)
    return tuple(value / total for value in values)


def _clipped(value: float) -> int:
    return max(-FULL - 1, min(FULL, round(value)))


def _little(kind: str, data: bytes) -> "array[int]":
    found = array(kind)
    found.frombytes(data)
    if sys.byteorder == "big":
        found.byteswap()
    return found


def _pcm24(data: bytes) -> "array[int]":
    return _little("h", bytes(octet for place in range(0, len(data), 3) for octet in data[place + 1 : place + 3]))


def _floats(data: bytes) -> "array[int]":
    values = struct.unpack(f"<{len(data) // 4}f", data)
    return array("h", (_clipped(value * FULL) if math.isfinite(value) else 0 for value in values))


def _mu_law(octet: int) -> int:
    """ITU-T G.711, table 2a."""
    octet = ~octet & 0xFF
    value = (((octet & 0x0F) << 3) + 0x84) << ((octet & 0x70) >> 4)
    return 0x84 - value if octet & 0x80 else value - 0x84


def _a_law(octet: int) -> int:
    """ITU-T G.711, table 1a."""
    octet ^= 0x55
    size, segment = (octet & 0x0F) << 4, (octet & 0x70) >> 4
    value = size + 8 if segment == 0 else (size + 0x108) << (segment - 1)
    return value if octet & 0x80 else -value


_MU_LAW, _A_LAW = [_mu_law(octet) for octet in range(256)], [_a_law(octet) for octet in range(256)]

_READ: Mapping[tuple[int, int], Callable[[bytes], "array[int]"]] = {
    (PCM, 8): lambda data: array("h", ((octet - 128) << 8 for octet in data)),
    (PCM, 16): lambda data: _little("h", data),
    (PCM, 24): _pcm24,
    (PCM, 32): lambda data: array("h", (value >> 16 for value in _little("i", data))),
    (FLOAT, 32): _floats,
    (A_LAW, 8): lambda data: array("h", (_A_LAW[octet] for octet in data)),
    (MU_LAW, 8): lambda data: array("h", (_MU_LAW[octet] for octet in data)),
}
