"""One request of a person: their language, what their browser holds, whether a form is one of ours.

A form is taken when the browser says that it comes from our own pages (`Sec-Fetch-Site`, else `Origin`), and when it
carries the proof that we made it for what this browser holds. The cookie is Lax: with Strict, a link in a mail would
arrive without it, and the anonymous one that is set then would end the session.
"""

import hmac
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from urllib.parse import parse_qsl, urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from vestibule.core.errors import Malformed, Unavailable
from vestibule.flows import sessions
from vestibule.flows.acting import NOBODY, person
from vestibule.flows.desk import Desk
from vestibule.flows.own_factors import Factor
from vestibule.flows.sessions import Signed, Stage
from vestibule.portals.behind import Behind
from vestibule.portals.languages import Language, language_for
from vestibule.portals.pages import page
from vestibule.portals.trouble import Said, trouble
from vestibule.portals.words import BOUND, SYNCED, browser_word, method_word

COOKIE = "__Host-vestibule"
COOKIE_OCTETS = 32
ONCE_OCTETS = 16
LONGEST_COOKIE = 100
MOST_FIELDS = 40
SIGN_IN = "/signin"
REGISTER = "/security/register"

Form = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Visit:
    """One request. `token` is what the browser holds, or what it is given with the answer (`new`)."""

    request: Request
    behind: Behind
    desk: Desk
    language: Language
    address: str
    token: str
    new: bool
    signed: Signed | None
    form: Form

    @property
    def who(self) -> Signed:
        """The person who is signed in."""
        if self.signed is None:
            raise AssertionError("only reached by somebody who is signed in")
        return self.signed

    @property
    def csrf(self) -> str:
        """The proof that a form was made for this browser."""
        return proof_of(self.desk, self.token)

    @property
    def once(self) -> str:
        """What tells this page's form from that of every other page."""
        return self.desk.chance(ONCE_OCTETS).hex()

    @property
    def agent(self) -> str:
        """What the browser calls itself."""
        return self.request.headers.get("user-agent", "")

    def say(self, text: str) -> str:
        """The text in the person's language."""
        return self.language(text)

    def kind(self, one: Factor) -> str:
        """What sort of factor this is."""
        if one.about:
            return self.language(SYNCED if one.about.synced else BOUND)
        return method_word(self.language, one.method, one.serial)

    def browser(self, agent: str) -> str:
        """What a browser is called."""
        return browser_word(self.language, agent)

    def show(
        self, template: str, status: int = 200, headers: Mapping[str, str] | None = None, /, **told: object
    ) -> Response:
        """One page for this person."""
        shown = page(self.language, template, status, headers, visit=self, signed=self.signed, csrf=self.csrf, **told)
        return self.giving(shown)

    def trouble(self, status: int, *, seconds: int = 0, said: Said | None = None) -> Response:
        """The page about what went wrong, with the id of whoever is signed in."""
        user = self.signed.user.id if self.signed else ""
        told = trouble(self.behind, status, language=self.language, user=user, seconds=seconds, said=said)
        return self.giving(told)

    def go(self, path: str, **query: str) -> Response:
        """Send the browser on."""
        return self.giving(RedirectResponse(_with(path, query), 303, {"Cache-Control": "no-store"}))

    def giving(self, response: Response) -> Response:
        """Let the browser have its token, if it is a new one."""
        if self.new:
            response.set_cookie(COOKIE, self.token, path="/", secure=True, httponly=True, samesite="lax")
        return response

    def holding(self, token: str) -> "Visit":
        """The same visit, with another token for the browser."""
        return replace(self, token=token, new=True)


Answer = Callable[[Visit], Awaitable[Response]]
Endpoint = Callable[[Request], Awaitable[Response]]


def anyone(answer: Answer) -> Endpoint:
    """An endpoint for everybody."""

    async def endpoint(request: Request) -> Response:
        behind: Behind = request.app.state.behind
        try:
            visit = await visited(request, behind)
            if request.method == "POST" and not _ours(visit):
                return visit.trouble(403)
            return await answer(visit)
        except Malformed:
            return trouble(behind, 400, language=spoken(request))
        except Unavailable:
            return trouble(behind, 503, language=spoken(request))

    return endpoint


def signed_in(answer: Answer, *, registering: bool = False, fresh: bool = False) -> Endpoint:
    """An endpoint for people who are signed in; with `fresh` only for a while after they proved themselves.

    Without a second factor nothing opens but what is for `registering` one; with one that was not proven, nothing.
    """

    async def checked(visit: Visit) -> Response:
        who = visit.signed
        if who is None:
            return visit.go(SIGN_IN, **_way_back(visit), why="expired" if held_by(visit.request) else "")
        if who.stage is Stage.PROVE:
            return visit.go(SIGN_IN, **_way_back(visit), why="confirm")
        if who.stage is Stage.REGISTER and not registering:
            return visit.go(REGISTER)
        if fresh and not who.fresh:
            return visit.go(SIGN_IN, **_way_back(visit), why="confirm")
        return await answer(visit)

    return anyone(checked)


async def visited(request: Request, behind: Behind) -> Visit:
    """Look at who comes. Raises Malformed, Unavailable."""
    address = behind.manners.address_of(_peer(request), request.scope["headers"])
    desk = replace(behind.desk, address=address)
    held = held_by(request)
    signed = await sessions.recognise(desk, held) if held else None
    desk = replace(desk, acting=person(signed.user.id) if signed else NOBODY)
    token = held or desk.chance(COOKIE_OCTETS).hex()
    return Visit(
        request,
        behind,
        desk,
        spoken(request, signed.user.locale if signed else ""),
        address,
        token,
        not held,
        signed,
        await _form(request) if request.method == "POST" else {},
    )


def spoken(request: Request, locale: str = "") -> Language:
    """The language of the answer."""
    return language_for(locale, request.headers.get("accept-language", ""))


def proof_of(desk: Desk, token: str) -> str:
    """What a form carries for a browser that holds `token`."""
    return desk.mac(b"form " + token.encode()).hex()


def held_by(request: Request) -> str:
    """What the browser holds, "" for nothing, and for what can not be ours."""
    found = request.cookies.get(COOKIE, "")
    return found if len(found) <= LONGEST_COOKIE and found.isascii() else ""


def _peer(request: Request) -> str:
    return request.client.host if request.client else ""


async def _form(request: Request) -> Form:
    """The fields of the form; raises Malformed for anything else than one form. One with files is left to its page."""
    if request.headers.get("content-type", "").startswith("multipart/"):
        return {}
    try:
        pairs = parse_qsl((await request.body()).decode(), keep_blank_values=True, max_num_fields=MOST_FIELDS)
    except ValueError:
        raise Malformed("this is no form") from None
    return dict(pairs)


def _ours(visit: Visit) -> bool:
    """Whether this form came from our own page, made for this browser."""
    return same_origin(visit.request) and hmac.compare_digest(visit.form.get("csrf", "").encode(), visit.csrf.encode())


def same_origin(request: Request) -> bool:
    """What the browser says about where the form was; one that says nothing has no cookie of another's to misuse."""
    fetched = request.headers.get("sec-fetch-site")
    if fetched is not None:
        return fetched == "same-origin"
    origin = request.headers.get("origin")
    return origin is None or origin.partition("://")[2] == request.headers.get("host", "")


def _way_back(visit: Visit) -> dict[str, str]:
    """Where to go on after signing in, with what was typed but for secrets."""
    request, kept = visit.request, ("label", "serial")
    typed = {name: visit.form[name] for name in kept if visit.form.get(name)}
    return {"next": _with(visit.form.get("back") or request.url.path, typed)}


def _with(path: str, query: Mapping[str, str]) -> str:
    given = {name: value for name, value in query.items() if value}
    return f"{path}?{urlencode(given)}" if given else path
