"""Sign-ins, as far as HTTP goes: what is sent and answered, and how a refusal is held.

A refusal leaves at a fixed time after its request came, whatever was wrong, and holds nothing but a timer.
"""

import asyncio
from typing import Any, Literal, assert_never

from pydantic import Field, SecretStr
from starlette.responses import Response

from vestibule.core.asking import in_words
from vestibule.core.clients import Client, SignIn
from vestibule.core.decisions import Accept, Ask, Decision, Reject, Wait
from vestibule.core.places import Place, place_of
from vestibule.core.prompts import AnswerCall, Approve, Prompt, ReplyToText, TypeCode, UsePasskey
from vestibule.core.secret import Secret
from vestibule.core.snapshot import Settings
from vestibule.flows.authenticate import Beginning, Reply
from vestibule.frontends.http import problems
from vestibule.frontends.http.fields import Body, Hex, Hidden, Name, Shown, Text
from vestibule.frontends.http.problems import KIND_OF_REASON, Problem
from vestibule.frontends.http.work import Behind, answer

JITTER = 0.25  # of the delay of refusals, at most
EVENT_OCTETS = 16
NOTHING = SecretStr("")


class SignInBegun(Body):
    """Who wants to sign in, and what was typed."""

    user: Name
    password: Hidden | None = Field(None, description="The password.")
    code: Hidden | None = Field(None, description="The code, if it was asked together with the password.")
    typed: Hidden | None = Field(None, description="The password field as it came, instead of password and code.")
    address: Text = Field("", description="The person's IP address, for rules with networks.")
    source: Text = Field("", description="What failures are counted for; otherwise the address, otherwise the client.")


class Answer(Body):
    """An answer to the open question."""

    user: Name
    nonce: Hex
    answer: Hidden


class WayChosen(Body):
    """Another way to be asked, one of `ways`; the way that is asked in now asks once more."""

    user: Name
    nonce: Hex
    way: Text = Field(description="The id of a way.")


class PromptShown(Shown):
    """What the person is asked: `approve` is done elsewhere, where `number` is to be matched unless it is empty.

    `sent_to` is the telephone or the address that is called or written to, masked.
    """

    kind: Literal["type_code", "approve", "answer_call", "reply_to_text"]
    text: str
    number: str = ""
    sent_to: str = ""


class WayShown(Shown):
    """One way to be asked: a method, and which telephone or address it is."""

    id: str
    method: str
    label: str


class Accepted(Shown):
    """Let in."""

    decision: Literal["accept"]
    user: str
    groups: list[str]


class Pending(Shown):
    """Not let in yet: `challenge` takes an answer, `waiting` is answered elsewhere until `expires_at`.

    `ways` are all that may be chosen, none where there is no choice; `way` is the one that is asked in.
    """

    decision: Literal["challenge", "waiting"]
    attempt: str
    nonce: str
    prompt: PromptShown
    expires_at: float | None = None
    way: str
    ways: list[WayShown]


async def begun(door: Behind, client: Client, body: SignInBegun, event_id: str, came_at: float) -> Response:
    """Decide on a new sign-in; `came_at` in seconds of the event loop."""
    place, deadline = _place(body, client), door.monotonic() + client.time_budget
    typed = Secret.of(_typed(body, client))
    asked = Beginning(event_id, client.id, body.user, typed, place.source, place.address, deadline)
    decision = await door.authenticate.begin(asked)
    if isinstance(decision, Ask) and body.code and body.password and client.sign_in is SignIn.PASSWORD_THEN_CODE:
        code, question = Secret.of(body.code.get_secret_value()), (decision.attempt_id, decision.nonce)
        following = Reply(f"{event_id}/code", client.id, body.user, *question, code, deadline)
        decision = await door.authenticate.reply(following)
    return await answered(door, client, decision, came_at)


def event_of(door: Behind, said: tuple[str, ...], body: bytes, idempotency_key: str | None) -> str:
    """Equal for the same request under the same key, and for nothing else: another body is another event."""
    if idempotency_key is None:
        return f"api/{door.desk.chance(EVENT_OCTETS).hex()}"
    name = "".join(f"{len(part)} {part} " for part in (*said, idempotency_key)).encode()
    return f"api/{door.desk.mac(b'api attempt ' + name + body).hex()}"


def _place(body: SignInBegun, client: Client) -> Place:
    """Failures are counted for the source, else for the address, else for the client itself."""
    place = place_of(body.address) if body.address else Place("")
    return Place(body.source or place.source or f"client:{client.id}", place.address)


def _typed(body: SignInBegun, client: Client) -> str:
    """The password field as this client's people would fill it. Raises Problem."""
    password, code = (part or NOTHING for part in (body.password, body.code))
    if body.typed is not None:
        if body.password is not None or body.code is not None:
            raise Problem(problems.INVALID, errors=[("typed", "comes instead of password and code")])
        return body.typed.get_secret_value()
    match client.sign_in:
        case SignIn.PASSWORD_THEN_CODE:
            return password.get_secret_value()
        case SignIn.PASSWORD_AND_CODE:
            return password.get_secret_value() + code.get_secret_value()
        case SignIn.CODE_AND_PASSWORD:
            return code.get_secret_value() + password.get_secret_value()
        case SignIn.CODE_ONLY:
            if body.password is not None:
                raise Problem(problems.INVALID, errors=[("password", "is not asked by this client (code_only)")])
            return code.get_secret_value()


async def answered(door: Behind, client: Client, decision: Decision, came_at: float) -> Response:
    """The answer now, or a refusal at its time."""
    loop = asyncio.get_running_loop()
    door.counts.seconds.observe(loop.time() - came_at)
    if isinstance(decision, Reject):
        delay = door.manners.reject_delay * (1 + JITTER * door.desk.chance(1)[0] / 255)
        await asyncio.sleep(came_at + min(delay, client.time_budget) - loop.time())
    return told(decision, door)


def told(decision: Decision, door: Behind) -> Response:
    """The answer that a decision makes."""
    settings = door.desk.store.snapshot.settings
    match decision:
        case Accept(user_name=user, groups=groups):
            return answer({"decision": "accept", "user": user, "groups": list(groups)})
        case Reject(reason=reason):
            return Problem(KIND_OF_REASON[reason], settings.text_refused, decision="refused").response()
        case Ask():
            return answer({"decision": "challenge", **_pending(decision, settings)}, status=202)
        case Wait():
            return answer({"decision": "waiting", **_pending(decision, settings)}, status=202)


def _pending(asked: Ask | Wait, settings: Settings) -> dict[str, Any]:
    ways = [{"id": way.id, "method": way.method, "label": way.label} for way in asked.ways]
    return {
        "attempt": asked.attempt_id,
        "nonce": asked.nonce,
        "prompt": _prompt(asked.prompt, settings),
        "expires_at": asked.expires_at,
        "way": asked.way,
        "ways": ways,
    }


def _prompt(prompt: Prompt, settings: Settings) -> dict[str, Any]:
    text = in_words(prompt, settings)
    match prompt:
        case Approve(number):
            return {"kind": "approve", "text": text, "number": number}
        case TypeCode(sent_to):
            return {"kind": "type_code", "text": text, **({"sent_to": sent_to} if sent_to else {})}
        case AnswerCall(number, _):
            return {"kind": "answer_call", "text": text, "sent_to": number}
        case ReplyToText(number):
            return {"kind": "reply_to_text", "text": text, "sent_to": number}
        case UsePasskey(options):
            return {"kind": "use_passkey", "text": text, "options": options}
        case _:
            assert_never(prompt)
