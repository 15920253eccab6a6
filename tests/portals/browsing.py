"""A real browser in front of the portal on a real socket.

async with served(lobby) as url, browser() as chromium:
    page = await (await chromium.new_context()).new_page()
"""

import asyncio
import os
import shutil
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import uvicorn
from playwright.async_api import Browser, BrowserContext, async_playwright

from tests.portals.lobby import Lobby

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or ""
ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
LOOPBACK = "127.0.0.1"
PHONE = {"width": 360, "height": 740}
DESK = {"width": 1280, "height": 800}
SMALL = {"width": 320, "height": 568}


class _Quiet(uvicorn.Server):
    def install_signal_handlers(self) -> None:
        """The test's process keeps its own."""


@asynccontextmanager
async def served(lobby: Lobby) -> AsyncIterator[str]:
    """Serve it on loopback without TLS, as a demonstration does; its URL."""
    listening = socket.create_server((LOOPBACK, 0))
    settings = uvicorn.Config(lobby.app, log_config=None, access_log=False, lifespan="off", server_header=False)
    server = _Quiet(settings)
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    try:
        yield f"http://{LOOPBACK}:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        await serving
        listening.close()


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """Debian's Chromium, without a window."""
    if not CHROMIUM:
        pytest.fail("Debian's chromium is missing: apt-get install chromium")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS, headless=True)
        try:
            yield browser
        finally:
            await browser.close()


async def context_of(
    browser: Browser, size: dict[str, int] = DESK, *, dark: bool = False, **more: object
) -> BrowserContext:
    """A person with a screen of this size, fresh cookies and English."""
    options = {
        "viewport": size,
        "color_scheme": "dark" if dark else "light",
        "locale": "en",
        "timezone_id": "UTC",
        **more,
    }
    return await browser.new_context(**options)  # type: ignore[arg-type]  # by name
