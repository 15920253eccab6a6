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
from vestibule.flows import registration, sessions
from vestibule.flows.authenticate import Beginning, Choice, Reply
from vestibule.flows.client_rules import PORTAL, is_portal
from vestibule.flows.refused import Refused
from vestibule.flows.sessions import Stage
from vestibule.portals.asking import Try, show_question
from vestibule.portals.languages import marked
from vestibule.portals.trouble import NO_FACTOR_COUNTS
from vestibule.portals.visit import REGISTER, SIGN_IN, Visit
from vestibule.wire.names import BadField, checked_text

HOME = "/security"
JITTER = 0.25  # of the delay of refusals, at most
LONGEST_NAME = 256
INSIDE = re.compile(r"/(security|admin)(/[A-Za-z0-9_-][A-Za-z0-9._-]*)*", re.ASCII)

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
PASSKEY_REFUSED = marked("The passkey did not open this. Try it once more, or sign in with name and password.")


# -- the first factor ------------------------------------------------------------------------------------------------


async def ask(visit: Visit) -> Response:
    """The page for name and password; somebody who is signed in types no other name."""
    query = visit.request.query_params
    onward, why = path_inside(query.get("next", "")), query.get("why", "")
    if visit.signed and visit.signed.stage is not Stage.PROVE and why != "confirm":
        return visit.go(onward)
    name = visit.signed.user.name if visit.signed else ""
    return visit.show(
        "signin.html",
        why=visit.say(WHY.get(why, "")),
        name=name,
        onward=onward,
        refused="",
        passkeys=passkey_domain(visit),
    )


async def begin(visit: Visit) -> Response:
    """Name and password were typed."""
    came_at = asyncio.get_running_loop().time()
    busy = too_many(visit)
    if busy is not None:
        return busy
    name, password, onward = _typed_name(visit), visit.form.get("password", ""), path_inside(visit.form.get("next", ""))
    client = client_of(visit)
    place = place_of(visit.address)
    event_id = event_of(visit, "begin", visit.form.get("once", ""), name, password)
    deadline = visit.behind.monotonic() + client.time_budget
    typed = Secret.of(password)
    asked = Beginning(event_id, client.id, name, typed, place.source, place.address, deadline)
    decision = await visit.behind.authenticate.begin(asked)
    return await decided(visit, decision, Try(name, onward, came_at))


async def decided(visit: Visit, decision: Decision, tried: Try) -> Response:
    """The page that follows a decision."""
    match decision:
        case Ask() | Wait():
            return show_question(visit, decision, tried)
        case Accept(user_name=user_name):
            return await _enter(visit, user_name, tried)
        case Reject(reason=Reason.NOT_ENROLLED) if not tried.attempt:
            return await _register(visit, tried)  # said only after the right password
        case Reject(reason=Reason.UNKNOWN_ATTEMPT | Reason.NO_ANSWER):
            await hold(visit, tried.came_at)
            return visit.go(SIGN_IN, why="old", next=tried.onward)
        case Reject():
            return await refuse(visit, tried)


# -- the second factor -----------------------------------------------------------------------------------------------


async def ask_anew(visit: Visit) -> Response:
    """Nobody is asked for a code by an address alone: the question belongs to a sign-in."""
    return visit.go(SIGN_IN)


async def answer(visit: Visit) -> Response:
    """A code was typed, or a recovery code in its own field, or the browser has asked a passkey."""
    came_at = asyncio.get_running_loop().time()
    busy = too_many(visit)
    if busy is not None:
        return busy
    form, client, asked, nonce = visit.form, client_of(visit), _asked(visit, came_at), _nonce(visit)
    typed = form.get("recovery", "").strip() or form.get("code", "").replace(" ", "")
    said = form.get("answer", "") or typed
    event_id = event_of(visit, "answer", asked.attempt, nonce, said)
    deadline = visit.behind.monotonic() + client.time_budget
    reply = Reply(event_id, client.id, asked.name, asked.attempt, nonce, Secret.of(said), deadline)
    decision = await visit.behind.authenticate.reply(reply)
    if isinstance(decision, Ask):
        await hold(visit, asked.came_at)
        return show_question(visit, decision, asked, visit.say(REFUSED))
    return await decided(visit, decision, asked)


async def choose(visit: Visit) -> Response:
    """Another way was chosen, or the same once more."""
    came_at = asyncio.get_running_loop().time()
    busy = too_many(visit)
    if busy is not None:
        return busy
    client, asked, nonce, way = client_of(visit), _asked(visit, came_at), _nonce(visit), visit.form.get("way", "")[:100]
    event_id = event_of(visit, "choose", asked.attempt, nonce, way)
    deadline = visit.behind.monotonic() + client.time_budget
    choice = Choice(event_id, client.id, asked.name, asked.attempt, nonce, way, deadline)
    decision = await visit.behind.authenticate.choose(choice)
    return await decided(visit, decision, asked)


def _asked(visit: Visit, came_at: float) -> Try:
    """Which try a form of a question goes on with."""
    onward = path_inside(visit.form.get("next", ""))
    return Try(_typed_name(visit), onward, came_at, visit.form.get("attempt", "")[:64])


def _nonce(visit: Visit) -> str:
    return visit.form.get("nonce", "")[:64]


async def leave(visit: Visit) -> Response:
    """Sign this browser out."""
    if visit.signed:
        await sessions.end(visit.desk, visit.signed)
    return renewed(visit).go(SIGN_IN, why="out")


# -- letting in and refusing -----------------------------------------------------------------------------------------


async def _enter(visit: Visit, user_name: str, tried: Try) -> Response:
    """Begin a session; it takes the place of the one that this browser had. Who lacks a factor is asked for one."""
    user = await visit.desk.store.read(lambda reading: sessions.person_of(reading, user_name))
    try:
        entered = await enter(visit, user, attempt=tried.attempt, method=tried.method)
    except Refused:
        return await refuse(visit, tried)
    if user is not None and await registration.ask(visit.desk, user) is not None:
        return entered.go(REGISTER, next=tried.onward)
    return entered.go(tried.onward)


async def _register(visit: Visit, tried: Try) -> Response:
    """Let somebody in who has nothing to ask for yet; who had a factor once is sent to the helpdesk."""

    def question(reading: Reading) -> bool:
        user = sessions.person_of(reading, tried.name)
        return user is None or sessions.may_register(reading, user.id)

    if await visit.desk.store.read(question):
        return await _enter(visit, tried.name, tried)
    return visit.trouble(403, said=NO_FACTOR_COUNTS)


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


async def refuse(visit: Visit, tried: Try) -> Response:
    """The same words at the same time after the request, whatever was wrong; the name stays typed."""
    visit.behind.failures.spend(place_of(visit.address).source)
    await hold(visit, tried.came_at)
    return _first_page(visit, tried, refused=visit.say(PASSKEY_REFUSED if tried.method else REFUSED))


def _first_page(visit: Visit, tried: Try, *, why: str = "", refused: str = "") -> Response:
    """The page for name and password, or a passkey."""
    return visit.show(
        "signin.html",
        403 if refused else 200,
        why=why,
        name=tried.name,
        onward=tried.onward,
        refused=refused,
        attempt=tried.attempt,
        now=visit.desk.clock(),
        passkeys=passkey_domain(visit),
    )


async def hold(visit: Visit, came_at: float) -> None:
    """Let a refusal wait for its time."""
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


def passkey_domain(visit: Visit) -> str:
    """The domain that passkeys are made for, "" where they are not in use."""
    return visit.desk.passkeys.asking.domain if visit.desk.passkeys else ""


def too_many(visit: Visit) -> Response | None:
    """The page for a network that has had too many refusals and has to wait; None for any other."""
    seconds = math.ceil(visit.behind.failures.wait(place_of(visit.address).source))
    return visit.trouble(429, seconds=seconds) if seconds else None


def _typed_name(visit: Visit) -> str:
    """The name as it was typed; of somebody who is signed in, theirs. Raises Malformed."""
    if visit.signed:
        return visit.signed.user.name
    try:
        return checked_text(visit.form.get("name", "").strip(), "name", LONGEST_NAME)
    except BadField:
        return ""  # nobody's name


def client_of(visit: Visit) -> Client:
    """As whom the portal asks. Raises Unavailable while an operator's own client has its name."""
    client = visit.desk.store.snapshot.clients.get(PORTAL)
    if client is None or not is_portal(client):
        raise Unavailable("the client of the portal is missing")
    return client


def event_of(visit: Visit, *said: str) -> str:
    """Equal for the same form sent twice by the same browser, and for nothing else: each page has its own `once`."""
    parts = "".join(f"{len(part)} {part} " for part in (visit.token, *said))
    return f"portal/{visit.desk.mac(b'portal ' + parts.encode()).hex()}"
