"""Clients, bench, policy, directories and settings in a real browser: axe, narrow screens, the keyboard, no script.

`SHOTS=1 pytest …` also takes the pictures of docs/images anew.
"""

import json
import os
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from structlog import get_logger

from tests.flows.desks import ACTOR, memory_office
from tests.flows.test_directories import Live
from tests.house.sources import ROOT
from tests.portals.administration.setting_up import with_doors
from tests.portals.browsing import DESK, LOOPBACK, SMALL, chromium, context_of, served
from tests.portals.lobby import Lobby, Person, lobby_of
from tests.portals.test_in_a_browser import SUBMIT, Visitor
from vestibule.apps.directories import LiveDirectories, OpenKind
from vestibule.apps.directories.ldap import LdapKind
from vestibule.apps.directories.radius import RadiusKind
from vestibule.core.clients import Client, SignIn
from vestibule.core.policy import Outcome, Rule
from vestibule.core.ports import Writing
from vestibule.core.secret import Secret
from vestibule.core.users import Group, Role, User
from vestibule.flows import api_keys, directories, roles, sessions, settings
from vestibule.portals.visit import COOKIE

IMAGES = ROOT / "docs" / "images"
NARROW = {"width": 390, "height": 844}
SHOTS = bool(os.environ.get("SHOTS"))
PAGES = (
    "/admin/clients",
    "/admin/clients?text=nothing",
    "/admin/new-client",
    "/admin/clients/office-vpn",
    "/admin/clients/office-vpn/change",
    "/admin/clients/office-vpn/secret",
    "/admin/clients/office-vpn/removal",
    "/admin/clients/office-vpn/test",
    "/admin/clients/portal",
    "/admin/api-keys",
    "/admin/new-api-key",
    "/admin/groups",
    "/admin/new-group",
    "/admin/group/change?name=staff",
    "/admin/group/removal?name=staff",
    "/admin/policy",
    "/admin/policy?user=alice&client=office-vpn&address=203.0.113.9",
    "/admin/policy?user=nobody&client=office-vpn",
    "/admin/new-rule",
    "/admin/rule/change?name=Staff+by+VPN",
    "/admin/rule/removal?name=Staff+by+VPN",
    "/admin/directories",
    "/admin/directories/corp",
    "/admin/directories/corp/change",
    "/admin/directories/corp/removal",
    "/admin/new-directory?kind=ldap",
    "/admin/new-directory?kind=radius",
    "/admin/settings",
    "/admin/settings?text=nothing",
    "/admin/settings/challenge_seconds",
    "/admin/settings-history",
)


@dataclass(frozen=True)
class Scene:
    """A browser of an owner, in front of a system that is set up."""

    visitor: Visitor
    olga: Person
    alice: Person

    async def picture(self, name: str, *, whole: bool = True) -> None:
        """Take it for the documentation: the whole page, or what a screen shows of it."""
        if SHOTS:
            IMAGES.mkdir(exist_ok=True)
            await self.visitor.page.screenshot(path=IMAGES / f"{name}.png", full_page=whole)


async def furnish(lobby: Lobby) -> tuple[Person, Person]:
    """People, clients, rules, groups, a directory and a changed setting."""
    olga, alice, desk = await lobby.person("olga"), await lobby.person("alice"), lobby.office.desk
    shared = Secret(b"a strong shared secret of 32 cha")
    await lobby.put(
        Group("staff", "All who work here", (("Filter-Id", "staff"), ("Session-Timeout", "3600"))),
        Group("guests"),
        Client("office-vpn", "Office VPN", ("127.0.0.9/32", "198.51.100.0/24"), (shared,), time_budget=45),
        Client("switch", "Switches", ("203.0.113.0/24",), (Secret(b"short"),), require_message_authenticator=False),
        Client("shop", "Web shop", (), (), sign_in=SignIn.CODE_ONLY),
        Rule("r1", 1, "Staff by VPN", Outcome.REQUIRE, ("office-vpn",), ("staff",), methods=("totp", "hotp")),
        Rule("r2", 2, "In the office", Outcome.ALLOW, ("office-vpn", "switch"), networks=("192.0.2.0/24",)),
        Rule("r3", 3, "Guests stay outside", Outcome.DENY, groups=("guests",)),
    )

    def give(writing: Writing) -> None:
        user = writing.get(User, olga.id)
        assert user
        roles.given(desk, writing, "test", user, Role.OWNER)

    await lobby.office.store.change(give)
    await lobby.put(replace(await the_user(lobby, alice), groups=("staff",)))
    await api_keys.add(desk, ACTOR, name="web shop", client="shop")
    await api_keys.add(desk, ACTOR, name="importer", rights=["users:read", "users:write"], expires="2027-12-31")
    ldap = {
        "servers": ["ldaps://dc1.corp.example"],
        "base": "dc=corp,dc=example",
        "bind_name": "vestibule@corp.example",
    }
    await directories.add(desk, ACTOR, id="corp", kind="ldap", settings=ldap, secret="x")
    await settings.change(desk, f"user {olga.id}", name="challenge_seconds", value=60, reason="people type slowly")
    return olga, alice


async def the_user(lobby: Lobby, person: Person) -> User:
    user = await lobby.office.store.read(lambda reading: reading.get(User, person.id))
    assert user
    return user


@asynccontextmanager
async def scene(size: dict[str, int] = DESK, *, live: Live | None = None, **more: object) -> AsyncIterator[Scene]:
    """Open it all; in the end nothing was said on the console."""
    office = memory_office()
    kinds: dict[str, OpenKind] = {
        "ldap": LdapKind(),
        "radius": RadiusKind(lambda: b"mark of the test", office.desk.chance, get_logger()),
    }
    office.desk = replace(office.desk, directories=live or LiveDirectories(kinds, lambda: office.store.snapshot))
    async with (
        lobby_of(office, hosts=LOOPBACK) as plain,
        with_doors(plain) as lobby,
        served(lobby) as url,
        chromium() as browser,
    ):
        olga, alice = await furnish(lobby)
        context = await context_of(browser, size, **more)  # type: ignore[arg-type]  # by name
        visitor = Visitor(lobby, url, context, await context.new_page())
        visitor.page.on("console", visitor.hear)
        visitor.page.on("pageerror", lambda error: visitor.said.append(str(error)))
        visitor.page.on("requestfailed", visitor.miss)
        visitor.page.set_default_timeout(10_000)
        token = await sessions.begin(lobby.office.desk, olga.id, method="totp", agent="Browser/1")
        cookie = {"name": COOKIE, "value": token, "domain": LOOPBACK, "path": "/", "secure": True, "httpOnly": True}
        await context.add_cookies([cookie])  # type: ignore[list-item]  # by name
        yield Scene(visitor, olga, alice)
        assert visitor.said == []
        assert lobby.counts.bugs == []
    await office.store.close()


async def toured(scene: Scene) -> list[str]:
    """Look at each page; what axe finds, and what is too wide."""
    faults: list[str] = []
    for path in PAGES:
        await scene.visitor.go(path)
        assert await scene.visitor.page.locator("main h1").count() == 1, path
        faults.extend(await scene.visitor.faults())
    return faults


async def test_every_page_is_accessible_on_a_desk_by_day() -> None:
    async with scene() as opened:
        assert json.dumps(await toured(opened), indent=1) == "[]"


async def test_every_page_is_accessible_on_a_narrow_screen_by_night() -> None:
    async with scene(NARROW, dark=True) as opened:
        assert json.dumps(await toured(opened), indent=1) == "[]"


async def test_every_page_is_accessible_on_the_smallest_screen_in_another_language() -> None:
    async with scene(SMALL, locale="nl") as opened:
        assert json.dumps(await toured(opened), indent=1) == "[]"


# -- what comes after a form -----------------------------------------------------------------------------------------


async def test_a_client_is_added_tested_and_its_answers_are_accessible() -> None:
    async with scene() as opened:
        visitor, page = opened.visitor, opened.visitor.page
        faults: list[str] = []
        await visitor.go("/admin/new-client")
        await visitor.type(name="New gate", networks="not a network")
        assert await page.input_value("#name") == "New gate"
        assert await page.get_attribute("#networks", "aria-invalid") == "true"
        faults += await visitor.faults()
        await visitor.type(networks="127.0.0.11")
        await page.wait_for_selector("#secret")
        assert len(await page.inner_text("#secret")) == 32
        faults += await visitor.faults()
        await page.click("a.button:has-text('Test a sign-in')")
        await visitor.type(user="alice", password=opened.alice.password, address="192.0.2.77")
        await page.wait_for_selector("text=A code is asked")
        assert await page.evaluate("document.activeElement.id") == "code"
        faults += await visitor.faults()
        await opened.picture("test-bench-question")
        await visitor.type(code=opened.alice.code())
        await page.wait_for_selector("text=Let in")
        faults += await visitor.faults()
        await opened.picture("test-bench")
        await visitor.type(user="alice", password="wrong")
        await page.wait_for_selector("text=Refused")
        faults += await visitor.faults()
        await page.click("text=How this was decided")
        await page.wait_for_url("**/admin/journal/*/*")
        assert json.dumps(faults, indent=1) == "[]"


async def test_a_rule_that_shuts_people_out_is_asked_about_in_an_accessible_way() -> None:
    async with scene() as opened:
        visitor, page = opened.visitor, opened.visitor.page
        await visitor.go("/admin/new-rule")
        await page.select_option("#outcome", "deny")
        await visitor.type(name="stop", position="1")
        await page.wait_for_selector("#sure")
        assert await visitor.faults() == []
        await opened.picture("policy-warning")
        await visitor.go("/admin/policy")
        await page.click("button[aria-label='Move down: Staff by VPN']")
        await page.wait_for_url("**/admin/policy?done=moved")
        assert (await page.locator(".rules strong").all_inner_texts())[:2] == ["In the office", "Staff by VPN"]


async def test_a_run_shows_how_far_it_is_and_then_what_it_did() -> None:
    async with scene(live=Live()) as opened:
        visitor, page = opened.visitor, opened.visitor.page
        await visitor.go("/admin/directories/corp")
        await page.click("text=See what a run would do")
        await page.wait_for_url(re.compile(r"/admin/directories/corp/runs/\w+$"))
        await page.wait_for_selector("text=A trial: nothing was changed.")
        assert await visitor.faults() == []
        await opened.picture("directory-run")


async def test_everything_works_without_a_script_and_by_the_keyboard_alone() -> None:
    async with scene(java_script_enabled=False) as opened:
        visitor, page = opened.visitor, opened.visitor.page
        await visitor.go("/admin/settings/challenge_tries")
        await page.focus("#value")
        await page.keyboard.press("Control+A")
        await page.keyboard.type("3")
        await page.keyboard.press("Tab")
        await page.keyboard.type("three tries")
        await page.keyboard.press("Enter")
        await page.wait_for_url("**/admin/settings?done=changed")
        await visitor.go("/admin/policy")
        await page.focus("button[aria-label='Move up: In the office']")
        await page.keyboard.press("Enter")
        await page.wait_for_url("**/admin/policy?done=moved")
        await visitor.go("/admin/new-group")
        await page.fill("#name", "without a script")
        await page.click(SUBMIT)
        await page.wait_for_url("**/admin/groups?done=added")


async def test_a_double_click_makes_one_client_and_shows_its_secret() -> None:
    async with scene() as opened:
        visitor, page = opened.visitor, opened.visitor.page
        await visitor.go("/admin/new-client")
        await page.fill("#name", "Twice")
        await page.fill("#networks", "127.0.0.12")
        await page.dblclick(SUBMIT)
        await page.wait_for_selector("#secret")
        assert len(await page.inner_text("#secret")) == 32
        made = [one for one in await visitor.lobby.office.actions() if one == "client.add"]
        assert len(made) == 2  # the portal's own, and this one


async def test_the_pictures_of_the_documentation(tmp_path: Path) -> None:
    """Each page that docs show, by day, by night and on a phone; without SHOTS they are only looked at here."""
    for suffix, size, dark in (("", DESK, False), ("-dark", DESK, True), ("-narrow", NARROW, False)):
        async with scene(size, dark=dark) as opened:
            for name, path in (
                ("clients", "/admin/clients"),
                ("client", "/admin/clients/switch"),
                ("policy", "/admin/policy?user=alice&client=office-vpn&address=203.0.113.9"),
                ("directory", "/admin/directories/corp"),
                ("settings", "/admin/settings"),
            ):
                await opened.visitor.go(path)
                await opened.picture(f"{name}{suffix}", whole=name != "settings")
                await opened.visitor.page.screenshot(path=tmp_path / f"{name}{suffix}.png")
                assert (tmp_path / f"{name}{suffix}.png").stat().st_size > 10_000
