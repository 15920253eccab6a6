"""Passkeys on pages: signing in without a name, and making a new one.

A browser asks its authenticators by a script; each answer comes as the hidden field of an ordinary form, so that what
follows is a page like any other.
"""

import asyncio
import json

from starlette.responses import JSONResponse, Response

from vestibule.core.decisions import Accept
from vestibule.core.places import place_of
from vestibule.core.secret import Secret
from vestibule.flows import passkeys
from vestibule.flows.authenticate import Presentation
from vestibule.flows.passkey_models import METHOD, OVERDUE
from vestibule.flows.refused import Missing, Refused
from vestibule.flows.sessions import Stage
from vestibule.portals.asking import Try
from vestibule.portals.factors import UNFIT, bound
from vestibule.portals.languages import marked
from vestibule.portals.sealed import opened, sealed
from vestibule.portals.signing_in import client_of, decided, event_of, hold, path_inside, refuse, too_many
from vestibule.portals.visit import SIGN_IN, Visit

QUESTION = "passkey"
PAGE = "/security/passkey"
SAID = (*passkeys.NOT_TAKEN.values(), passkeys.FULL, passkeys.THERE, OVERDUE)
"""What the flow says to the person; the catalogues have it from there."""

BEGIN_AGAIN = marked("This was begun too long ago, or another factor was begun since. Begin once more.")


# -- signing in without a name ---------------------------------------------------------------------------------------


async def ask(visit: Visit) -> Response:
    """A fresh question for the script of the sign-in page."""
    if visit.desk.passkeys is None:
        return visit.trouble(404)
    options, memory = passkeys.question(visit.desk)
    told = {"options": json.loads(options), "held": sealed(visit, QUESTION, {"memory": memory})}
    return visit.giving(JSONResponse(told, headers={"Cache-Control": "no-store"}))


async def present(visit: Visit) -> Response:
    """A passkey has answered; it says whose it is."""
    came_at = asyncio.get_running_loop().time()
    busy = too_many(visit)
    if busy is not None:
        return busy
    onward = path_inside(visit.form.get("next", ""))
    held = opened(visit, QUESTION, visit.form.get("held", ""))
    if held is None or visit.desk.passkeys is None:
        await hold(visit, came_at)
        return visit.go(SIGN_IN, why="old", next=onward)
    answer, client, place = Secret.of(visit.form.get("answer", "")), client_of(visit), place_of(visit.address)
    said = Presentation(
        event_of(visit, "present", held["memory"], visit.form.get("answer", "")),
        client.id,
        METHOD,
        visit.desk.passkeys.asking.whose(answer),
        held["memory"],
        answer,
        place.source,
        place.address,
        visit.behind.monotonic() + client.time_budget,
    )
    decision = await visit.behind.authenticate.present(said)
    tried = Try(visit.signed.user.name if visit.signed else "", onward, came_at, method=METHOD)
    another = visit.signed and isinstance(decision, Accept) and decision.user_name != visit.signed.user.name
    if another or not isinstance(decision, Accept):
        return await refuse(visit, tried)  # somebody else's passkey confirms nothing
    return await decided(visit, decision, tried)


# -- a new one -------------------------------------------------------------------------------------------------------


async def ask_new(visit: Visit) -> Response:
    """The page that explains what is about to happen."""
    typed = visit.request.query_params.get("label", "")
    again = visit.say(BEGIN_AGAIN) if visit.request.query_params.get("again") else ""
    return _page(visit, typed, again)


async def begin(visit: Visit) -> Response:
    """Put the question to the browser."""
    label = visit.form.get("label", "")
    try:
        new = await passkeys.begin(visit.desk, visit.who, label)
    except Refused as refused:
        return _page(visit, label, _words(visit, refused), 422)
    return visit.show("passkey_make.html", new=new, label=label)


async def prove(visit: Visit) -> Response:
    """The browser has made one."""
    id, answer = visit.form.get("id", "")[:64], Secret.of(visit.form.get("answer", ""))
    try:
        proven = await passkeys.add(visit.desk, visit.who, id, answer)
    except Missing:
        return visit.go(PAGE, again="1")
    except Refused as refused:
        return _page(visit, visit.form.get("label", ""), _words(visit, refused), 422)
    return await bound(visit, proven)


async def to_the_beginning(visit: Visit) -> Response:
    """Behind this address nothing is shown twice."""
    return visit.go(PAGE)


def _page(visit: Visit, label: str, refused: str, status: int = 200) -> Response:
    registering = visit.who.stage is Stage.REGISTER
    off = visit.desk.passkeys is None
    said = visit.say(marked("Passkeys are not in use here.")) if off else refused
    return visit.show("passkey_new.html", status, label=label, refused=said, registering=registering, off=off)


def _words(visit: Visit, refused: Refused) -> str:
    return visit.say(refused.text if refused.text in SAID else UNFIT)
