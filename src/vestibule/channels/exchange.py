"""HTTP to providers: one try each, in time, and an honest word on whether the request can have been carried out.

Rules of this file:
- A request whose headers were not begun to be written was surely not carried. Any later failure is `Lost`.
- No redirect, no proxy of the environment, no cookie, no line in a log: URLs and bodies hold what nobody may read.
"""

import asyncio
import ssl
from collections.abc import AsyncIterable, Mapping
from typing import Any, Final

import httpx2

from vestibule.wire.exchange import Answer, Exchanged, Lost, NotCarried, Request

CONNECT_SECONDS: Final = 3.0
LONGEST_ANSWER: Final = 65_536
LIMITS: Final = httpx2.Limits(max_connections=50, max_keepalive_connections=10, keepalive_expiry=5.0)


class HttpExchange:
    """Has the shape `Exchange`; belongs to one event loop."""

    def __init__(self, ca_file: str = "") -> None:
        """Trust the certificates of `ca_file`, those of the system without one. Raises OSError for a bad file."""
        self._transport = httpx2.AsyncHTTPTransport(
            verify=ssl.create_default_context(cafile=ca_file or None), trust_env=False, limits=LIMITS
        )

    async def __call__(self, request: Request, deadline: float) -> Exchanged:
        """See `Exchange`."""
        progress = _Progress()
        left = deadline - asyncio.get_running_loop().time()
        if left <= 0:
            return NotCarried("no time was left")
        try:
            async with asyncio.timeout_at(deadline):
                return await self._exchange(request, left, progress)
        except (httpx2.HTTPError, httpx2.InvalidURL, TimeoutError, OSError) as error:
            why = type(error).__name__
            return Lost(why) if progress.written else NotCarried(why)

    async def _exchange(self, request: Request, left: float, progress: "_Progress") -> Answer:
        patience = {"connect": min(CONNECT_SECONDS, left), "pool": min(CONNECT_SECONDS, left)}
        asked = httpx2.Request(
            request.method,
            request.url,
            headers=[("accept", "application/json"), ("user-agent", "vestibule"), *request.headers],
            content=request.body,
            extensions={"timeout": {**patience, "read": left, "write": left}, "trace": progress},
        )
        response = await self._transport.handle_async_request(asked)
        try:
            body = await _begun(response.stream)
        finally:
            await response.aclose()
        return Answer(response.status_code, {name.lower(): value for name, value in response.headers.items()}, body)

    async def close(self) -> None:
        """See `Exchange`."""
        await self._transport.aclose()


class _Progress:
    """How far a request has come; the connection tells it."""

    def __init__(self) -> None:
        self.written = False

    async def __call__(self, event: str, _about: Mapping[str, Any]) -> None:
        if event.endswith("send_request_headers.started"):
            self.written = True


async def _begun(stream: object) -> bytes:
    """The body, or as much of it as anybody needs."""
    body = b""
    if isinstance(stream, AsyncIterable):
        async for chunk in stream:
            body += chunk
            if len(body) >= LONGEST_ANSWER:
                break
    return body[:LONGEST_ANSWER]
