"""Passkeys on pages, with a software authenticator: whose question it is, whose passkey, and what is said."""

import json
from dataclasses import replace

import httpx2
import pytest

from tests.flows.desks import memory_office
from tests.methods.authenticator import PRESENT, VERIFIED, Authenticator
from tests.portals.lobby import OWN, Browser, Lobby, Person, lobby_of
from vestibule.core.credentials import Credential, CredentialState
from vestibule.core.reasons import Reason
from vestibule.flows import access_pass, users
from vestibule.portals.application import application

REFUSED = "The passkey did not open this."


def device() -> Authenticator:
    return Authenticator(domain="localhost", origin="https://mfa.test")


async def add(browser: Browser, one: Authenticator, label: str = "Blue key") -> None:
    await browser.get("/security/passkey")
    await browser.post("/security/passkey", label=label)
    assert browser.page is not None
    options = browser.text.split('data-options="')[1].split('">')[0]
    await browser.post("/security/passkey/answer", answer=one.make(options).reveal().decode())


async def with_passkey(lobby: Lobby, name: str = "alice") -> tuple[Person, Authenticator]:
    person, browser, one = await lobby.person(name), lobby.browser(), device()
    await browser.sign_in(person)
    await add(browser, one)
    assert browser.where == "/security?done=added"
    return person, one


async def question(browser: Browser) -> tuple[str, str]:
    """The options and what is held, as the script of the sign-in page gets them; the page stays open."""
    told = (await browser.http.get("/signin/passkey/question")).json()
    return json.dumps(told["options"]), told["held"]


async def present(browser: Browser, one: Authenticator, **wrong: object) -> httpx2.Response:
    await browser.get("/signin")
    options, held = await question(browser)
    return await browser.post("/signin/passkey", held=held, answer=one.sign(options, **wrong).reveal().decode())


async def reasons(lobby: Lobby) -> list[Reason | None]:
    return [one.reason for one in await lobby.office.journal() if one.action == "sign_in" and not one.accepted]


async def test_a_passkey_opens_the_first_page_without_a_name(lobby: Lobby) -> None:
    _, one = await with_passkey(lobby)
    browser = lobby.browser()
    assert (await present(browser, one)).status_code == 303
    assert browser.where == "/security"
    assert "Blue key" in (await browser.follow()).text
    entry = [line for line in await lobby.office.journal() if line.action == "sign_in"][-1]
    assert (entry.method, entry.accepted, bool(entry.credential_id)) == ("passkey", True, True)


@pytest.mark.requirement(35)
async def test_the_question_of_another_browser_is_worth_nothing(lobby: Lobby) -> None:
    _, one = await with_passkey(lobby)
    mine, theirs = lobby.browser(), lobby.browser()
    await mine.get("/signin")
    await theirs.get("/signin")
    options, held = await question(theirs)
    await mine.post("/signin/passkey", held=held, answer=one.sign(options).reveal().decode())
    assert mine.where.startswith("/signin?why=old")
    await mine.get("/signin")
    await mine.post("/signin/passkey", held="f" * 64 + "{}", answer=one.sign(options).reveal().decode())
    assert mine.where.startswith("/signin?why=old")


@pytest.mark.requirement(35)
async def test_an_answer_is_taken_once_also_by_the_browser_that_gave_it(lobby: Lobby) -> None:
    _, one = await with_passkey(lobby)
    browser = lobby.browser()
    await browser.get("/signin")
    options, held = await question(browser)
    answer, before, token = one.sign(options).reveal().decode(), browser.hidden, await browser.token()
    await browser.post("/signin/passkey", held=held, answer=answer)
    assert browser.where == "/security"
    browser.http.cookies.clear()
    browser.http.cookies.set("__Host-vestibule", token, domain="mfa.test")
    answer += " "  # so that it is not the very same form, which is answered once more for a minute
    again = await browser.http.post("/signin/passkey", data={**before, "held": held, "answer": answer}, headers=OWN)
    assert again.status_code == 403
    assert await reasons(lobby) == [Reason.PASSKEY_REFUSED]


@pytest.mark.requirement(35)
async def test_an_old_question_is_not_answered_any_more(lobby: Lobby) -> None:
    _, one = await with_passkey(lobby)
    browser = lobby.browser()
    await browser.get("/signin")
    options, held = await question(browser)
    lobby.office.clock.at += 301
    await browser.post("/signin/passkey", held=held, answer=one.sign(options).reveal().decode())
    assert REFUSED in browser.text


@pytest.mark.requirement(23)
async def test_whatever_is_wrong_with_a_passkey_looks_alike(lobby: Lobby) -> None:
    _, one = await with_passkey(lobby)
    bob, other = await with_passkey(lobby, "bob")
    await users.block(lobby.office.desk, "uid 0 (root)", name=bob.name, reason="test")
    said = set()
    for key, wrong in (
        (one, {"flags": PRESENT}),
        (one, {"origin": "https://evil.example"}),
        (other, {}),
        (device_of_nobody(), {}),
        (one, {"flags": VERIFIED}),
    ):
        browser = lobby.browser()
        answer = await present(browser, key, **wrong)
        assert answer.status_code == 403
        hidden = browser.hidden
        text = browser.text.replace(hidden["csrf"], "").replace(hidden["once"], "")
        said.add(text)
    assert len(said) == 1
    assert set(await reasons(lobby)) == {Reason.PASSKEY_REFUSED, Reason.BLOCKED, Reason.UNKNOWN_USER}


def device_of_nobody() -> Authenticator:
    one = device()
    one.make(json.dumps({"user": {"id": "YQ"}, "challenge": "YQ"}))
    return one


async def test_somebody_elses_passkey_confirms_nothing(lobby: Lobby) -> None:
    alice, _ = await with_passkey(lobby)
    _, other = await with_passkey(lobby, "bob")
    browser = lobby.browser()
    await browser.password(alice)
    lobby.office.clock.at += 30
    await browser.post("/signin/way", way="code")
    await browser.post("/signin/code", code=alice.code())
    assert browser.where == "/security"
    lobby.office.clock.at += 700
    await browser.get("/security/app")
    await browser.follow()
    options, held = await question(browser)
    await browser.post("/signin/passkey", held=held, answer=other.sign(options).reveal().decode())
    assert REFUSED in browser.text
    await browser.get("/security/app")
    assert browser.where.startswith("/signin?")


async def test_a_passkey_answers_after_the_password(lobby: Lobby) -> None:
    alice, one = await with_passkey(lobby)
    browser = lobby.browser()
    await browser.password(alice)
    assert "Your passkey" in browser.text
    options = browser.text.split('data-options="')[1].split('">')[0]
    await browser.post("/signin/code", answer=one.sign(options).reveal().decode())
    assert browser.where == "/security"


async def test_a_passkey_that_was_removed_opens_nothing(lobby: Lobby) -> None:
    alice, one = await with_passkey(lobby)
    [key] = [held for held in await lobby.factors(alice) if held.method == "passkey"]
    await lobby.office.store.change(lambda writing: writing.remove(Credential, key.id))
    assert (await present(lobby.browser(), one)).status_code == 403
    assert await reasons(lobby) == [Reason.UNKNOWN_USER]


async def test_a_place_with_too_many_refusals_waits_for_passkeys_too(lobby: Lobby) -> None:
    _, one = await with_passkey(lobby)
    lobby.rates.left = 0
    assert (await present(lobby.browser(), one)).status_code == 429


async def test_where_passkeys_are_off_no_page_speaks_of_them() -> None:
    office = memory_office()
    async with lobby_of(office) as lobby:
        lobby.behind = replace(lobby.behind, desk=replace(lobby.behind.desk, passkeys=None, methods=("totp",)))
        lobby.app = application(lobby.behind)
        alice, browser = await lobby.person(), lobby.browser()
        assert "passkey" not in (await browser.get("/signin")).text.lower()
        assert (await browser.get("/signin/passkey/question")).status_code == 404
        await browser.sign_in(alice)
        assert "passkey" not in (await browser.get("/security")).text.lower()
        assert "Passkeys are not in use here" in (await browser.get("/security/passkey")).text
    await office.store.close()


async def test_who_comes_with_an_access_pass_is_led_to_a_passkey(lobby: Lobby) -> None:
    alice = await lobby.person(method="")
    gone = Credential("old", "totp", alice.id, state=CredentialState.DISABLED)
    await lobby.put(gone)
    told = await access_pass.issue(lobby.office.desk, "uid 0 (root)", user="alice", once=False)
    browser, one = lobby.browser(), device()
    await browser.password(alice)
    await browser.post("/signin/code", code=told["code"])
    assert browser.where == "/security/register?next=%2Fsecurity"
    assert "does not count any more" in (await browser.follow()).text
    await add(browser, one)
    assert (await present(lobby.browser(), one)).status_code == 303
    asked = [line for line in await lobby.office.journal() if line.action == "registration.ask"]
    assert [line.detail["why"] for line in asked] == ["disabled"]
