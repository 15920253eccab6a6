"""What an upstream server says about a password, or to a request that was handed on."""

from dataclasses import dataclass

from vestibule.wire.radius.packet import Packet
from vestibule.wire.radius.passing import Hop

Pair = tuple[int, bytes]


@dataclass(frozen=True, slots=True)
class Accepted:
    """The password is right; `attributes` are what the server says about the person, in its order."""

    attributes: tuple[Pair, ...] = ()


@dataclass(frozen=True, slots=True)
class Rejected:
    """The password is not right, or the person may not; `message` is the server's word for people, often empty."""

    message: str = ""


@dataclass(frozen=True, slots=True)
class Challenged:
    """The server `by` asks a question of its own, which nobody can answer while a password is checked."""

    by: str
    message: str = ""


Answer = Accepted | Rejected | Challenged


@dataclass(frozen=True, slots=True)
class Relayed:
    """A reply that proved itself, from whom, and what hides the keys in it."""

    packet: Packet
    server: str
    hop: Hop
