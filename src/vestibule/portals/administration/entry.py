"""The way in to the pages of administration: who may open which, and what all of them share.

Whoever has no role finds nothing at these addresses, as if there were no administration; who has one, but not the right
that a page asks for, is told so and whom to ask. Changes want a fresh proof, also the pages with their forms, so that
nobody types in vain. What was typed when a session ended waits until the person is back; a form that is sent twice is
done once.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from vestibule.core.users import Role
from vestibule.flows.acting import person
from vestibule.flows.refused import Missing
from vestibule.flows.roles import Right, may
from vestibule.flows.sessions import Stage
from vestibule.portals.languages import marked
from vestibule.portals.trouble import Said, trouble
from vestibule.portals.visit import REGISTER, SIGN_IN, Answer, Endpoint, Visit, anyone, held_by
from vestibule.portals.words import method_word

DRAFT_OCTETS = 16
ASKED_RIGHTS: dict[Endpoint, Right] = {}
"""Which right each endpoint asks for."""

LONGEST_ID = 128

NOT_ALLOWED = Said(
    "not-allowed",
    marked("Your role does not allow this"),
    marked("You may look, or do other things here, but not this. Ask somebody with the role that may, or an owner."),
)


@dataclass(frozen=True, slots=True)
class Section:
    """One entry of the navigation."""

    name: str
    path: str
    title: str
    right: Right


SECTIONS = (
    Section("overview", "/admin", marked("Overview"), Right.SEE),
    Section("people", "/admin/people", marked("People"), Right.SEE),
    Section("tokens", "/admin/tokens", marked("Tokens"), Right.SEE),
    Section("clients", "/admin/clients", marked("Clients"), Right.SEE),
    Section("policy", "/admin/policy", marked("Policy"), Right.SEE),
    Section("directories", "/admin/directories", marked("Directories"), Right.SEE),
    Section("delivery", "/admin/delivery", marked("Delivery"), Right.SEE),
    Section("journal", "/admin/journal", marked("Journal"), Right.SEE),
    Section("settings", "/admin/settings", marked("Settings"), Right.SEE),
)


def administering(answer: Answer, right: Right, *, fresh: bool = False) -> Endpoint:
    """An endpoint for people whose role has this right, with a proven second factor; `fresh` for what changes."""
    return asking(anyone(permitted(answer, right, fresh=fresh)), right)


def asking(endpoint: Endpoint, right: Right) -> Endpoint:
    """The endpoint with the right that it asks for written on it, for whoever lists what asks for which."""
    ASKED_RIGHTS[endpoint] = right
    return endpoint


def permitted(answer: Answer, right: Right, *, fresh: bool = False) -> Answer:
    """The answer for these people, and what everybody else hears instead."""

    async def checked(visit: Visit) -> Response:
        who = visit.signed
        if who is None:
            return _to_sign_in(visit, "expired" if held_by(visit.request) else "")
        if who.stage is Stage.REGISTER:
            return visit.go(REGISTER)
        if who.stage is Stage.PROVE:
            return _to_sign_in(visit, "confirm")
        refusal = _refusal(visit, who.user.role, right)
        if refusal is not None:
            return refusal
        if fresh and not who.fresh:
            return _to_sign_in(visit, "confirm")
        acting = replace(visit, desk=replace(visit.desk, acting=person(who.user.id)))
        return await _answered(_with_draft(acting), answer)

    return checked


def looking(path: str, answer: Answer, right: Right = Right.SEE) -> Route:
    """A page that changes nothing."""
    return Route(path, administering(answer, right), methods=["GET"])


def form(path: str, ask: Answer, act: Answer, right: Right) -> tuple[Route, Route]:
    """A page with a form, and what the form does."""
    return (
        Route(path, administering(ask, right, fresh=True), methods=["GET"]),
        Route(path, administering(act, right, fresh=True), methods=["POST"]),
    )


def show(visit: Visit, template: str, at: str, status: int = 200, /, **told: object) -> Response:
    """One page of administration; `at` is the name of its section, `refused` the text of a refusal."""
    role = visit.who.user.role
    sections = [one for one in SECTIONS if may(role, one.right)]
    told = {"refused": "", "wrong": (), **told}
    return visit.show(
        f"administration/{template}",
        status,
        None,
        at=at,
        sections=sections,
        may=lambda right: may(role, Right(right)),
        typed=visit.form,
        kind_of=lambda one: method_word(visit.language, one.method, one.serial),
        chosen=lambda options: [(value, visit.say(text)) for value, text in options],
        **told,
    )


def gone(visit: Visit) -> Response:
    """The page about something that is not there, or not any more."""
    return visit.giving(trouble(visit.behind, 404, language=visit.language))


def named(visit: Visit, name: str = "id") -> str:
    """What the address names."""
    found = str(visit.request.path_params[name])
    if not 0 < len(found) <= LONGEST_ID or not found.isprintable():
        raise Missing("There is nothing of this name.")
    return found


def asked(visit: Visit, name: str, longest: int = 256) -> str:
    """One parameter of the address, "" for none; what can not be shown counts for none."""
    text = visit.request.query_params.get(name, "").strip()[:longest]
    return text if text.isprintable() else ""


def address(path: str, query: Mapping[str, str]) -> str:
    """The path with what is not empty of the query."""
    given = {name: text for name, text in query.items() if text}
    return f"{path}?{urlencode(given)}" if given else path


# -- behind the endpoint ---------------------------------------------------------------------------------------------


def _refusal(visit: Visit, role: Role, right: Right) -> Response | None:
    if role is Role.NONE:
        return gone(visit)
    if not may(role, right):
        return visit.giving(trouble(visit.behind, 403, language=visit.language, said=NOT_ALLOWED))
    return None


async def _answered(visit: Visit, answer: Answer) -> Response:
    """The answer; to the same form of the same page only once."""
    if visit.request.method != "POST" or not visit.form.get("once"):
        return await _unless_missing(visit, answer)
    said = "".join(
        f"{len(text)} {text} " for text in (visit.token, visit.request.url.path, *map(str, visit.form.items()))
    )
    key = hashlib.sha256(said.encode()).hexdigest()
    return await visit.behind.answers.once(key, visit.behind.monotonic(), lambda: _unless_missing(visit, answer))


async def _unless_missing(visit: Visit, answer: Answer) -> Response:
    try:
        return await answer(visit)
    except Missing:
        return gone(visit)


def _with_draft(visit: Visit) -> Visit:
    """The visit with what was typed before the person had to sign in."""
    id = visit.request.query_params.get("draft", "")
    if visit.request.method != "GET" or not id:
        return visit
    return replace(visit, form=visit.behind.drafts.found(id, visit.who.user.id, visit.desk.clock()))


def _to_sign_in(visit: Visit, why: str) -> Response:
    """Ask who it is, and lead back; a script's request makes the whole page go there."""
    draft = visit.desk.chance(DRAFT_OCTETS).hex()
    whose = visit.signed.user.id if visit.signed else ""
    kept = visit.form and visit.behind.drafts.keep(draft, whose, visit.form, visit.desk.clock())
    back = _way_back(visit.request) if visit.request.method == "GET" else visit.request.url.path
    onward = address(back, {"draft": draft}) if kept else back
    if visit.request.headers.get("hx-request"):
        target = address(SIGN_IN, {"next": onward, "why": why})
        return visit.giving(Response(status_code=204, headers={"HX-Redirect": target, "Cache-Control": "no-store"}))
    return visit.go(SIGN_IN, next=onward, why=why)


def _way_back(request: Request) -> str:
    return f"{request.url.path}?{request.url.query}" if request.url.query else request.url.path
