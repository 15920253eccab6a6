"""The link to the first owner: looking spends nothing, and only a second factor that follows makes an owner."""

import re
from dataclasses import replace

import pytest

from tests.flows.desks import ACTOR, memory_office
from tests.house.sources import python_files
from tests.portals.lobby import URL, Browser, Lobby, lobby_of
from vestibule.core.oath import hotp, time_step
from vestibule.core.users import Role, User
from vestibule.flows import owners, roles, sessions, tokens
from vestibule.flows.refused import Missing, Refused
from vestibule.portals.visit import REGISTER
from vestibule.wire.otpauth import read_key

RIGHT = "a few words in a row"
KEY = re.compile(r'id="key">([^<]+)<')


async def linked(lobby: Lobby, name: str | None = None) -> str:
    """The path of a new link."""
    desk = replace(lobby.office.desk, portal=URL)
    url = str((await owners.link(desk, ACTOR, name=name))["url"])
    assert url.startswith(f"{URL}/welcome/")
    return url.removeprefix(URL)


async def taken(browser: Browser, path: str, name: str = "olga", new: str = RIGHT, again: str = "") -> int:
    await browser.get(path)
    return (await browser.post(path, name=name, new=new, again=again or new)).status_code


async def register(lobby: Lobby, browser: Browser) -> None:
    """Add an app on the pages, and prove it."""
    await browser.get("/security/app")
    await browser.post("/security/app", label="phone")
    shown = KEY.search(browser.text)
    assert shown
    code = hotp(read_key(shown[1]).reveal(), time_step(lobby.office.clock.at, 30))
    await browser.post("/security/app/code", code=code)


async def somebody(lobby: Lobby, name: str = "olga") -> User | None:
    found = await lobby.office.store.read(lambda reading: reading.find(User, "key", name))
    return found[0] if found else None


@pytest.mark.requirement(52)
async def test_whoever_opens_the_link_becomes_an_owner_by_a_second_factor_and_not_before(lobby: Lobby) -> None:
    assert await owners.missing(lobby.office.desk)
    path, browser = await linked(lobby), lobby.browser()
    await browser.get(path)
    assert "You are about to become an owner" in browser.text
    assert await taken(browser, path) == 303
    assert browser.where == REGISTER
    olga = await somebody(lobby)
    assert olga is not None
    assert olga.role is Role.NONE
    await browser.get("/admin")
    assert browser.page is not None
    assert browser.page.status_code != 200
    await register(lobby, browser)
    assert browser.where.startswith("/security/")
    olga = await somebody(lobby)
    assert olga is not None
    assert olga.role is Role.OWNER
    assert not await owners.missing(lobby.office.desk)
    await browser.get("/security")
    assert browser.page is not None
    assert browser.page.status_code == 200
    actions = await lobby.office.actions()
    assert [one for one in actions if one.startswith(("owner", "user.role"))] == [
        "owner.link",
        "owner.welcome",
        "user.role",
    ]


async def test_looking_and_what_is_not_taken_spend_nothing(lobby: Lobby) -> None:
    await lobby.person("taken")
    path, browser = await linked(lobby), lobby.browser()
    for name, new, again, said in (
        ("olga", "short", "", "at least 8 characters"),
        ("olga", RIGHT, f"{RIGHT}s", "are not the same"),
        ("olga", "olga1234", "", "made of your name"),
        ("taken", RIGHT, "", "somebody has it already"),
        ("", RIGHT, "", "This name can not be used"),
        ("a\tb", RIGHT, "", "This name can not be used"),
    ):
        assert await taken(browser, path, name, new, again) == 422
        assert said in browser.text
    assert 'value="taken"' not in browser.text
    assert await somebody(lobby) is None
    assert await taken(browser, path) == 303


@pytest.mark.requirement(28)
async def test_a_link_works_once_and_for_a_day_and_a_new_one_ends_it(lobby: Lobby) -> None:
    path, browser, late = await linked(lobby), lobby.browser(), lobby.browser()
    await late.get(path)
    assert await taken(browser, path) == 303
    assert (await late.post(path, name="mallory", new=RIGHT, again=RIGHT)).status_code == 404
    assert "This link has ended" in late.text
    old = await linked(lobby)
    new = await linked(lobby)
    await browser.get(old)
    assert "This link has ended" in browser.text
    lobby.office.clock.at += 86_399
    await browser.get(new)
    assert "You are about to become" in browser.text
    lobby.office.clock.at += 1
    await browser.get(new)
    assert "This link has ended" in browser.text
    assert await somebody(lobby, "mallory") is None


@pytest.mark.parametrize("token", ["x", "%00", "x" * 500, "6IYk2wV1yq0Tn4hX9dGJm3rZc8uPbQfLsE7aKoNvB5M"])
async def test_what_is_no_link_says_the_same_as_one_that_has_ended(lobby: Lobby, token: str) -> None:
    await linked(lobby)
    browser = lobby.browser()
    answer = await browser.get(f"/welcome/{token}")
    assert answer.status_code == 404
    assert "This link has ended" in browser.text


async def test_a_form_of_another_page_takes_no_link(lobby: Lobby) -> None:
    path, browser = await linked(lobby), lobby.browser()
    await browser.get(path)
    fields = {"name": "olga", "new": RIGHT, "again": RIGHT}
    answer = await browser.post(path, headers={"Sec-Fetch-Site": "cross-site"}, **fields)
    assert answer.status_code == 403
    assert await somebody(lobby) is None


@pytest.mark.requirement(47)
async def test_the_link_is_kept_as_a_mac_and_stands_in_no_line(lobby: Lobby) -> None:
    path, browser = await linked(lobby), lobby.browser()
    token = path.removeprefix("/welcome/")
    assert len(token) == 43  # 256 bits in Base64
    kept = await lobby.office.store.read(lambda reading: reading.state(owners.LINK))
    assert kept
    assert await taken(browser, path) == 303
    await register(lobby, browser)
    journal = repr(await lobby.office.lines())
    for secret in (token, RIGHT):
        assert secret not in journal + kept
    (page,) = [await browser.get(await linked(lobby))]
    assert page.headers["cache-control"] == "no-store"
    assert page.headers["referrer-policy"] == "same-origin"


async def test_somebody_who_lost_everything_comes_back(lobby: Lobby) -> None:
    alice = await lobby.person("alice")
    await roles.give(lobby.office.desk, ACTOR, name="alice", role="owner")
    other, browser = lobby.browser(), lobby.browser()
    await other.sign_in(alice)
    path = await linked(lobby, "alice")
    await browser.get(path)
    assert "Choose a new password" in browser.text
    assert await taken(browser, path, "mallory") == 303
    assert await somebody(lobby, "mallory") is None
    assert await lobby.factors(alice) == []
    await other.get("/security")
    assert other.where.startswith("/signin")
    await register(lobby, browser)
    found = await somebody(lobby, "alice")
    assert found is not None
    assert found.role is Role.OWNER
    alice.password = RIGHT
    await other.password(alice)
    assert "Your code" in other.text


async def test_a_link_that_was_taken_and_not_finished_in_a_day_gives_no_role(lobby: Lobby) -> None:
    path, browser = await linked(lobby), lobby.browser()
    assert await taken(browser, path) == 303
    lobby.office.clock.at += 86_400
    olga = await somebody(lobby)
    assert olga is not None
    token = await sessions.begin(lobby.office.desk, olga.id)
    browser.http.cookies.set("__Host-vestibule", token, domain="mfa.test")
    await register(lobby, browser)
    found = await somebody(lobby)
    assert found is not None
    assert found.role is Role.NONE
    assert len(await lobby.office.store.read(roles.holders)) == 0


async def test_only_who_took_the_link_becomes_an_owner(lobby: Lobby) -> None:
    await lobby.person("bob", method="")
    path, browser = await linked(lobby), lobby.browser()
    assert await taken(browser, path) == 303
    other = lobby.browser()
    bob = (await lobby.office.store.read(lambda reading: reading.find(User, "key", "bob")))[0]
    other.http.cookies.set("__Host-vestibule", await sessions.begin(lobby.office.desk, bob.id), domain="mfa.test")
    await register(lobby, other)
    found = await somebody(lobby, "bob")
    assert found is not None
    assert found.role is Role.NONE


def test_every_flow_that_binds_a_factor_of_ones_own_gives_the_role_that_waits_for_it() -> None:
    binding = [source for source in python_files("src/vestibule/flows") if 'entry("factor.add"' in source.text]
    assert len(binding) >= 2
    assert [source.path.name for source in binding if "taken_up(" not in source.text] == []


async def test_a_link_is_refused_for_whom_a_directory_keeps_and_for_nobody(lobby: Lobby) -> None:
    await lobby.person("anna", directory="corp")
    with pytest.raises(Refused, match="comes from the directory corp"):
        await linked(lobby, "anna")
    with pytest.raises(Missing):
        await linked(lobby, "nobody")
    with pytest.raises(Refused, match=r"Name it in api\.public_url"):
        await owners.link(lobby.office.desk, ACTOR)


async def test_tokens_of_somebody_who_comes_back_return_to_the_inventory() -> None:
    async with lobby_of(memory_office()) as lobby:
        await lobby.person("alice", method="")
        await tokens.add(lobby.office.desk, ACTOR, user="alice", serial="S1")
        assert await taken(lobby.browser(), await linked(lobby, "alice")) == 303
        shown = await tokens.show(lobby.office.desk, ACTOR, token="S1")
        assert shown["token"]["user"] is None
