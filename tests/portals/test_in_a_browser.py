"""Whole visits in a real browser: typed, clicked, looked at. Nothing may be said on the console, nor found by axe."""

import base64
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files

from playwright.async_api import BrowserContext, ConsoleMessage, Page, Request

from tests.flows.desks import memory_office
from tests.portals.browsing import DESK, LOOPBACK, PHONE, SMALL, chromium, context_of, served
from tests.portals.lobby import Lobby, Person, lobby_of
from vestibule.core.oath import hotp, time_step
from vestibule.core.ports import BegunMethod
from vestibule.core.users import Mfa

SUBMIT = "main button[type=submit]"
REFUSED_PAGE = re.compile(r"Failed to load resource: the server responded with a status of 4\d\d")
"""What Chromium says of a page that refuses; it is the page's own status."""

AXE = """
async () => {
  const found = await axe.run(document, {
    runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
  });
  return found.violations.map((one) => `${one.id}: ${one.nodes.map((node) => node.html).join(" | ")}`);
}
"""


@cache
def axe() -> str:
    return files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8")


@dataclass
class Visitor:
    """One person's browser window, and all that it complained about."""

    lobby: Lobby
    url: str
    context: BrowserContext
    page: Page
    said: list[str] = field(default_factory=list)

    def hear(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"} and not REFUSED_PAGE.match(message.text):
            self.said.append(message.text)

    def miss(self, request: Request) -> None:
        """A file that did not come; what was still on its way when somebody went on is none."""
        if request.failure != "net::ERR_ABORTED":
            self.said.append(f"{request.url}: {request.failure}")

    async def go(self, path: str) -> None:
        await self.page.goto(f"{self.url}{path}")

    async def type(self, **fields: str) -> None:
        """Fill in and send."""
        for name, text in fields.items():
            await self.page.fill(f"#{name}", text)
        await self.page.click(SUBMIT)

    async def at(self, path: str, heading: str) -> None:
        """Wait until the page is there."""
        await self.page.wait_for_url(f"{self.url}{path}")
        assert await self.page.inner_text("h1") == heading

    async def sign_in(self, person: Person) -> None:
        await self.go("/signin")
        await self.type(name=person.name, password=person.password)
        await self.type(code=person.code())
        await self.at("/security", "My security info")

    async def key(self) -> bytes:
        """Open what those do who can not scan, and read the key."""
        await self.page.click("summary")
        return base64.b32decode((await self.page.inner_text("#key")).replace(" ", ""))

    def shown_by(self, key: bytes) -> str:
        return hotp(key, time_step(self.lobby.office.clock.at, 30))

    async def faults(self) -> list[str]:
        """What axe finds on this page, and whether it is too wide for its screen."""
        await self.page.evaluate(axe())
        found: list[str] = await self.page.evaluate(AXE)
        wide, screen = await self.page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
        return [f"{self.page.url} {one}" for one in found] + (
            [f"{self.page.url} is {wide} wide"] if wide > screen else []
        )


@asynccontextmanager
async def visiting(
    size: dict[str, int] = DESK,
    *,
    dark: bool = False,
    host: str = LOOPBACK,
    further: tuple[BegunMethod, ...] = (),
    **more: object,
) -> AsyncIterator[Visitor]:
    """Open the portal and a browser; in the end nothing was said on the console."""
    office = memory_office()
    async with lobby_of(office, hosts=host, further=further) as lobby, served(lobby) as url, chromium() as browser:
        context = await context_of(browser, size, dark=dark, **more)
        visitor = Visitor(lobby, url.replace(LOOPBACK, host), context, await context.new_page())
        visitor.page.on("console", visitor.hear)
        visitor.page.on("pageerror", lambda error: visitor.said.append(str(error)))
        visitor.page.on("requestfailed", visitor.miss)
        yield visitor
        assert visitor.said == []
        assert lobby.counts.bugs == []
    await office.store.close()


# -- journeys --------------------------------------------------------------------------------------------------------


async def test_sign_in_with_password_and_code_and_out_again() -> None:
    async with visiting() as visitor:
        alice = await visitor.lobby.person()
        await visitor.sign_in(alice)
        [cookie] = await visitor.context.cookies()
        assert (cookie["name"], cookie["secure"], cookie["httpOnly"]) == ("__Host-vestibule", True, True)
        await visitor.page.click("text=Sign out")
        await visitor.page.wait_for_url("**/signin?why=out")
        await visitor.page.go_back()
        await visitor.page.reload()
        await visitor.page.wait_for_url("**/signin?next=*")


async def test_a_wrong_code_then_a_right_one_with_the_name_still_typed() -> None:
    async with visiting() as visitor:
        alice = await visitor.lobby.person()
        await visitor.go("/")
        await visitor.type(name="alice", password=alice.password)
        await visitor.type(code=alice.wrong())
        assert "did not work" in await visitor.page.inner_text("[role=alert]")
        assert await visitor.page.input_value("#name") == "alice"
        assert await visitor.page.input_value("#password") == ""
        assert await visitor.page.evaluate("document.activeElement.id") == "password"
        await visitor.type(password=alice.password)
        await visitor.type(code=alice.code())
        await visitor.at("/security", "My security info")


async def test_a_first_sign_in_enrols_an_app_and_saves_codes_of_which_one_is_used() -> None:
    async with visiting(PHONE) as visitor:
        new = await visitor.lobby.person("new", method="", mfa=Mfa.ENABLED)
        await visitor.go("/")
        await visitor.type(name="new", password=new.password)
        await visitor.at("/security/register?next=%2Fsecurity", "One more step")
        await visitor.page.click("text=Authenticator app")
        await visitor.type(label="My phone")
        key = await visitor.key()
        await visitor.type(code=visitor.shown_by(key))
        await visitor.at("/security/register", "One more factor")
        await visitor.page.click("text=Recovery codes")
        await visitor.at("/security/recovery?first=1", "Recovery codes")
        await visitor.page.click(SUBMIT)
        codes = await visitor.page.locator(".codes code").all_inner_texts()
        async with visitor.page.expect_download() as saving:
            await visitor.page.click("text=Save as a text file")
        saved = await (await saving.value).path()
        assert saved.read_text(encoding="utf-8").split() == ["Vestibule:", "new", *codes]
        await visitor.page.click("text=I have kept them")
        await visitor.at("/security", "My security info")
        await visitor.context.clear_cookies()
        await visitor.go("/signin")
        await visitor.type(name="new", password=new.password)
        await visitor.page.click("summary")
        await visitor.type(recovery=codes[0])
        await visitor.at("/security", "My security info")


async def test_a_session_that_ends_while_somebody_types_costs_nothing_but_signing_in() -> None:
    async with visiting() as visitor:
        alice = await visitor.lobby.person()
        await visitor.sign_in(alice)
        await visitor.go("/security/app")
        visitor.lobby.office.clock.at += 3600
        await visitor.type(label="Tablet")
        assert "Your session has ended" in await visitor.page.inner_text("[role=status]")
        await visitor.type(name="alice", password=alice.password)
        await visitor.type(code=alice.code())
        await visitor.at("/security/app?label=Tablet", "Add an authenticator app")
        assert await visitor.page.input_value("#label") == "Tablet"


async def test_everything_works_without_scripts() -> None:
    async with visiting(java_script_enabled=False) as visitor:
        alice = await visitor.lobby.person()
        await visitor.sign_in(alice)
        await visitor.go("/security/app")
        await visitor.type(label="")
        key = await visitor.key()
        await visitor.type(code=visitor.shown_by(key))
        await visitor.at("/security?done=added", "My security info")
        await visitor.go("/security/recovery")
        await visitor.page.click(SUBMIT)
        assert await visitor.page.locator(".codes code").count() == 10
        assert not await visitor.page.is_visible("[data-print]")
        await visitor.go("/security/activity")
        assert "UTC" in await visitor.page.inner_text("time >> nth=0")


async def test_the_qr_code_is_drawn_and_the_key_can_be_copied() -> None:
    async with visiting(permissions=["clipboard-read", "clipboard-write"]) as visitor:
        alice = await visitor.lobby.person()
        await visitor.sign_in(alice)
        await visitor.go("/security/app")
        await visitor.type(label="")
        box = await visitor.page.locator("svg.qr").bounding_box()
        assert box
        assert 200 <= box["width"] == box["height"]
        key = await visitor.key()
        await visitor.page.click("[data-copy=key]")
        await visitor.page.wait_for_selector("[data-copy=key].done")
        copied = await visitor.page.evaluate("navigator.clipboard.readText()")
        assert base64.b32decode(copied.replace(" ", "")) == key


# -- every page, on every screen -------------------------------------------------------------------------------------


async def tour(visitor: Visitor, alice: Person) -> list[str]:
    """Walk over every page, and look at each."""
    faults: list[str] = []

    async def look() -> None:
        faults.extend(await visitor.faults())

    await visitor.go("/signin")
    await look()
    await visitor.type(name=alice.name, password="wrong")
    await look()
    await visitor.type(password=alice.password)
    await visitor.page.wait_for_selector("#code")
    await visitor.page.click("summary")
    await look()
    await visitor.type(code=alice.code())
    await visitor.at("/security", "My security info")
    await look()
    await visitor.go("/security/app")
    await look()
    await visitor.type(label="A name of many words that is almost too long")
    await visitor.key()
    await look()
    await visitor.type(code="000000")
    await look()
    [first, *_] = await visitor.lobby.factors(alice)
    for path in (
        "/security/token",
        "/security/recovery",
        "/security/password",
        "/security/activity",
        f"/security/factors/{first.id}/name",
        f"/security/factors/{first.id}/removal",
        "/nowhere",
    ):
        await visitor.go(path)
        await look()
    await visitor.go("/security/recovery")
    await visitor.page.click(SUBMIT)
    await visitor.page.wait_for_selector(".codes")
    await look()
    return faults


async def toured(size: dict[str, int], *, dark: bool = False) -> list[str]:
    async with visiting(size, dark=dark) as visitor:
        alice = await visitor.lobby.person("alice.with.a.long.name@department.example.org")
        await visitor.lobby.factor(alice, "hotp", serial="VASCO-0041700417")
        return await tour(visitor, alice)


async def test_every_page_is_accessible_on_a_desk_by_day() -> None:
    assert json.dumps(await toured(DESK), indent=1) == "[]"


async def test_every_page_is_accessible_on_a_phone_by_night() -> None:
    assert json.dumps(await toured(PHONE, dark=True), indent=1) == "[]"


async def test_every_page_is_accessible_on_the_smallest_screen_in_another_language() -> None:
    async with visiting(SMALL, locale="nl") as visitor:
        alice = await visitor.lobby.person(locale="nl")
        await visitor.go("/signin")
        assert await visitor.faults() == []
        await visitor.type(name="alice", password=alice.password)
        await visitor.type(code=alice.code())
        await visitor.page.wait_for_url("**/security")
        assert await visitor.faults() == []
        assert await visitor.page.inner_text("h1") == "Mijn beveiliging"


async def test_this_file_knows_a_fault() -> None:
    async with visiting(SMALL) as visitor:
        await visitor.go("/signin")
        await visitor.page.evaluate("document.querySelector('main').append(document.createElement('img'))")
        await visitor.page.evaluate("document.querySelector('label').remove()")
        await visitor.page.evaluate("document.querySelector('h1').textContent = 'x'.repeat(99)")
        found = " ".join(await visitor.faults())
        assert "image-alt" in found
        assert "label" in found
        assert "console" not in found
        await visitor.page.evaluate("console.error('a fault')")
        assert visitor.said == ["a fault"]
        visitor.said.clear()
