"""The page of the first owner in a real browser: by keyboard, on every screen, with nothing that axe finds."""

from dataclasses import replace

import pytest

from tests.flows.desks import ACTOR
from tests.portals.browsing import DESK, SMALL
from tests.portals.test_in_a_browser import Visitor, visiting
from vestibule.flows import owners
from vestibule.portals.visit import REGISTER

RIGHT = "maple river quartz"


async def linked(visitor: Visitor) -> str:
    """The path of a new link."""
    desk = replace(visitor.lobby.office.desk, portal=visitor.url)
    return str((await owners.link(desk, ACTOR))["url"]).removeprefix(visitor.url)


@pytest.mark.parametrize(("size", "dark"), [(DESK, False), (SMALL, True)], ids=["desk", "small and dark"])
async def test_axe_finds_nothing_on_the_way_to_the_first_owner(size: dict[str, int], *, dark: bool) -> None:
    async with visiting(size, dark=dark) as visitor:
        path = await linked(visitor)
        await visitor.go(path)
        assert await visitor.faults() == []
        await visitor.type(name="olga", new=RIGHT, again=f"{RIGHT}s")
        assert "are not the same" in await visitor.page.inner_text("[role=alert]")
        assert await visitor.page.input_value("#name") == "olga"
        assert await visitor.faults() == []
        await visitor.type(new=RIGHT, again=RIGHT)
        await visitor.page.wait_for_url(f"{visitor.url}{REGISTER}*")
        await visitor.go(path)
        assert await visitor.page.inner_text("h1") == "This link has ended"
        assert await visitor.faults() == []


async def test_the_keyboard_is_enough() -> None:
    async with visiting() as visitor:
        await visitor.go(await linked(visitor))
        assert await visitor.page.evaluate("document.activeElement.id") == "name"
        for text in ("olga", RIGHT, RIGHT):
            await visitor.page.keyboard.type(text)
            await visitor.page.keyboard.press("Tab")
        await visitor.page.keyboard.press("Enter")
        await visitor.page.wait_for_url(f"{visitor.url}{REGISTER}*")
