"""Where I am signed in and what happened lately, and what "this was not me" does."""

import pytest

from tests.flows.desks import ACTOR
from tests.portals.lobby import Lobby
from vestibule.core.journal import Entry, EntryKind
from vestibule.flows import users


async def test_all_browsers_are_listed_by_their_names_and_can_be_signed_out(lobby: Lobby) -> None:
    alice, browser = (
        await lobby.person(),
        lobby.browser(agent="Mozilla/5.0 (X11; Linux x86_64) Chrome/156.0 Safari/537"),
    )
    await browser.sign_in(alice)
    lobby.office.clock.at += 60
    phone = lobby.browser(agent="Mozilla/5.0 (iPhone; CPU iPhone OS 19 like Mac OS X) Safari/600", peer="192.0.2.99")
    await phone.sign_in(alice)
    await browser.get("/security")
    assert "Chrome on Linux" in browser.text
    assert "Safari on iPhone" in browser.text
    assert "192.0.2.99" in browser.text
    await browser.post("/security/sessions")
    assert browser.where == "/security?done=ended"
    await phone.get("/security")
    assert phone.where == "/signin?next=%2Fsecurity&why=expired"
    assert (await browser.get("/security")).status_code == 200


async def test_a_session_that_ended_while_a_form_was_filled_in_leads_back_with_what_was_typed(lobby: Lobby) -> None:
    alice, browser = await lobby.person(), lobby.browser()
    await browser.sign_in(alice)
    await browser.get("/security/token")
    lobby.office.clock.at += 3600
    await browser.post("/security/token", serial="H-123", code="123456")
    await browser.follow()
    assert "Your session has ended" in browser.text
    await browser.post("/signin", name=alice.name, password=alice.password)
    await browser.post("/signin/code", code=alice.code())
    assert browser.where == "/security/token?serial=H-123"
    await browser.follow()
    assert 'value="H-123"' in browser.text
    assert "123456" not in browser.text


async def test_recent_activity_tells_what_happened_and_why(lobby: Lobby) -> None:
    alice, stranger, browser = await lobby.person(), lobby.browser(peer="203.0.113.66"), lobby.browser()
    await stranger.password(alice, "wrong")
    await users.set_password(lobby.office.desk, ACTOR, name="alice", password=alice.password + "s")
    await browser.password(alice, alice.password + "s")
    await browser.post("/signin/code", code=alice.code())
    await browser.get("/security/activity")
    for text in ("Sign-in refused: Portal", "203.0.113.66", "The password was wrong", "The password was changed"):
        assert text in browser.text
    signed_in = browser.text.index("Signed in: Portal, by a code of an app or a token")
    assert signed_in < browser.text.index("Sign-in refused")
    assert "A browser was signed in" not in browser.text
    assert "uid 0" not in browser.text


async def test_what_became_of_a_message_is_told_in_words(lobby: Lobby) -> None:
    alice, browser = await lobby.person(), lobby.browser()
    await browser.sign_in(alice)
    told = {"accepted": "was taken by a provider", "delivered": "A message arrived", "refused": "and not sent"}
    at = lobby.office.clock.at
    lines = [Entry(at, EntryKind.SYSTEM, f"delivery.{act}", user_id=alice.id, user_name="alice") for act in told]
    for line in lines:
        await lobby.office.store.change(lambda writing, line=line: writing.note(line))  # type: ignore[misc]  # bound now
    await browser.get("/security/activity")
    for text in told.values():
        assert text in browser.text
    assert "The helpdesk changed something" not in browser.text


async def test_nobody_sees_the_activity_of_another(lobby: Lobby) -> None:
    alice, bob = await lobby.person(), await lobby.person("bob")
    await lobby.browser(peer="203.0.113.66").password(bob, "wrong")
    browser = lobby.browser()
    await browser.sign_in(alice)
    await browser.get("/security/activity")
    assert "203.0.113.66" not in browser.text


@pytest.mark.requirement(32)
async def test_this_was_not_me_ends_every_session_and_is_in_the_journal(lobby: Lobby) -> None:
    alice, browser = await lobby.person(), lobby.browser()
    await browser.sign_in(alice)
    lobby.office.clock.at += 1200  # it needs no fresh proof: whoever is afraid is not asked for anything
    other = lobby.browser()
    await other.sign_in(alice)
    await browser.get("/security/activity")
    await browser.post("/security/activity")
    assert browser.where == "/signin?why=not-me"
    assert await lobby.sessions() == []
    for one in (browser, other):
        await one.get("/security")
        assert one.where.startswith("/signin")
    [entry] = [entry for entry in await lobby.office.journal() if entry.action == "session.not_me"]
    assert entry.detail["ended"] == 2
    assert entry.detail["line"]
    assert entry.actor == f"user {alice.id}"
