"""What a step of the engine gives back: the one order to perform and the words for the door."""

from dataclasses import dataclass

from vestibule.core.messages import Message
from vestibule.core.prompts import Prompt
from vestibule.core.reasons import Reason
from vestibule.core.secret import Secret


@dataclass(frozen=True, slots=True)
class CheckPassword:
    """Order: let the directory check this password; `user_id` "" is checked against a dummy of the same cost."""

    user_id: str
    password: Secret
    source: str


@dataclass(frozen=True, slots=True)
class Deliver:
    """Order: carry this message, whose row is committed before the first octet leaves."""

    message: Message


Order = CheckPassword | Deliver


@dataclass(frozen=True, slots=True)
class Accept:
    """Let in. `groups` choose the reply attributes."""

    user_name: str
    groups: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Reject:
    """Refuse; the reason is for the journal and the metrics, the wire says the same for all."""

    reason: Reason


@dataclass(frozen=True, slots=True)
class Ask:
    """Put a question that the person answers through the same client."""

    attempt_id: str
    nonce: str
    prompt: Prompt


@dataclass(frozen=True, slots=True)
class Wait:
    """Hold on: the answer comes in through another door, until `expires_at` (seconds since the epoch)."""

    attempt_id: str
    nonce: str
    prompt: Prompt
    expires_at: float


Decision = Accept | Reject | Ask | Wait
