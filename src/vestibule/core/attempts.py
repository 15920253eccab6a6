"""One try to sign in, from the first packet to the last word, and the question that is open in it."""

from dataclasses import dataclass

from vestibule.core.prompts import Prompt
from vestibule.core.reasons import Reason


@dataclass(frozen=True, slots=True)
class Challenge:
    """One question. `nonce` makes it single use: an answer must name it. `memory` belongs to the method.

    A question for a typed code has no method of its own (`method` is ""): any of the user's codes answers it.
    """

    nonce: str
    prompt: Prompt
    expires_at: float
    method: str = ""
    credential_id: str = ""
    memory: str = ""
    waits: bool = False
    tries_left: int = 1


@dataclass(frozen=True, slots=True)
class Settled:
    """How an attempt ended: accepted, or refused for `reason`. The party that waits for it reads this."""

    at: float
    reason: Reason | None = None
    groups: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Attempt:
    """An open or just settled try. A one-shot sign-in never has a row of this kind."""

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

    @property
    def awaited(self) -> bool:
        """Whether an answer from elsewhere may still come: open, and its question is not one to type."""
        return self.settled is None and self.challenge is not None and self.challenge.waits
