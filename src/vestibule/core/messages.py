"""What a channel must carry to a person."""

from dataclasses import dataclass
from enum import StrEnum

from vestibule.core.reasons import Result


@dataclass(frozen=True, slots=True)
class Message:
    """One message; its id is the idempotency key. It holds references only: the channel opens them when it sends."""

    id: str
    channel: str
    credential_id: str
    attempt_id: str
    template: str
    deadline: float  # seconds since the epoch; not sent after


class Delivery(StrEnum):
    """How one send ended."""

    SENT = "sent"
    FAILED = "failed"  # surely not sent
    UNKNOWN = "unknown"  # nobody can say: never resent blindly
    DONE = "done"  # the channel has written down itself what became of it


@dataclass(frozen=True, slots=True)
class Missed:
    """It surely did not reach the person, and what reports call that."""

    result: Result
