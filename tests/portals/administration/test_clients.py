"""The pages of clients, API keys and groups: added, changed, removed; secrets are shown once and never again."""

import pytest

from tests.portals.administration.setting_up import send, shown_once, signed_in
from tests.portals.lobby import Browser, Lobby
from vestibule.core.clients import Client, SignIn
from vestibule.core.policy import Outcome, Rule
from vestibule.core.users import Role

FORM = {
    "name": "Office VPN",
    "networks": "192.0.2.10\n198.51.100.0/24",
    "kind": "radius",
    "sign_in": "password_then_code",
    "time_budget": "45",
    "rejoin_seconds": "0",
    "require_user_match": "yes",
    "require_message_authenticator": "yes",
    "limit_proxy_state": "yes",
    "holds": "yes",
}


async def the_client(lobby: Lobby, id: str) -> Client:
    client = await lobby.office.store.read(lambda reading: reading.get(Client, id))
    assert client
    return client


async def add(browser: Browser, **more: str) -> None:
    await browser.get("/admin/new-client")
    await send(browser, "/admin/new-client", {**FORM, **more})


# -- clients ---------------------------------------------------------------------------------------------------------


@pytest.mark.requirement(39)
@pytest.mark.requirement(47)
async def test_a_client_is_added_and_its_secret_is_shown_this_one_time(lobby: Lobby) -> None:
    browser = await signed_in(lobby)
    await add(browser)
    secret = shown_once(browser)
    client = await the_client(lobby, "office-vpn")
    assert [one.reveal().decode() for one in client.secrets] == [secret]
    assert len(secret) == 32
    assert client.networks == ("192.0.2.10/32", "198.51.100.0/24")
    assert client.time_budget == 45
    for path in ("/admin/clients", "/admin/clients/office-vpn", "/admin/clients/office-vpn/secret"):
        await browser.get(path)
        assert "office-vpn" in browser.text
        assert secret not in browser.text


async def test_the_second_click_shows_the_same_secret_and_makes_nothing_more(lobby: Lobby) -> None:
    browser = await signed_in(lobby)
    await browser.get("/admin/new-client")
    form = {**browser.hidden, **FORM}
    first = await send(browser, "/admin/new-client", form)
    second = await send(browser, "/admin/new-client", form)
    assert first.status_code == second.status_code == 200
    assert first.text == second.text
    assert (await lobby.office.actions()).count("client.add") == 1 + 1  # the portal's own


@pytest.mark.parametrize(
    ("field", "text", "said"),
    [
        ("networks", "192.0.2.0/24\n192.0.2.7/24", "192.0.2.7/24 is an address inside 192.0.2.0/24"),
        ("networks", "", "Name at least one address"),
        ("time_budget", "soon", "Write a number here."),
        ("time_budget", "1", "must be from 2 to 600 seconds"),
        ("rejoin_seconds", "1.5", "Write a number here."),
        ("pass_until", "2001-01-01", "must be today or later"),
        ("sign_in", "by heart", "Choose one of the ways"),
        ("name", "", "Something is missing"),
        ("secret", " secret-canary", "does not begin or end with a blank"),
    ],
)
async def test_what_does_not_fit_is_said_and_all_stays_typed(lobby: Lobby, field: str, text: str, said: str) -> None:
    browser = await signed_in(lobby)
    typed = {"nas_identifier": "gate-7", "id": "vpn-seven", "limit_proxy_state": "", field: text}
    form = {name: value for name, value in {**FORM, **typed}.items() if value or name == field}
    await browser.get("/admin/new-client")
    answer = await send(browser, "/admin/new-client", form)
    assert answer.status_code == 422
    assert said in browser.text
    assert 'value="gate-7"' in browser.text
    assert 'value="vpn-seven"' in browser.text
    assert 'name="holds" value="yes" checked' in browser.text
    assert 'name="limit_proxy_state" value="yes">' in browser.text
    assert 'value=" secret-canary"' not in browser.text


async def test_a_client_is_changed_and_removed(lobby: Lobby) -> None:
    browser = await signed_in(lobby)
    await add(browser)
    await browser.get("/admin/clients/office-vpn/change")
    assert "198.51.100.0/24" in browser.text
    await browser.post(
        "/admin/clients/office-vpn/change",
        name="Office VPN 2",
        networks="192.0.2.10",
        sign_in="password_and_code",
        time_budget="30",
        rejoin_seconds="3",
        require_user_match="yes",
    )
    assert browser.where == "/admin/clients/office-vpn?done=changed"
    await browser.follow()
    client = await the_client(lobby, "office-vpn")
    assert (client.name, client.sign_in) == ("Office VPN 2", SignIn.PASSWORD_AND_CODE)
    assert not client.require_message_authenticator
    assert "forge answers" in browser.text
    assert "one code then counts twice" in browser.text
    await browser.get("/admin/clients/office-vpn/removal")
    await browser.post("/admin/clients/office-vpn/removal")
    assert browser.where == "/admin/clients?done=removed"
    assert (await browser.get("/admin/clients/office-vpn")).status_code == 404


async def test_a_client_that_a_rule_names_is_not_removed_and_the_page_says_which(lobby: Lobby) -> None:
    browser = await signed_in(lobby)
    await add(browser)
    await lobby.put(Rule("r1", 1, "staff at the VPN", Outcome.REQUIRE, clients=("office-vpn",)))
    await browser.get("/admin/clients/office-vpn/removal")
    answer = await browser.post("/admin/clients/office-vpn/removal")
    assert answer.status_code == 422
    assert "The policy names office-vpn in staff at the VPN." in browser.text
    await the_client(lobby, "office-vpn")


async def test_the_secret_is_changed_without_a_gap(lobby: Lobby) -> None:
    browser = await signed_in(lobby)
    await add(browser)
    old = shown_once(browser)
    await browser.get("/admin/clients/office-vpn/secret")
    await browser.post("/admin/clients/office-vpn/secret")
    new = shown_once(browser)
    client = await the_client(lobby, "office-vpn")
    assert [one.reveal().decode() for one in client.secrets] == [new, old]
    await browser.get("/admin/clients")
    assert "secret is being changed" in browser.text
    await browser.get("/admin/clients/office-vpn/secret")
    assert new not in browser.text
    assert "Drop the older secret" in browser.text
    await browser.post("/admin/clients/office-vpn/secret")
    client = await the_client(lobby, "office-vpn")
    assert [one.reveal().decode() for one in client.secrets] == [new]


async def test_a_secret_of_ones_own_is_not_shown_even_once_and_a_weak_one_warned_of(lobby: Lobby) -> None:
    browser = await signed_in(lobby)
    await add(browser, secret="weak-canary")
    assert "Office VPN is added" in browser.text
    assert "weak-canary" not in browser.text
    assert "can be found by trying" in browser.text


async def test_the_built_in_client_can_not_be_changed_here(lobby: Lobby) -> None:
    browser = await signed_in(lobby)
    await browser.get("/admin/clients/portal")
    assert "It is built in" in browser.text
    assert "/admin/clients/portal/change" not in browser.text
    await browser.get("/admin/clients/portal/removal")
    answer = await browser.post("/admin/clients/portal/removal")
    assert answer.status_code == 422
    assert "built in" in browser.text


async def test_clients_are_found_by_name_and_network_page_by_page(lobby: Lobby) -> None:
    browser = await signed_in(lobby)
    await lobby.put(*(Client(f"c{n:03}", f"Switch {n}", (f"10.0.{n}.0/24",), ()) for n in range(60)))
    await browser.get("/admin/clients")
    assert "c049" in browser.text
    assert "c050" not in browser.text
    await browser.get("/admin/clients?after=c049")
    assert "c050" in browser.text
    await browser.get("/admin/clients?text=10.0.7.")
    assert "c007" in browser.text
    assert "c017" not in browser.text
    await browser.get("/admin/clients?text=nothing+like+it")
    assert "No client has this text" in browser.text


# -- API keys --------------------------------------------------------------------------------------------------------


@pytest.mark.requirement(47)
async def test_an_api_key_is_made_shown_once_and_removed(lobby: Lobby) -> None:
    browser = await signed_in(lobby)
    await browser.get("/admin/new-api-key")
    await send(
        browser, "/admin/new-api-key", {"name": "importer", "right.users:read": "yes", "right.users:write": "yes"}
    )
    key = shown_once(browser)
    assert key.startswith("vestibule_")
    id = key.split("_")[1]
    await browser.get("/admin/api-keys")
    assert "users:read, users:write" in browser.text
    assert key.split("_", 2)[2] not in browser.text
    await browser.get(f"/admin/api-keys/{id}/removal")
    await browser.post(f"/admin/api-keys/{id}/removal")
    assert browser.where == "/admin/api-keys?done=removed"
    await browser.follow()
    assert "No program has a key." in browser.text
    assert (await browser.get(f"/admin/api-keys/{id}/removal")).status_code == 404


async def test_a_key_without_rights_and_client_is_refused_and_ticks_stay(lobby: Lobby) -> None:
    browser = await signed_in(lobby)
    await add(browser, kind="http")
    assert "Programs ask as this client" in browser.text
    await browser.get("/admin/new-api-key?client=office-vpn")
    assert '<option value="office-vpn" selected>' in browser.text
    answer = await send(
        browser, "/admin/new-api-key", {"name": "both", "client": "office-vpn", "right.status:read": "yes"}
    )
    assert answer.status_code == 422
    assert "choose one of the two" in browser.text
    assert 'name="right.status:read" value="yes" checked' in browser.text
    assert '<option value="office-vpn" selected>' in browser.text
    await browser.post("/admin/new-api-key", name="web", client="office-vpn")
    assert shown_once(browser)
    await browser.get("/admin/clients/office-vpn")
    assert "never used" in browser.text


# -- groups ----------------------------------------------------------------------------------------------------------


async def test_a_group_with_reply_attributes_is_added_changed_and_removed(lobby: Lobby) -> None:
    browser = await signed_in(lobby)
    await browser.get("/admin/new-group")
    bad = await browser.post("/admin/new-group", name="Staff & guests/1", attributes="Filter-Id=staff\nNo-Such=1")
    assert bad.status_code == 422
    assert "No-Such" in browser.text
    assert "Staff & guests/1" in browser.text
    await browser.post("/admin/new-group", name="Staff & guests/1", attributes="Filter-Id = staff\nSession-Timeout=60")
    assert browser.where == "/admin/groups?done=added"
    await browser.follow()
    assert "Filter-Id = staff" in browser.text
    change = "/admin/group/change?name=Staff+%26+guests%2F1"
    assert change.replace("&", "&amp;") in browser.page.text if browser.page else False
    await browser.get(change)
    await browser.post("/admin/group/change", description="all", attributes="Class=x")
    await browser.follow()
    assert "Class = x" in browser.text
    await browser.get("/admin/group/removal?name=Staff+%26+guests%2F1")
    await browser.post("/admin/group/removal")
    await browser.follow()
    assert "There are no groups yet." in browser.text


# -- who may ---------------------------------------------------------------------------------------------------------


async def test_an_auditor_sees_and_is_offered_nothing_to_change(lobby: Lobby) -> None:
    setter = await signed_in(lobby)
    await add(setter)
    browser = await signed_in(lobby, Role.AUDITOR, "audrey")
    for path in ("/admin/clients", "/admin/clients/office-vpn", "/admin/api-keys", "/admin/groups"):
        assert (await browser.get(path)).status_code == 200
        assert "/removal" not in browser.text
        assert "/admin/new-" not in browser.text
        assert "/change" not in browser.text
    assert (await browser.get("/admin/clients/office-vpn/test")).status_code == 403
