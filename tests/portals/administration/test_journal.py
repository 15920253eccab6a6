"""The journal: its newest lines narrowed down, one line, and the story behind a sign-in."""

import re

import pytest

from tests.house.sources import PACKAGE
from tests.portals.administration.setting_up import signed_in
from tests.portals.lobby import Browser, Lobby
from vestibule.core.reasons import Reason
from vestibule.core.users import Role
from vestibule.flows import delivery_state, users
from vestibule.portals.administration.journal_words import ACTIONS
from vestibule.portals.languages import LANGUAGES

ROW = re.compile(r'<th scope="row"><a href="(/admin/journal/[^"]+)">([^<]+)</a>')


def rows(browser: Browser) -> list[tuple[str, str]]:
    return ROW.findall(browser.text)


async def happened(lobby: Lobby) -> Browser:
    """Alice mistypes, then comes in; an auditor looks at the journal."""
    alice = await lobby.person("alice")
    theirs = lobby.browser(peer="198.51.100.7")
    await theirs.password(alice)
    await theirs.post("/signin/code", code=alice.wrong())
    await theirs.sign_in(alice)
    return await signed_in(lobby, Role.AUDITOR)


async def test_the_newest_lines_come_first_and_are_narrowed_down(lobby: Lobby) -> None:
    browser = await happened(lobby)
    for query, expected in {
        "?user=alice&kind=sign_in": ["Signed in", "Sign-in refused"],
        "?user=alice&result=refused": ["Sign-in refused"],
        "?user=alice&reason=wrong_code": ["Sign-in refused"],
        "?user=alice&result=accepted": ["Signed in"],
        "?client=vpn": [],
        "?user=alice&kind=sign_in&from=2020-01-01T00:00&to=2021-01-01T00:00": [],
        "?user=alice&kind=administration": ["A browser was signed in"],
        "?user=alice&kind=nonsense&reason=none&window=never&result=maybe": [
            "A browser was signed in", "Signed in", "Sign-in refused",
        ],
    }.items():  # fmt: skip
        await browser.get(f"/admin/journal{query}")
        assert [text for _, text in rows(browser)] == expected, query


async def test_old_lines_are_outside_of_the_usual_time(lobby: Lobby) -> None:
    await happened(lobby)
    lobby.office.clock.at += 10 * 86400
    browser = await signed_in(lobby, name="otto")
    await browser.get("/admin/journal?user=alice")
    assert rows(browser) == []
    await browser.get("/admin/journal?user=alice&window=720")
    assert len(rows(browser)) == 3


async def test_filters_that_do_not_fit_are_said_to(lobby: Lobby) -> None:
    browser = await signed_in(lobby)
    assert (await browser.get("/admin/journal?user=nobody")).status_code == 422
    assert "There is nobody of this name." in browser.text
    assert 'value="nobody"' in browser.text
    assert (await browser.get("/admin/journal?from=soon")).status_code == 422
    assert (await browser.get("/admin/journal?before=here")).status_code == 422


async def test_a_long_journal_comes_in_pages_of_which_none_is_missed(lobby: Lobby) -> None:
    alice = await lobby.person("alice")
    browser = await signed_in(lobby)
    for number in range(60):
        await users.block(lobby.office.desk, "test", name=alice.name, reason=f"r{number}")
    seen, path = [], "/admin/journal?user=alice"
    while path:
        await browser.get(path)
        seen += [link for link, _ in rows(browser)]
        following = re.search(r'rel="next" href="([^"]+)"', browser.text)
        path = following[1].replace("&amp;", "&") if following else ""
    assert len(seen) == len(set(seen)) == 60


async def test_a_refusal_is_explained_from_the_attempt_that_its_page_names(lobby: Lobby) -> None:
    browser = await happened(lobby)
    [entry] = [one for one in await lobby.office.journal() if one.reason is Reason.WRONG_CODE]
    await browser.get(f"/admin/journal/attempts/{entry.attempt_id}")
    for text in (
        "alice asked to be let in, by way of Portal.",
        "They sat at 198.51.100.7.",
        "No rule of the policy matched",
        "The first factor had been proven before",
        "the code fits no factor of this person",
        "See whether the right token is assigned.",
        "The page said that it did not work, and not why.",
        entry.attempt_id,
    ):
        assert text in browser.text, text
    assert (await browser.get("/admin/journal/attempts/none")).status_code == 404


async def test_a_story_is_told_in_the_readers_language(lobby: Lobby) -> None:
    await happened(lobby)
    olga = await lobby.person("olga", locale="nl", role=Role.AUDITOR)
    browser = lobby.browser()
    await browser.sign_in(olga)
    [entry] = [one for one in await lobby.office.journal() if one.reason is Reason.WRONG_CODE]
    await browser.get(f"/admin/journal/attempts/{entry.attempt_id}")
    assert "alice vroeg te worden binnengelaten, via Portal." in browser.text
    assert "Authenticator app: " not in browser.text or LANGUAGES["nl"]("Authenticator app") in browser.text


async def test_a_line_of_administration_shows_who_did_what(lobby: Lobby) -> None:
    alice = await lobby.person("alice")
    browser = await signed_in(lobby)
    await browser.get(f"/admin/people/{alice.id}/block")
    await browser.post(f"/admin/people/{alice.id}/block", reason="lost laptop", days="7")
    await browser.get("/admin/journal?user=alice")
    [(path, _)] = rows(browser)
    await browser.get(path)
    assert "The account was blocked" in browser.text
    assert "lost laptop" in browser.text
    assert ">olga</a>" in browser.text


@pytest.mark.parametrize("path", ["/admin/journal/none/1", "/admin/journal/none/x", "/admin/journal/none/-1"])
async def test_a_line_that_is_not_there_is_nothing(lobby: Lobby, path: str) -> None:
    browser = await signed_in(lobby)
    assert (await browser.get(path)).status_code == 404


async def test_the_overview_counts_and_points_to_what_wants_a_look(lobby: Lobby) -> None:
    browser = await happened(lobby)
    await browser.get("/admin")
    text = re.sub(r"<[^>]+>", " ", browser.text)
    assert re.search(r"2\s+people", text)
    assert "the code fits no factor of this person" in text
    assert "No owner can sign in." in text
    assert "Nothing asks here yet" in text


def test_every_act_that_is_noted_has_words() -> None:
    noted = re.compile(r'(?:entry\(\s*|_line\(\w+, |told_of\([^,]+, f?)"([a-z_]+\.[a-z_]+)"')
    rooms = (PACKAGE / "flows", PACKAGE / "apps")
    sources = (path.read_text(encoding="utf-8") for room in rooms for path in room.rglob("*.py"))
    acts = {act for source in sources for act in noted.findall(source)} | set(delivery_state.ACTIONS)
    assert len(acts) > 80
    assert sorted(acts - set(ACTIONS)) == []
