"""Pages about what went wrong: what happened, what to do next, and what a helpdesk wants to know."""

from dataclasses import dataclass

from starlette.responses import Response

from vestibule.portals.behind import Behind
from vestibule.portals.languages import ENGLISH, Language, marked
from vestibule.portals.pages import page

RETRY_SECONDS = 2
STALE = "page-too-old"


@dataclass(frozen=True, slots=True)
class Said:
    """What is said of one trouble; `code` is its name in every language."""

    code: str
    title: str
    text: str


BY_STATUS = {
    400: Said("malformed", marked("This could not be read"), marked("Go back to the page and try again.")),
    403: Said(
        STALE,
        marked("This page is too old"),
        marked("It was made before you signed in or out here, so nothing was done. Open it again and go on."),
    ),
    404: Said("not-found", marked("There is nothing here"), marked("The address is wrong, or what was here is gone.")),
    405: Said("not-found", marked("There is nothing here"), marked("The address is wrong, or what was here is gone.")),
    413: Said("too-large", marked("This was too much"), marked("Go back to the page and type less.")),
    421: Said("unknown-host", marked("Wrong address"), marked("This server does not answer under this name.")),
    429: Said(
        "too-many", marked("Too many tries"), marked("There were too many tries from your network. Wait a minute.")
    ),
    500: Said(
        "fault",
        marked("Something went wrong here"),
        marked("It is not your fault. Try again; if it stays, tell your helpdesk the details below."),
    ),
    503: Said(
        "unavailable",
        marked("Not possible right now"),
        marked("The server can not decide at the moment. Nothing is lost: try again in a few seconds."),
    ),
}

NO_FACTOR_COUNTS = Said(
    "no-factor-counts",
    marked("None of your factors counts now"),
    marked("They were switched off, or their time is over. Ask your helpdesk to give you one that counts."),
)
"""Said only after the right password."""


def trouble(
    behind: Behind,
    status: int,
    *,
    language: Language = ENGLISH,
    reference: str = "",
    attempt: str = "",
    user: str = "",
    seconds: int = 0,
    said: Said | None = None,
) -> Response:
    """The page about this status."""
    headers = {"Retry-After": str(seconds or RETRY_SECONDS)} if status in {429, 503} else {}
    return page(
        language,
        "trouble.html",
        status,
        headers,
        said=said or BY_STATUS[status],
        status=status,
        reference=reference,
        attempt=attempt,
        user=user,
        now=behind.desk.clock(),
        signed=None,
        csrf="",
    )
