"""Attributes hidden under a salt: Tunnel-Password, MS-MPPE-Send-Key, MS-MPPE-Recv-Key (RFC 2868, RFC 2548).

Rules of this file:
- What `reveal_salted` gives is a key or a password: its caller never logs it.
- The salt is a parameter: two octets, the highest bit set, different for each attribute of one packet.
"""

from typing import Final

from vestibule.core.errors import Malformed
from vestibule.wire.radius.password import chain, unchain

SALT: Final = 2
"""Octets of a salt."""

LONGEST_SALTED: Final = 239
"""Octets in the longest value that fits: a vendor's attribute holds 15 blocks, and the first octet is a length."""

_BLOCK: Final = 16


def hide_salted(plain: bytes, secret: bytes, authenticator: bytes, salt: bytes) -> bytes:
    """Hide at most 239 octets under the Request Authenticator and a salt, and give salt and all (RFC 2548, 2.4.2).

    Raises ValueError for a longer value or a salt that is none.
    """
    if len(plain) > LONGEST_SALTED:
        raise ValueError(f"a salted value has at most {LONGEST_SALTED} octets")
    if len(salt) != SALT or not salt[0] & 0x80:
        raise ValueError("a salt has two octets, and its highest bit is set")
    measured = bytes((len(plain),)) + plain
    padded = measured.ljust(-(-len(measured) // _BLOCK) * _BLOCK, b"\0")
    return salt + chain(padded, secret, authenticator + salt)


def reveal_salted(hidden: bytes, secret: bytes, authenticator: bytes) -> bytes:
    """Reveal a value, given with its salt, under the Request Authenticator of the request that it answers.

    Raises `Malformed` for a wrong length, outside or inside; the usual cause of the latter is another secret.
    """
    salt, text = hidden[:SALT], hidden[SALT:]
    if not text or len(text) % _BLOCK:
        raise Malformed("a salted attribute: its length is not a salt and blocks of 16 octets")
    plain = unchain(text, secret, authenticator + salt)
    size = plain[0]
    if size >= len(plain):
        raise Malformed("a salted attribute: it says that it is longer than it is; compare the shared secret")
    return plain[1 : 1 + size]
