"""Waiting for what happens elsewhere: an approval, a call, a reply. The page is told by an event, or asks again itself.

Who may look is the browser that was asked: what it holds of the attempt is sealed for it, and worth nothing once it is
signed in. Events are bounded in number; without one, the page asks every few seconds, with a script or without.
"""

import asyncio
from collections.abc import AsyncIterator

from starlette.responses import Response, StreamingResponse

from vestibule.core.attempts import Attempt
from vestibule.core.decisions import Ask, Wait
from vestibule.core.delivery import Medium
from vestibule.core.errors import Unavailable
from vestibule.core.ports import Reading
from vestibule.core.sends import Send, SendState
from vestibule.portals.asking import WAITING, Try, show_question
from vestibule.portals.languages import marked
from vestibule.portals.sealed import opened
from vestibule.portals.signing_in import client_of, decided, path_inside
from vestibule.portals.visit import SIGN_IN, Visit

NOT_ANSWERED = marked("The call was not answered.")
NOT_CALLED = marked("The call was refused before it rang: a limit was reached, or nobody could carry it.")
NOT_SENT = marked("The message could not be sent.")

LOOK_SECONDS = 15.0
STILL, NEWS = b": still\n\n", b"event: news\ndata: look\n\n"
EVENTS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


async def look(visit: Visit) -> Response:
    """How it stands."""
    came_at = asyncio.get_running_loop().time()
    held = _held(visit)
    if held is None:
        return visit.go(SIGN_IN)
    client, attempt = client_of(visit), held["attempt"]
    decision = await visit.behind.authenticate.look(attempt, client.id, visit.behind.monotonic())
    tried = Try(held["name"], path_inside(held["next"]), came_at, attempt)
    if isinstance(decision, Ask | Wait) and decision.way != held.get("way", decision.way):
        return show_question(visit, decision, tried, missed=visit.say(await _missed(visit, attempt, held["way"])))
    return await decided(visit, decision, tried)


async def _missed(visit: Visit, attempt_id: str, way: str) -> str:
    """Why another question follows; "" where the person has chosen it, as in another tab."""

    def question(reading: Reading) -> str:
        attempt = reading.get(Attempt, attempt_id)
        if attempt is None or way not in attempt.tried:
            return ""
        method, _, credential_id = way.partition("/")
        if method != Medium.CALL:
            return NOT_SENT
        sent = [one for one in reading.find(Send, "attempt_id", attempt_id) if one.credential_id == credential_id]
        return NOT_ANSWERED if any(one.state is not SendState.FAILED for one in sent) else NOT_CALLED

    return await visit.desk.store.read(question)


async def news(visit: Visit) -> Response:
    """One event when there is something else to show, and signs of life until then."""
    held, streams = _held(visit), visit.behind.streams
    if held is None:
        return Response(status_code=404, headers=EVENTS)
    if streams.full:
        return Response(status_code=503, headers=EVENTS)
    told = _told(visit, held["attempt"], client_of(visit).id)
    return StreamingResponse(streams.counted(told), media_type="text/event-stream", headers=EVENTS)


async def _told(visit: Visit, attempt: str, client_id: str) -> AsyncIterator[bytes]:
    """Signs of life, then the event; when nothing can be found out, the page may as well ask itself."""
    authenticate, monotonic = visit.behind.authenticate, visit.behind.monotonic
    try:
        first = await authenticate.look(attempt, client_id, monotonic())
        now = first
        while isinstance(now, Wait) and now == first:
            yield STILL
            now = await authenticate.look(attempt, client_id, monotonic() + LOOK_SECONDS)
    except Unavailable:
        pass
    yield NEWS


def _held(visit: Visit) -> dict[str, str] | None:
    given = visit.form if visit.request.method == "POST" else visit.request.query_params
    return opened(visit, WAITING, given.get("held", ""))
