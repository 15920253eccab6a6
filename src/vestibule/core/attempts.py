"""One try to sign in, from the first packet to the last word, and the question that is open in it."""

from dataclasses import dataclass

from vestibule.core.prompts import Prompt, Way
from vestibule.core.reasons import Reason


@dataclass(frozen=True, slots=True)
class Challenge:
    """One question. `nonce` makes it single use: an answer must name it. `memory` belongs to the method.

    A question for a typed code has no method of its own (`method` is ""): any of the user's codes answers it. One that
    `waits` is answered elsewhere; `polled` is one of these where the asking system can not hold on, and asks again.
    """

    nonce: str
    prompt: Prompt
    expires_at: float
    method: str = ""
    credential_id: str = ""
    memory: str = ""
    waits: bool = False
    tries_left: int = 1
    polled: bool = False


@dataclass(frozen=True, slots=True)
class Settled:
    """How an attempt ended: accepted, or refused for `reason`. The party that waits for it reads this."""

    at: float
    reason: Reason | None = None
    groups: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Attempt:
    """An open or just settled try. A one-shot sign-in never has a row of this kind.

    `ways` are all ways that the person may choose, if there is a choice; `tried` those that did not reach them. In a
    `silent` one nothing can be typed: what the asking system carries has no room for it.
    """

    id: str
    client_id: str
    user_id: str  # "" for a name that nobody has
    user_name: str
    user_key: str
    source: str
    address: str
    created_at: float
    expires_at: float
    challenge: Challenge | None = None
    settled: Settled | None = None
    rule: str = ""
    methods: tuple[str, ...] = ()
    attributes: tuple[tuple[str, str], ...] = ()  # what the directory said with the first factor
    ways: tuple[Way, ...] = ()
    tried: tuple[str, ...] = ()  # ids of ways
    silent: bool = False

    @property
    def awaited(self) -> bool:
        """Whether an answer from elsewhere may still come: open, and its question is not one to type."""
        return self.settled is None and self.challenge is not None and self.challenge.waits
