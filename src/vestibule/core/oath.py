"""HOTP values (RFC 4226 section 5.3) and the time steps of TOTP (RFC 6238 section 4.2), for the methods of codes."""

import hmac

from vestibule.core.credentials import Algorithm


def hotp(key: bytes, counter: int, digits: int = 6, algorithm: Algorithm = Algorithm.SHA1) -> str:
    """The HOTP value of `counter` (0 to 2**64−1) as `digits` decimal digits."""
    digest = hmac.digest(key, counter.to_bytes(8, "big"), algorithm.value)
    offset = digest[-1] & 0x0F
    number = int.from_bytes(digest[offset : offset + 4], "big") & 0x7FFFFFFF
    return str(number % 10**digits).zfill(digits)


def time_step(at: float, period: int) -> int:
    """The time step that `at` (seconds since the epoch) lies in."""
    return int(at) // period


def is_code(text: str, digits: int) -> bool:
    """Whether `text` is that many ASCII digits."""
    return len(text) == digits and text.isascii() and text.isdigit()
