"""What a newcomer tries with no provider: sign-ins by call, PIN and texts, and a fraud, in a real browser."""

import asyncio
import re
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Page

from tests.journeys.test_demo import demo
from tests.portals.browsing import PHONE, chromium, context_of
from tests.portals.test_in_a_browser import AXE, axe

pytestmark = pytest.mark.timeout(180)


class Handset:
    """The page of the telephone, and all that it complained about."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.said: list[str] = []
        page.on("console", lambda message: self.said.append(message.text) if message.type == "error" else None)

    async def answers(self) -> None:
        await self.page.click("article.ringing button[value=answer]")
        await self.page.wait_for_selector("article.talking .said")
        await self.page.wait_for_timeout(900)  # keys of the first moment are nobody's

    async def presses(self, keys: str) -> None:
        for key in keys:
            async with self.page.expect_response(lambda answer: answer.request.method == "POST"):
                await self.page.click(f'article.talking button[value="{key}"]')

    async def hears(self, words: str) -> None:
        await self.page.wait_for_selector(f'.said:has-text("{words}")')

    async def unfit(self) -> list[str]:
        await self.page.evaluate(axe())
        found: list[str] = await self.page.evaluate(AXE)
        return found


async def asked(browser: Browser, said: dict[str, Any], way: str) -> Page:
    """Somebody who signs in with the password, and has chosen this way for the rest."""
    page = await (await context_of(browser)).new_page()
    await page.goto(said["signin"])
    await page.fill("#name", said["user"]["name"])
    await page.fill("#password", said["user"]["password"])
    await page.click("main button[type=submit]")
    await page.click("text=Sign in another way")
    await page.click(f'button:has-text("{way}")')
    return page


async def test_calls_pins_texts_and_frauds_are_tried_with_no_provider(tmp_path: Path) -> None:
    with demo(tmp_path / "demo") as running:
        said = running.said
        assert said["phone"] in running.text
        async with chromium() as browser:
            handset = Handset(await (await context_of(browser, PHONE)).new_page())
            await handset.page.goto(said["phone"])

            page = await asked(browser, said, "Call: Mobile")
            await handset.answers()
            assert await handset.unfit() == []
            await handset.presses("#")
            await page.wait_for_url("**/security")

            page = await asked(browser, said, "Call: Office")
            await handset.answers()
            await handset.presses("1111#")
            await handset.hears("That was not right")
            await handset.presses("8264#")
            await page.wait_for_url("**/security")

            page = await asked(browser, said, "Text message")
            code = await code_in(handset, ".written")
            await page.fill("#code", code)
            await page.click("main button[type=submit]")
            await page.wait_for_url("**/security")

            page = await asked(browser, said, "Reply to a text")
            code = await code_in(handset, "article:has(form.reply) .written")
            await handset.page.fill("form.reply input[name=text]", code)
            await handset.page.click("form.reply button")
            await page.wait_for_url("**/security")
            assert await handset.unfit() == []

            page = await asked(browser, said, "Call: Mobile")
            await handset.answers()
            await handset.presses("0#")
            await handset.hears("To block further sign-ins")
            await handset.presses("1")
            await handset.hears("Your report was sent")
            await page.wait_for_selector("text=This did not work")
            assert handset.said == []


async def test_a_call_a_text_and_a_reply_sign_in_by_the_radclient_lines_as_printed(tmp_path: Path) -> None:
    with demo(tmp_path / "demo") as running:
        call, text, reply = by_radius(running.text)
        async with chromium() as browser:
            handset = Handset(await (await context_of(browser, PHONE)).new_page())
            await handset.page.goto(running.said["phone"])

            typed = await typing(text)  # calls stand between the two texts, which keep a gap
            await accepted(typed, await code_in(handset, ".written"))

            typed = await typing(call)
            await handset.answers()
            await handset.presses("#")
            await accepted(typed)

            typed = await typing(call.replace("=call,", "=call2,"))
            await handset.answers()
            await handset.presses("8264#")
            await accepted(typed)

            typed = await typing(reply)
            code = await code_in(handset, "article:has(form.reply) .written")
            await handset.page.fill("form.reply input[name=text]", code)
            await handset.page.click("form.reply button")
            await accepted(typed)


def by_radius(told: str) -> list[str]:
    """The printed lines of each way, each beginning with its question."""
    lines = told.split("By RADIUS")[1].split("\n8. ", maxsplit=1)[0]
    typed = [part for part in re.split(r"\n\n+", lines) if re.match(r"  (echo|STATE=)", part)]
    return re.split(r"\n(?=  STATE=\$\(echo \"User-Name=demo,User-Password=(?!text,))", "\n".join(typed))


async def typing(lines: str) -> asyncio.subprocess.Process:
    pipe = asyncio.subprocess.PIPE
    return await asyncio.create_subprocess_exec("bash", "-c", lines, stdin=pipe, stdout=pipe, stderr=pipe)


async def accepted(typed: asyncio.subprocess.Process, code: str = "") -> None:
    said, complained = await asyncio.wait_for(typed.communicate(f"{code}\n".encode()), 60)
    assert b"Received Access-Accept" in said, (said, complained)


async def code_in(handset: Handset, place: str) -> str:
    text = await handset.page.inner_text(place)
    found = re.search(r"\d{6}", text)
    assert found, text
    return found.group()
