"""The pages of the policy: rules in order, changes that would shut people out, and who somebody would be."""

import pytest

from tests.portals.administration.setting_up import send, signed_in
from tests.portals.lobby import Browser, Lobby
from vestibule.core.clients import Client
from vestibule.core.policy import Outcome, Rule
from vestibule.core.users import Group, Role, User
from vestibule.flows.policy import in_order

STAFF = Rule("r1", 1, "staff at the VPN", Outcome.REQUIRE, ("vpn",), ("staff",), methods=("totp",))
OFFICE = Rule("r2", 2, "office", Outcome.ALLOW, ("vpn",), networks=("192.0.2.0/24",))
REST = Rule("r3", 3, "nobody else", Outcome.DENY, ("vpn",))


async def set_up(lobby: Lobby, *rules: Rule) -> Browser:
    await lobby.put(Client("vpn", "VPN", ("198.51.100.0/24",), ()), Group("staff"), Group("guests"), *rules)
    return await signed_in(lobby, Role.OWNER)


async def names(lobby: Lobby) -> list[str]:
    rules = await lobby.office.store.read(in_order)
    return [rule.name for rule in rules]


async def rule(lobby: Lobby, name: str) -> Rule:
    rules = await lobby.office.store.read(in_order)
    return next(one for one in rules if one.name == name)


# -- rules -----------------------------------------------------------------------------------------------------------


async def test_rules_stand_in_order_and_in_words(lobby: Lobby) -> None:
    browser = await set_up(lobby, STAFF, OFFICE, REST)
    await browser.get("/admin/policy")
    for words in (
        "at vpn · people of staff",
        "→ A second factor is asked: Authenticator app",
        "at vpn · from 192.0.2.0/24",
        "→ The first factor is enough",
        "→ Sign-in is refused",
        "Whoever is left: a second factor is asked",
    ):
        assert words in browser.text
    assert browser.text.index("staff at the VPN") < browser.text.index("nobody else")


async def test_a_rule_is_added_changed_moved_and_removed(lobby: Lobby) -> None:
    browser = await set_up(lobby, STAFF)
    await browser.get("/admin/new-rule")
    form = {"name": "guests & co", "outcome": "deny", "group.guests": "yes", "networks": "", "position": "1"}
    await send(browser, "/admin/new-rule", form)
    assert browser.where == "/admin/policy?done=added"
    assert await names(lobby) == ["guests & co", "staff at the VPN"]
    await browser.get("/admin/rule/change?name=guests+%26+co")
    assert 'name="group.guests" value="yes" checked' in browser.text
    changed = {"name": "guests", "outcome": "require", "method.hotp": "yes", "networks": "203.0.113.0/24"}
    await send(browser, "/admin/rule/change", changed)
    assert browser.where == "/admin/policy?done=changed"
    one = await rule(lobby, "guests")
    assert (one.groups, one.methods, one.networks, one.position) == ((), ("hotp",), ("203.0.113.0/24",), 1)
    await browser.get("/admin/policy")
    await browser.post("/admin/rule/move", name="guests", position="2")
    assert browser.where == "/admin/policy?done=moved"
    assert await names(lobby) == ["staff at the VPN", "guests"]
    await browser.get("/admin/rule/removal?name=guests")
    await browser.post("/admin/rule/removal")
    assert await names(lobby) == ["staff at the VPN"]
    actions = await lobby.office.actions()
    assert [one for one in actions if one.startswith("policy.")] == [
        "policy.add",
        "policy.set",
        "policy.move",
        "policy.remove",
    ]


@pytest.mark.parametrize(
    ("field", "text", "said"),
    [
        ("networks", "the office", "is no network"),
        ("position", "7", "The place must be from 1 to 2."),
        ("position", "first", "Write a number here."),
        ("name", "staff at the VPN", "There is a rule staff at the VPN already."),
        ("name", "", "Something is missing"),
        ("outcome", "perhaps", "Choose what the rule asks for."),
    ],
)
async def test_what_does_not_fit_is_said_and_all_stays_typed(lobby: Lobby, field: str, text: str, said: str) -> None:
    browser = await set_up(lobby, STAFF)
    await browser.get("/admin/new-rule")
    form = {"name": "new", "outcome": "require", "group.staff": "yes", "networks": "192.0.2.0/24", "position": ""}
    answer = await send(browser, "/admin/new-rule", {**form, field: text})
    assert answer.status_code == 422
    assert said in browser.text
    assert 'name="group.staff" value="yes" checked' in browser.text
    assert 'name="group.guests" value="yes">' in browser.text
    if field != "networks":
        assert "192.0.2.0/24</textarea>" in browser.text
    assert await names(lobby) == ["staff at the VPN"]


async def test_a_rule_that_went_meanwhile_is_told_so(lobby: Lobby) -> None:
    browser = await set_up(lobby)
    assert (await browser.get("/admin/rule/change?name=gone")).status_code == 404
    await browser.get("/admin/policy")
    await browser.get("/admin/new-rule")
    assert (await browser.post("/admin/rule/removal", rule="gone")).status_code == 404


async def test_long_lists_are_typed_instead_of_ticked(lobby: Lobby) -> None:
    browser = await set_up(lobby)
    await lobby.put(*(Group(f"team, {n:02}") for n in range(20)))
    await browser.get("/admin/new-rule")
    assert 'name="group.staff"' not in browser.text
    answer = await browser.post("/admin/new-rule", name="x", outcome="deny", groups="team, 03\nno such team")
    assert answer.status_code == 422
    assert "There is no group no such team." in browser.text
    assert "team, 03\nno such team</textarea>" in browser.text
    await browser.post("/admin/new-rule", name="x", outcome="deny", groups="team, 03\nstaff", networks="192.0.2.0/24")
    assert (await rule(lobby, "x")).groups == ("team, 03", "staff")


# -- what would shut people out --------------------------------------------------------------------------------------

SHUT = "Nobody could sign in at portal, vpn any more."
YOU = "You yourself could not sign in to these pages any more"
OWNERS = "No owner could sign in to these pages any more"


async def test_a_rule_that_refuses_everybody_is_asked_about_first(lobby: Lobby) -> None:
    browser = await set_up(lobby)
    await browser.get("/admin/new-rule")
    answer = await browser.post("/admin/new-rule", name="stop", outcome="deny")
    assert answer.status_code == 409
    for text in (SHUT, YOU, OWNERS):
        assert text in browser.text
    assert 'value="stop"' in browser.text
    assert await names(lobby) == []
    await browser.post("/admin/new-rule", name="stop", outcome="deny", sure="yes")
    assert await names(lobby) == ["stop"]


async def test_a_rule_that_asks_nobody_for_a_second_factor_is_asked_about_first(lobby: Lobby) -> None:
    browser = await set_up(lobby, OFFICE)
    await browser.get("/admin/rule/change?name=office")
    answer = await send(browser, "/admin/rule/change", {"name": "office", "outcome": "allow", "client.vpn": "yes"})
    assert answer.status_code == 409
    assert "Nobody would be asked for a second factor at vpn any more." in browser.text
    assert (await rule(lobby, "office")).networks == ("192.0.2.0/24",)


async def test_a_factor_that_no_owner_has_is_asked_about_first(lobby: Lobby) -> None:
    browser = await set_up(lobby)
    await browser.get("/admin/new-rule")
    form = {"name": "portal by button", "outcome": "require", "client.portal": "yes", "method.hotp": "yes"}
    answer = await send(browser, "/admin/new-rule", form)
    assert answer.status_code == 409
    assert OWNERS in browser.text
    assert YOU in browser.text
    assert "Nobody could" not in browser.text


async def test_moving_and_removing_that_shut_people_out_are_asked_about_first(lobby: Lobby) -> None:
    everybody = Rule("r4", 1, "everybody", Outcome.REQUIRE)
    stop = Rule("r5", 2, "stop", Outcome.DENY)
    browser = await set_up(lobby, everybody, stop)
    await browser.get("/admin/policy")
    answer = await browser.post("/admin/rule/move", name="stop", position="1")
    assert answer.status_code == 409
    assert SHUT in browser.text
    assert await names(lobby) == ["everybody", "stop"]
    await browser.get("/admin/rule/removal?name=everybody")
    assert SHUT in browser.text
    await browser.post("/admin/rule/removal")
    assert await names(lobby) == ["everybody", "stop"]
    await browser.post("/admin/rule/removal", sure="yes")
    assert await names(lobby) == ["stop"]


async def test_what_was_wrong_before_is_not_asked_about_again(lobby: Lobby) -> None:
    browser = await set_up(lobby, REST)
    await browser.get("/admin/new-rule")
    await send(browser, "/admin/new-rule", {"name": "more", "outcome": "deny", "client.vpn": "yes"})
    assert await names(lobby) == ["nobody else", "more"]


# -- who would this be -----------------------------------------------------------------------------------------------


async def test_the_policy_says_which_rule_speaks_about_somebody_and_why_the_others_do_not(lobby: Lobby) -> None:
    browser = await set_up(lobby, STAFF, OFFICE, REST)
    alice = await lobby.person("alice")
    await browser.get("/admin/policy?user=ALICE&client=vpn&address=203.0.113.9")
    assert "says the rule nobody else." in browser.text
    assert "alice is refused, whatever is typed." in browser.text
    assert "in none of its groups" in browser.text
    assert "from elsewhere" in browser.text
    assert browser.text.count("this rule speaks") == 1
    await browser.get("/admin/policy?user=alice&client=vpn&address=192.0.2.9")
    assert "alice signs in with the password alone." in browser.text
    await lobby.put(User(alice.id, "alice", "alice", groups=("staff",)))
    await browser.get("/admin/policy?user=alice&client=vpn")
    assert "says the rule staff at the VPN." in browser.text
    assert "alice can meet this." in browser.text
    await browser.get("/admin/policy?user=alice&client=portal")
    assert "since no rule fits." in browser.text
    assert "another client" in browser.text


async def test_somebody_who_is_unknown_or_has_no_fitting_factor_is_said(lobby: Lobby) -> None:
    browser = await set_up(lobby, STAFF)
    await lobby.person("bob", method="hotp", groups=("staff",))  # type: ignore[arg-type]  # by name
    await browser.get("/admin/policy?user=bob&client=vpn")
    assert "bob has no factor that counts here, and would be refused." in browser.text
    answer = await browser.get("/admin/policy?user=nobody&client=vpn&address=1.2.3.4")
    assert answer.status_code == 422
    assert "There is no user nobody." in browser.text
    assert 'value="1.2.3.4"' in browser.text
    await browser.get("/admin/policy?user=bob&client=vpn&address=home")
    assert "Write an IP address" in browser.text


async def test_an_auditor_may_ask_the_policy_and_change_nothing(lobby: Lobby) -> None:
    await set_up(lobby, STAFF)
    browser = await signed_in(lobby, Role.AUDITOR, "audrey")
    await browser.get("/admin/policy?user=audrey&client=vpn")
    assert "since no rule fits." in browser.text
    assert "/admin/rule/" not in browser.text
    assert (await browser.get("/admin/rule/change?name=staff+at+the+VPN")).status_code == 403
