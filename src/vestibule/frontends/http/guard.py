"""What every request passes before anything looks at what it wants: load, host, address, key, rate, size.

Decisions are made on the path and headers as they came (`scope`), never on a URL that was put together again.
"""

import asyncio
import math
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from typing import Any

from vestibule.core.api_keys import ApiKey, Scope
from vestibule.core.errors import Malformed, Unavailable
from vestibule.core.places import place_of
from vestibule.frontends.http import problems
from vestibule.frontends.http.counts import Counts
from vestibule.frontends.http.limits import Buckets
from vestibule.frontends.http.peers import caller_address, host_of, values
from vestibule.frontends.http.problems import Problem

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Asgi = Callable[[Message, Receive, Send], Awaitable[None]]
Recognise = Callable[[str, str], Awaitable[ApiKey | None]]
"""The key of this text, brought from this address, or None."""

OPEN = frozenset({"/api/v1/openapi.json", "/api/v1/docs", "/api/v1/docs.css"})
OPEN_PAGES = f"{problems.PAGES}/"
BODY_OCTETS = 64 * 1024
BODY_SECONDS = 30.0
EVERY_ANSWER = (
    (b"cache-control", b"no-store"),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"content-security-policy", b"default-src 'none'; style-src 'self'; frame-ancestors 'none'"),
)


@dataclass(frozen=True, slots=True)
class Manners:
    """How the door behaves.

    `requests_per_second` are those of one key, `failures_per_minute` requests without a valid key from one address;
    `reject_delay` is how long (seconds) a refused sign-in is held.
    """

    allowed_hosts: frozenset[str]
    trusted_proxies: tuple[str, ...] = ()
    reject_delay: float = 1.0
    in_flight_limit: int = 2_000
    requests_per_second: int = 5_000
    failures_per_minute: int = 60
    upload_octets: int = 32 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks, and from where."""

    key: ApiKey
    address: str


class Guard:
    """The outermost ASGI application."""

    def __init__(
        self, inside: Asgi, recognise: Recognise, manners: Manners, counts: Counts, monotonic: Callable[[], float]
    ) -> None:
        """Stand before `inside`."""
        self._inside = inside
        self._recognise = recognise
        self._manners = manners
        self._counts = counts
        self._in_flight = 0
        self._of_keys = Buckets(manners.requests_per_second, manners.requests_per_second, monotonic)
        self._failures = Buckets(manners.failures_per_minute / 60, manners.failures_per_minute, monotonic)
        counts.in_flight.set_function(lambda: self._in_flight)

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            raise RuntimeError("the API speaks HTTP only")
        answer = _Answer(send, self._counts)
        self._in_flight += 1
        try:
            await self._pass(scope, receive, answer)
        except Problem as problem:
            await problem.response()(scope, receive, answer.send)
        except Exception as bug:  # noqa: BLE001 # outermost: a reference for the caller, the place for us
            if not answer.begun:
                reference = self._counts.bug(bug, f"{scope['method']}")
                await Problem(problems.BUG, reference=reference).response()(scope, receive, answer.send)
        finally:
            self._in_flight -= 1

    async def _pass(self, scope: Message, receive: Receive, answer: "_Answer") -> None:
        if self._in_flight > self._manners.in_flight_limit:
            raise Problem(problems.UNAVAILABLE, "Too many requests are under way.")
        if host_of(scope["headers"]) not in self._manners.allowed_hosts:
            raise Problem(problems.UNKNOWN_HOST)
        caller = None if _is_open(scope["path"]) else await self._caller(scope)
        body = await _body(scope, receive, self._limit(scope, caller))
        scope["state"] = {"caller": caller}
        await self._inside(scope, _again(body, receive), answer.send)

    async def _caller(self, scope: Message) -> Caller:
        try:
            address = caller_address(scope["client"][0], scope["headers"], self._manners.trusted_proxies)
        except Malformed as malformed:
            raise Problem(problems.MALFORMED, str(malformed)) from None
        place = place_of(address).source
        _wait_for(self._failures.wait(place))
        try:
            key = await self._recognise(_bearer(scope), address)
        except Unavailable:
            raise Problem(problems.UNAVAILABLE) from None
        if key is None:
            self._failures.spend(place)
            raise Problem(problems.UNAUTHENTICATED)
        _wait_for(self._of_keys.take(key.id))
        return Caller(key, address)

    def _limit(self, scope: Message, caller: Caller | None) -> int:
        """How many octets this caller may send there."""
        uploads = caller is not None and caller.key.scope is Scope.MANAGE and scope["path"].endswith("/import")
        return self._manners.upload_octets if uploads else BODY_OCTETS


def _is_open(path: str) -> bool:
    return path in OPEN or path.startswith(OPEN_PAGES)


def _bearer(scope: Message) -> str:
    """What stands behind `Bearer`, "" for anything else."""
    sent = values(scope["headers"], b"authorization")
    scheme, _, text = sent[0].partition(" ") if len(sent) == 1 else ("", "", "")
    return text.strip() if scheme.lower() == "bearer" else ""


def _wait_for(seconds: float) -> None:
    if seconds:
        raise Problem(problems.TOO_MANY, headers={"Retry-After": str(math.ceil(seconds))})


async def _body(scope: Message, receive: Receive, limit: int) -> bytes:
    """The whole body; refused as soon as it is known to be too large."""
    told = values(scope["headers"], b"content-length")
    if told and (not told[0].isdecimal() or int(told[0][:20]) > limit):
        raise Problem(problems.TOO_LARGE, f"At most {limit} octets are taken here.")
    parts: list[bytes] = []
    size, more = 0, True
    try:
        async with asyncio.timeout(BODY_SECONDS):
            while more:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise Problem(problems.MALFORMED, "The body ended too early.")
                parts.append(message.get("body", b""))
                size += len(parts[-1])
                more = message.get("more_body", False)
                if size > limit:
                    raise Problem(problems.TOO_LARGE, f"At most {limit} octets are taken here.")
    except TimeoutError:
        raise Problem(problems.MALFORMED, "The body did not come in time.") from None
    return b"".join(parts)


def _again(body: bytes, receive: Receive) -> Receive:
    """A `receive` that gives the body once, then what comes from outside."""
    left = [body]

    async def received() -> Message:
        if left:
            return {"type": "http.request", "body": left.pop(), "more_body": False}
        return await receive()

    return received


class _Answer:
    """The way back: every answer has the same headers, and is counted."""

    def __init__(self, send: Send, counts: Counts) -> None:
        self._send = send
        self._counts = counts
        self.begun = False

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.begun = True
            self._counts.answered(message["status"])
            message["headers"] = [*message.get("headers", ()), *EVERY_ANSWER]
        await self._send(message)
