"""Signing in: name and password, then the code; and the same again before something is changed.

The portal asks as a client of its own. What it hears is exact, what it says is not: unknown, blocked and wrong look and
take alike. Only who has typed the right password hears more: that a question is open, or that there is nothing to ask
and a second factor is to be registered first.
"""

import asyncio
import math
import re
from urllib.parse import urlsplit

from starlette.responses import Response

from vestibule.core.clients import Client
from vestibule.core.decisions import Accept, Ask, Decision, Reject, Wait
from vestibule.core.errors import Unavailable
from vestibule.core.places import place_of
from vestibule.core.ports import Reading
from vestibule.core.reasons import Reason
from vestibule.core.secret import Secret
from vestibule.core.users import User
from vestibule.flows import sessions
from vestibule.flows.authenticate import Beginning, Reply
from vestibule.flows.client_rules import PORTAL, is_portal
from vestibule.flows.refused import Refused
from vestibule.flows.sessions import Stage
from vestibule.portals.languages import marked
from vestibule.portals.trouble import NO_FACTOR_COUNTS, trouble
from vestibule.portals.visit import SIGN_IN, Visit
from vestibule.wire.names import BadField, checked_text

HOME = "/security"
JITTER = 0.25  # of the delay of refusals, at most
LONGEST_NAME = 256
INSIDE = re.compile(r"/security(/[a-z0-9-]+)*", re.ASCII)

WHY = {
    "expired": marked("Your session has ended. Sign in, and go on where you were."),
    "confirm": marked("Before something is changed here, show once more that it is you."),
    "out": marked("You are signed out."),
    "not-me": marked(
        "You are signed out everywhere. Sign in again, then change your password and look at your factors."
    ),
    "old": marked("The question was open for too long or was answered before, so nothing was decided. Sign in again."),
}
"""Why somebody is asked, by the word that stands in the address."""

REFUSED = marked("This did not work. Look at everything you typed, and try again.")


# -- the first factor ------------------------------------------------------------------------------------------------


async def ask(visit: Visit) -> Response:
    """The page for name and password; somebody who is signed in types no other name."""
    query = visit.request.query_params
    onward, why = path_inside(query.get("next", "")), query.get("why", "")
    if visit.signed and visit.signed.stage is not Stage.PROVE and why != "confirm":
        return visit.go(onward)
    name = visit.signed.user.name if visit.signed else ""
    return visit.show("signin.html", why=visit.say(WHY.get(why, "")), name=name, onward=onward, refused="")


async def begin(visit: Visit) -> Response:
    """Name and password were typed."""
    came_at = asyncio.get_running_loop().time()
    held_back = _held_back(visit)
    if held_back:
        return visit.giving(trouble(visit.behind, 429, language=visit.language, seconds=held_back))
    name, password, onward = _typed_name(visit), visit.form.get("password", ""), path_inside(visit.form.get("next", ""))
    client = _client(visit)
    place = place_of(visit.address)
    event_id = _event(visit, "begin", visit.form.get("once", ""), name, password)
    deadline = visit.behind.monotonic() + client.time_budget
    typed = Secret.of(password)
    asked = Beginning(event_id, client.id, name, typed, place.source, place.address, deadline)
    decision = await visit.behind.authenticate.begin(asked)
    return await _decided(visit, decision, name, onward, came_at)


async def _decided(visit: Visit, decision: Decision, name: str, onward: str, came_at: float) -> Response:
    match decision:
        case Ask(attempt_id=attempt, nonce=nonce):
            return visit.show("code.html", attempt=attempt, nonce=nonce, name=name, onward=onward)
        case Accept(user_name=user_name):
            return await _enter(visit, user_name, onward)
        case Reject(reason=Reason.NOT_ENROLLED):
            return await _register(visit, name, onward)  # said only after the right password
        case Reject() | Wait():
            return await _refuse(visit, name, onward, came_at)


# -- the second factor -----------------------------------------------------------------------------------------------


async def ask_anew(visit: Visit) -> Response:
    """Nobody is asked for a code by an address alone: the question belongs to a sign-in."""
    return visit.go(SIGN_IN)


async def answer(visit: Visit) -> Response:
    """A code was typed, or a recovery code in its own field."""
    came_at = asyncio.get_running_loop().time()
    form, client = visit.form, _client(visit)
    held_back = _held_back(visit)
    if held_back:
        return visit.giving(trouble(visit.behind, 429, language=visit.language, seconds=held_back))
    name, onward = _typed_name(visit), path_inside(form.get("next", ""))
    attempt, nonce = form.get("attempt", "")[:64], form.get("nonce", "")[:64]
    code = form.get("recovery", "").strip() or form.get("code", "").replace(" ", "")
    event_id = _event(visit, "answer", attempt, nonce, code)
    deadline = visit.behind.monotonic() + client.time_budget
    reply = Reply(event_id, client.id, name, attempt, nonce, Secret.of(code), deadline)
    decision = await visit.behind.authenticate.reply(reply)
    match decision:
        case Accept(user_name=user_name):
            return await _enter(visit, user_name, onward, attempt)
        case Ask(attempt_id=attempt, nonce=nonce):
            await _hold(visit, came_at)
            return visit.show(
                "code.html", 403, attempt=attempt, nonce=nonce, name=name, onward=onward, refused=visit.say(REFUSED)
            )
        case Reject(reason=Reason.UNKNOWN_ATTEMPT | Reason.NO_ANSWER):
            await _hold(visit, came_at)
            return visit.go(SIGN_IN, why="old", next=onward)
        case Reject() | Wait():
            return await _refuse(visit, name, onward, came_at, attempt)


async def leave(visit: Visit) -> Response:
    """Sign this browser out."""
    if visit.signed:
        await sessions.end(visit.desk, visit.signed)
    return renewed(visit).go(SIGN_IN, why="out")


# -- letting in and refusing -----------------------------------------------------------------------------------------


async def _enter(visit: Visit, user_name: str, onward: str, attempt: str = "") -> Response:
    """Begin a session; it takes the place of the one that this browser had."""
    user = await visit.desk.store.read(lambda reading: sessions.person_of(reading, user_name))
    try:
        entered = await enter(visit, user, attempt=attempt)
    except Refused:
        return await _refuse(visit, user_name, onward, asyncio.get_running_loop().time())
    return entered.go(onward)


async def _register(visit: Visit, user_name: str, onward: str) -> Response:
    """Let somebody in who has nothing to ask for yet; who had a factor once is sent to the helpdesk."""

    def question(reading: Reading) -> bool:
        user = sessions.person_of(reading, user_name)
        return user is None or sessions.may_register(reading, user.id)

    if await visit.desk.store.read(question):
        return await _enter(visit, user_name, onward)
    return visit.giving(trouble(visit.behind, 403, language=visit.language, said=NO_FACTOR_COUNTS))


async def enter(visit: Visit, user: User | None, *, attempt: str = "", method: str = "") -> Visit:
    """The visit with a fresh session; refused for nobody, and for somebody who is blocked by now."""
    if user is None:
        raise Refused(sessions.ENDED_ACCOUNT)
    token = await sessions.begin(
        visit.desk, user.id, method=method, attempt_id=attempt, agent=visit.agent, replaces=visit.token
    )
    return visit.holding(token)


def renewed(visit: Visit) -> Visit:
    """The visit of a browser that holds nothing of value any more: forms made before are worth nothing either."""
    return visit.holding(visit.desk.chance(32).hex())


async def _refuse(visit: Visit, name: str, onward: str, came_at: float, attempt: str = "") -> Response:
    """The same words at the same time after the request, whatever was wrong; the name stays typed."""
    visit.behind.failures.spend(place_of(visit.address).source)
    await _hold(visit, came_at)
    return visit.show(
        "signin.html",
        403,
        why="",
        name=name,
        onward=onward,
        refused=visit.say(REFUSED),
        attempt=attempt,
        now=visit.desk.clock(),
    )


async def _hold(visit: Visit, came_at: float) -> None:
    delay = visit.behind.manners.reject_delay * (1 + JITTER * visit.desk.chance(1)[0] / 255)
    await asyncio.sleep(max(0.0, came_at + delay - asyncio.get_running_loop().time()))


# -- small questions -------------------------------------------------------------------------------------------------


def path_inside(text: str) -> str:
    """A page of ours to go on with, with what was typed there; the first page for anything else."""
    parts = urlsplit(text[:1000])
    inside = not parts.scheme and not parts.netloc and INSIDE.fullmatch(parts.path)
    if not inside:
        return HOME
    return f"{parts.path}?{parts.query}" if parts.query.isprintable() and parts.query else parts.path


def _held_back(visit: Visit) -> int:
    """Whole seconds for which this network has to wait, 0 for none."""
    return math.ceil(visit.behind.failures.wait(place_of(visit.address).source))


def _typed_name(visit: Visit) -> str:
    """The name as it was typed; of somebody who is signed in, theirs. Raises Malformed."""
    if visit.signed:
        return visit.signed.user.name
    try:
        return checked_text(visit.form.get("name", "").strip(), "name", LONGEST_NAME)
    except BadField:
        return ""  # nobody's name


def _client(visit: Visit) -> Client:
    """As whom the portal asks. Raises Unavailable while an operator's own client has its name."""
    client = visit.desk.store.snapshot.clients.get(PORTAL)
    if client is None or not is_portal(client):
        raise Unavailable("the client of the portal is missing")
    return client


def _event(visit: Visit, *said: str) -> str:
    """Equal for the same form sent twice by the same browser, and for nothing else: each page has its own `once`."""
    parts = "".join(f"{len(part)} {part} " for part in (visit.token, *said))
    return f"portal/{visit.desk.mac(b'portal ' + parts.encode()).hex()}"
