"""The ciphers of PSKC by the name in their URI: CBC (XML Encryption section 5.2), AES key wrap (RFC 3394, RFC 5649).

Rules of this file: CBC is opened only after its MAC was right, or to learn the MAC key; a failure says nothing but no.
Triple DES is opened for files from before AES and never written.
"""

from collections.abc import Callable
from contextlib import suppress
from typing import Final

from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.ciphers import BlockCipherAlgorithm, Cipher, modes
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap, aes_key_unwrap_with_padding

from vestibule.core.secret import Secret

KEY_LENGTHS: Final = {
    "aes128-cbc": (16,),
    "aes192-cbc": (24,),
    "aes256-cbc": (32,),
    "tripledes-cbc": (24, 16),
    "kw-aes128": (16,),
    "kw-aes192": (24,),
    "kw-aes256": (32,),
    "kw-aes-128-pad": (16,),
    "kw-aes-192-pad": (24,),
    "kw-aes-256-pad": (32,),
}
"""The ciphers that are known, and the octets their keys have."""

AES_BLOCK: Final = 16

Chance = Callable[[int], bytes]
"""Gives that many unpredictable octets."""


class Unopened(Exception):
    """The key does not fit, or the text is damaged: which of both cannot be told."""


def proves_itself(cipher: str) -> bool:
    """Whether the cipher notices a change by itself and needs no MAC."""
    return cipher.startswith("kw-")


def decrypt(cipher: str, key: Secret, text: bytes) -> bytes:
    """Open what one of `KEY_LENGTHS` closed; CBC has its initial vector in front. Raises `Unopened`."""
    if proves_itself(cipher):
        return _unwrapped(key.reveal(), text)
    if cipher == "tripledes-cbc":
        octets = key.reveal()
        return _decrypted_cbc(TripleDES(octets + octets[: 24 - len(octets)]), text)
    return _decrypted_cbc(AES(key.reveal()), text)


def encrypt_aes_cbc(key: Secret, plain: bytes, chance: Chance) -> bytes:
    """Close with AES-CBC, padded as PKCS #7; the initial vector stands in front."""
    vector, missing = chance(AES_BLOCK), AES_BLOCK - len(plain) % AES_BLOCK
    encryptor = Cipher(AES(key.reveal()), modes.CBC(vector)).encryptor()
    return vector + encryptor.update(plain + bytes([missing]) * missing) + encryptor.finalize()


def _unwrapped(key: bytes, text: bytes) -> bytes:
    """Open either wrap: keys of 20 octets need the one with padding, and many files give it the name of the other."""
    for unwrap in (aes_key_unwrap, aes_key_unwrap_with_padding):
        with suppress(InvalidUnwrap, ValueError):
            return unwrap(key, text)
    raise Unopened


def _decrypted_cbc(algorithm: BlockCipherAlgorithm, text: bytes) -> bytes:
    """Open and take the padding off: the last octet is its length, the others may be anything."""
    block = algorithm.block_size // 8
    if len(text) < 2 * block or len(text) % block:
        raise Unopened
    decryptor = Cipher(algorithm, modes.CBC(text[:block])).decryptor()
    padded = decryptor.update(text[block:]) + decryptor.finalize()
    if not 1 <= padded[-1] <= block:
        raise Unopened
    return padded[: -padded[-1]]
