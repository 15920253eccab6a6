"""Attempts: begin a sign-in, answer its question, wait for an approval. What a program that verifies calls.

Beginning is what people wait for, and comes without the layers that the other operations pass (`BeginPlainly`): the
same checks, the same answers. Its route here is what the description is made of.
"""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Header, Path, Query, Request, Security
from fastapi.exceptions import RequestValidationError
from pydantic import TypeAdapter, ValidationError
from starlette.responses import Response

from vestibule.core.clients import Client
from vestibule.core.secret import Secret
from vestibule.flows.authenticate import Choice, Reply
from vestibule.frontends.http.guard import Message, Receive, Send
from vestibule.frontends.http.sign_ins import (
    Accepted,
    Answer,
    Pending,
    SignInBegun,
    WayChosen,
    answered,
    begun,
    event_of,
    told,
)
from vestibule.frontends.http.work import LONGEST_KEY, VERIFY, Behind, behind, caller_of, client_of, verifying

LONGEST_WAIT = 50.0

router = APIRouter(prefix="/attempts", tags=["Attempts"])

Asking = Annotated[Client, Security(verifying, scopes=[VERIFY])]
IdempotencyKey = Annotated[
    str | None,
    Header(
        min_length=1,
        max_length=LONGEST_KEY,
        pattern=r"^[!-~]+$",
        description="Drawn anew for each request; the same one with the same key, within a minute, is decided once.",
    ),
]
AttemptId = Annotated[str, Path(pattern=r"^[0-9a-f]{32}$")]

_key: TypeAdapter[str | None] = TypeAdapter(IdempotencyKey)


@router.post(
    "",
    operation_id="beginAttempt",
    summary="Begin a sign-in",
    response_model=Accepted,
    responses={202: {"model": Pending, "description": "Not let in yet"}},
)
async def begin(
    request: Request, client: Asking, body: SignInBegun, idempotency_key: IdempotencyKey = None
) -> Response:
    """Decide on a new sign-in. Let in only on 200 with `"decision": "accept"`.

    How password and code are put together is the client's `sign_in`. With both and `password_then_code`, the code
    answers the question that follows the password.
    """
    door, came_at = behind(request), asyncio.get_running_loop().time()
    return await begun(door, client, body, await _event(request, door, idempotency_key), came_at)


@router.post(
    "/{attempt}/answer",
    operation_id="answerAttempt",
    summary="Answer the question of a sign-in",
    response_model=Accepted,
    responses={202: {"model": Pending, "description": "Not let in yet"}},
)
async def reply(
    request: Request, client: Asking, attempt: AttemptId, body: Answer, idempotency_key: IdempotencyKey = None
) -> Response:
    """Decide on what was typed. Each question takes one answer; another one has a new `nonce`."""
    door, came_at = behind(request), asyncio.get_running_loop().time()
    event_id, deadline = await _event(request, door, idempotency_key), door.monotonic() + client.time_budget
    typed = Secret.of(body.answer.get_secret_value())
    decision = await door.authenticate.reply(
        Reply(event_id, client.id, body.user, attempt, body.nonce, typed, deadline)
    )
    return await answered(door, client, decision, came_at)


@router.post(
    "/{attempt}/choice",
    operation_id="chooseInAttempt",
    summary="Ask in another way, or once more",
    response_model=Accepted,
    responses={202: {"model": Pending, "description": "Not let in yet"}},
)
async def choose(
    request: Request, client: Asking, attempt: AttemptId, body: WayChosen, idempotency_key: IdempotencyKey = None
) -> Response:
    """Put the question in another of the attempt's `ways`. A way that can not be chosen leaves it as it was.

    The new question has a new `nonce`; an answer to the old one comes too late. Who chooses the way that is asked in
    now has a call or a text sent once more, as far as the limits allow.
    """
    door, came_at = behind(request), asyncio.get_running_loop().time()
    event_id, deadline = await _event(request, door, idempotency_key), door.monotonic() + client.time_budget
    decision = await door.authenticate.choose(
        Choice(event_id, client.id, body.user, attempt, body.nonce, body.way, deadline)
    )
    return await answered(door, client, decision, came_at)


@router.get(
    "/{attempt}",
    operation_id="waitForAttempt",
    summary="Wait for an approval",
    response_model=Accepted,
    responses={202: {"model": Pending, "description": "Not let in yet"}},
)
async def wait(
    request: Request,
    client: Asking,
    attempt: AttemptId,
    seconds: Annotated[float, Query(ge=0, le=LONGEST_WAIT, description="How long to wait for news.")] = 0.0,
) -> Response:
    """How a sign-in stands, as soon as there is news, at the latest after `seconds`."""
    door = behind(request)
    return told(await door.authenticate.look(attempt, client.id, door.monotonic() + seconds), door)


class BeginPlainly:
    """The ASGI application of `beginAttempt` alone."""

    path, method = "/api/v1/attempts", "POST"

    def __init__(self, door: Behind) -> None:
        """Sign people in with what stands behind the door."""
        self._door = door

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer one request. Raises Problem, RequestValidationError, Unavailable."""
        came_at, request = asyncio.get_running_loop().time(), Request(scope, receive)
        client, raw = client_of(caller_of(request), self._door), await request.body()
        body, key = _parsed(raw), _read_key(request)
        event_id = event_of(self._door, (caller_of(request).key.id, self.path), raw, key)
        response = await begun(self._door, client, body, event_id, came_at)
        await response(scope, receive, send)


def _parsed(raw: bytes) -> SignInBegun:
    try:
        return SignInBegun.model_validate_json(raw)
    except ValidationError as error:
        found = error.errors(include_url=False, include_context=False, include_input=False)
        raise RequestValidationError([{**one, "loc": ("body", *one["loc"])} for one in found]) from None


def _read_key(request: Request) -> str | None:
    try:
        return _key.validate_python(request.headers.get("idempotency-key"))
    except ValidationError as error:
        found = error.errors(include_url=False, include_context=False, include_input=False)
        raise RequestValidationError([{**one, "loc": ("header", "idempotency-key")} for one in found]) from None


async def _event(request: Request, door: Behind, idempotency_key: str | None) -> str:
    said = (caller_of(request).key.id, request.scope["path"])
    return event_of(door, said, await request.body(), idempotency_key)
