"""What a step of the engine gives back: the one order to perform and the words for the door."""

from dataclasses import dataclass

from vestibule.core.messages import Message
from vestibule.core.prompts import Prompt, Way
from vestibule.core.reasons import Reason
from vestibule.core.secret import Secret


@dataclass(frozen=True, slots=True)
class Account:
    """A person as a directory of others knows them: its id, what it never changes of them, their name.

    `external_id` is "" where only the name is known: of a local user, or of somebody whom we do not know. `local` is
    whether it is a user of ours, whose local password goes first; one that a person of a directory once had never does.
    """

    directory: str
    external_id: str
    user_name: str
    local: bool = False


@dataclass(frozen=True, slots=True)
class CheckPassword:
    """Order: let the directory check this password; `user_id` "" is checked against a dummy of the same cost.

    `account` is set for people whose password another directory keeps.
    """

    user_id: str
    password: Secret
    source: str
    account: Account | None = None


@dataclass(frozen=True, slots=True)
class Deliver:
    """Order: carry this message, whose row is committed before the first octet leaves."""

    message: Message


Order = CheckPassword | Deliver


@dataclass(frozen=True, slots=True)
class Accept:
    """Let in. `groups` choose the reply attributes; `attributes` come from the directory.

    An attribute is a name and a text, or "#" with a RADIUS attribute's number and its octets in hexadecimal.
    """

    user_name: str
    groups: tuple[str, ...] = ()
    attributes: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Reject:
    """Refuse; the reason is for the journal and the metrics, the wire says the same for all."""

    reason: Reason


@dataclass(frozen=True, slots=True)
class Ask:
    """Put a question that the person answers through the same client, until `expires_at` (seconds since the epoch).

    `ways` are all ways that may be chosen instead, this one among them; none where there is no choice. `way` is the id
    of this one, which puts the question once more.
    """

    attempt_id: str
    nonce: str
    prompt: Prompt
    expires_at: float = 0.0
    ways: tuple[Way, ...] = ()
    way: str = ""


@dataclass(frozen=True, slots=True)
class Wait:
    """Hold on: the answer comes in through another door, until `expires_at` (seconds since the epoch).

    `ways` and `way` as of `Ask`.
    """

    attempt_id: str
    nonce: str
    prompt: Prompt
    expires_at: float
    ways: tuple[Way, ...] = ()
    way: str = ""


Decision = Accept | Reject | Ask | Wait
