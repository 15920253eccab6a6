"""Verify: a sign-in from the terminal, decided on like any other, to see what a client would be told and why."""

import re
import time
from typing import Any

from vestibule.core.decisions import Accept, Ask, Decision, Reject, Wait
from vestibule.core.secret import Secret
from vestibule.flows.authenticate import Authenticate, Beginning, Reply
from vestibule.flows.clients import the_client
from vestibule.flows.desk import Desk, required
from vestibule.flows.refused import Refused

SECONDS = 60.0
SOURCE = "terminal"
STATE = re.compile(r"([0-9a-f]{32})([0-9a-f]{32})")


async def verify(
    authenticate: Authenticate,
    desk: Desk,
    actor: str,  # noqa: ARG001 - every flow is told who asks
    *,
    user: str,
    client: str,
    typed: str,
    state: str | None = None,
) -> dict[str, Any]:
    """Sign in as `client` would; with the `state` of an earlier question, `typed` is the answer to it."""
    asking = await desk.store.read(lambda reading: the_client(reading, client, "client"))
    name, event_id, deadline = required(user, "user"), f"terminal/{desk.new_id()}", time.monotonic() + SECONDS
    if state is None:
        asked = Beginning(event_id, asking.id, name, Secret.of(typed), SOURCE, "", deadline)
        decision = await authenticate.begin(asked)
    else:
        attempt_id, nonce = _parts(state)
        answer = Reply(event_id, asking.id, name, attempt_id, nonce, Secret.of(typed), deadline)
        decision = await authenticate.reply(answer)
    if isinstance(decision, Wait):
        decision = await authenticate.wait(decision, deadline)
    return _told(decision)


def _parts(state: str) -> tuple[str, str]:
    named = STATE.fullmatch(state)
    if named is None:
        raise Refused("state is not one that a question gave.", "state")
    return named[1], named[2]


def _told(decision: Decision) -> dict[str, Any]:
    match decision:
        case Accept(user_name=name, groups=groups):
            return {"decision": "accept", "user": name, "groups": list(groups)}
        case Reject(reason=reason):
            return {"decision": "reject", "reason": reason.value}
        case Ask(attempt_id=attempt_id, nonce=nonce) | Wait(attempt_id=attempt_id, nonce=nonce):
            return {"decision": "ask", "state": f"{attempt_id}{nonce}"}
