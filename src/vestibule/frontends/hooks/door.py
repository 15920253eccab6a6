"""`/hooks/<provider>/<token>`: what a provider tells is proven, taken, and answered within a second.

Whoever does not know the token finds nothing there. The address that a provider has signed is the one that was
configured, never what the request says of itself. A slow database makes an answer that asks for a repetition, never a
lost report: each is safe to be told twice.
"""

import asyncio
import hmac
import re
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import parse_qsl

from prometheus_client import CollectorRegistry, Counter

from vestibule.core.delivery import Forged, Hook, HookAnswer, Hooked, Report, Say
from vestibule.core.errors import Malformed, Unavailable

PREFIX = "/hooks/"
PATH = re.compile(r"/hooks/([a-z0-9][a-z0-9._-]{0,63})/([0-9a-f]{32})(/[A-Za-z0-9/_.-]{0,200})?")
BODY_OCTETS = 64 * 1024
BODY_SECONDS = 5.0
ANSWER_SECONDS = 1.0

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


class Said(Protocol):
    """What is to be said in a call, and in which language."""

    @property
    def say(self) -> Say | None:
        """What."""

    @property
    def locale(self) -> str:
        """The language."""


class Rate(Protocol):
    """How often something may be done."""

    def take(self, name: str) -> float:
        """Do it now, or wait so many seconds."""


Take = Callable[[str, Report], Awaitable[Said | None]]


@dataclass(frozen=True, slots=True)
class Behind:
    """What stands behind the door.

    `token_of` is what only a provider knows, `url_of` our public URL for it; `provider_of` gives it when it is set up
    (raises Malformed); `address_of` (raises Malformed) reads where a request comes from.
    """

    token_of: Callable[[str], str]
    url_of: Callable[[str], str]
    provider_of: Callable[[str], object]
    take: Take
    address_of: Callable[[str, list[tuple[bytes, bytes]]], str]
    rate: Rate
    clock: Callable[[], float]
    bug: Callable[[BaseException, str], str]


class HookDoor:
    """An ASGI application."""

    def __init__(self, behind: Behind, registry: CollectorRegistry, answer_seconds: float = ANSWER_SECONDS) -> None:
        """Register the metric."""
        self._behind = behind
        self._answer_seconds = answer_seconds
        self._answers = Counter("vestibule_hooks", "What providers told us.", ["provider", "answer"], registry=registry)
        self._tasks: set[asyncio.Task[HookAnswer]] = set()

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer one request."""
        id, answer = "unknown", HookAnswer(404)
        try:
            id, answer = await self._answered(scope, receive)
        except Exception as bug:  # noqa: BLE001 # outermost: a repetition for the provider, the place for us
            self._behind.bug(bug, "hook")
            answer = HookAnswer(500)
        self._answers.labels(id, str(answer.status)).inc()
        headers = [(b"cache-control", b"no-store"), (b"content-length", str(len(answer.body)).encode())]
        if answer.content_type:
            headers.append((b"content-type", answer.content_type.encode()))
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        await send({"type": "http.response.body", "body": answer.body})

    async def _answered(self, scope: Message, receive: Receive) -> tuple[str, HookAnswer]:
        named = PATH.fullmatch(scope["path"])
        if named is None:
            return "unknown", HookAnswer(404)
        id, token, rest = named[1], named[2], named[3] or ""
        if not hmac.compare_digest(token, self._behind.token_of(id)):
            return "unknown", HookAnswer(404)
        live = self._provider(id)
        if not isinstance(live, Hooked):
            return "unknown", HookAnswer(404)
        if self._behind.rate.take(id):
            return id, HookAnswer(429)
        body = await _body(receive)
        if body is None:
            return id, HookAnswer(413)
        try:
            hook = self._hook(scope, id, rest, body)
            reports = live.understand(hook, self._behind.clock())
        except Forged:
            return id, HookAnswer(403)
        except Malformed:
            return id, HookAnswer(400)
        return id, await self._in_time(id, live, hook, reports)

    def _provider(self, id: str) -> object:
        try:
            return self._behind.provider_of(id)
        except Malformed:
            return None

    def _hook(self, scope: Message, id: str, rest: str, body: bytes) -> Hook:
        raw = scope["query_string"].decode("ascii", "replace")
        url = self._behind.url_of(id) + rest + (f"?{raw}" if raw else "")
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        address = self._behind.address_of(scope["client"][0] if scope["client"] else "", scope["headers"])
        query = tuple(parse_qsl(raw, keep_blank_values=True))
        return Hook(scope["method"], url, query, headers, body, address)

    async def _in_time(self, id: str, live: Hooked, hook: Hook, reports: tuple[Report, ...]) -> HookAnswer:
        """Take the reports; what takes longer goes on behind the answer, which then asks for a repetition."""
        task = asyncio.create_task(self._taken(id, live, hook, reports))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        done, _ = await asyncio.wait({task}, timeout=self._answer_seconds)
        if not done:
            task.add_done_callback(_seen)
            return HookAnswer(503)
        return task.result()

    async def _taken(self, id: str, live: Hooked, hook: Hook, reports: tuple[Report, ...]) -> HookAnswer:
        says, locale = [], "en"
        try:
            for report in reports:
                said = await self._behind.take(id, report)
                if said is not None and said.say is not None:
                    says.append(said.say)
                    locale = said.locale
        except Unavailable:
            return HookAnswer(503)
        return live.answer(hook, tuple(says), locale)

    async def close(self) -> None:
        """Let what is being taken finish."""
        await asyncio.gather(*self._tasks, return_exceptions=True)


def _seen(task: "asyncio.Task[HookAnswer]") -> None:
    """Nobody waits for it any more; the provider tells it again."""
    if not task.cancelled():
        task.exception()


async def _body(receive: Receive) -> bytes | None:
    """The body; None for one that is too long or too slow."""
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_SECONDS):
            while True:
                message = await receive()
                body += message.get("body", b"")
                if len(body) > BODY_OCTETS or message["type"] == "http.disconnect":
                    return None
                if not message.get("more_body"):
                    return bytes(body)
    except TimeoutError:
        return None
