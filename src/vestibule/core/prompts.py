"""What a person is asked. Methods emit prompts, doors and portals render them; nothing else passes between the two."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

CODE = "code"
"""The way that stands for all typed codes: any of the person's authenticators, tokens and lists answers it."""


@dataclass(frozen=True, slots=True)
class TypeCode:
    """Type a code; with `sent_to` (masked) the one that was sent there, else one of an authenticator, token or list."""

    sent_to: str = ""


@dataclass(frozen=True, slots=True)
class Approve:
    """Approve on another device; `number` must be matched there when it is not empty."""

    number: str = ""


@dataclass(frozen=True, slots=True)
class AnswerCall:
    """Answer the telephone at `number` (masked) and press what the voice asks for; `stage` is what it asks now."""

    number: str
    stage: str = ""


@dataclass(frozen=True, slots=True)
class ReplyToText:
    """Reply to the text that was sent to `number` (masked)."""

    number: str


@dataclass(frozen=True, slots=True)
class UsePasskey:
    """Let the browser ask an authenticator; `options` is its JSON (WebAuthn section 5.5)."""

    options: str


Prompt = TypeCode | Approve | AnswerCall | ReplyToText | UsePasskey


@dataclass(frozen=True, slots=True)
class Way:
    """One way to prove oneself, for who wants another: `label` is what the person called it, or where it goes, masked.

    A method that asks one question for all its credentials (passkeys) has no `credential_id`; `CODE` has neither.
    """

    method: str
    credential_id: str = ""
    label: str = ""

    @property
    def id(self) -> str:
        """What names it in a choice."""
        return f"{self.method}/{self.credential_id}" if self.credential_id else self.method


def words_of(ways: Iterable[Way]) -> dict[str, Way]:
    """The word for each way, where a choice can only be typed: the method, and a number from its second one on."""
    found: dict[str, Way] = {}
    counted: Counter[str] = Counter()
    for way in ways:
        counted[way.method] += 1
        found[f"{way.method}{counted[way.method] if counted[way.method] > 1 else ''}"] = way
    return found
