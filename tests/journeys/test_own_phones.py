"""Somebody adds telephones and an address of their own, in a real browser, with the telephone of the demonstration."""

import re
from pathlib import Path

import pytest
from playwright.async_api import Page, ViewportSize

from tests.journeys.test_demo import demo
from tests.journeys.test_demo_phone import Handset, asked, code_in
from tests.portals.browsing import PHONE, chromium, context_of
from tests.portals.test_in_a_browser import AXE, axe
from vestibule.apps.cli.demo_server import PIN
from vestibule.core.call_sounds import Sound, words

pytestmark = pytest.mark.timeout(180)
SUBMIT = "main button[type=submit]"
NARROW: ViewportSize = {"width": 390, "height": 844}


async def faults(page: Page) -> list[str]:
    """What axe finds, and whether the page is too wide for its screen."""
    await page.evaluate(axe())
    found: list[str] = await page.evaluate(AXE)
    wide, screen = await page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    return found + ([f"{page.url} is {wide} wide"] if wide > screen else [])


async def spoken_code(handset: Handset) -> str:
    """The digits that were said."""
    await handset.hears(words(Sound.CODE_BEFORE_DIGITS, "en"))
    said = await handset.page.inner_text(f'.said:has-text("{words(Sound.CODE_BEFORE_DIGITS, "en")}")')
    digits = {words(f"digit_{n}", "en"): str(n) for n in range(10)}
    heard = [digits[word] for word in re.findall("|".join(digits), said)]
    assert heard[:6] == heard[6:12]
    return "".join(heard[:6])


async def test_people_add_prove_and_try_their_own_telephones_and_are_told_by_mail(tmp_path: Path) -> None:
    with demo(tmp_path / "demo") as running:
        said = running.said
        async with chromium() as browser:
            handset = Handset(await (await context_of(browser, PHONE)).new_page())
            await handset.page.goto(said["phone"])
            page = await asked(browser, said, "Text message")
            await page.set_viewport_size(NARROW)
            await page.fill("#code", await code_in(handset, ".written >> nth=0"))
            await page.click(SUBMIT)
            await page.wait_for_url("**/security")

            await page.click("text=Add a mail address")
            assert await faults(page) == []
            await page.fill("#number", "me@example.org")
            await page.click(SUBMIT)
            await page.fill("#code", await code_in(handset, '.written:has-text("proves that")'))
            await page.click(SUBMIT)
            await page.wait_for_url("**/security?done=added")

            await page.click("text=Add a telephone")
            assert await faults(page) == []
            await page.fill("#number", "425 555 0123")
            await page.fill("#label", "My own")
            await page.click("button[value=call]")
            assert await faults(page) == []
            await handset.answers()
            await handset.presses("#")
            await page.fill("#code", await spoken_code(handset))
            await page.click(SUBMIT)
            await page.wait_for_url("**/security?done=added")
            assert await faults(page) == []

            await page.click('a[aria-label="Use and test: My own"]')
            assert await faults(page) == []
            await page.click("text=Call me now")
            await page.wait_for_selector("text=rings in a moment")
            await handset.page.click("article.ringing button[value=answer]")
            await handset.hears(words(Sound.TEST, "en")[:40])

            await page.goto(page.url.partition("/security")[0] + "/security/pin")
            assert await faults(page) == []
            await page.fill("#old", PIN)
            await page.fill("#new", "739105")
            await page.fill("#again", "739105")
            await page.click(SUBMIT)
            await page.wait_for_url("**/security?done=pin")
            await handset.page.wait_for_selector("text=A telephone or a PIN of your account", timeout=30_000)
            assert handset.said == []
