"""A question on a page: which template asks it, in which other ways it may be asked, and until when.

A page carries the attempt in its forms. The name was typed and is no secret; who can answer is decided by the answer.
"""

from dataclasses import dataclass
from typing import NamedTuple

from starlette.responses import Response

from vestibule.core.decisions import Ask, Wait
from vestibule.core.prompts import AnswerCall, Approve, Prompt, ReplyToText, TypeCode, UsePasskey, Way
from vestibule.portals.sealed import sealed
from vestibule.portals.visit import Visit
from vestibule.portals.words import way_word

WAITING = "waiting"


@dataclass(frozen=True, slots=True)
class OtherWay:
    """Another way to be asked, in words."""

    id: str
    method: str
    text: str


@dataclass(frozen=True, slots=True)
class Question:
    """What every page of a question shows and carries."""

    attempt: str
    nonce: str
    name: str
    onward: str
    way: str
    expires_at: float
    others: tuple[OtherWay, ...]
    held: str  # sealed, for pages that wait

    @property
    def fields(self) -> dict[str, str]:
        """What its forms bring back."""
        return {"attempt": self.attempt, "nonce": self.nonce, "name": self.name, "next": self.onward}


class Try(NamedTuple):
    """One try to sign in, as far as a page knows it; `came_at` is when its request came (seconds of the event loop).

    `attempt` is the one that it goes on with, `method` what proved it without one.
    """

    name: str
    onward: str
    came_at: float
    attempt: str = ""
    method: str = ""


def show_question(visit: Visit, decision: Ask | Wait, tried: Try, refused: str = "", missed: str = "") -> Response:
    """The page that asks it, once more if the last answer was `refused`, or instead of one that `missed` the person."""
    question = Question(
        decision.attempt_id,
        decision.nonce,
        tried.name,
        tried.onward,
        decision.way,
        decision.expires_at,
        tuple(_other(visit, one) for one in decision.ways if one.id != decision.way),
        sealed(
            visit,
            WAITING,
            {"attempt": decision.attempt_id, "name": tried.name, "next": tried.onward, "way": decision.way},
        ),
    )
    template, told = _template(decision.prompt)
    return visit.show(template, 403 if refused else 200, question=question, refused=refused or missed, **told)


def _template(prompt: Prompt) -> tuple[str, dict[str, str]]:
    """Which page asks this, and what it has to know."""
    match prompt:
        case TypeCode(sent_to):
            return "code.html", {"sent_to": sent_to}
        case UsePasskey(options):
            return "passkey.html", {"options": options}
        case Approve(number):
            return "waiting.html", {"kind": "approve", "shown": number, "stage": ""}
        case AnswerCall(number, stage):
            return "waiting.html", {"kind": "call", "shown": number, "stage": stage}
        case ReplyToText(number):
            return "waiting.html", {"kind": "reply", "shown": number, "stage": ""}


def _other(visit: Visit, way: Way) -> OtherWay:
    return OtherWay(way.id, way.method, way_word(visit.language, way))
