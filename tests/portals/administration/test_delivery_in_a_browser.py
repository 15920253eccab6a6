"""The pages of delivery in a real browser: axe, narrow screens, another language, no script.

`SHOTS=1 pytest …` also takes the picture of docs/images anew.
"""

import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime

from structlog import get_logger

from tests.delivery.scripted import Scripted, ScriptedKind
from tests.flows.desks import ACTOR, Office, memory_office
from tests.house.sources import ROOT
from tests.portals.administration.setting_up import somebody
from tests.portals.browsing import DESK, LOOPBACK, SMALL, chromium, context_of, served
from tests.portals.lobby import Lobby, lobby_of
from tests.portals.test_in_a_browser import Visitor
from vestibule.apps.channels import LiveProviders, OpenProviderKind
from vestibule.apps.channels.smtp import SmtpKind
from vestibule.apps.channels.twilio import TwilioKind
from vestibule.core.delivery import Fault, Medium
from vestibule.core.journal import Entry, EntryKind
from vestibule.core.sends import Counted, Send, SendState
from vestibule.core.users import Role
from vestibule.flows import phones, pin_codes, providers, send_routes, sessions
from vestibule.flows.breaker import Standing
from vestibule.flows.limits import HOUR, MILLION
from vestibule.portals.visit import COOKIE

IMAGES = ROOT / "docs" / "images"
SHOTS = bool(os.environ.get("SHOTS"))
NARROW = {"width": 390, "height": 844}
TWILIO = {"account": "AC" + "0" * 32, "sender": "+14255550100", "caller": "+14255550100"}
PRICES = "provider,medium,place,price\ntwilio,text,*,0.0079\ntwilio,call,+1876,0.28\n"
PAGES = (
    "/admin/delivery",
    "/admin/providers",
    "/admin/providers/twilio",
    "/admin/providers/trunk",
    "/admin/providers/twilio/change",
    "/admin/providers/twilio/removal",
    "/admin/new-provider?kind=twilio",
    "/admin/new-provider?kind=smtp",
    "/admin/routes",
    "/admin/new-route",
    "/admin/routes/all/removal",
    "/admin/prices",
    "/admin/new-prices",
    "/admin/delivery/limits",
    "/admin/delivery/lately",
    "/admin/delivery/lately/m1",
    "/admin/people/id-of-alice",
    "/admin/people/id-of-alice/phone",
    "/admin/people/id-of-alice/pin",
    "/admin/people/id-of-alice/pin-change",
    "/admin/people/id-of-alice/pin-removal",
)


def with_providers(office: Office) -> None:
    """Give the desk kinds of providers, and a breaker that is open."""
    kinds: dict[str, OpenProviderKind] = {
        "twilio": TwilioKind(),
        "smtp": SmtpKind(lambda: 0.0),
        "scripted": ScriptedKind({"trunk": Scripted()}),
    }
    live = LiveProviders(
        kinds, lambda: office.store.snapshot, lambda id: f"https://mfa.example.org/hooks/{id}/0a1b", get_logger()
    )
    standings = {
        "twilio": (Standing(Medium.CALL, 1.0, 0.0), Standing(Medium.TEXT, 0.86, 0.0)),
        "trunk": (Standing(Medium.CALL, 0.2, 24.0),),
    }
    mac = lambda said: office.vault.mac("recovery", said)  # noqa: E731 - short
    office.desk = replace(office.desk, providers=live, standings=lambda id: standings.get(id, ()), code_mac=mac)


async def furnish(lobby: Lobby) -> str:
    """Providers, routes, prices, money, and a message with a story; the telephone of Alice."""
    desk, at = lobby.office.desk, lobby.office.clock.at
    alice = await lobby.person("alice")
    await providers.add(desk, ACTOR, id="twilio", kind="twilio", settings=TWILIO, secret="x" * 32)
    await providers.add(desk, ACTOR, id="trunk", kind="scripted", settings={})
    await send_routes.add(
        desk, ACTOR, name="all", medium="text", providers=["twilio", "trunk"], senders={"twilio": "ACME"}
    )
    await send_routes.set_prices(desk, ACTOR, content=PRICES)
    phone: str = (await phones.add(desk, ACTOR, user=alice.id, number="+14255550177", label="Pocket"))["phone"]["id"]
    await pin_codes.set_for(desk, ACTOR, user=alice.id)
    day, hour = datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d"), int(at // HOUR)
    await lobby.put(
        Counted(f"money/{day}", at + 1e5, money=21 * MILLION + 300_000),
        Counted(f"money/{day[:7]}", at + 1e5, money=428 * MILLION),
        Counted(f"money/JM/{day}", at + 1e5, money=20 * MILLION),
        Counted(f"money/NL/{day}", at + 1e5, money=1 * MILLION + 300_000),
        Counted(f"used/NL/{hour}", at + 1e5, count=212, money=203),
        Counted(f"used/JM/{hour}", at + 1e5, count=64, money=3),
        Send("s1", "m1", "a", alice.id, phone, "trunk", Medium.TEXT, SendState.FAILED, fault=Fault.OTHER, begun_at=at),
        Send("s2", "m1", "a", alice.id, phone, "twilio", Medium.TEXT, SendState.DELIVERED, "SM1", begun_at=at + 1),
    )
    detail = {"provider": "twilio", "medium": "text", "region": "US", "send": "s2"}
    line = Entry(at, EntryKind.SYSTEM, "delivery.delivered", user_id=alice.id, attempt_id="a", credential_id=phone)
    await lobby.office.store.change(lambda writing: writing.note(replace(line, detail=detail)))
    return phone


@asynccontextmanager
async def scene(size: dict[str, int] = DESK, **more: object) -> AsyncIterator[tuple[Visitor, str]]:
    """A browser of an owner; in the end nothing was said on the console."""
    office = memory_office()
    with_providers(office)
    async with lobby_of(office, hosts=LOOPBACK) as lobby, served(lobby) as url, chromium() as browser:
        phone = await furnish(lobby)
        olga, _ = await somebody(lobby, Role.OWNER, "olga")
        context = await context_of(browser, size, **more)  # type: ignore[arg-type]  # by name
        visitor = Visitor(lobby, url, context, await context.new_page())
        visitor.page.on("console", visitor.hear)
        visitor.page.on("pageerror", lambda error: visitor.said.append(str(error)))
        token = await sessions.begin(lobby.office.desk, olga.id, method="totp", agent="Browser/1")
        cookie = {"name": COOKIE, "value": token, "domain": LOOPBACK, "path": "/", "secure": True, "httpOnly": True}
        await context.add_cookies([cookie])  # type: ignore[list-item]  # by name
        yield visitor, phone
        assert visitor.said == []
        assert lobby.counts.bugs == []
    await office.store.close()


async def faults(size: dict[str, int], **more: object) -> str:
    """Look at each page; what axe finds, and what is too wide."""
    found: list[str] = []
    async with scene(size, **more) as (visitor, phone):
        for path in (*PAGES, f"/admin/phones/{phone}/number-change", f"/admin/phones/{phone}/number-removal"):
            await visitor.go(path)
            assert await visitor.page.locator("main h1").count() == 1, path
            found += await visitor.faults()
            if SHOTS and path == PAGES[0] and size == DESK:
                await visitor.page.screenshot(path=IMAGES / "delivery.png", full_page=True)
    return json.dumps(found, indent=1)


async def test_every_page_of_delivery_is_accessible_on_a_desk_by_day() -> None:
    assert await faults(DESK) == "[]"


async def test_every_page_of_delivery_is_accessible_on_a_narrow_screen_by_night() -> None:
    assert await faults(NARROW, dark=True) == "[]"


async def test_every_page_of_delivery_is_accessible_on_the_smallest_screen_in_another_language() -> None:
    assert await faults(SMALL, locale="th") == "[]"


async def test_a_provider_is_set_up_and_a_telephone_is_given_without_a_script() -> None:
    async with scene(NARROW, java_script_enabled=False) as (visitor, _):
        page = visitor.page
        await visitor.go("/admin/new-provider?kind=smtp")
        await visitor.type(**{"id": "mail", "set-host": "mail.example.org", "set-sender": "mfa@example.org"})
        await page.wait_for_url("**/admin/providers/mail?done=added")
        assert "It stands" not in await page.inner_text("main")
        await visitor.go("/admin/people/id-of-alice/phone")
        await visitor.type(number="+1 425 555 0188", label="Desk")
        await page.wait_for_url("**/admin/people/id-of-alice?done=phone")
        assert "Desk" in await page.inner_text("main")
        assert "0188" not in await page.content()
