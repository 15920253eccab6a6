"""The pages around signing in as they look, by day, by night and on a telephone; and what axe says of each.

`SHOTS=1 pytest tests/portals/test_pictures.py` takes the pictures of docs/images anew.
"""

import os
from dataclasses import dataclass

import pytest

from tests.house.sources import ROOT
from tests.portals.browsing import DESK
from tests.portals.test_in_a_browser import SUBMIT, Visitor
from tests.portals.test_passkeys_in_a_browser import Device, at_localhost
from tests.portals.test_ways import TAP, asked_by_tap
from vestibule.core.credentials import Credential
from vestibule.core.users import Mfa

IMAGES = ROOT / "docs" / "images"
NARROW = {"width": 390, "height": 844}
LOOKS = {"": (DESK, False), "-dark": (DESK, True), "-narrow": (NARROW, False)}
"""How the names of pictures end, with the screen and whether it is night."""


@dataclass
class Album:
    """Looks at each page, and takes its picture where one is wanted."""

    visitor: Visitor
    ending: str

    async def look(self, name: str) -> None:
        assert await self.visitor.faults() == []
        if os.environ.get("SHOTS"):
            await self.visitor.page.screenshot(path=IMAGES / f"portal-{name}{self.ending}.png", full_page=True)


@pytest.mark.parametrize("ending", LOOKS)
async def test_the_pages_around_signing_in_are_accessible_however_they_look(ending: str) -> None:
    size, dark = LOOKS[ending]
    async with at_localhost(size, dark=dark, further=(TAP,)) as visitor:
        album, page = Album(visitor, ending), visitor.page
        alice = await asked_by_tap(visitor.lobby)
        await Device.of(page)
        await visitor.go("/signin")
        await album.look("signin")
        await visitor.type(name="alice", password=alice.password)
        await page.wait_for_selector("[data-waiting]")
        await page.click("text=Sign in another way")
        await album.look("waiting")
        await page.click("text=A code of an app")
        await visitor.type(code=alice.code())
        await visitor.at("/security", "My security info")
        await visitor.go("/security/passkey")
        await album.look("passkey")
        await visitor.type(label="Blue key")
        await page.click("text=Make it now")
        await page.wait_for_url("**/security?done=added")
        await visitor.go("/security/recovery")
        await page.click(SUBMIT)
        await page.wait_for_selector(".codes")
        await album.look("recovery-codes")
        await visitor.lobby.office.store.change(lambda writing: writing.remove(Credential, "tap-of-alice"))
        await visitor.go("/security")
        await album.look("security")


@pytest.mark.parametrize("ending", LOOKS)
async def test_the_way_to_a_first_factor_is_accessible_however_it_looks(ending: str) -> None:
    size, dark = LOOKS[ending]
    async with at_localhost(size, dark=dark) as visitor:
        album = Album(visitor, ending)
        new = await visitor.lobby.person("new", method="", mfa=Mfa.ENABLED)
        await visitor.go("/signin")
        await visitor.type(name="new", password="wrong")
        await visitor.page.click("details.details summary")
        await album.look("refused")
        await visitor.type(password=new.password)
        await visitor.page.wait_for_url("**/security/register*")
        await album.look("register")
