"""The application: the routes, what goes wrong as problem documents, and the guard before it all."""

from collections.abc import Callable, Iterable

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.telemetry import TelemetryConfig
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from vestibule.core.errors import Malformed, Unavailable
from vestibule.core.ports import Conflict
from vestibule.flows.once import OtherRequest, Stale, UnderWay
from vestibule.flows.refused import Missing, Refused
from vestibule.frontends.http import (
    access,
    attempts,
    clients,
    directories,
    documentation,
    groups,
    journal,
    phones,
    policy,
    problems,
    providers,
    settings,
    status,
    tokens,
    users,
)
from vestibule.frontends.http.attempts import BeginPlainly
from vestibule.frontends.http.description import described
from vestibule.frontends.http.guard import Asgi, Guard, Message, Receive, Recognise, Send
from vestibule.frontends.http.problems import Kind, Problem
from vestibule.frontends.http.work import Behind

PREFIX = "/api/v1"
KINDS_OF_STATUS = {404: problems.NOT_FOUND, 405: problems.METHOD_NOT_ALLOWED}
KINDS_OF_ERROR: dict[type[Exception], Kind] = {
    Malformed: problems.MALFORMED,
    Conflict: problems.CONFLICT,
    Stale: problems.STALE,
    OtherRequest: problems.OTHER_REQUEST,
    UnderWay: problems.UNDER_WAY,
    Unavailable: problems.UNAVAILABLE,
}
EXPECTED: tuple[type[Exception], ...] = (Problem, Refused, RequestValidationError, HTTPException, *KINDS_OF_ERROR)
QUIET: TelemetryConfig = {"tracing": False, "metrics": False, "logs": False, "auto_configure": False}
"""No variable of the environment lets what passes here go anywhere else."""


def application(behind: Behind, recognise: Recognise, monotonic: Callable[[], float]) -> Guard:
    """The API in front of what stands behind it."""
    return Guard(_sorted(behind), recognise, behind.manners, behind.counts, monotonic)


def _sorted(behind: Behind) -> Asgi:
    """All operations, the one that people wait for without the layers of the others."""
    others, plainly = routes(behind), BeginPlainly(behind)

    async def inside(scope: Message, receive: Receive, send: Send) -> None:
        if scope["path"] != plainly.path or scope["method"] != plainly.method:
            return await others(scope, receive, send)
        try:
            await plainly(scope, receive, send)
        except EXPECTED as error:
            raise problem_of(error) from None

    return inside


def routes(behind: Behind) -> FastAPI:
    """The application without its guard."""
    app = without_anything_behind()
    app.state.behind = behind
    return app


def without_anything_behind() -> FastAPI:
    """All routes, to be described."""
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None, redirect_slashes=False, telemetry=QUIET)
    for module in (
        attempts,
        users,
        access,
        directories,
        providers,
        phones,
        groups,
        tokens,
        clients,
        policy,
        settings,
        journal,
        status,
    ):
        app.include_router(module.router, prefix=PREFIX)
    app.include_router(documentation.router, prefix=PREFIX)
    for kind in EXPECTED:
        app.add_exception_handler(kind, _refused)
    app.add_exception_handler(Exception, _bug)
    described(app)
    return app


async def _refused(request: Request, error: Exception) -> Response:
    return problem_of(error, request.path_params).response()


async def _bug(request: Request, bug: Exception) -> Response:
    route = request.scope.get("route")
    operation = getattr(route, "operation_id", None) or request.method
    counts = request.app.state.behind.counts
    return Problem(problems.BUG, reference=counts.bug(bug, operation)).response()


def problem_of(error: Exception, named: Iterable[str] = ()) -> Problem:
    """What is answered; `named` are the fields that stood in the path."""
    match error:
        case Problem():
            return error
        case RequestValidationError():
            return _unfit(error)
        case HTTPException(status_code=code):
            return Problem(KINDS_OF_STATUS.get(code, problems.MALFORMED), headers=error.headers)
        case Missing(fields=fields) if set(fields).intersection(named):
            return Problem(problems.NOT_FOUND, error.text)
        case Refused():
            return Problem(problems.REFUSED, error.text, errors=[(field, "is refused") for field in error.fields])
        case Malformed() | Conflict():
            return Problem(_kind(error), str(error))
        case _:
            return Problem(_kind(error))


def _kind(error: Exception) -> Kind:
    return next((kind for known, kind in KINDS_OF_ERROR.items() if isinstance(error, known)), problems.UNAVAILABLE)


def _unfit(error: RequestValidationError) -> Problem:
    """Which fields do not fit, and why; never what was sent in them, nor names that nobody knows."""
    found = error.errors()
    if any(one["type"] == "json_invalid" for one in found):
        return Problem(problems.MALFORMED, "The body is no JSON.")
    return Problem(problems.INVALID, errors=[_field(one["loc"], one["type"], one["msg"]) for one in found])


def _field(place: tuple[str | int, ...], kind: str, reason: str) -> tuple[str, str]:
    if kind == "extra_forbidden":
        return _dotted(place[:-1]), "has a field that is not known here"
    return _dotted(place), reason


def _dotted(place: tuple[str | int, ...]) -> str:
    return ".".join(str(part) for part in place)
