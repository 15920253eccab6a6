"""Throws mutated WAV files and Asterisk's events at their readers: `python -m tests.fuzz.sounds --cases N --seed S`.

Whatever comes in, out comes a recording of no more samples than there were octets, or `Malformed`; of an event what it
says in texts, or nothing.
"""

import argparse
import json
import time
from array import array
from collections import Counter
from random import Random

from vestibule.channels.asterisk.events import told
from vestibule.core.errors import Malformed
from vestibule.wire.wav import Recording, read_wav, write_wav

LONGEST = 20.0
WAV = write_wav(Recording(8000, array("h", range(-40, 40))))
EVENT = {
    "type": "ChannelDtmfReceived",
    "timestamp": "2026-11-20T21:00:00.000+0000",
    "digit": "4",
    "channel": {"id": "send", "state": "Up"},
    "args": ["MACHINE"],
    "playback": {"id": "one", "target_uri": "channel:send"},
    "cause": 16,
}
ODD: tuple[object, ...] = (None, True, -1, 1e300, "", "\ud800", [], {}, [[]], {"id": {"id": 1}}, "x" * 300)


def run(cases: int, seed: int) -> Counter[str]:
    """Run so many cases; give how often each kind of outcome was met. Raises `AssertionError` with what was read."""
    chance = Random(seed)
    met: Counter[str] = Counter()
    for _ in range(cases):
        octets, text = _file(chance), _event(chance)
        try:
            met[_heard(octets)] += 1
            met[_said(text)] += 1
        except Exception as error:
            raise AssertionError(f"read_wav({octets!r}) or told({text!r})") from error
    return met


def _file(chance: Random) -> bytes:
    """Change octets, mostly of the head; cut or lengthen the rest."""
    octets = bytearray(WAV)
    for _ in range(chance.randrange(6)):
        octets[chance.randrange(chance.choice((48, len(octets))))] = chance.choice(
            (0, 1, 2, 3, 7, 8, 255, chance.randrange(256))
        )
    return bytes(
        octets[: chance.randrange(len(octets) + 1)] if chance.random() < 0.2 else octets * chance.choice((1, 1, 3))
    )


def _event(chance: Random) -> str:
    """Change values of an event, or its text."""
    event: dict[str, object] = dict(EVENT)
    for _ in range(chance.randrange(3)):
        event[chance.choice(list(EVENT))] = chance.choice(ODD)
    text = json.dumps(event)
    place = chance.randrange(len(text))
    return text if chance.random() < 0.7 else text[:place] + chance.choice('"{}[],:\\x0 ') + text[place + 1 :]


def _heard(octets: bytes) -> str:
    try:
        recording = read_wav(octets, LONGEST)
    except Malformed:
        return "malformed"
    assert 0 < len(recording.samples) <= len(octets)
    assert recording.seconds <= LONGEST
    return "recording"


def _said(text: str) -> str:
    event = told(text)
    if event is None:
        return "nothing"
    assert all(isinstance(one, str) for one in (event.kind, event.channel, event.digit, event.playback, event.status))
    return "event"


def main() -> None:
    """Run as many cases as the command line says and print what was met."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    started = time.monotonic()
    met = run(asked.cases, asked.seed)
    print(f"{asked.cases} files in {time.monotonic() - started:.0f} s, seed {asked.seed}: {dict(met)}")


if __name__ == "__main__":
    main()
