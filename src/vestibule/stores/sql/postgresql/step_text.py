"""What was decided for an event, as the JSON text of its row: enough to say it again on another node.

A password is never written. Of an order to check one only its kind is kept, and whoever repeats the event brings the
password again.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, assert_never

from vestibule.core.case import Step
from vestibule.core.decisions import Accept, Ask, CheckPassword, Decision, Deliver, Order, Reject, Wait
from vestibule.core.messages import Message
from vestibule.core.prompts import Way
from vestibule.core.reasons import Reason
from vestibule.stores.sql.question_text import prompt_of, prompt_value, ways_of, ways_text

_UNTOLD = (0.0, "[]", "")  # until when, the ways, and this one


@dataclass(frozen=True, slots=True)
class Told:
    """What was decided before; `asks_password` stands for an order that has to be made anew."""

    decision: Decision | None
    order: Deliver | None
    asks_password: bool


def text_of(step: Step) -> str:
    """The row's text."""
    said = [step.decision and _decision_parts(step.decision), step.order and _order_parts(step.order)]
    return json.dumps(said, ensure_ascii=False, separators=(",", ":"))


def told(text: str) -> Told:
    """What `text_of` wrote."""
    decision, order = json.loads(text)
    message = Deliver(Message(*order[1:])) if order and order[0] == "deliver" else None
    return Told(_decision(decision) if decision else None, message, asks_password=bool(order and not message))


def _decision_parts(decision: Decision) -> list[Any]:
    match decision:
        case Accept(user_name, groups, attributes):
            return ["accept", user_name, groups, attributes]
        case Reject(reason):
            return ["reject", reason.value]
        case Ask(attempt_id, nonce, prompt, expires_at, ways, way):
            return ["ask", attempt_id, nonce, prompt_value(prompt), expires_at, ways_text(ways), way]
        case Wait(attempt_id, nonce, prompt, expires_at, ways, way):
            return ["wait", attempt_id, nonce, prompt_value(prompt), expires_at, ways_text(ways), way]
        case _:
            assert_never(decision)


def _order_parts(order: Order) -> list[Any]:
    match order:
        case CheckPassword():
            return ["password"]
        case Deliver(one):
            return ["deliver", one.id, one.channel, one.credential_id, one.attempt_id, one.template, one.deadline]
        case _:
            assert_never(order)


def _decision(parts: Sequence[Any]) -> Decision:
    match parts:
        case ["accept", user_name, groups, *attributes]:
            pairs = attributes[0] if attributes else ()  # the program before this one wrote none
            return Accept(user_name, tuple(groups), tuple((name, value) for name, value in pairs))
        case ["reject", reason]:
            return Reject(Reason(reason))
        case ["ask", attempt_id, nonce, prompt, *rest]:
            return Ask(attempt_id, nonce, prompt_of(prompt), *_until_and_ways(rest))
        case ["wait", attempt_id, nonce, prompt, *rest]:
            return Wait(attempt_id, nonce, prompt_of(prompt), *_until_and_ways(rest))
        case _:
            raise ValueError("this text of a settled event was not written by this program")


def _until_and_ways(parts: Sequence[Any]) -> tuple[float, tuple[Way, ...], str]:
    """Until when, the ways, and this one; the program before this one wrote no ways."""
    told = [*parts, *_UNTOLD[len(parts) :]]
    return told[0], ways_of(json.loads(told[1])), told[2]
