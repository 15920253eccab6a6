"""RADIUS where there are no datagrams: packets one after another in a stream of octets (RFC 6613 section 2.6).

Rules of this file:
- A length that no packet has ends the stream: nobody can say where the next packet begins.
- No more than one unfinished packet is ever held.
"""

from vestibule.core.errors import Malformed
from vestibule.wire.radius.packet import HEADER, LONGEST

_LENGTH_END = 4


class Splitter:
    """Cuts one stream into packets."""

    def __init__(self) -> None:
        """Begin before the first octet."""
        self._held = bytearray()

    @property
    def unfinished(self) -> bool:
        """Whether a packet has begun and not ended."""
        return bool(self._held)

    def feed(self, octets: bytes) -> tuple[list[bytes], Malformed | None]:
        """Give the packets that are complete now, and what is wrong with the one behind them.

        After the latter the stream is of no use any more.
        """
        self._held += octets
        found: list[bytes] = []
        while len(self._held) >= _LENGTH_END:
            length = int.from_bytes(self._held[2:_LENGTH_END], "big")
            if not HEADER <= length <= LONGEST:
                return found, Malformed("offset 2: Length is outside 20 to 4096, so the next packet can not be found")
            if len(self._held) < length:
                break
            found.append(bytes(self._held[:length]))
            del self._held[:length]
        return found, None
