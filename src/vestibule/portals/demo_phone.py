"""The telephone of the demonstration, as a page: calls ring, keys are pressed, texts arrive and are replied to.

Rules of this file:
- Only a demonstration mounts it, on loopback. It shows codes to whoever opens it: no real server may have it.
- Another site may not press its keys: a form is taken from our own pages only.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Protocol
from urllib.parse import parse_qsl

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Route

from vestibule.portals.languages import ENGLISH
from vestibule.portals.pages import page

PREFIX = "/demo/phone"
STILL_SECONDS = 15.0
STILL = b": still\n\n"
LONGEST_REPLY = 200
ROWS = ("123", "456", "789", "*0#")
EVENTS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


class Telephone(Protocol):
    """What the page shows, and what its buttons do. Items are as `channels.demo.Item`."""

    version: int

    @property
    def items(self) -> Sequence[object]:
        """Calls and messages, the newest first."""

    async def changes(self, version: int, seconds: float) -> int:
        """The version when something has changed since `version`, or when so many seconds are over."""

    async def pick_up(self, id: str) -> None:
        """Answer a call."""

    async def press(self, id: str, key: str) -> None:
        """Press a key."""

    async def hang_up(self, id: str) -> None:
        """Hang up."""

    async def reply(self, id: str, text: str) -> None:
        """Write back."""


def application(telephone: Telephone) -> Starlette:
    """The page without its guard; `apps/` puts that of the portal before it."""
    app = Starlette(
        routes=[
            Route(PREFIX, _shown("demo_phone.html"), methods=["GET"]),
            Route(f"{PREFIX}/board", _shown("demo_phone_board.html"), methods=["GET"]),
            Route(f"{PREFIX}/news", _news, methods=["GET"]),
            Route(PREFIX, _act, methods=["POST"]),
        ]
    )
    app.state.telephone = telephone
    return app


def _shown(template: str) -> Callable[[Request], Awaitable[HTMLResponse]]:
    async def shown(request: Request) -> HTMLResponse:
        telephone: Telephone = request.app.state.telephone
        told = {"items": telephone.items, "version": telephone.version, "rows": ROWS, "signed": None, "csrf": ""}
        return page(ENGLISH, template, **told)

    return shown


async def _news(request: Request) -> Response:
    """An event for each change, with the version that the page should have."""
    telephone: Telephone = request.app.state.telephone
    since = request.query_params.get("version", "")
    version = int(since) if since.isascii() and since.isdigit() and len(since) < 10 else -1
    return StreamingResponse(_told(telephone, version), media_type="text/event-stream", headers=EVENTS)


async def _told(telephone: Telephone, version: int) -> AsyncIterator[bytes]:
    while True:
        now = await telephone.changes(version, STILL_SECONDS)
        yield STILL if now == version else f"event: news\ndata: {now}\n\n".encode()
        version = now
        await asyncio.sleep(0)


async def _act(request: Request) -> Response:
    """Do what a button says. Browsers say where a form comes from."""
    if request.headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"} or not _ours(request):
        return Response(status_code=403)
    form = dict(parse_qsl((await request.body()).decode("utf-8", "replace"), max_num_fields=10))
    telephone: Telephone = request.app.state.telephone
    id, key, text = (form.get(name, "") for name in ("id", "key", "text"))
    match form.get("do"):
        case "answer":
            await telephone.pick_up(id)
        case "hang up":
            await telephone.hang_up(id)
        case "reply" if text:
            await telephone.reply(id, text[:LONGEST_REPLY])
        case _ if key:
            await telephone.press(id, key)
        case _:
            pass
    return RedirectResponse(f"{PREFIX}#{id}", 303)


def _ours(request: Request) -> bool:
    origin = request.headers.get("origin", "")
    return not origin or origin == f"{request.url.scheme}://{request.headers.get('host', '')}"
