"""A pre-shared key as people hold it: hexadecimal or Base64 in a letter, or a file of its octets."""

import base64
import binascii
import re
from typing import Final

from vestibule.core.secret import Secret
from vestibule.wire.names import BadField

LENGTHS: Final = (16, 24, 32)
"""Octets of a key: AES-128, AES-192 or Triple DES, AES-256."""

FIELD: Final = "pre-shared key"

_HEX: Final = re.compile(rb"(?:0[xX])?([0-9A-Fa-f\s:-]+)")


def read_shared_key(content: bytes) -> Secret:
    """Read a key as hexadecimal (blanks, colons and dashes between groups), as Base64, or as the octets themselves.

    Text goes before octets: 32 octets that all happen to be hexadecimal digits are a key of 16 written down. Raises
    `BadField` when none of the three gives 16, 24 or 32 octets.
    """
    for octets in (_of_hex(content), _of_base64(content), content):
        if len(octets) in LENGTHS:
            return Secret(octets)
    raise BadField(FIELD, "must have 16, 24 or 32 octets, in hexadecimal, in Base64 or as they are; compare the letter")


def _of_hex(content: bytes) -> bytes:
    found = _HEX.fullmatch(content.strip())
    digits = re.sub(rb"[\s:-]", b"", found[1]) if found else b""
    return b"" if len(digits) % 2 else bytes.fromhex(digits.decode())


def _of_base64(content: bytes) -> bytes:
    try:
        return base64.b64decode(b"".join(content.split()), validate=True)
    except (binascii.Error, ValueError):
        return b""
