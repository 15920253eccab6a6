"""What was handed to providers, what was counted for limits, and who wants no more texts."""

from dataclasses import dataclass
from enum import StrEnum

from vestibule.core.delivery import Medium
from vestibule.core.secret import Secret


class SendState(StrEnum):
    """How a send stands; it only goes forward, down this list."""

    DISPATCHING = "dispatching"  # committed before the provider is asked: it may or may not have been
    UNKNOWN = "unknown"  # nobody can say
    ACCEPTED = "accepted"
    FAILED = "failed"  # surely not carried
    UNDELIVERED = "undelivered"
    DELIVERED = "delivered"


FINAL = frozenset({SendState.FAILED, SendState.UNDELIVERED, SendState.DELIVERED})
MAYBE_CARRIED = frozenset({SendState.UNKNOWN, SendState.ACCEPTED, SendState.DELIVERED})


@dataclass(frozen=True, slots=True)
class Send:
    """One provider's try to carry one message. Its id is what the provider knows it by; no number stands in it.

    `reference` is what the provider calls it, `sender` who the person sees it from: what they reply to. `place` is the
    region and the first digits, as limits count them. `cost` is in millionths of `currency`, `reserved` what the money
    limits hold for it, in millionths of the installation's currency. `memory` is what a call
    remembers: it holds keys that were pressed.
    """

    id: str
    message_id: str
    attempt_id: str
    user_id: str
    credential_id: str
    provider: str
    medium: Medium
    state: SendState = SendState.DISPATCHING
    reference: str = ""
    fault: str = ""
    code: str = ""
    sender: str = ""
    region: str = ""
    prefix: str = ""
    cost: int = 0
    currency: str = ""
    reserved: int = 0
    begun_at: float = 0.0
    ended_at: float = 0.0
    memory: Secret = Secret(b"")  # noqa: RUF009 - it does not change


@dataclass(frozen=True, slots=True)
class Counted:
    """What was counted under a key until `until` (seconds since the epoch), when the row may go.

    `count` and `money` (millionths) are those of a whole window, such as a day; `marks` (JSON) are the times of single
    events where a window slides.
    """

    id: str
    until: float
    count: int = 0
    money: int = 0
    marks: str = "[]"


@dataclass(frozen=True, slots=True)
class OptOut:
    """A number that has answered STOP: `id` is a keyed digest of the number and of the sender."""

    id: str
    at: float
    provider: str = ""
