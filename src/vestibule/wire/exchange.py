"""One HTTP request to a provider and what came of it, as values; and what a plain answer means for a send.

Rules of this file:
- What was surely not carried is `NotCarried`; of what may have been, nobody says more than `Lost`.
- Nothing here repeats an address, a text or a secret: what goes into a `Sent` has been through `harmless`.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final, Protocol
from urllib.parse import urlencode

from vestibule.core.delivery import Fault, Outcome, Outgoing, Sent

LONGEST_TEXT: Final = 200
LONGEST_CODE: Final = 40
LONGEST_PATIENCE: Final = 3600.0


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked. Header names are in lower case; nothing of it prints but where it goes."""

    method: str
    url: str = field(repr=False)
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    body: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back; header names are in lower case, the body is cut at a limit."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes = field(default=b"", repr=False)

    def json(self) -> dict[str, Any]:
        """The JSON object in it; an empty one for anything else."""
        return json_object(self.body)


@dataclass(frozen=True, slots=True)
class NotCarried:
    """It surely did not reach the other side: no connection, no time, no room."""

    why: str


@dataclass(frozen=True, slots=True)
class Lost:
    """It was on its way when the answer failed to come: it may have been carried out."""

    why: str


Exchanged = Answer | NotCarried | Lost


class Exchange(Protocol):
    """Makes HTTP requests, one try each: no redirect is followed, nothing is repeated."""

    async def __call__(self, request: Request, deadline: float) -> Exchanged:
        """Make it before `deadline` (event-loop seconds). It raises nothing for what the other side does."""

    async def close(self) -> None:
        """Let go of connections."""


def json_object(octets: bytes) -> dict[str, Any]:
    """The JSON object that these octets are; an empty one for anything else."""
    try:
        found = json.loads(octets)
        return {name: _readable_within(one) for name, one in found.items()} if isinstance(found, dict) else {}
    except (ValueError, RecursionError):
        return {}


def _readable_within(value: object) -> Any:  # noqa: ANN401 - JSON is what it is
    match value:
        case str():
            return readable(value)
        case list():
            return [_readable_within(one) for one in value]
        case dict():
            return {readable(name): _readable_within(one) for name, one in value.items()}
        case _:
            return value


def readable(text: str) -> str:
    """A text that can be stored anywhere: without zeros, and with a question mark for half of a surrogate pair."""
    return text.replace("\0", "").encode(errors="replace").decode()


def form_request(url: str, fields: Mapping[str, str], *headers: tuple[str, str]) -> Request:
    """A form that is sent by POST."""
    kind = ("content-type", "application/x-www-form-urlencoded")
    return Request("POST", url, (kind, *headers), urlencode(fields).encode())


def json_request(url: str, value: Mapping[str, Any], *headers: tuple[str, str]) -> Request:
    """A JSON object that is sent by POST."""
    return Request("POST", url, (("content-type", "application/json"), *headers), json.dumps(value).encode())


def without_answer(found: NotCarried | Lost) -> Sent:
    """A send whose answer did not come."""
    if isinstance(found, Lost):
        return Sent(Outcome.UNKNOWN, code="lost", text=found.why)
    return Sent(Outcome.REJECTED, fault=Fault.OTHER, code="not_carried", text=found.why)


def by_status(answer: Answer) -> Sent:
    """What an answer means that says nothing but its status.

    502, 504 and other failures within the provider may come after the message was taken on: nobody knows.
    """
    code = f"http_{answer.status}"
    match answer.status:
        case 429:
            return Sent(Outcome.REJECTED, fault=Fault.SAME, code=code, retry_after=retry_after(answer) or 1.0)
        case 503:
            return Sent(Outcome.REJECTED, fault=Fault.OTHER, code=code, retry_after=retry_after(answer))
        case 408 | 501:
            return Sent(Outcome.REJECTED, fault=Fault.OTHER, code=code)
        case status if 300 <= status < 500:
            return Sent(Outcome.REJECTED, fault=Fault.CONFIGURATION, code=code)
        case _:
            return Sent(Outcome.UNKNOWN, code=code)


def retry_after(answer: Answer) -> float:
    """How long the other side wants to be left alone, in seconds (RFC 9110 section 10.2.3); 0 where it does not say.

    A point in time is compared with the answer's own Date, so that two clocks need not agree.
    """
    wanted = answer.headers.get("retry-after", "").strip()
    if wanted.isascii() and wanted.isdigit():
        return min(float(wanted[:9]), LONGEST_PATIENCE)
    then, now = _moment(wanted), _moment(answer.headers.get("date", ""))
    if then is None or now is None:
        return 0.0
    return min(max((then - now).total_seconds(), 0.0), LONGEST_PATIENCE)


def _moment(text: str) -> datetime | None:
    try:
        found = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def harmless(text: object, outgoing: Outgoing | None = None) -> str:
    """What a provider said, for logs: on one line, short, and without address, text or anything like a number."""
    said = str(text)
    if outgoing is not None:
        written = outgoing.text.reveal().decode(errors="replace")
        for secret in (written, outgoing.to.address, outgoing.to.address.lstrip("+"), outgoing.to.extension):
            said = said.replace(secret, "…") if secret else said
    said = " ".join("".join(sign if sign.isprintable() else " " for sign in said).split())
    said = re.sub(r"\S+@\S+", "…", said)
    return re.sub(r"\+?\d(?:[\s().-]*\d){3,}", "…", said)[:LONGEST_TEXT]


def code_of(value: object) -> str:
    """A provider's own code: short, of harmless signs, never as long as a number."""
    return re.sub(r"[^0-9A-Za-z_.-]", "", str(value))[:LONGEST_CODE] if value not in (None, "") else ""


def whole_seconds(seconds: float, least: int, most: int) -> int:
    """How long a message is held, in whole seconds within what the provider takes; never longer than it is of use."""
    return max(least, min(int(seconds), most))
