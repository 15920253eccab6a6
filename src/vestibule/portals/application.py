"""The pages by their addresses, behind their guard."""

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from vestibule.portals import (
    factors,
    passkeys,
    phones,
    pins,
    registering,
    security,
    signing_in,
    static_files,
    waiting,
    welcome,
)
from vestibule.portals.administration import (
    api_keys,
    bench,
    clients,
    delivery,
    directories,
    directory_runs,
    groups,
    journal,
    people,
    person_phones,
    policy,
    providers,
    sending_routes,
    settings,
    start,
    tokens,
    upload,
)
from vestibule.portals.behind import Behind, Message
from vestibule.portals.guard import Guard
from vestibule.portals.trouble import BY_STATUS, trouble
from vestibule.portals.visit import Answer, anyone, signed_in, spoken

GET, POST = ["GET"], ["POST"]
ADMINISTRATION = (
    start,
    people,
    person_phones,
    upload,
    tokens,
    journal,
    clients,
    api_keys,
    groups,
    bench,
    policy,
    settings,
    directories,
    directory_runs,
    delivery,
    providers,
    sending_routes,
)
"""The modules with pages of administration; each has its ROUTES under /admin."""


def application(behind: Behind) -> Guard:
    """The portal in front of what stands behind it."""

    def in_trouble(scope: Message, status: int, reference: str) -> Response:
        return trouble(behind, status, language=spoken(Request(scope)), reference=reference)

    app = Starlette(routes=_routes(), exception_handlers={HTTPException: _not_here, Exception: _bug})
    app.state.behind = behind
    return Guard(app, in_trouble, behind.manners, behind.counts)


def _routes() -> list[Route]:
    return [
        Route("/", anyone(security.home), methods=GET),
        Route("/signin", anyone(signing_in.ask), methods=GET),
        Route("/signin", anyone(signing_in.begin), methods=POST),
        Route("/signin/code", anyone(signing_in.ask_anew), methods=GET),
        Route("/signin/code", anyone(signing_in.answer), methods=POST),
        Route("/signin/way", anyone(signing_in.ask_anew), methods=GET),
        Route("/signin/way", anyone(signing_in.choose), methods=POST),
        Route("/signin/passkey", anyone(signing_in.ask_anew), methods=GET),
        Route("/signin/passkey", anyone(passkeys.present), methods=POST),
        Route("/signin/passkey/question", anyone(passkeys.ask), methods=GET),
        Route("/signin/waiting", anyone(waiting.look), methods=[*GET, *POST]),
        Route("/signin/waiting/news", anyone(waiting.news), methods=GET),
        Route("/signout", anyone(signing_in.leave), methods=POST),
        Route("/welcome/{token}", anyone(welcome.ask), methods=GET),
        Route("/welcome/{token}", anyone(welcome.begin), methods=POST),
        Route("/security", signed_in(security.first_page), methods=GET),
        Route("/security/register", signed_in(registering.ask, registering=True), methods=GET),
        Route("/security/default", anyone(security.home), methods=GET),
        Route("/security/default", signed_in(security.prefer, fresh=True), methods=POST),
        *_pair("/security/passkey", passkeys.ask_new, passkeys.begin, registering=True),
        *_pair("/security/passkey/answer", passkeys.to_the_beginning, passkeys.prove, registering=True),
        *_pair("/security/app", factors.ask_app, factors.begin_app, registering=True),
        *_pair("/security/app/code", factors.to_the_beginning, factors.prove_app, registering=True),
        *_pair("/security/token", factors.ask_token, factors.activate_token, registering=True),
        *_pair("/security/phone", phones.ask, phones.begin, registering=True),
        *_pair("/security/mail", phones.ask_mail, phones.begin_mail),
        *_pair("/security/phone/code", phones.ask_code, phones.prove, registering=True),
        *_pair("/security/phone/again", phones.ask_code, phones.send_again, registering=True),
        *_pair("/security/phones/{id}", phones.ask_uses, phones.change_uses),
        *_pair("/security/phones/{id}/test", phones.ask_uses, phones.test),
        *_pair("/security/pin", pins.ask, pins.change),
        *_pair("/security/recovery", factors.ask_recovery, factors.issue_recovery),
        *_pair("/security/factors/{id}/name", factors.ask_name, factors.rename),
        *_pair("/security/factors/{id}/removal", factors.ask_removal, factors.remove),
        *_pair("/security/password", security.ask_password, security.change_password),
        Route("/security/sessions", anyone(security.home), methods=GET),
        Route("/security/sessions", signed_in(security.end_browsers), methods=POST),
        Route("/security/activity", signed_in(security.show_activity), methods=GET),
        Route("/security/activity", signed_in(security.not_me), methods=POST),
        Route("/static/{name}", static_files.serve, methods=GET),
        *(route for module in ADMINISTRATION for route in module.ROUTES),
    ]


def _pair(path: str, ask: Answer, act: Answer, *, registering: bool = False) -> tuple[Route, Route]:
    """A page and what its form does; both want a fresh proof, so that nobody types in vain."""
    return (
        Route(path, signed_in(ask, registering=registering, fresh=True), methods=GET),
        Route(path, signed_in(act, registering=registering, fresh=True), methods=POST),
    )


async def _not_here(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    behind: Behind = request.app.state.behind
    return trouble(behind, status if status in BY_STATUS else 400, language=spoken(request))


async def _bug(request: Request, bug: Exception) -> Response:
    behind: Behind = request.app.state.behind
    reference = behind.counts.bug(bug, f"{request.method} page")
    return trouble(behind, 500, language=spoken(request), reference=reference)
