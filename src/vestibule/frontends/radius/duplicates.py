"""Retransmissions: the same packet from the same client gets the remembered reply, whatever port it comes from.

A packet is the same when client, Identifier, Request Authenticator and all its octets are (RFC 5080 section 2.2.2).
It is known from its arrival until some seconds after its reply, however long the reply takes.
"""

from collections import deque
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any

Asker = tuple[Any, tuple[Any, ...]]  # the transport it came by, and the address to answer
MOST_ASKERS = 8


def packet_id(client_id: str, octets: bytes) -> str:
    """The identity of a packet: 32 hex digits, equal for retransmissions and for nothing else."""
    return blake2b(octets, key=client_id.encode()[:64], digest_size=16).hexdigest()


@dataclass(slots=True, eq=False)
class Turn:
    """A packet that is being decided on: who asked for it so far, and the reply once it has left."""

    identity: str
    askers: list[Asker] = field(default_factory=list)
    reply: bytes | None = None

    def join(self, asker: Asker) -> None:
        """Remember where else to send the answer, within reason."""
        if asker not in self.askers and len(self.askers) < MOST_ASKERS:
            self.askers.append(asker)


class Duplicates:
    """Remembers packets until `seconds` after their reply."""

    def __init__(self, seconds: float) -> None:
        """Start with none."""
        self._seconds = seconds
        self._turns: dict[str, Turn] = {}
        self._ages: deque[tuple[float, Turn]] = deque()

    def __len__(self) -> int:
        """How many are remembered."""
        return len(self._turns)

    def find(self, identity: str) -> Turn | None:
        """What is known of this packet."""
        return self._turns.get(identity)

    def begin(self, turn: Turn) -> Turn:
        """A packet that was not seen before."""
        self._turns[turn.identity] = turn
        return turn

    def answer(self, turn: Turn, reply: bytes, now: float) -> None:
        """Keep the reply for those who ask again, and forget the replies that are old."""
        turn.reply = reply
        turn.askers.clear()
        self._ages.append((now + self._seconds, turn))
        while self._ages[0][0] <= now:
            self.drop(self._ages.popleft()[1])

    def drop(self, turn: Turn) -> None:
        """Forget a packet; one that stays without an answer is tried anew when it is sent again."""
        self._turns.pop(turn.identity, None)
