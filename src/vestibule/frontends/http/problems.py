"""Problem documents (RFC 9457): every way in which the API says no, each with a page of its own.

No text here or in a `detail` repeats what was sent, but for the names of things that an administrator asked about.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from starlette.responses import Response

from vestibule.core.reasons import Reason

MEDIA_TYPE = "application/problem+json"
PAGES = "/api/v1/problems"


@dataclass(frozen=True, slots=True)
class Kind:
    """One type of problem: its name is its page, `remedy` what whoever calls can do."""

    name: str
    status: int
    title: str
    remedy: str

    @property
    def type(self) -> str:
        """The URL of its page."""
        return f"{PAGES}/{self.name}"


MALFORMED = Kind(
    "malformed", 400, "The request makes no sense", "Send JSON in UTF-8, as the operation's description says."
)
UNAUTHENTICATED = Kind(
    "unauthenticated",
    401,
    "No valid API key",
    "Send a key that is neither removed nor expired: Authorization: Bearer vestibule_…",
)
FORBIDDEN = Kind(
    "forbidden", 403, "The key may not do this", "Use a key of the other scope, or one with the right that is named."
)
SIGN_IN_REFUSED = Kind(
    "sign-in-refused", 403, "Sign-in refused", "Let the person try again; the journal says why it was refused."
)
NOT_FOUND = Kind("not-found", 404, "There is no such thing", "Look for its name or id in the list.")
METHOD_NOT_ALLOWED = Kind(
    "method-not-allowed", 405, "This is not done with it", "Use one of the methods that the header Allow names."
)
CONFLICT = Kind("conflict", 409, "Somebody else was faster", "Look at how it is now, then try again.")
UNDER_WAY = Kind(
    "under-way",
    409,
    "The same request was begun before",
    "Wait, then look at what was to be changed before trying again.",
)
STALE = Kind("stale", 412, "It has changed meanwhile", "Read it again, and send its new ETag as If-Match.")
TOO_LARGE = Kind("too-large", 413, "The request is too large", "Send less; split a file.")
UNKNOWN_HOST = Kind(
    "unknown-host", 421, "This server does not answer for that host", "Add the name to api.allowed_hosts."
)
INVALID = Kind("invalid", 422, "A field does not fit", "Mend the fields that are named under errors.")
REFUSED = Kind("refused", 422, "This can not be done", "Do what the detail says.")
OTHER_REQUEST = Kind(
    "other-request",
    422,
    "The Idempotency-Key belongs to another request",
    "Draw a new Idempotency-Key for each new request.",
)
TOO_MANY = Kind("too-many-requests", 429, "Too many requests", "Wait as many seconds as Retry-After says.")
BUG = Kind("bug", 500, "Something is wrong with this program", "Look for the reference in the server's log.")
UNAVAILABLE = Kind(
    "unavailable", 503, "The server can not decide now", "Try again in as many seconds as Retry-After says."
)

KINDS: tuple[Kind, ...] = (
    MALFORMED,
    UNAUTHENTICATED,
    FORBIDDEN,
    SIGN_IN_REFUSED,
    NOT_FOUND,
    METHOD_NOT_ALLOWED,
    CONFLICT,
    UNDER_WAY,
    STALE,
    TOO_LARGE,
    UNKNOWN_HOST,
    INVALID,
    REFUSED,
    OTHER_REQUEST,
    TOO_MANY,
    BUG,
    UNAVAILABLE,
)

# Every reason looks the same outside. The table is here so that a new reason that needs another answer has a place,
# and a test sees that none is forgotten.
KIND_OF_REASON: dict[Reason, Kind] = {
    Reason.UNKNOWN_USER: SIGN_IN_REFUSED,
    Reason.BLOCKED: SIGN_IN_REFUSED,
    Reason.WRONG_PASSWORD: SIGN_IN_REFUSED,
    Reason.PASSWORD_EXPIRED: SIGN_IN_REFUSED,
    Reason.PASSWORD_MUST_CHANGE: SIGN_IN_REFUSED,
    Reason.ACCOUNT_LOCKED: SIGN_IN_REFUSED,
    Reason.ACCOUNT_DISABLED: SIGN_IN_REFUSED,
    Reason.ACCOUNT_EXPIRED: SIGN_IN_REFUSED,
    Reason.NOT_ALLOWED_NOW: SIGN_IN_REFUSED,
    Reason.WRONG_CODE: SIGN_IN_REFUSED,
    Reason.CODE_REUSED: SIGN_IN_REFUSED,
    Reason.CODE_OLD: SIGN_IN_REFUSED,
    Reason.CLOCK: SIGN_IN_REFUSED,
    Reason.THROTTLED: SIGN_IN_REFUSED,
    Reason.TOO_MANY_FAILURES: SIGN_IN_REFUSED,
    Reason.DENIED_BY_POLICY: SIGN_IN_REFUSED,
    Reason.NOT_ENROLLED: SIGN_IN_REFUSED,
    Reason.NO_USABLE_PROMPT: SIGN_IN_REFUSED,
    Reason.NOT_DELIVERED: SIGN_IN_REFUSED,
    Reason.NO_ANSWER: SIGN_IN_REFUSED,
    Reason.DECLINED: SIGN_IN_REFUSED,
    Reason.WRONG_PIN: SIGN_IN_REFUSED,
    Reason.FRAUD_REPORTED: SIGN_IN_REFUSED,
    Reason.LIMIT_REACHED: SIGN_IN_REFUSED,
    Reason.PASSKEY_REFUSED: SIGN_IN_REFUSED,
    Reason.PASSKEY_COPIED: SIGN_IN_REFUSED,
    Reason.UNKNOWN_ATTEMPT: SIGN_IN_REFUSED,
}

RETRY_SECONDS = 2
"""What Retry-After says where nobody knows better."""


class Problem(Exception):
    """What an operation answers instead of its result; `errors` are pairs of a field and what is wrong with it."""

    def __init__(
        self,
        kind: Kind,
        detail: str = "",
        *,
        errors: Iterable[tuple[str, str]] = (),
        headers: Mapping[str, str] | None = None,
        **more: str,
    ) -> None:
        """Say what is particular about this one; `more` are further members."""
        super().__init__(kind.name)
        self.kind = kind
        self.detail = detail
        self.errors = tuple(errors)
        self.headers = dict(headers or {})
        self.more = more

    def response(self) -> Response:
        """The document."""
        kind = self.kind
        content: dict[str, Any] = {"type": kind.type, "title": kind.title, "status": kind.status}
        if self.detail:
            content["detail"] = self.detail
        if self.errors:
            content["errors"] = [{"field": field, "reason": reason} for field, reason in self.errors]
        content |= self.more
        headers = self.headers
        if kind is UNAUTHENTICATED:
            headers = {"WWW-Authenticate": 'Bearer realm="vestibule"', **headers}
        if kind is UNAVAILABLE:
            headers = {"Retry-After": str(RETRY_SECONDS), **headers}
        return Response(json.dumps(content, ensure_ascii=False), kind.status, headers, MEDIA_TYPE)
