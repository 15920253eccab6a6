"""My security info: what people see of their factors, and how they add, prove, name and remove them."""

import base64
import re

import pytest

from tests.flows.desks import ACTOR
from tests.portals.lobby import PASSWORD, Browser, Lobby, Person
from vestibule.core.credentials import CredentialState
from vestibule.core.oath import hotp, time_step
from vestibule.core.users import Mfa, User
from vestibule.flows import binding, users
from vestibule.portals.signing_in import HOME

KEY = re.compile(r'id="key">([A-Z2-7 ]+)</pre>')


async def signed_in(lobby: Lobby, **more: object) -> tuple[Person, Browser]:
    alice, browser = await lobby.person(**more), lobby.browser()  # type: ignore[arg-type]  # by name
    await browser.sign_in(alice)
    return alice, browser


async def later(lobby: Lobby, seconds: float = 60.0) -> None:
    lobby.office.clock.at += seconds


def key_on(browser: Browser) -> bytes:
    found = KEY.search(browser.text)
    assert found
    return base64.b32decode(found[1].replace(" ", ""))


def shown_by(key: bytes, lobby: Lobby) -> str:
    return hotp(key, time_step(lobby.office.clock.at, 30))


async def add_app(lobby: Lobby, browser: Browser, label: str = "My phone") -> bytes:
    await browser.get("/security/app")
    await browser.post("/security/app", label=label)
    key = key_on(browser)
    await browser.post("/security/app/code", code=shown_by(key, lobby))
    return key


# -- an authenticator app --------------------------------------------------------------------------------------------


@pytest.mark.requirement(27)
async def test_a_first_app_is_proven_before_it_counts_and_lifts_the_session(lobby: Lobby) -> None:
    alice, browser = await lobby.person(method="", mfa=Mfa.ENABLED), lobby.browser()
    await browser.password(alice)
    before = await browser.token()
    key = await add_app(lobby, browser)
    assert browser.where == "/security/register"
    assert await browser.token() != before
    await browser.get("/security")
    assert "My phone" in browser.text
    [one] = await lobby.factors(alice)
    assert (one.state, one.expires_at, one.label) == (CredentialState.ACTIVE, 0.0, "My phone")
    user = await lobby.office.store.read(lambda reading: reading.get(User, alice.id))
    assert user
    assert user.mfa is Mfa.ENFORCED
    assert len(key) == 20
    await later(lobby)
    other = lobby.browser()
    await other.password(alice)
    await other.post("/signin/code", code=shown_by(key, lobby))
    assert other.where == HOME


@pytest.mark.requirement(47)
async def test_the_key_is_shown_once(lobby: Lobby) -> None:
    _, browser = await signed_in(lobby)
    await browser.get("/security/app")
    await browser.post("/security/app", label="")
    key = base64.b32encode(key_on(browser)).decode()
    assert '<svg viewBox="' in browser.text
    await browser.post("/security/app/code", code="000000")
    assert "The code is not right" in browser.text
    assert key not in browser.text.replace(" ", "")
    for path in ("/security", "/security/app/code", "/security/app"):
        await browser.get(path)
        assert key not in browser.text.replace(" ", "")
    assert key not in repr(await lobby.office.journal())


@pytest.mark.requirement(27)
async def test_an_app_that_was_begun_and_not_proven_ends_by_itself(lobby: Lobby) -> None:
    alice, browser = await signed_in(lobby)
    await browser.get("/security/app")
    await browser.post("/security/app", label="")
    key = key_on(browser)
    await later(lobby, 599.0)
    assert await binding.sweep(lobby.office.desk) == 0
    await later(lobby, 1.0)
    other = lobby.browser()
    await other.password(alice)
    await other.post("/signin/code", code=shown_by(key, lobby))
    assert other.where == ""  # a half-made factor is none
    assert await binding.sweep(lobby.office.desk) == 1
    assert len(await lobby.factors(alice)) == 1
    await browser.post("/security/app/code", code=shown_by(key, lobby))
    assert browser.where.startswith("/signin")  # the proof is not fresh any more


async def test_beginning_anew_gives_up_what_was_begun(lobby: Lobby) -> None:
    alice, browser = await signed_in(lobby)
    await browser.get("/security/app")
    await browser.post("/security/app", label="one")
    first = dict(browser.hidden)
    await browser.get("/security/app")
    await browser.post("/security/app", label="two")
    assert len(await lobby.factors(alice)) == 2
    await browser.post("/security/app/code", id=first["id"], code="123456")
    assert browser.where == "/security/app?again=1"


async def test_one_person_can_have_five_apps(lobby: Lobby) -> None:
    alice, browser = await signed_in(lobby)
    for number in range(4):
        await add_app(lobby, browser, f"phone {number}")
    await browser.get("/security/app")
    answer = await browser.post("/security/app", label="one too many")
    assert answer.status_code == 422
    assert "as many authenticator apps" in browser.text
    assert 'value="one too many"' in browser.text
    assert len(await lobby.factors(alice)) == 5 + len(
        [one for one in await lobby.factors(alice) if one.method == "recovery"]
    )


async def test_nobody_proves_the_app_of_another(lobby: Lobby) -> None:
    _, browser = await signed_in(lobby)
    await browser.get("/security/app")
    await browser.post("/security/app", label="")
    key, hidden = key_on(browser), browser.hidden
    bob, other = await lobby.person("bob"), lobby.browser()
    await other.sign_in(bob)
    await other.get("/security/app")
    await other.post("/security/app/code", id=hidden["id"], code=shown_by(key, lobby))
    assert other.where == "/security/app?again=1"


@pytest.mark.requirement(20)
async def test_wrong_codes_for_a_new_factor_are_counted_as_at_every_door(lobby: Lobby) -> None:
    alice, browser = await signed_in(lobby)
    await browser.get("/security/app")
    await browser.post("/security/app", label="")
    key = key_on(browser)
    for _ in range(5):
        await browser.post("/security/app/code", code="000000" if shown_by(key, lobby) != "000000" else "000001")
    await browser.post("/security/app/code", code=shown_by(key, lobby))
    assert "too many wrong codes" in browser.text
    assert (await lobby.office.actions()).count("factor.wrong_code") == 5
    other = lobby.browser()
    assert (await other.password(alice)).status_code == 403
    assert len([one for one in await lobby.factors(alice) if one.usable(lobby.office.clock.at)]) == 1


# -- a hardware token ------------------------------------------------------------------------------------------------

SAME_WORDS = "No token of this serial number can be activated with this code."


async def activate(lobby: Lobby, browser: Browser, serial: str, code: str) -> str:
    await browser.get("/security/token")
    await browser.post("/security/token", serial=serial, code=code)
    return browser.where or browser.text


async def test_a_token_that_was_assigned_is_activated_by_its_code(lobby: Lobby) -> None:
    alice, browser = await signed_in(lobby)
    key = b"k" * 20
    await lobby.factor(alice, "hotp", serial="H-1", state=CredentialState.PENDING, key=key)
    assert SAME_WORDS in await activate(lobby, browser, "H-1", "000000")
    assert 'value="H-1"' in browser.text
    assert await activate(lobby, browser, " H-1 ", hotp(key, 0)) == "/security?done=added"
    assert SAME_WORDS in await activate(lobby, browser, "H-1", hotp(key, 1))  # it is active already
    await later(lobby)
    other = lobby.browser()
    await other.password(alice)
    await other.post("/signin/code", code=hotp(key, 1))
    assert other.where == HOME


async def test_tokens_of_others_and_free_ones_are_refused_in_the_same_words(lobby: Lobby) -> None:
    _, browser = await signed_in(lobby)
    bob, key = await lobby.person("bob"), b"k" * 20
    await lobby.factor(bob, "totp", serial="BOBS", state=CredentialState.PENDING, key=key)
    await lobby.factor(None, "totp", serial="FREE", key=b"f" * 20)
    for serial, secret in (("BOBS", key), ("FREE", b"f" * 20), ("NONE", key)):
        assert SAME_WORDS in await activate(lobby, browser, serial, shown_by(secret, lobby)), serial


async def test_free_tokens_can_be_claimed_where_the_settings_allow_it(lobby: Lobby) -> None:
    await lobby.office.store.change(lambda writing: writing.set("claim_free_tokens", "1"))
    alice, browser = await signed_in(lobby)
    one = await lobby.factor(None, "totp", serial="FREE", key=b"f" * 20)
    assert SAME_WORDS in await activate(lobby, browser, "FREE", "000000")
    assert one.id not in {held.id for held in await lobby.factors(alice)}
    assert (await activate(lobby, browser, "FREE", shown_by(b"f" * 20, lobby))).startswith("/security")
    assert one.id in {held.id for held in await lobby.factors(alice)}


# -- recovery codes --------------------------------------------------------------------------------------------------


@pytest.mark.requirement(7)
async def test_recovery_codes_are_shown_once_can_be_saved_and_end_the_old_ones(lobby: Lobby) -> None:
    alice, browser = await signed_in(lobby)
    await browser.get("/security/recovery")
    await browser.post("/security/recovery")
    codes = re.findall(r"<code>([A-Z2-7-]+)</code>", browser.text)
    assert len(codes) == 10
    assert "data:text/plain;charset=utf-8,Vestibule%3A%20alice%0D%0A" in browser.text
    assert all(code in browser.text.split("data:text/plain")[1] for code in codes)
    await browser.get("/security/recovery")
    assert codes[0] not in browser.text
    assert "all old ones end" in browser.text
    await browser.post("/security/recovery")
    other = lobby.browser()
    await other.password(alice)
    assert (await other.post("/signin/code", recovery=codes[0])).status_code == 403


# -- names and removal -----------------------------------------------------------------------------------------------


async def test_a_factor_is_renamed(lobby: Lobby) -> None:
    alice, browser = await signed_in(lobby)
    [one] = await lobby.factors(alice)
    path = f"/security/factors/{one.id}/name"
    await browser.get(path)
    assert (await browser.post(path, label="x" * 61)).status_code == 422
    await browser.post(path, label="Büro <b>&")
    await browser.follow()
    assert "Büro &lt;b&gt;&amp;" in (browser.page.text if browser.page else "")


@pytest.mark.requirement(30)
async def test_the_last_factor_goes_only_by_saying_what_that_means(lobby: Lobby) -> None:
    alice, browser = await signed_in(lobby)
    [one] = await lobby.factors(alice)
    path = f"/security/factors/{one.id}/removal"
    await browser.get(path)
    assert "This is your last factor" in browser.text
    assert (await browser.post(path)).status_code == 422
    assert len(await lobby.factors(alice)) == 1
    await browser.post(path, last="yes")
    assert await lobby.factors(alice) == []
    await browser.follow()
    assert browser.where == "/security/register"


@pytest.mark.requirement(30)
async def test_a_person_with_one_factor_is_asked_for_a_second(lobby: Lobby) -> None:
    _, browser = await signed_in(lobby)
    await browser.get("/security")
    assert "You have one factor only" in browser.text
    await browser.get("/security/recovery")
    await browser.post("/security/recovery")
    await browser.get("/security")
    assert "You have one factor only" not in browser.text


async def test_a_factor_that_is_removed_signs_nobody_in_and_other_browsers_out(lobby: Lobby) -> None:
    alice, browser = await signed_in(lobby)
    second = await lobby.factor(alice, "totp", serial="S-2", key=b"s" * 20)
    other = lobby.browser()
    await other.password(alice)
    await other.post("/signin/code", code=shown_by(b"s" * 20, lobby))
    assert len(await lobby.sessions()) == 2
    path = f"/security/factors/{second.id}/removal"
    await browser.get(path)
    assert "last factor" not in browser.text
    await browser.post(path)
    assert browser.where == "/security?done=removed"
    assert len(await lobby.sessions()) == 1
    returned = await lobby.office.store.read(lambda reading: reading.get(type(second), second.id))
    assert returned
    assert returned.user_id == ""


async def test_the_factors_of_others_are_not_there(lobby: Lobby) -> None:
    _, browser = await signed_in(lobby)
    bob = await lobby.person("bob")
    [his] = await lobby.factors(bob)
    for page in ("name", "removal"):
        assert (await browser.get(f"/security/factors/{his.id}/{page}")).status_code == 404
        await browser.get("/security/app")
        assert (await browser.post(f"/security/factors/{his.id}/{page}", label="mine", last="yes")).status_code == 404
    assert [one.label for one in await lobby.factors(bob)] == [""]


# -- the password ----------------------------------------------------------------------------------------------------


@pytest.mark.requirement(15)
async def test_a_new_password_follows_the_policy_and_ends_all_sessions(lobby: Lobby) -> None:
    alice, browser = await signed_in(lobby)
    await later(lobby)
    other = lobby.browser()
    await other.sign_in(alice)
    before = await browser.token()
    for new, again, said in (
        ("short", "short", "at least 8 characters"),
        ("password1234", "password1234", "among the first"),
        ("alice.2031", "alice.2031", "made of your name"),
        ("a fine new one", "another", "not the same"),
    ):
        await browser.get("/security/password")
        answer = await browser.post("/security/password", new=new, again=again)
        assert answer.status_code == 422
        assert said in browser.text
        assert new not in answer.text.replace("alice</span>", "")
    await browser.post("/security/password", new="a fine new one", again="a fine new one")
    assert browser.where == "/security?done=password"
    assert await browser.token() != before
    assert len(await lobby.sessions()) == 1
    await later(lobby)
    assert (await other.password(alice, PASSWORD)).status_code == 403
    assert (await other.password(alice, "a fine new one")).status_code == 200


# -- fresh proof -----------------------------------------------------------------------------------------------------

GUARDED = ("/security/app", "/security/token", "/security/recovery", "/security/password")


@pytest.mark.requirement(33)
async def test_changes_want_a_proof_of_the_last_ten_minutes(lobby: Lobby) -> None:
    alice, browser = await signed_in(lobby)
    [one] = await lobby.factors(alice)
    await browser.get("/security")
    paths = (*GUARDED, f"/security/factors/{one.id}/name", f"/security/factors/{one.id}/removal")
    await later(lobby, 600.0)
    for path in paths:
        await browser.get(path)
        assert "why=confirm" in browser.where, path
        await browser.get("/security")
        await browser.post(path, label="new", last="yes", new="a fine new one", again="a fine new one")
        assert "why=confirm" in browser.where, path
    assert [held.label for held in await lobby.factors(alice)] == [""]
    await browser.get("/security")
    assert (await browser.get("/security/activity")).status_code == 200


@pytest.mark.requirement(33)
async def test_the_proof_is_that_of_the_person_and_leads_back_with_what_was_typed(lobby: Lobby) -> None:
    alice, browser = await signed_in(lobby)
    await browser.get("/security/app")
    await later(lobby, 600.0)
    await browser.post("/security/app", label="My phone")
    await browser.follow()
    assert "Is it you?" in browser.text
    assert "readonly" in browser.text
    bob = await lobby.person("bob")
    await browser.post("/signin", name="bob", password="wrong")
    assert (await browser.post("/signin", name=bob.name, password=alice.password)).status_code == 200
    await browser.post("/signin/code", code=alice.code())
    assert browser.where == "/security/app?label=My+phone"
    await browser.follow()
    assert 'value="My phone"' in browser.text
    assert [one.user_id for one in await lobby.sessions()] == [alice.id]


# -- acts ------------------------------------------------------------------------------------------------------------


async def test_every_act_is_journalled_under_the_person_with_their_address(lobby: Lobby) -> None:
    alice, browser = await signed_in(lobby)
    await add_app(lobby, browser)
    [one, *_] = await lobby.factors(alice)
    await browser.get(f"/security/factors/{one.id}/name")
    await browser.post(f"/security/factors/{one.id}/name", label="x")
    await browser.get(f"/security/factors/{one.id}/removal")
    await browser.post(f"/security/factors/{one.id}/removal")
    await browser.get("/security/recovery")
    await browser.post("/security/recovery")
    acts = [entry for entry in await lobby.office.journal() if entry.action.startswith(("factor.", "recovery."))]
    assert [entry.action for entry in acts] == [
        "factor.begin", "factor.add", "factor.rename", "factor.remove", "recovery.issue",
    ]  # fmt: skip
    assert {(entry.actor, entry.user_id, entry.client_address) for entry in acts} == {
        (f"user {alice.id}", alice.id, "192.0.2.50")
    }


async def test_a_person_who_is_blocked_meanwhile_is_out_at_once(lobby: Lobby) -> None:
    alice, browser = await signed_in(lobby)
    await users.block(lobby.office.desk, ACTOR, name=alice.name, reason="test")
    await browser.get("/security")
    assert browser.where == "/signin?next=%2Fsecurity&why=expired"
