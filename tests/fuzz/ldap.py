"""Throws mutated messages, filters and names at the LDAP codec: `python -m tests.fuzz.ldap --cases 1000000 --seed 1`.

Rules of this file:
- The same seed gives the same cases, so a failure is found again by its number.
- A case may end in `Malformed`; what is read is written and read again as the same value, and as asn1tools reads it.
"""

import argparse
import os
import sys
from collections.abc import Callable
from random import Random
from time import perf_counter
from typing import Final, TypeVar

from tests.wire.file_vectors import blocks
from tests.wire.ldap_samples import CODES, judge, judged
from vestibule.core.errors import Malformed
from vestibule.wire.ldap.ber import message_size
from vestibule.wire.ldap.codec import decode, encode
from vestibule.wire.ldap.controls import read_dir_sync, read_page, read_policy
from vestibule.wire.ldap.distinguished import parse_name
from vestibule.wire.ldap.filter_text import filter_text, parse_filter
from vestibule.wire.ldap.messages import BindResponse, ExtendedResponse, Message, SearchDone

T = TypeVar("T")

REPORT: Final = 100_000
JUDGED: Final = 50
"""One message in so many is shown to asn1tools, which is slow."""

TAGS: Final = bytes.fromhex(
    "30 31 02 04 0a 01 05 a0 a1 a2 a3 a4 a9 80 81 82 83 84 87 8a 8b 60 61 42 63 64 65 73 50 77 78"
)


def run(cases: int, seed: int) -> None:
    """Try so many cases; the first fault propagates with the number of its case as a note."""
    random = Random(seed)
    messages = [bytes.fromhex(_joined(lines, "octets")) for _, lines in blocks("ldap_messages.txt")]
    filters = [dict(lines)["text"] for _, lines in blocks("ldap_filters.txt")]
    names = [dict(lines)["text"] for _, lines in blocks("ldap_names.txt")]
    began = perf_counter()
    for case in range(cases):
        try:
            match case % 8:
                case 6:
                    _try_text(_mutated_text(random, random.choice(filters)), parse_filter, filter_text)
                case 7:
                    _try_text(_mutated_text(random, random.choice(names)), parse_name, str)
                case _:
                    _try(_mutated(random, random.choice(messages)), shown=case % JUDGED == 0)
        except Exception as fault:
            fault.add_note(f"case {case} of seed {seed}")
            raise
        if (case + 1) % REPORT == 0:
            print(f"{case + 1:,} cases, {(case + 1) / (perf_counter() - began):,.0f} per second", flush=True)


def _joined(lines: list[tuple[str, str]], word: str) -> str:
    return " ".join(value for found, value in lines if found == word)


def _mutated(random: Random, octets: bytes) -> bytes:
    draw = random.random
    for _ in range(1 + int(draw() * 3)):
        size = len(octets)
        place, other = int(draw() * size), int(draw() * size)
        low, high = min(place, other), max(place, other)
        match int(draw() * 7):
            case 0:
                octets = octets[:place] + bytes((int(draw() * 256),)) + octets[place + 1 :]
            case 1:
                octets = octets[:place] + bytes((TAGS[int(draw() * len(TAGS))],)) + octets[place + 1 :]
            case 2:
                octets = octets[:place]
            case 3:
                octets = octets[:low] + octets[low:high] + octets[low:]
            case 4:
                octets = octets[:low] + octets[high:]
            case 5:
                octets = octets[:place] + bytes((random.choice((0, 1, 0x7F, 0x80, 0x84, 0xFF)),)) + octets[place + 1 :]
            case _:
                octets = octets[:place] + random.randbytes(int(draw() * 8)) + octets[place:]
    return _measured(octets) if draw() < 0.6 else octets


def _measured(octets: bytes) -> bytes:
    """Put the right length into the header, so that what is within is looked at."""
    return octets[:1] + bytes((len(octets) - 2,)) + octets[2:] if 2 <= len(octets) < 130 else octets


def _mutated_text(random: Random, text: str) -> str:
    for _ in range(1 + random.randrange(3)):
        place = random.randrange(len(text) + 1)
        piece = random.choice(
            ["(", ")", "*", "\\", "\\2a", "=", ",", "+", "#", '"', "\0", "é", ":dn:", "&", "!", "((", " "]
        )
        text = text[:place] + piece + text[place + random.randrange(2) :]
    return text


def _try(octets: bytes, *, shown: bool) -> None:
    try:
        message = decode(octets)
    except Malformed:
        return
    again = encode(message)
    assert decode(again) == message
    assert message_size(again, 1 << 20) == len(again)
    _try_controls(message)
    if shown and _judgeable(message):
        assert judge().decode("Message", again) == judged(message)


def _judgeable(message: Message) -> bool:
    """The judge knows some result codes only; what we replaced in a diagnostic is the same octets by now."""
    match message.operation:
        case BindResponse(result) | SearchDone(result) | ExtendedResponse(result):
            return result.code in CODES
        case _:
            return True


def _try_controls(message: Message) -> None:
    readers: tuple[Callable[..., object], ...] = (read_page, read_policy, read_dir_sync)
    for control in message.controls:
        for read in readers:
            try:
                read(control)
            except Malformed:
                continue


def _try_text(text: str, parse: Callable[[str], T], write: Callable[[T], str]) -> None:
    try:
        value = parse(text)
    except Malformed:
        return
    assert parse(write(value)) == value


def main() -> int:
    """Read how many cases and which seed, and run them."""
    parser = argparse.ArgumentParser(description="Fuzz the LDAP codec.")
    cases = int(os.environ.get("FUZZ_CASES", "1000000"))
    parser.add_argument("--cases", type=int, default=cases, help="how many inputs to try")
    parser.add_argument("--seed", type=int, default=1, help="the same seed gives the same cases")
    wanted = parser.parse_args()
    run(wanted.cases, wanted.seed)
    return 0


if __name__ == "__main__":
    sys.exit(main())
