"""The pages of settings: grouped, changed with a reason, with a history that names people, and taken back."""

import pytest

from tests.portals.administration.setting_up import signed_in, somebody
from tests.portals.lobby import Browser, Lobby
from vestibule.core.users import Role
from vestibule.portals.administration.settings import GROUPS, MORE, shown_as
from vestibule.stores.settings import known_settings


async def change(browser: Browser, name: str, value: str, reason: str = "") -> None:
    await browser.get(f"/admin/settings/{name}")
    await browser.post(f"/admin/settings/{name}", value=value, reason=reason, default="")


def now(lobby: Lobby) -> float:
    return lobby.office.store.snapshot.settings.challenge_seconds


async def test_every_setting_stands_in_a_group_with_help_default_and_range(lobby: Lobby) -> None:
    browser = await signed_in(lobby)
    await browser.get("/admin/settings")
    for setting in known_settings().values():
        assert f"<code>{setting.name}</code>" in browser.text
        assert setting.help in browser.text
        assert setting.fits in browser.text
        assert f'href="/admin/settings/{setting.name}"' in browser.text
    assert "0 differ from their defaults." in browser.text
    titles = [title for _, title in GROUPS]
    assert len(set(titles)) == len(titles)
    assert MORE not in titles


async def test_a_setting_is_changed_with_a_reason_and_the_history_says_who_and_why(lobby: Lobby) -> None:
    browser = await signed_in(lobby)
    await change(browser, "challenge_seconds", "60", "people type <slowly>")
    assert browser.where == "/admin/settings?done=changed"
    assert now(lobby) == 60.0
    await browser.follow()
    assert "1 differs from its default." in browser.text
    assert "default: 120" in browser.text
    await browser.get("/admin/settings-history")
    for text in ("<del>120</del>", "<ins>60</ins>", "olga", "“people type <slowly>”"):
        assert text in browser.text
    assert "<slowly>" not in (browser.page.text if browser.page else "")


async def test_a_change_is_taken_back_once_and_only_while_it_stands(lobby: Lobby) -> None:
    browser = await signed_in(lobby)
    await change(browser, "challenge_seconds", "60")
    await browser.get("/admin/settings-history")
    first = browser.hidden["change"]
    await change(browser, "challenge_seconds", "90")
    await browser.get("/admin/settings-history")
    answer = await browser.post("/admin/settings-undo", change=first)
    assert answer.status_code == 422
    assert "challenge_seconds was changed again since, and is 90" in browser.text
    await browser.get("/admin/settings-history")
    await browser.post("/admin/settings-undo")
    assert browser.where == "/admin/settings-history?done=undone"
    assert now(lobby) == 60.0
    await browser.follow()
    assert "took a change back" in browser.text
    await browser.get("/admin/settings-history")
    assert (await browser.post("/admin/settings-undo", change="nowhere/7")).status_code == 422
    assert "There is no such change of a setting." in browser.text


async def test_a_setting_goes_back_to_its_default(lobby: Lobby) -> None:
    browser = await signed_in(lobby)
    await change(browser, "challenge_seconds", "60")
    await browser.get("/admin/settings/challenge_seconds")
    assert "Put back to its default, 120" in browser.text
    await browser.post("/admin/settings/challenge_seconds", default="yes")
    assert now(lobby) == 120.0
    assert (await lobby.office.actions())[-1] == "setting.unset"


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("challenge_seconds", "5", "The setting challenge_seconds must be a number from 10 to 600."),
        ("challenge_seconds", "soon", "must be a number from 10 to 600."),
        ("challenge_tries", "1.5", "must be a whole number from 1 to 10."),
        ("journal_fields", "email, shoe size", "must be a list of full_name, email"),
        ("text_refused", "", "must be a text of 1 to 253 octets in one line."),
    ],
)
async def test_what_does_not_fit_is_said_and_stays_typed(lobby: Lobby, name: str, value: str, said: str) -> None:
    browser = await signed_in(lobby)
    await browser.get(f"/admin/settings/{name}")
    answer = await browser.post(f"/admin/settings/{name}", value=value, reason="a good reason")
    assert answer.status_code == 422
    assert said in browser.text
    assert f'value="{value}"' in browser.text
    assert 'value="a good reason"' in browser.text
    assert "setting.set" not in await lobby.office.actions()


async def test_lists_are_shown_and_typed_with_commas(lobby: Lobby) -> None:
    browser = await signed_in(lobby)
    await change(browser, "journal_fields", "email, source")
    assert lobby.office.store.snapshot.settings.journal_fields == ("email", "source")
    await browser.get("/admin/settings/journal_fields")
    assert 'value="email, source"' in browser.text
    await browser.post("/admin/settings/journal_fields", value="", default="")
    assert len(lobby.office.store.snapshot.settings.journal_fields) == 0


@pytest.mark.parametrize(
    ("value", "text"), [(120.0, "120"), (0.125, "0.125"), (7, "7"), (["a", "b"], "a, b"), (None, "")]
)
def test_values_are_shown_as_they_are_typed(value: object, text: str) -> None:
    assert shown_as(value) == text


async def test_settings_are_found_by_a_text_and_an_unknown_one_is_nowhere(lobby: Lobby) -> None:
    browser = await signed_in(lobby)
    await browser.get("/admin/settings?text=session_idle")
    assert "session_idle_seconds" in browser.text
    assert "challenge_seconds" not in browser.text
    await browser.get("/admin/settings?text=gibberish")
    assert "No setting has this text." in browser.text
    assert (await browser.get("/admin/settings/no_such")).status_code == 404


async def test_an_auditor_sees_the_settings_and_their_history_and_changes_nothing(lobby: Lobby) -> None:
    await change(await signed_in(lobby), "challenge_seconds", "60")
    browser = await signed_in(lobby, Role.AUDITOR, "audrey")
    await browser.get("/admin/settings")
    assert "challenge_seconds" in browser.text
    assert 'href="/admin/settings/challenge_seconds"' not in browser.text
    await browser.get("/admin/settings-history")
    assert "Take back" not in browser.text
    assert (await browser.post("/admin/settings-undo", change="x/1")).status_code == 403
    assert now(lobby) == 60.0


@pytest.mark.requirement(33)
async def test_what_was_typed_comes_back_after_the_session_has_ended(lobby: Lobby) -> None:
    olga, browser = await somebody(lobby, Role.ADMINISTRATOR, "olga")
    await browser.get("/admin/settings/challenge_seconds")
    lobby.office.clock.at += 4000  # longer than a session without use
    await browser.post("/admin/settings/challenge_seconds", value="77", reason="kept")
    assert browser.where.startswith("/signin?")
    assert now(lobby) == 120.0
    await browser.follow()
    await browser.post("/signin", name="olga", password=olga.password)
    await browser.post("/signin/code", code=olga.code())
    await browser.follow()
    assert 'value="77"' in browser.text
    assert 'value="kept"' in browser.text
