"""The description of the API (OpenAPI 3.1): what FastAPI finds in the code, with every problem and an example added."""

from collections.abc import Iterator
from importlib.metadata import version
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from vestibule.frontends.http import examples, problems
from vestibule.frontends.http.problems import Kind

Part = dict[str, Any]

TEXT = """\
Sign people in, and administer, over HTTP.

A request carries a key: `Authorization: Bearer vestibule_…`. A key that *verifies* signs people in as one client and
sees no attempts but its own. A key that *manages* does what its rights say; the right stands beside each operation.
Without the right `unattended`, which opens no operation, it resets nothing of a person before a check of who calls.
A client lets somebody in only on the answer 200 with `"decision": "accept"`.

Times are seconds since the epoch. Whatever goes wrong is told as a problem document (RFC 9457).
"""

TAGS = (
    ("Attempts", "Sign people in. These take a key that verifies."),
    ("Users", "People, their passwords and blocks."),
    ("Credentials", "What one person can prove."),
    ("Access", "Roles, passes, bypasses, and the check of who calls."),
    ("Directories", "LDAP and RADIUS servers of others, which check the passwords of their people."),
    ("Providers", "Who carries calls, texts and mail; what was sent, routes and prices."),
    ("Numbers", "Telephone numbers, addresses and PINs of people."),
    ("Groups", "Groups and the attributes that RADIUS clients get for their members."),
    ("Tokens", "The inventory of tokens."),
    ("Clients", "The systems that ask."),
    ("Policy", "Who needs a second factor, who is let in, who is not."),
    ("Settings", "Limits, texts and what the journal keeps."),
    ("Journal", "What happened."),
    ("Status", "How much of everything there is."),
)

ALWAYS = (
    problems.MALFORMED,
    problems.UNAUTHENTICATED,
    problems.FORBIDDEN,
    problems.TOO_LARGE,
    problems.UNKNOWN_HOST,
    problems.TOO_MANY,
    problems.BUG,
    problems.UNAVAILABLE,
)
WRITING = (problems.CONFLICT, problems.UNDER_WAY, problems.STALE, problems.OTHER_REQUEST)

PROBLEM: Part = {
    "type": "object",
    "title": "Problem",
    "description": "A problem document (RFC 9457). `type` is the URL of a page about it.",
    "required": ["type", "title", "status"],
    "properties": {
        "type": {"type": "string", "enum": [kind.type for kind in problems.KINDS]},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "decision": {"type": "string", "const": "refused", "description": "Of a sign-in that was refused."},
        "reference": {"type": "string", "description": "What to look for in the server's log."},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["field", "reason"],
                "properties": {"field": {"type": "string"}, "reason": {"type": "string"}},
            },
        },
    },
}


def described(app: FastAPI) -> None:
    """Let `app.openapi()` give the whole description, which is made once."""
    made: list[Part] = []

    def openapi() -> Part:
        if not made:
            made.append(_description(app))
        return made[0]

    app.openapi = openapi  # type: ignore[method-assign]  # FastAPI's way to do this


def operations(description: Part) -> Iterator[tuple[str, str, Part]]:
    """Method, path and operation, in order."""
    for path, methods in description["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), path, operation


def right_of(operation: Part) -> str:
    """The right, or the scope, that an operation takes."""
    (requirement,) = operation["security"]
    (right,) = requirement["key"]
    return str(right)


def _description(app: FastAPI) -> Part:
    made = get_openapi(
        title="Vestibule",
        version=version("vestibule"),
        summary="The second factor for your sign-ins.",
        description=TEXT,
        routes=app.routes,
        tags=[{"name": name, "description": text} for name, text in TAGS],
        servers=[{"url": "/", "description": "This server"}],
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
    )
    schemas = made["components"]["schemas"]
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    schemas["Problem"] = PROBLEM
    for method, _path, operation in operations(made):
        _complete(operation, method)
    return made


def _complete(operation: Part, method: str) -> None:
    name, responses = operation["operationId"], operation["responses"]
    responses.pop("422", None)
    hoped_for = next(iter(responses.values()))
    hoped_for["content"]["application/json"]["example"] = examples.ANSWERED[name]
    hoped_for["description"] = "Let in" if "Attempts" in operation["tags"] else "Done"
    if name in examples.SENT:
        media = next(iter(operation["requestBody"]["content"].values()))
        media["example"] = examples.SENT[name]
    if method == "GET" and "{" in str(operation.get("x-path", "")):
        hoped_for["headers"] = {"ETag": {"schema": {"type": "string"}}}
    for status, kinds in _by_status(operation, method).items():
        responses[str(status)] = _told(kinds)


def _by_status(operation: Part, method: str) -> dict[int, list[Kind]]:
    """Every problem that can come, by its status."""
    found: dict[int, list[Kind]] = {}
    for kind in _kinds(operation, method):
        found.setdefault(kind.status, []).append(kind)
    return dict(sorted(found.items()))


def _kinds(operation: Part, method: str) -> Iterator[Kind]:
    yield from ALWAYS
    if operation.get("parameters") or operation.get("requestBody"):
        yield problems.INVALID
    if "Attempts" in operation["tags"]:
        yield problems.SIGN_IN_REFUSED
        return
    yield problems.REFUSED
    if any(parameter["in"] == "path" for parameter in operation.get("parameters", ())):
        yield problems.NOT_FOUND
    if method != "GET" and operation["operationId"] != "testPolicy":
        yield from WRITING


def _told(kinds: list[Kind]) -> Part:
    first = kinds[0]
    headers: Part = {}
    if first.status in (429, 503):
        headers["Retry-After"] = {"schema": {"type": "integer"}, "description": "Seconds."}
    if first.status == 401:
        headers["WWW-Authenticate"] = {"schema": {"type": "string"}}
    told: Part = {
        "description": ", or: ".join(kind.title for kind in kinds),
        "content": {
            problems.MEDIA_TYPE: {
                "schema": {"$ref": "#/components/schemas/Problem"},
                "example": {"type": first.type, "title": first.title, "status": first.status},
            }
        },
    }
    return {**told, "headers": headers} if headers else told
