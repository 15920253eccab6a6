"""Who may open what: each role before each route, sessions that end while somebody types, forms that are sent twice."""

import asyncio
import re
from dataclasses import replace

import pytest
from starlette.routing import Route

from tests.portals.administration.setting_up import signed_in, somebody
from tests.portals.lobby import OWN, Browser, Lobby
from vestibule.core.clients import Client
from vestibule.core.policy import Outcome, Rule
from vestibule.core.secret import Secret
from vestibule.core.users import Group, Role, User
from vestibule.flows.roles import Right, may
from vestibule.portals.administration.entry import ASKED_RIGHTS
from vestibule.portals.application import ADMINISTRATION
from vestibule.portals.visit import REGISTER

ROUTES: list[Route] = [route for module in ADMINISTRATION for route in module.ROUTES]
ADDRESSES = [(method, route) for route in ROUTES for method in sorted((route.methods or set()) - {"HEAD"})]
NOT_ALLOWED = "Your role does not allow this"
NOTHING_HERE = "There is nothing here"


def named(address: tuple[str, Route]) -> str:
    return f"{address[0]} {address[1].path}"


async def furnished(lobby: Lobby) -> dict[str, str]:
    """Something behind every kind of address; what stands in its place, by the beginning of the path."""
    alice = await lobby.person("alice")
    token = await lobby.factor(None, "totp", serial="S-1")
    await lobby.put(
        Client("vpn", "VPN", ("192.0.2.0/24",), (Secret(b"x" * 32),)),
        Group("staff"),
        Rule("rule1", 1, "all", Outcome.REQUIRE),
    )
    return {"/admin/people": alice.id, "/admin/tokens": token.id, "/admin/clients": "vpn"}


def filled(path: str, places: dict[str, str]) -> str:
    """The path with something in each place."""
    found = next((place for start, place in places.items() if path.startswith(start)), "1")
    return re.sub(r"\{[^}]+\}", found, path)


async def sent(browser: Browser, method: str, path: str) -> int:
    """One request; a form carries what every form of ours carries."""
    if method == "GET":
        return (await browser.get(path)).status_code
    await browser.get("/security/app")
    if not browser.hidden:
        await browser.get("/signin")
    return (await browser.post(path)).status_code


@pytest.mark.requirement(32)
def test_every_route_of_administration_asks_for_a_right() -> None:
    assert len(ROUTES) > 80
    assert [route.path for route in ROUTES if not route.path.startswith("/admin")] == []
    assert [named((m, route)) for m, route in ADDRESSES if route.endpoint not in ASKED_RIGHTS] == []


@pytest.mark.requirement(32)
def test_whatever_changes_something_asks_for_more_than_to_see() -> None:
    changing = [route for method, route in ADDRESSES if method != "GET"]
    assert [route.path for route in changing if ASKED_RIGHTS[route.endpoint] is Right.SEE] == []


@pytest.mark.requirement(32)
@pytest.mark.parametrize("role", list(Role), ids=lambda role: role.value or "none")
async def test_each_role_opens_what_it_may_and_nothing_else(lobby: Lobby, role: Role) -> None:
    places = await furnished(lobby)
    browser = await signed_in(lobby, role)
    wrong = []
    for method, route in ADDRESSES:
        before = len(await lobby.office.journal())
        status, text = await sent(browser, method, filled(route.path, places)), browser.text
        if role is Role.NONE:
            fits = status == 404 and NOTHING_HERE in text
        elif not may(role, ASKED_RIGHTS[route.endpoint]):
            fits = status == 403 and NOT_ALLOWED in text
        else:
            fits = NOT_ALLOWED not in text and status in {200, 303, 404, 422, 400}
        if not may(role, ASKED_RIGHTS[route.endpoint]):
            fits = fits and len(await lobby.office.journal()) == before
        if not fits:
            wrong.append((named((method, route)), status))
    assert wrong == []
    assert lobby.counts.bugs == []


@pytest.mark.requirement(32)
async def test_an_auditor_sees_everything_and_changes_nothing(lobby: Lobby) -> None:
    places = await furnished(lobby)
    browser = await signed_in(lobby, Role.AUDITOR)
    await browser.get("/admin/people")
    assert "Add a person" not in browser.text
    for method, route in ADDRESSES:
        if method != "GET":
            assert await sent(browser, method, filled(route.path, places)) == 403, route.path


async def test_nobody_gets_in_without_signing_in(lobby: Lobby) -> None:
    places = await furnished(lobby)
    browser = lobby.browser()
    for method, route in ADDRESSES:
        path = filled(route.path, places)
        await sent(browser, method, path)
        assert browser.where.startswith("/signin"), named((method, route))


@pytest.mark.requirement(32)
async def test_a_role_without_a_second_factor_opens_nothing(lobby: Lobby) -> None:
    carl = await lobby.person("carl", method="")
    browser = lobby.browser()
    await browser.password(carl)
    await lobby.put(replace(await user_of(lobby, carl.id), role=Role.OWNER))
    await browser.get("/admin")
    assert browser.where == REGISTER


async def user_of(lobby: Lobby, id: str) -> User:
    found = await lobby.office.store.read(lambda reading: reading.get(User, id))
    assert found
    return found


@pytest.mark.requirement(32)
async def test_a_role_that_is_taken_closes_the_pages_at_once(lobby: Lobby) -> None:
    person, browser = await somebody(lobby, Role.ADMINISTRATOR, "olga")
    assert (await browser.get("/admin")).status_code == 200
    await lobby.put(replace(await user_of(lobby, person.id), role=Role.NONE))
    assert (await browser.get("/admin")).status_code == 404


@pytest.mark.requirement(33)
async def test_pages_that_change_something_want_a_fresh_proof(lobby: Lobby) -> None:
    browser = await signed_in(lobby, Role.OWNER)
    lobby.office.clock.at += 601
    assert (await browser.get("/admin/people")).status_code == 200
    await browser.get("/admin/people/new")
    assert browser.where == "/signin?next=%2Fadmin%2Fpeople%2Fnew&why=confirm"


# -- a session that ends while somebody types ------------------------------------------------------------------------


@pytest.mark.parametrize(("seconds", "why"), [(601.0, "confirm"), (3601.0, "expired")])
async def test_what_was_typed_when_the_session_ended_is_there_after_signing_in(
    lobby: Lobby, seconds: float, why: str
) -> None:
    olga, browser = await somebody(lobby, Role.OWNER, "olga")
    await browser.get("/admin/people/new")
    lobby.office.clock.at += seconds
    await browser.post(
        "/admin/people/new", name="bart", last_name="van <Dijk>", phone="+31 6 1234", password="a canary of a password"
    )
    assert f"why={why}" in browser.where
    assert "bart" not in browser.where
    await browser.follow()
    await browser.post("/signin", name=olga.name, password=olga.password)
    await browser.post("/signin/code", code=olga.code())
    assert browser.where.startswith("/admin/people/new?draft=")
    await browser.follow()
    assert 'value="bart"' in browser.text
    assert 'value="van <Dijk>"' in browser.text
    assert "canary" not in browser.text


async def test_what_one_person_typed_is_not_shown_to_another(lobby: Lobby) -> None:
    _, browser = await somebody(lobby, Role.OWNER, "olga")
    await browser.get("/admin/people/new")
    lobby.office.clock.at += 601
    await browser.post("/admin/people/new", name="bart")
    [draft] = lobby.behind.drafts.kept
    _, other = await somebody(lobby, Role.OWNER, "otto")
    await other.get(f"/admin/people/new?draft={draft}")
    assert "bart" not in other.text


async def test_no_more_drafts_are_kept_than_fit(lobby: Lobby) -> None:
    drafts = lobby.behind.drafts
    for number in range(600):
        drafts.keep(str(number), "", {"name": "x"}, 0.0)
    assert len(drafts.kept) == 500
    assert drafts.found("0", "", 1.0) == {}
    assert drafts.found("599", "", 1.0) == {"name": "x"}
    assert drafts.found("599", "", 1801.0) == {}
    assert not drafts.keep("secret", "", {"password": "x", "code": "1", "new_secret": "y", "csrf": "z"}, 0.0)


async def test_a_script_is_led_to_the_sign_in_page_as_a_whole(lobby: Lobby) -> None:
    browser = await signed_in(lobby)
    lobby.office.clock.at += 3601
    answer = await browser.get("/admin/people?q=x", **{"HX-Request": "true"})
    assert answer.status_code == 204
    assert answer.headers["hx-redirect"] == "/signin?next=%2Fadmin%2Fpeople%3Fq%3Dx&why=expired"


# -- forms that are sent twice ---------------------------------------------------------------------------------------


async def test_a_double_click_makes_one_person(lobby: Lobby) -> None:
    browser = await signed_in(lobby, Role.OWNER)
    await browser.get("/admin/people/new")
    fields = {**browser.hidden, "name": "bart", "mfa": "enabled", "locale": "en"}
    first, second = await asyncio.gather(
        *(browser.http.post("/admin/people/new", data=fields, headers=OWN) for _ in range(2))
    )
    assert first.status_code == second.status_code == 303
    assert first.headers["location"] == second.headers["location"]
    assert (await lobby.office.actions()).count("user.add") == 1


async def test_a_double_click_shows_one_access_pass_to_both(lobby: Lobby) -> None:
    alice = await lobby.person("alice")
    browser = await signed_in(lobby, Role.OWNER)
    path = f"/admin/people/{alice.id}/pass"
    await browser.get(path)
    fields = {**browser.hidden, "minutes": "60", "uses": "once", "starts_at": ""}
    first, second = await asyncio.gather(*(browser.http.post(path, data=fields, headers=OWN) for _ in range(2)))
    assert first.status_code == 200
    assert first.text == second.text
    assert (await lobby.office.actions()).count("pass.issue") == 1


async def test_the_same_page_sent_again_with_other_words_is_another_act(lobby: Lobby) -> None:
    browser = await signed_in(lobby, Role.OWNER)
    await browser.get("/admin/people/new")
    kept = browser.hidden
    for name in ("bart", "bert"):
        fields = {**kept, "name": name, "mfa": "enabled", "locale": "en"}
        assert (await browser.http.post("/admin/people/new", data=fields, headers=OWN)).status_code == 303
    assert (await lobby.office.actions()).count("user.add") == 2


async def test_a_form_from_elsewhere_changes_nothing(lobby: Lobby) -> None:
    alice = await lobby.person("alice")
    browser = await signed_in(lobby, Role.OWNER)
    path = f"/admin/people/{alice.id}/block"
    await browser.get(path)
    fields = {**browser.hidden, "reason": "test", "days": "1"}
    for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}):
        assert (await browser.http.post(path, data=fields, headers=headers)).status_code == 403
    assert (await browser.http.post(path, data={**fields, "csrf": "0" * 64}, headers=OWN)).status_code == 403
    assert "user.block" not in await lobby.office.actions()
