"""Throws mutated PDUs at the SMPP codec: `python -m tests.fuzz.smpp --cases 1000000 --seed 1`.

Rules of this file:
- The same seed gives the same cases, so a failure is found again by its number.
- A case may end in `Malformed`; what is read is written and read again as the same value.
"""

import argparse
import os
import sys
from random import Random
from time import perf_counter
from typing import Final

from tests.wire.file_vectors import blocks
from vestibule.core.errors import Malformed
from vestibule.wire.smpp.pdu import decode, encode, message_body, read_bind, read_id, read_message, size
from vestibule.wire.smpp.texts import message_text, receipt

REPORT: Final = 100_000
FORMS: Final = 8
"""A PDU in so many cases has its length put right, so that what is within is looked at."""


def run(cases: int, seed: int) -> None:
    """Try so many cases; the first fault propagates with the number of its case as a note."""
    random = Random(seed)
    pdus = [
        bytes.fromhex("".join(value for word, value in lines if word == "octets").replace(" ", ""))
        for _, lines in blocks("smpp_pdus.txt")
    ]
    began = perf_counter()
    for case in range(cases):
        try:
            _try(_mutated(random, random.choice(pdus)), case % FORMS)
        except Exception as fault:
            fault.add_note(f"case {case} of seed {seed}")
            raise
        if (case + 1) % REPORT == 0:
            print(f"{case + 1:,} cases, {(case + 1) / (perf_counter() - began):,.0f} per second", flush=True)


def _mutated(random: Random, octets: bytes) -> bytes:
    for _ in range(1 + random.randrange(3)):
        low, high = sorted((random.randrange(len(octets) + 1), random.randrange(len(octets) + 1)))
        match random.randrange(5):
            case 0:
                octets = octets[:low] + bytes((random.randrange(256),)) + octets[low + 1 :]
            case 1:
                octets = octets[:low]
            case 2:
                octets = octets[:low] + octets[high:]
            case 3:
                octets = octets[:high] + octets[low:]
            case _:
                octets = octets[:low] + random.randbytes(random.randrange(8)) + octets[low:]
    return octets


def _try(octets: bytes, form: int) -> None:
    if form and len(octets) >= 16:
        octets = len(octets).to_bytes(4, "big") + octets[4:]
    try:
        pdu = decode(octets)
    except Malformed:
        return
    assert encode(pdu) == octets
    assert size(octets) == len(octets)
    for read in (read_bind, read_id):
        try:
            read(pdu.body)
        except Malformed:
            continue
    _try_message(pdu.body)


def _try_message(body: bytes) -> None:
    try:
        message = read_message(body)
        message_text(message)
    except Malformed:
        return
    receipt(message)
    try:
        written = message_body(message)
    except Malformed:  # what we read in Latin-1 we do not write
        return
    assert read_message(written) == message


def main() -> int:
    """Read how many cases and which seed, and run them."""
    parser = argparse.ArgumentParser(description="Fuzz the SMPP codec.")
    cases = int(os.environ.get("FUZZ_CASES", "1000000"))
    parser.add_argument("--cases", type=int, default=cases, help="how many inputs to try")
    parser.add_argument("--seed", type=int, default=1, help="the same seed gives the same cases")
    wanted = parser.parse_args()
    run(wanted.cases, wanted.seed)
    return 0


if __name__ == "__main__":
    sys.exit(main())
