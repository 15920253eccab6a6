"""Administration in a real browser: typed, clicked, looked at. Nothing is said on the console, nothing found by axe."""

import asyncio
import os
import re
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from playwright.async_api import Error, Page

from tests.house.sources import ROOT
from tests.portals.administration.setting_up import somebody
from tests.portals.administration.test_tokens import rows
from tests.portals.browsing import DESK, SMALL
from tests.portals.lobby import Lobby, Person
from tests.portals.test_in_a_browser import Visitor, visiting
from vestibule.core.clients import Client
from vestibule.core.credentials import CredentialState
from vestibule.core.policy import Outcome, Rule
from vestibule.core.secret import Secret
from vestibule.core.users import Group, Role
from vestibule.flows import users

IMAGES = ROOT / "docs" / "images"
PHONE = {"width": 390, "height": 844}
LINKS = "all => all.map(one => one.getAttribute('href'))"
FILES = "performance.getEntriesByType('resource').map(one => new URL(one.name).pathname)"
ACTS = (
    "change", "block", "delays", "password", "role", "pass", "bypass", "token", "registration", "removal", "caller",
)  # fmt: skip


@asynccontextmanager
async def administering(
    size: dict[str, int] = DESK, *, dark: bool = False, role: Role = Role.OWNER, **more: object
) -> AsyncIterator[tuple[Visitor, Person]]:
    """A furnished house, and somebody with a role at its first page; and Alice, who has what a person can have."""
    async with visiting(size, dark=dark, **more) as visitor:  # type: ignore[arg-type]  # by name
        olga, alice = await furnished(visitor.lobby, role)
        await visitor.go("/signin?next=/admin")
        await visitor.type(name=olga.name, password=olga.password)
        await visitor.type(code=olga.code())
        await visitor.page.wait_for_url(f"{visitor.url}/admin")
        yield visitor, alice


async def furnished(lobby: Lobby, role: Role) -> tuple[Person, Person]:
    """People, tokens, a client, rules, and some sign-ins."""
    await lobby.put(
        Client("vpn", "VPN of the office", ("192.0.2.0/24",), (Secret(b"four quiet otters and a heron"),)),
        Group("staff"),
        Rule("rule1", 1, "staff from anywhere", Outcome.REQUIRE, groups=("staff",)),
    )
    alice = await lobby.person(
        "alice.van.den.berg@department.example.org",
        first_name="Alice",
        last_name="van den Berg",
        groups=("staff",),  # type: ignore[arg-type]  # by name
    )
    for number, (first, last) in enumerate((("Anna", "de Vries"), ("Ben", "Jansen"), ("Chai", "Srisai")) * 20):
        name = f"{first.lower()}{number:02}"
        await lobby.person(name, method="totp" if number % 4 else "", first_name=first, last_name=last)
    await lobby.factor(alice, serial="VASCO-0041700417")
    for number in range(60):
        await lobby.factor(None, serial=f"T-{number:06}", state=list(CredentialState)[number % 3])
    await users.block(lobby.office.desk, "uid 0 (root)", name="ben01", reason="lost laptop")
    olga, _ = await somebody(lobby, role, "olga.meijer")
    lobby.office.clock.at += 60
    return olga, alice


def paths(alice: Person, token: str) -> list[str]:
    """A page of each kind."""
    person, one = f"/admin/people/{alice.id}", f"/admin/tokens/{token}"
    return [
        "/admin",
        "/admin/people",
        "/admin/people?q=vri",
        "/admin/people?q=nobody",
        "/admin/people/new",
        person,
        *(f"{person}/{act}" for act in ACTS),
        "/admin/tokens",
        "/admin/tokens?held=free&state=disabled",
        one,
        *(f"{one}/{act}" for act in ("assign", "resync", "removal")),
        "/admin/tokens/upload",
        "/admin/journal",
        "/admin/journal?user=nobody",
        "/admin/nowhere",
    ]


async def looked_at(size: dict[str, int], *, dark: bool = False, **more: object) -> list[str]:
    """Walk over every page and look at each."""
    faults: list[str] = []
    async with administering(size, dark=dark, **more) as (visitor, alice):  # type: ignore[arg-type]  # by name
        token = (await visitor.lobby.factors(alice))[-1].id
        lines = await visitor.lobby.office.lines()
        for path in [*paths(alice, token), *(f"/admin/journal/{line.chain}/{line.seq}" for line in lines[-3:])]:
            await visitor.go(path)
            faults += await visitor.faults()
    return faults


async def test_every_page_is_accessible_on_a_desk_by_day() -> None:
    assert await looked_at(DESK) == []


async def test_every_page_is_accessible_on_a_phone_by_night() -> None:
    assert await looked_at(PHONE, dark=True) == []


async def test_every_page_is_accessible_on_the_smallest_screen_in_another_language() -> None:
    assert await looked_at(SMALL, locale="th") == []


async def test_no_link_is_dead_wherever_an_owner_goes() -> None:
    async with administering() as (visitor, _):
        seen, left = {"/admin"}, ["/admin"]
        while left:
            path = left.pop()
            answer = await visitor.page.goto(f"{visitor.url}{path}")
            assert answer
            if "/failures" not in path:
                assert answer.status == 200, path
            for link in await visitor.page.eval_on_selector_all("a[href^='/']", LINKS):
                plain = link.partition("#")[0]
                kind = re.sub(r"id-of-[^/?]+|[0-9a-f]{16,}|factor\d+|/\d+$|=[^&]*", "*", plain)
                if kind not in seen:
                    seen.add(kind)
                    left.append(plain)
        assert len(seen) > 60


async def test_people_are_found_while_somebody_types() -> None:
    async with administering() as (visitor, _):
        page = visitor.page
        await visitor.go("/admin/people")
        assert await page.locator("tbody tr").count() == 50
        await page.locator("#q").press_sequentially("alice van")
        await page.wait_for_url("**/admin/people?q=alice+van")
        assert await page.locator("tbody tr").count() == 1
        assert await page.evaluate("document.activeElement.id") == "q"
        assert await page.input_value("#q") == "alice van"
        await page.click("tbody a")
        assert "van den Berg" in await page.inner_text(".headline")
        await page.go_back()
        assert await page.locator("tbody tr").count() == 1
        await page.fill("#q", "nobody")
        await page.wait_for_selector(".empty")


async def test_a_list_whose_session_has_ended_leads_to_signing_in_as_a_whole() -> None:
    async with administering() as (visitor, _):
        await visitor.go("/admin/people")
        visitor.lobby.office.clock.at += 3601
        await visitor.page.locator("#q").press_sequentially("alice")
        await visitor.page.wait_for_url("**/signin?next=%2Fadmin%2Fpeople%3Fq%3D*")
        assert await visitor.page.locator("header.top").count() == 1


async def test_the_keyboard_alone_reaches_a_person_and_blocks_them() -> None:
    async with administering() as (visitor, alice):
        page = visitor.page
        await visitor.go(f"/admin/people/{alice.id}")
        for _ in range(40):
            await page.keyboard.press("Tab")
            if await page.evaluate("document.activeElement.textContent") == "Block":
                break
        await page.keyboard.press("Enter")
        await page.wait_for_url("**/block")
        await page.focus("#reason")
        await page.keyboard.type("lost laptop")
        await page.keyboard.press("Enter")
        await page.wait_for_url("**?done=block")
        assert "lost laptop" in await page.inner_text(".alert")


async def test_a_double_click_blocks_once_and_a_secret_is_gone_behind_the_back_button() -> None:
    async with administering() as (visitor, alice):
        page = visitor.page
        await visitor.go(f"/admin/people/{alice.id}/pass")
        await page.dblclick("main button[type=submit]")
        await page.wait_for_selector("#secret1")
        shown = await page.inner_text("#secret1")
        assert (await visitor.lobby.office.actions()).count("pass.issue") == 1
        await page.click("text=I have passed it on")
        await page.wait_for_url("**/people/*")
        assert shown not in await page.content()
        with pytest.raises(Error, match="ERR_CACHE_MISS"):  # the browser asks before it would send the form again
            await page.go_back()
        visitor.said.clear()


async def imported(visitor: Visitor, tmp_path: Path) -> Page:
    """Choose a file of some thousand rows and wait for the end."""
    file, page = tmp_path / "Order 7.csv", visitor.page
    await asyncio.to_thread(file.write_text, rows(4_000, 10))
    await visitor.go("/admin/tokens/upload")
    await page.set_input_files("#file", file)
    await page.click("main button[type=submit]")
    await page.wait_for_url(re.compile(r"/upload/[0-9a-f]{32}$"))
    return page


async def test_a_file_is_imported_while_its_page_tells_how_far_it_is(tmp_path: Path) -> None:
    async with administering() as (visitor, _):
        page = await imported(visitor, tmp_path)
        await page.wait_for_selector("text=The file is read.", timeout=60_000)
        assert "3990" in await page.inner_text(".facts")
        assert await visitor.faults() == []
        async with page.expect_download() as saving:
            await page.click("text=Save the rows that failed")
        saved = await saving.value
        assert saved.suggested_filename == "Failures_Order 7.csv"
        assert len((await saved.path()).read_text(encoding="utf-8").splitlines()) == 11


async def test_everything_works_without_scripts(tmp_path: Path) -> None:
    async with administering(java_script_enabled=False) as (visitor, _):
        page = visitor.page
        await visitor.go("/admin/people")
        await page.fill("#q", "anna")
        await page.click(".filter button")
        await page.wait_for_url("**/admin/people?q=anna")
        assert await page.locator("tbody tr").count() == 20
        await imported(visitor, tmp_path)
        while not await page.locator("text=The file is read.").count():
            await page.reload()


async def test_the_first_load_is_small() -> None:
    async with administering() as (visitor, alice):
        octets = 0

        async def count(path: str) -> None:
            nonlocal octets
            answer = await visitor.page.request.get(f"{visitor.url}{path}")
            octets += len(zlib.compress(await answer.body()))

        await visitor.go(f"/admin/people/{alice.id}")
        files = await visitor.page.evaluate(FILES)
        for path in (f"/admin/people/{alice.id}", *files):
            await count(path)
        assert 10_000 < octets < 60 * 1024


# -- pictures for the documentation ----------------------------------------------------------------------------------


async def test_pictures_are_taken() -> None:
    """With PICTURES set, into the documentation; else each page only has to be there."""
    wanted = os.environ.get("PICTURES")
    for name, size, dark in (("", DESK, False), ("-dark", DESK, True), ("-narrow", PHONE, False)):
        async with administering(size, dark=dark) as (visitor, alice):
            line = next(one for one in await visitor.lobby.office.lines() if one.entry.action == "sign_in")
            for title, path in {
                "overview": "/admin",
                "people": "/admin/people?q=vri",
                "person": f"/admin/people/{alice.id}",
                "tokens": "/admin/tokens",
                "journal": "/admin/journal",
                "trace": f"/admin/journal/{line.chain}/{line.seq}",
            }.items():
                await visitor.go(path)
                picture = await visitor.page.screenshot(full_page=False)
                assert len(picture) > 5_000
                if wanted:
                    await asyncio.to_thread(IMAGES.mkdir, parents=True, exist_ok=True)
                    await asyncio.to_thread((IMAGES / f"{title}{name}.png").write_bytes, picture)
