"""What every request for a page passes first: load, host, size; and what every answer carries.

Decisions are made on the path and headers as they came (`scope`).
"""

import asyncio
from collections.abc import Callable

from starlette.responses import Response

from vestibule.portals.behind import Asgi, Counts, Manners, Message, Receive, Send

BODY_OCTETS = 16 * 1024
BODY_SECONDS = 30.0
STREAMED = frozenset({"/admin/tokens/upload"})
"""Where files come in: the page reads them itself, after it has looked at who sends them, and bounds them."""
YEAR = 31_536_000
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
EVERY_ANSWER = (
    (b"content-security-policy", POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"same-origin"),  # with none at all, browsers would send `Origin: null` with our own forms
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=(), payment=()"),
)
OVER_TLS = (b"strict-transport-security", f"max-age={YEAR}".encode())

Trouble = Callable[[Message, int, str], Response]
"""The page about what went wrong, by the scope, the status and a reference."""


class Guard:
    """The outermost ASGI application."""

    def __init__(self, inside: Asgi, trouble: Trouble, manners: Manners, counts: Counts) -> None:
        """Stand before `inside`."""
        self._inside = inside
        self._trouble = trouble
        self._manners = manners
        self._counts = counts
        self._in_flight = 0

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            raise RuntimeError("the portal speaks HTTP only")
        answer = _Answer(send, self._counts, over_tls=scope["scheme"] == "https")
        self._in_flight += 1
        try:
            await self._pass(scope, receive, answer.send)
        except Exception as bug:  # noqa: BLE001 # outermost: a reference for the person, the place for us
            if not answer.begun:
                reference = self._counts.bug(bug, f"{scope['method']} page")
                await self._trouble(scope, 500, reference)(scope, receive, answer.send)
        finally:
            self._in_flight -= 1

    async def _pass(self, scope: Message, receive: Receive, send: Send) -> None:
        if self._in_flight > self._manners.in_flight_limit:
            return await self._trouble(scope, 503, "")(scope, receive, send)
        if self._manners.host_of(scope["headers"]) not in self._manners.allowed_hosts:
            return await self._trouble(scope, 421, "")(scope, receive, send)
        if scope["path"] in STREAMED:
            return await self._inside(scope, receive, send)
        body = await _body(receive) if scope["method"] == "POST" else b""
        if body is None:
            return await self._trouble(scope, 413, "")(scope, receive, send)
        return await self._inside(scope, _again(body, receive), send)


async def _body(receive: Receive) -> bytes | None:
    """The whole body; None for one that is too large, too slow or cut off."""
    parts, size, more = [], 0, True
    try:
        async with asyncio.timeout(BODY_SECONDS):
            while more:
                message = await receive()
                parts.append(message.get("body", b""))
                size, more = size + len(parts[-1]), message.get("more_body", False)
                if size > BODY_OCTETS or message["type"] == "http.disconnect":
                    return None
    except TimeoutError:
        return None
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

    def __init__(self, send: Send, counts: Counts, *, over_tls: bool) -> None:
        self._send = send
        self._counts = counts
        self._more = (*EVERY_ANSWER, OVER_TLS) if over_tls else EVERY_ANSWER
        self.begun = False

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.begun = True
            self._counts.answered(message["status"])
            message["headers"] = [*message.get("headers", ()), *self._more]
        await self._send(message)
