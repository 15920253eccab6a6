"""The client's side of MS-CHAP version 2 (RFC 2759), which the product never needs: it makes responses of passwords.

MD4 is written out here, since OpenSSL gives it away no more; its own vectors (RFC 1320) are in `test_radius_mschap`.
"""

import secrets
import struct
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha1

from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.ciphers import Cipher, modes

from vestibule.wire.radius.packet import Attribute
from vestibule.wire.radius.passing import MICROSOFT, MS_CHAP2_RESPONSE

Pair = tuple[int, bytes]
WORD = 0xFFFFFFFF


def nt_hash(password: str) -> bytes:
    return md4(password.encode("utf-16-le"))


def hash_of_hash(password: str) -> bytes:
    return md4(nt_hash(password))


def challenge_response(challenge: bytes, hashed: bytes) -> bytes:
    """RFC 2759 section 8.5: eight octets under three keys of seven."""
    padded = hashed.ljust(21, b"\0")
    return b"".join(_des(padded[start : start + 7], challenge) for start in (0, 7, 14))


@dataclass(frozen=True)
class Asked:
    """A response, and the attributes that carry it."""

    attributes: tuple[Pair, Pair]
    identifier: int
    peer_challenge: bytes
    nt_response: bytes


def answer(user: str, password: str) -> Asked:
    """What a client of version 2 sends in one packet, with a challenge that its NAS drew."""
    challenge, peer, identifier = secrets.token_bytes(16), secrets.token_bytes(16), secrets.randbelow(256)
    bare = user.rpartition("\\")[2]
    hashed = sha1(peer + challenge + bare.encode(), usedforsecurity=False).digest()[:8]
    response = challenge_response(hashed, nt_hash(password))
    value = bytes((identifier, 0)) + peer + bytes(8) + response
    return Asked((microsoft(11, challenge), microsoft(MS_CHAP2_RESPONSE, value)), identifier, peer, response)


def microsoft(kind: int, value: bytes) -> Pair:
    return int(Attribute.VENDOR_SPECIFIC), MICROSOFT + bytes((kind, len(value) + 2)) + value


def md4(octets: bytes) -> bytes:
    """RFC 1320."""
    state = [0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476]
    padded = octets + b"\x80" + bytes(-(len(octets) + 9) % 64) + struct.pack("<Q", len(octets) * 8)
    for start in range(0, len(padded), 64):
        state = [(old + new) & WORD for old, new in zip(state, _mixed(state, padded[start : start + 64]), strict=True)]
    return struct.pack("<4I", *state)


Mix = Callable[[int, int, int], int]
ROUNDS: tuple[tuple[Mix, int, tuple[int, ...], tuple[int, ...]], ...] = (
    (lambda x, y, z: (x & y) | (~x & z), 0, tuple(range(16)), (3, 7, 11, 19)),
    (
        lambda x, y, z: (x & y) | (x & z) | (y & z),
        0x5A827999,
        (0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15),
        (3, 5, 9, 13),
    ),
    (
        lambda x, y, z: x ^ y ^ z,
        0x6ED9EBA1,
        (0, 8, 4, 12, 2, 10, 6, 14, 1, 9, 5, 13, 3, 11, 7, 15),
        (3, 9, 11, 15),
    ),
)


def _mixed(state: list[int], block: bytes) -> list[int]:
    words = struct.unpack("<16I", block)
    a, b, c, d = state
    for mix, constant, order, shifts in ROUNDS:
        for place, word in enumerate(order):
            total = (a + mix(b, c, d) + words[word] + constant) & WORD
            shift = shifts[place % 4]
            a, b, c, d = d, ((total << shift) | (total >> (32 - shift))) & WORD, b, c
    return [a, b, c, d]


def _des(key: bytes, block: bytes) -> bytes:
    """One block under 56 bits, spread over eight octets whose lowest bits say nothing."""
    bits = int.from_bytes(key, "big")
    spread = bytes((bits >> (49 - 7 * place) & 0x7F) << 1 for place in range(8))
    encryptor = Cipher(TripleDES(spread * 3), modes.ECB()).encryptor()
    return encryptor.update(block) + encryptor.finalize()
