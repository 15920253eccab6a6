"""User-Password under the shared secret (RFC 2865 section 5.2).

Rules of this file:
- What `reveal` gives is a password: its caller wraps it at once and never logs it.
- The cipher pads with octets 0, so a password that ends in one can not be told apart; PAP has none.
"""

import hashlib
from typing import Final

from vestibule.core.errors import Malformed

LONGEST_PASSWORD: Final = 128
"""Octets in the longest User-Password."""

_BLOCK: Final = 16


def hide(password: bytes, secret: bytes, authenticator: bytes) -> bytes:
    """Hide a password of at most 128 octets under the Request Authenticator of 16 octets (RFC 2865 section 5.2).

    Gives 16 to 128 octets, a multiple of 16; raises ValueError for a longer password.
    """
    if len(password) > LONGEST_PASSWORD:
        raise ValueError(f"a RADIUS password has at most {LONGEST_PASSWORD} octets; use a shorter one")
    blocks = max(1, -(-len(password) // _BLOCK))
    return chain(password.ljust(blocks * _BLOCK, b"\0"), secret, authenticator)


def reveal(hidden: bytes, secret: bytes, authenticator: bytes) -> bytes:
    """Reveal a User-Password hidden under the Request Authenticator of 16 octets (RFC 2865 section 5.2).

    Octets 0 at its end are padding and dropped. Raises `Malformed` unless 16 to 128 octets in blocks of 16 are given.
    """
    size = len(hidden)
    if size % _BLOCK or not 0 < size <= LONGEST_PASSWORD:
        raise Malformed("User-Password: its length is not 16, 32, and so on up to 128 octets")
    if size == _BLOCK:
        return _xor(hidden, _pad(secret, authenticator)).rstrip(b"\0")
    return unchain(hidden, secret, authenticator).rstrip(b"\0")


def chain(plain: bytes, secret: bytes, start: bytes) -> bytes:
    """Hide whole blocks of 16 octets, each under the one before it, the first under `start`."""
    hidden = [start]
    for offset in range(0, len(plain), _BLOCK):
        hidden.append(_xor(plain[offset : offset + _BLOCK], _pad(secret, hidden[-1])))
    return b"".join(hidden[1:])


def unchain(hidden: bytes, secret: bytes, start: bytes) -> bytes:
    """Reveal what `chain` has hidden, padding and all."""
    before = [start, *(hidden[offset : offset + _BLOCK] for offset in range(0, len(hidden) - _BLOCK, _BLOCK))]
    return _xor(hidden, b"".join([_pad(secret, block) for block in before]))


def _pad(secret: bytes, before: bytes) -> bytes:
    return hashlib.md5(secret + before, usedforsecurity=False).digest()


def _xor(left: bytes, right: bytes) -> bytes:
    return (int.from_bytes(left, "big") ^ int.from_bytes(right, "big")).to_bytes(len(left), "big")
