"""Signing in at the portal: who gets in, what is said to who does not, and what the browser is left with."""

import statistics
import time
from dataclasses import replace

import pytest

from tests.flows.desks import ACTOR, memory_office
from tests.portals.lobby import OWN, Lobby, Person, lobby_of
from vestibule.core.clients import Client, SignIn
from vestibule.core.credentials import CredentialState
from vestibule.core.reasons import Reason
from vestibule.core.secret import Secret
from vestibule.core.users import Alias, Mfa
from vestibule.flows import clients, sessions, users
from vestibule.flows.refused import Refused
from vestibule.portals.signing_in import HOME, path_inside
from vestibule.portals.words import WHY

REFUSED = "This did not work. Look at everything you typed, and try again."


async def reason(lobby: Lobby) -> Reason | None:
    return [entry for entry in await lobby.office.journal() if entry.action == "sign_in"][-1].reason


# -- getting in ------------------------------------------------------------------------------------------------------


async def test_password_and_code_open_the_first_page(lobby: Lobby) -> None:
    alice, browser = await lobby.person(), lobby.browser()
    await browser.get("/")
    assert browser.where == "/signin"
    assert (await browser.password(alice)).status_code == 200
    assert "Your code" in browser.text
    assert (await browser.post("/signin/code", code=alice.code())).status_code == 303
    assert browser.where == HOME
    assert (await browser.follow()).status_code == 200
    assert "My security info" in browser.text
    [session] = await lobby.sessions()
    assert (session.user_id, session.method, session.address) == (alice.id, "totp", "192.0.2.50")
    assert "session.begin" in await lobby.office.actions()


async def test_a_code_with_blanks_and_another_name_of_the_person_are_taken(lobby: Lobby) -> None:
    alice, browser = await lobby.person(), lobby.browser()
    await lobby.put(Alias("alice.liddell", alice.id))
    await browser.get("/signin")
    await browser.post("/signin", name="Alice.Liddell", password=alice.password)
    code = alice.code()
    await browser.post("/signin/code", code=f"{code[:3]} {code[3:]}")
    assert browser.where == HOME


async def test_a_recovery_code_has_a_field_of_its_own_and_works_once(lobby: Lobby) -> None:
    alice, browser = await lobby.person(), lobby.browser()
    await browser.sign_in(alice)
    await browser.get("/security/recovery")
    await browser.post("/security/recovery")
    code = browser.text.split("<code>")[1].split("</code>")[0]
    for expected in (HOME, ""):
        other = lobby.browser()
        await other.password(alice)
        await other.post("/signin/code", code="", recovery=f" {code.lower()} ")
        assert other.where == expected
    assert {one.method for one in await lobby.sessions()} == {"totp", "recovery"}


async def test_who_is_signed_in_already_is_led_on(lobby: Lobby) -> None:
    alice, browser = await lobby.person(), lobby.browser()
    await browser.sign_in(alice)
    await browser.get("/signin?next=/security/activity")
    assert browser.where == "/security/activity"


# -- not getting in --------------------------------------------------------------------------------------------------


async def refusals(lobby: Lobby) -> dict[str, tuple[int, str]]:
    """The answers to passwords of somebody unknown, blocked, and with another password."""
    alice, bob = await lobby.person(), await lobby.person("bob")
    await users.block(lobby.office.desk, ACTOR, name="bob", reason="test")
    found = {}
    for person, password in ((alice, "wrong"), (bob, bob.password), (Person("nobody", lobby), "wrong"), (alice, "")):
        browser = lobby.browser()
        answer = await browser.password(person, password or " ")
        found[f"{person.name} {password}"] = (
            answer.status_code,
            browser.text.replace(person.name, "NAME")
            .replace(browser.hidden["csrf"], "")
            .replace(browser.hidden["once"], ""),
        )
    return found


@pytest.mark.requirement(23)
async def test_unknown_blocked_and_wrong_look_alike(lobby: Lobby) -> None:
    found = await refusals(lobby)
    assert len(set(found.values())) == 1, found.keys()
    assert found.popitem()[1][0] == 403


@pytest.mark.requirement(23)
async def test_a_refusal_leaves_at_a_fixed_time_whatever_was_wrong() -> None:
    office = memory_office()
    async with lobby_of(office, reject_delay=0.15) as lobby:
        alice, bob = await lobby.person(), await lobby.person("bob")
        await users.block(lobby.office.desk, ACTOR, name="bob", reason="test")
        took: dict[str, list[float]] = {}
        for person in (alice, bob, Person("nobody", lobby)) * 3:
            browser = lobby.browser()
            await browser.get("/signin")
            begun = time.monotonic()
            await browser.post("/signin", name=person.name, password="wrong")
            took.setdefault(person.name, []).append(time.monotonic() - begun)
        medians = [statistics.median(times) for times in took.values()]
        assert min(min(times) for times in took.values()) >= 0.15
        assert max(medians) - min(medians) < 0.06
    await office.store.close()


async def test_a_wrong_code_looks_like_a_wrong_password_and_keeps_the_name(lobby: Lobby) -> None:
    alice, browser = await lobby.person(), lobby.browser()
    await browser.password(alice)
    answer = await browser.post("/signin/code", code=alice.wrong())
    assert answer.status_code == 403
    assert REFUSED in browser.text
    assert 'value="alice"' in browser.text
    assert alice.password not in browser.text
    assert await reason(lobby) is Reason.WRONG_CODE
    assert await lobby.sessions() == []
    await browser.post("/signin", name="alice", password=alice.password)
    await browser.post("/signin/code", code=alice.code())
    assert browser.where == HOME


async def test_where_more_codes_may_be_typed_the_next_one_is_asked_for(lobby: Lobby) -> None:
    await lobby.office.store.change(lambda writing: writing.set("challenge_tries", "2"))
    alice, browser = await lobby.person(), lobby.browser()
    await browser.password(alice)
    await browser.post("/signin/code", code=alice.wrong())
    assert REFUSED in browser.text
    await browser.post("/signin/code", code=alice.code())
    assert browser.where == HOME


async def test_a_place_with_too_many_refusals_waits(lobby: Lobby) -> None:
    alice, browser = await lobby.person(), lobby.browser()
    lobby.rates.left = 1
    assert (await browser.password(alice, "wrong")).status_code == 403
    answer = await browser.password(alice)
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "8")


async def test_the_engine_throttles_here_as_at_every_door(lobby: Lobby) -> None:
    alice, browser = await lobby.person(), lobby.browser()
    for _ in range(5):
        await browser.password(alice, "wrong")
    await browser.password(alice)
    assert REFUSED in browser.text
    assert await reason(lobby) is Reason.THROTTLED


def test_every_reason_has_a_word_for_the_person_themselves() -> None:
    assert set(WHY) == set(Reason)


# -- again, too late, and back ---------------------------------------------------------------------------------------


@pytest.mark.requirement(54)
async def test_a_question_is_answered_once_and_an_old_one_is_explained(lobby: Lobby) -> None:
    alice, browser = await lobby.person(), lobby.browser()
    await browser.password(alice)
    lobby.office.clock.at += 121
    await browser.post("/signin/code", code=alice.code())
    assert browser.where == "/signin?why=old&next=%2Fsecurity"
    await browser.follow()
    assert "open for too long" in browser.text


async def test_a_form_that_is_sent_twice_is_decided_once(lobby: Lobby) -> None:
    alice, browser = await lobby.person(), lobby.browser()
    await browser.password(alice)
    fields, cookie = {**browser.hidden, "code": alice.code()}, await browser.token()
    first = await browser.http.post("/signin/code", data=fields, headers=OWN)
    again = await browser.http.post(
        "/signin/code", data=fields, headers={**OWN, "Cookie": f"__Host-vestibule={cookie}"}
    )
    assert first.headers["location"] == again.headers["location"] == HOME
    accepted = [entry for entry in await lobby.office.journal() if entry.action == "sign_in" and entry.accepted]
    assert len(accepted) == 1


@pytest.mark.requirement(32)
async def test_going_back_after_signing_out_lets_nobody_in_again(lobby: Lobby) -> None:
    alice, browser = await lobby.person(), lobby.browser()
    await browser.password(alice)
    fields = {**browser.hidden, "code": alice.code()}
    await browser.http.post("/signin/code", data=fields, headers=OWN)
    await browser.get("/security")
    ended = [one.id for one in await lobby.sessions()]
    await browser.post("/signout")
    assert browser.where == "/signin?why=out"
    assert sessions.id_of(lobby.office.desk, await browser.token()) not in ended
    again = await browser.http.post("/signin/code", data=fields, headers=OWN)
    assert again.status_code == 403
    assert await lobby.sessions() == []


async def test_a_code_page_is_nothing_without_its_question(lobby: Lobby) -> None:
    browser = lobby.browser()
    await browser.get("/signin/code")
    assert browser.where == "/signin"
    await browser.follow()
    await browser.post("/signin/code", name="alice", attempt="x", nonce="y", code="123456")
    assert "why=old" in browser.where


@pytest.mark.requirement(54)
async def test_the_code_of_one_person_does_not_end_the_question_of_another(lobby: Lobby) -> None:
    alice, bob = await lobby.person(), await lobby.person("bob")
    browser = lobby.browser()
    await browser.password(alice)
    await browser.post("/signin/code", name="bob", code=bob.code())
    assert "why=old" in browser.where
    assert await lobby.sessions() == []


# -- no second factor ------------------------------------------------------------------------------------------------

CLOSED = ("/security", "/security/recovery", "/security/password", "/security/activity")


@pytest.mark.requirement(27)
async def test_without_a_second_factor_nothing_opens_but_the_way_to_one(lobby: Lobby) -> None:
    alice, browser = await lobby.person(method="", mfa=Mfa.ENABLED), lobby.browser()
    await browser.password(alice)
    assert browser.where == "/security/register?next=%2Fsecurity"
    for path in CLOSED:
        await browser.get(path)
        assert browser.where == "/security/register", path
    assert (await browser.get("/security/register")).status_code == 200
    assert "One more step" in browser.text
    assert (await browser.get("/security/app")).status_code == 200
    assert (await browser.get("/security/token")).status_code == 200


@pytest.mark.requirement(54)
async def test_a_session_of_the_password_alone_is_worth_nothing_once_there_is_a_factor(lobby: Lobby) -> None:
    """Whoever knows the password may come first, and must not be waiting inside when the person registers."""
    alice, thief, browser = await lobby.person(method="", mfa=Mfa.ENABLED), lobby.browser(), lobby.browser()
    await thief.password(alice)
    await browser.password(alice)
    await lobby.factor(alice)
    for path in ("/security", "/security/app", "/security/activity"):
        await thief.get(path)
        assert thief.where.startswith("/signin?"), path


@pytest.mark.requirement(50)
@pytest.mark.parametrize("how", ["disabled", "expired"])
async def test_a_factor_that_counts_no_more_does_not_let_the_password_bind_another(lobby: Lobby, how: str) -> None:
    alice, browser = await lobby.person(method="", mfa=Mfa.ENFORCED), lobby.browser()
    one = await lobby.factor(alice)
    over = replace(one, state=CredentialState.DISABLED) if how == "disabled" else replace(one, expires_at=1.0)
    await lobby.put(over)
    assert (await browser.password(alice)).status_code == 403
    assert "None of your factors counts now" in browser.text
    assert await lobby.sessions() == []


async def test_a_token_that_was_assigned_and_not_activated_is_activated_at_the_first_visit(lobby: Lobby) -> None:
    alice, browser = await lobby.person(method="", mfa=Mfa.ENABLED), lobby.browser()
    await lobby.factor(alice, "totp", serial="H-1", state=CredentialState.PENDING)
    await browser.password(alice)
    await browser.get("/security/token")
    await browser.post("/security/token", serial="H-1", code=alice.code())
    assert browser.where == "/security/register"


async def test_where_the_policy_asks_for_no_code_security_info_still_does(lobby: Lobby) -> None:
    alice, browser = await lobby.person(mfa=Mfa.OFF), lobby.browser()
    await browser.password(alice)
    await browser.follow()
    assert browser.where == "/signin?next=%2Fsecurity&why=confirm"


# -- the client ------------------------------------------------------------------------------------------------------


async def test_the_client_of_the_portal_is_made_once_and_stays(lobby: Lobby) -> None:
    office = lobby.office
    assert await sessions.ensure_portal_client(office.desk)
    assert (await office.actions()).count("client.add") == 1
    with pytest.raises(Refused, match="built in"):
        await clients.remove(office.desk, ACTOR, id="portal")
    with pytest.raises(Refused, match="built in"):
        await clients.change(office.desk, ACTOR, id="portal", sign_in="code_only")
    with pytest.raises(Refused, match="built in"):
        await clients.change(office.desk, ACTOR, id="portal", networks=["192.0.2.0/24"])


async def test_a_client_of_an_operator_with_that_name_keeps_the_portal_shut(lobby: Lobby) -> None:
    other = Client("portal", "Ours", ("192.0.2.0/24",), (Secret(b"x" * 32),), sign_in=SignIn.CODE_ONLY)
    await lobby.put(other)
    assert not await sessions.ensure_portal_client(lobby.office.desk)
    alice = await lobby.person()
    assert (await lobby.browser().password(alice)).status_code == 503
    await clients.remove(lobby.office.desk, ACTOR, id="portal")
    assert await sessions.ensure_portal_client(lobby.office.desk)


# -- where to go on --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "",
        "https://evil.example/security/app",
        "//evil.example/security/app",
        "/\\evil.example",
        "/signin",
        "/securityx",
        "javascript:alert(1)",
        "/security/../api",
        "/security//evil",
        "/security\r\nSet-Cookie: a=b",
    ],
)
def test_nobody_is_led_out_of_the_house(text: str) -> None:
    assert path_inside(text) == HOME


def test_what_was_typed_goes_on() -> None:
    assert path_inside("/security/app?label=My+phone") == "/security/app?label=My+phone"


async def test_signing_in_leads_to_where_it_began(lobby: Lobby) -> None:
    alice, browser = await lobby.person(), lobby.browser()
    await browser.get("/security/app?label=x")
    assert browser.where == "/signin?next=%2Fsecurity%2Fapp"
    await browser.follow()
    await browser.post("/signin", name="alice", password=alice.password)
    await browser.post("/signin/code", code=alice.code())
    assert browser.where == "/security/app"
