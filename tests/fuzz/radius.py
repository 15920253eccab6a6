"""Throws mutated packets at the RADIUS codec: `python -m tests.fuzz.radius --cases 1000000 --seed 1`.

Rules of this file:
- The same seed gives the same cases, so a failure is found again by its number.
- A case may end in `Malformed`, or in `TooLong` when Proxy-States leave no room; anything else is a fault.
"""

import argparse
import sys
from functools import partial
from random import Random
from time import perf_counter

from vestibule.core.errors import Malformed
from vestibule.wire.radius.authenticity import accounting_authentic, verify_request
from vestibule.wire.radius.client import decode_reply, encode_access_request, encode_accounting_request
from vestibule.wire.radius.packet import (
    MOST_ATTRIBUTES,
    Attribute,
    Code,
    Packet,
    TooLong,
    decode,
    encode_attributes,
)
from vestibule.wire.radius.passing import MICROSOFT, Hop, forwarded, needs_upstream, returned
from vestibule.wire.radius.password import hide, reveal
from vestibule.wire.radius.reply import encode_reply
from vestibule.wire.radius.salted import hide_salted
from vestibule.wire.radius.stream import Splitter

SECRET = b"a shared secret of 32 octets ..."
AUTHENTICATOR = bytes(range(16))
CODES = (Code.ACCESS_ACCEPT, Code.ACCESS_REJECT, Code.ACCESS_CHALLENGE, Code.PROTOCOL_ERROR)
ATTRIBUTES = [(Attribute.REPLY_MESSAGE, b"Hello"), (Attribute.STATE, b"0123456789abcdef")]
REPORT = 100_000


def run(cases: int, seed: int) -> None:
    """Try so many cases; the first fault propagates with the number of its case as a note."""
    random = Random(seed)
    seeds = _seeds()
    began = perf_counter()
    for case in range(cases):
        datagram = _mutated(random, random.choice(seeds))
        try:
            _try(datagram, CODES[case & 3])
        except Exception as fault:
            fault.add_note(f"case {case} of seed {seed}: {datagram.hex()}")
            raise
        if (case + 1) % REPORT == 0:
            print(f"{case + 1:,} cases, {(case + 1) / (perf_counter() - began):,.0f} per second", flush=True)


def _seeds() -> list[bytes]:
    password = (Attribute.USER_PASSWORD, hide(b"arctangent", SECRET, AUTHENTICATOR))
    name, state = (Attribute.USER_NAME, b"nemo"), (Attribute.PROXY_STATE, b"first")
    login = [name, password, state, (Attribute.NAS_IP_ADDRESS, bytes(4)), (Attribute.PROXY_STATE, b"second")]
    status = [(Attribute.ACCT_STATUS_TYPE, b"\0\0\0\1"), name, state]
    crowd = [(Attribute.PROXY_STATE, bytes((number,))) for number in range(200)]
    full = [
        *((Attribute.PROXY_STATE, bytes((number,)) * 253) for number in range(15)),
        (Attribute.PROXY_STATE, bytes(200)),
    ]
    ask = partial(encode_access_request, 1, AUTHENTICATOR, secret=SECRET)
    key = hide_salted(bytes(16), SECRET, AUTHENTICATOR, b"\x80\0")
    keys = [(Attribute.VENDOR_SPECIFIC, MICROSOFT + bytes((kind, len(key) + 2)) + key) for kind in (16, 17)]
    tunnel = [(Attribute.TUNNEL_PASSWORD, b"\1" + key), (Attribute.CHAP_PASSWORD, bytes(17))]
    common = [
        ask([*keys, *tunnel]),
        ask(login),
        ask([name, password]),
        ask([*login] * 4),
        encode_accounting_request(5, status, SECRET),
    ]
    rare = [ask([]), ask(login, message_authenticator=False), ask(crowd), ask(full)]
    return common * 5 + rare


def _mutated(random: Random, octets: bytes) -> bytes:
    draw = random.random
    for _ in range(1 + int(draw() * 3)):
        size = len(octets)
        place, other = int(draw() * size), int(draw() * size)
        match int(draw() * 7):
            case 0 | 1:
                octets = octets[:place] + bytes((int(draw() * 256),)) + octets[place + 1 :]
            case 2:
                octets = octets[:place]
            case 3:
                octets = octets[:place] + octets[min(place, other) : max(place, other)] + octets[place:]
            case 4:
                octets = octets[: min(place, other)] + octets[max(place, other) :]
            case 5:
                octets += bytes((Attribute.PROXY_STATE, 3, place & 255))
            case _:
                octets = octets[:place] + random.randbytes(int(draw() * 8)) + octets[place:]
    return _measured(octets) if draw() < 0.75 else octets


def _measured(octets: bytes) -> bytes:
    """Put the right Length into the header, so that the attributes are looked at."""
    return octets[:2] + len(octets).to_bytes(2, "big") + octets[4:] if 4 <= len(octets) < 1 << 16 else octets


def _try(datagram: bytes, code: Code) -> None:
    try:
        request = decode(datagram)
    except Malformed:
        return
    assert request.octets[20:] == encode_attributes(request.attributes)
    verify_request(request, SECRET)
    accounting_authentic(request, SECRET)
    _try_passwords(request)
    _try_passing(request)
    _try_stream(request.octets)
    _try_reply(request, code)


def _try_passwords(request: Packet) -> None:
    for hidden in request.all(Attribute.USER_PASSWORD):
        try:
            plain = reveal(hidden, SECRET, request.authenticator)
        except Malformed:
            continue
        assert hide(plain, SECRET, request.authenticator) == hidden[: max(16, -(-len(plain) // 16) * 16)]


def _try_passing(request: Packet) -> None:
    hop, back = Hop(SECRET, AUTHENTICATOR), Hop(b"another", bytes(16))
    try:
        needs_upstream(request)
        there = returned(request, hop, back, b"\0\0")
        again = returned(request._replace(attributes=there), back, hop, b"\0\0")
    except Malformed:
        return
    assert [(kind, len(value)) for kind, value in again] == [(kind, len(value)) for kind, value in there]
    assert encode_attributes(forwarded(request))[:2] != bytes((Attribute.MESSAGE_AUTHENTICATOR, 18))


def _try_stream(octets: bytes) -> None:
    splitter = Splitter()
    assert splitter.feed(octets + octets[:9]) == ([octets], None)
    assert splitter.feed(octets[9:]) == ([octets], None)


def _try_reply(request: Packet, code: Code) -> None:
    try:
        octets = encode_reply(request, code, ATTRIBUTES, SECRET)
    except TooLong:
        assert sum(len(state) + 2 for state in request.all(Attribute.PROXY_STATE)) > 4000
        return
    if len(request.attributes) > MOST_ATTRIBUTES - 1 - len(ATTRIBUTES):
        return
    reply = decode_reply(octets, request.octets, SECRET)
    assert reply.code == code
    assert reply.all(Attribute.PROXY_STATE) == request.all(Attribute.PROXY_STATE)
    assert [kind for kind, _ in reply.attributes[:3]] == [80, 18, 24]


def main() -> int:
    """Read how many cases and which seed, and run them."""
    parser = argparse.ArgumentParser(description="Fuzz the RADIUS codec.")
    parser.add_argument("--cases", type=int, default=1_000_000, help="how many packets to try")
    parser.add_argument("--seed", type=int, default=1, help="the same seed gives the same cases")
    wanted = parser.parse_args()
    run(wanted.cases, wanted.seed)
    return 0


if __name__ == "__main__":
    sys.exit(main())
