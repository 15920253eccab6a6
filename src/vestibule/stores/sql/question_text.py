"""What is asked in an attempt, as JSON text and back."""

import json
from collections.abc import Iterable
from typing import Any, assert_never

from vestibule.core.attempts import Challenge, Settled
from vestibule.core.prompts import AnswerCall, Approve, Prompt, ReplyToText, TypeCode, UsePasskey, Way
from vestibule.core.reasons import Reason


def ways_text(ways: Iterable[Way]) -> str:
    """Ways as JSON."""
    return dump([[way.method, way.credential_id, way.label] for way in ways])


def ways_of(value: Iterable[Iterable[str]]) -> tuple[Way, ...]:
    """What JSON has of ways."""
    return tuple(Way(*parts) for parts in value)


def prompt_value(prompt: Prompt) -> dict[str, str]:
    """A prompt as JSON: its kind and what it says; the first two kinds as programs before this one wrote them."""
    match prompt:
        case TypeCode(sent_to):
            return {"sent_to": sent_to} if sent_to else {}
        case Approve(number):
            return {"number": number}
        case AnswerCall(number, stage):
            return {"call": number, "stage": stage}
        case ReplyToText(number):
            return {"reply": number}
        case UsePasskey(options):
            return {"passkey": options}
        case _:
            assert_never(prompt)


def prompt_of(value: dict[str, str]) -> Prompt:
    """What `prompt_value` made."""
    match value:
        case {"number": number}:
            return Approve(number)
        case {"call": number, "stage": stage}:
            return AnswerCall(number, stage)
        case {"reply": number}:
            return ReplyToText(number)
        case {"passkey": options}:
            return UsePasskey(options)
        case _:
            return TypeCode(value.get("sent_to", ""))


def challenge_text(one: Challenge | None) -> str:
    """The open question, "" for none."""
    if one is None:
        return ""
    prompt = prompt_value(one.prompt)
    asked = [one.nonce, prompt, one.expires_at, one.method, one.credential_id, one.memory]
    return dump([*asked, one.waits, one.tries_left, one.polled])


def challenge_of(text: str) -> Challenge | None:
    """What `challenge_text` wrote, or a program before this one."""
    if not text:
        return None
    nonce, prompt, *rest = json.loads(text)
    return Challenge(nonce, prompt_of(prompt), *rest)


def settled_text(one: Settled | None) -> str:
    """How it ended, "" for not yet."""
    return "" if one is None else dump([one.at, one.reason, one.groups])


def settled_of(text: str) -> Settled | None:
    """What `settled_text` wrote."""
    if not text:
        return None
    at, reason, groups = json.loads(text)
    return Settled(at, Reason(reason) if reason else None, tuple(groups))


def dump(value: Any) -> str:
    """JSON without blanks."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
