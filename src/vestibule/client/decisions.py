"""What becomes of a sign-in."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Accepted:
    """Let in: the name as the server spells it, and the person's groups."""

    user: str
    groups: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Challenge:
    """Not let in yet: show `text`, and hand what is typed to `answer`."""

    user: str
    attempt: str
    nonce: str
    text: str


@dataclass(frozen=True, slots=True)
class Waiting:
    """Not let in yet: the person approves elsewhere, matching `number` unless it is empty. Hand it to `wait`."""

    user: str
    attempt: str
    nonce: str
    text: str
    number: str
    expires_at: float  # seconds since the epoch


@dataclass(frozen=True, slots=True)
class Refused:
    """Not let in; `text` is for the person, and the same for every reason."""

    text: str


Decision = Accepted | Challenge | Waiting | Refused
