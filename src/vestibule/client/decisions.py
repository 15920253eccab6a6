"""What becomes of a sign-in."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Accepted:
    """Let in: the name as the server spells it, and the person's groups."""

    user: str
    groups: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Way:
    """One way in which the person can be asked: a method, and which telephone or address it is, masked."""

    id: str
    method: str
    label: str


@dataclass(frozen=True, slots=True)
class Challenge:
    """Not let in yet: show `text`, and hand what is typed to `answer`, or one of `ways` to `choose`.

    `way` is the id of the one that is asked in now; chosen once more, it asks once more.
    """

    user: str
    attempt: str
    nonce: str
    text: str
    way: str = ""
    ways: tuple[Way, ...] = ()


@dataclass(frozen=True, slots=True)
class Waiting:
    """Not let in yet: the person approves elsewhere, matching `number` unless it is empty. Hand it to `wait`.

    `way` and `ways` as of `Challenge`.
    """

    user: str
    attempt: str
    nonce: str
    text: str
    number: str
    expires_at: float  # seconds since the epoch
    way: str = ""
    ways: tuple[Way, ...] = ()


@dataclass(frozen=True, slots=True)
class Refused:
    """Not let in; `text` is for the person, and the same for every reason."""

    text: str


Decision = Accepted | Challenge | Waiting | Refused
