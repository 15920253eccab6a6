"""People: found while somebody types, shown whole, made, changed, blocked, helped; secrets are shown one time."""

import re

import pytest

from tests.portals.administration.setting_up import send, signed_in, somebody
from tests.portals.lobby import Lobby
from vestibule.core.credentials import Credential
from vestibule.core.users import Mfa, Role, User

LINK = re.compile(r'<th scope="row"><a href="/admin/people/([^"]+)">([^<]+)</a>')
SHOWN = re.compile(r'<pre id="secret1"[^>]*>([^<]+)</pre>')


async def test_people_are_found_by_any_beginning_of_a_word(lobby: Lobby) -> None:
    await lobby.person("alice", first_name="Alice", last_name="de Vries", email="Alice@Example.org")
    await lobby.person("bob.vriend", first_name="Bob")
    await lobby.person("carl")
    browser = await signed_in(lobby, Role.AUDITOR)
    for typed, found in {
        "": ["alice", "bob.vriend", "carl", "olga"],
        "vri": ["alice", "bob.vriend"],
        "ALI": ["alice"],
        "alice de v": ["alice"],
        "alice bob": [],
        "alice@ex": ["alice"],
        "car": ["carl"],
        "arl": [],
        "<script>": [],
    }.items():
        await browser.http.get("/admin/people")
        page = await browser.http.get("/admin/people", params={"q": typed})
        assert sorted(name for _, name in LINK.findall(page.text)) == found, typed
    await browser.get("/admin/people?q=%3Cscript%3E")
    assert browser.page
    assert "<script>" not in browser.page.text.partition("<main")[2]


async def test_a_long_list_comes_in_pages_of_which_none_is_missed(lobby: Lobby) -> None:
    people = [User(f"i{number:03}", f"u{number:03}", f"u{number:03}") for number in range(130)]
    await lobby.put(*people)
    browser = await signed_in(lobby)
    seen, path = [], "/admin/people"
    while path:
        await browser.get(path)
        seen += [name for _, name in LINK.findall(browser.text)]
        following = re.search(r'rel="next" href="([^"]+)"', browser.text)
        path = following[1].replace("&amp;", "&") if following else ""
    assert seen == ["olga", *(user.name for user in people)]


async def test_a_search_that_finds_too_many_says_so(lobby: Lobby) -> None:
    await lobby.put(*(User(f"i{number:03}", f"u{number:03}", f"u{number:03}") for number in range(60)))
    browser = await signed_in(lobby)
    await browser.get("/admin/people?q=u")
    assert len(LINK.findall(browser.text)) == 50
    assert "There are more" in browser.text


async def test_a_person_is_made_and_what_was_wrong_is_said_with_everything_still_typed(lobby: Lobby) -> None:
    browser = await signed_in(lobby)
    await browser.get("/admin/people/new")
    fields = {
        "name": "bart",
        "last_name": "Dijk",
        "mfa": "enabled",
        "locale": "nl",
        "groups": "",
    }
    answer = await send(browser, "/admin/people/new", {**fields, "email": "no address"})
    assert answer.status_code == 422
    assert "Write the address as name@example.org." in browser.text
    assert 'value="bart"' in browser.text
    assert re.search(r'name="email"[^>]*aria-invalid', browser.text)
    assert '<option value="nl" selected>' in browser.text
    await send(
        browser, "/admin/people/new", {**fields, "email": "bart@example.org", "password": "a fine long password"}
    )
    await browser.follow()
    assert "bart@example.org" in browser.text
    assert "a fine long password" not in browser.text


async def test_only_what_was_changed_is_written(lobby: Lobby) -> None:
    alice = await lobby.person("alice", first_name="Alice")
    browser = await signed_in(lobby)
    path = f"/admin/people/{alice.id}/change"
    await browser.get(path)
    await browser.post(path, name="alice", first_name="Alicia", locale="en", mfa="enforced", groups="")
    [entry] = [entry for entry in await lobby.office.journal() if entry.action == "user.set"]
    assert entry.detail == {"changed": ["first_name"]}
    assert entry.actor == "user id-of-olga"


async def test_a_person_is_blocked_with_a_reason_and_unblocked(lobby: Lobby) -> None:
    alice = await lobby.person("alice")
    browser = await signed_in(lobby, Role.HELPDESK)
    page = f"/admin/people/{alice.id}"
    await browser.get(f"{page}/block")
    assert (await browser.post(f"{page}/block", reason="", days="7")).status_code == 422
    assert (await browser.post(f"{page}/block", reason="lost laptop", days="many")).status_code == 422
    assert 'value="lost laptop"' in browser.text
    await browser.post(f"{page}/block", reason="lost laptop", days="7")
    await browser.follow()
    assert "The account is blocked." in browser.text
    assert "lost laptop" in browser.text


async def test_the_helpdesk_resets_nothing_before_it_has_noted_who_calls(lobby: Lobby) -> None:
    alice = await lobby.person("alice")
    browser = await signed_in(lobby, Role.HELPDESK)
    page = f"/admin/people/{alice.id}"
    await browser.get(f"{page}/registration")
    await browser.post(f"{page}/registration", reason="new telephone")
    assert browser.where.startswith(f"{page}/caller?next=%2Fadmin%2Fpeople%2F{alice.id}%2Fregistration%3Fdraft")
    assert len(await lobby.factors(alice)) == 1
    await browser.follow()
    assert (await browser.post(f"{page}/caller", note="known")).status_code == 422
    await browser.post(f"{page}/caller", note="called back on the number in the staff list")
    await browser.follow()
    assert 'value="new telephone"' in browser.text
    await browser.post(f"{page}/registration", reason="new telephone")
    assert browser.where == f"{page}?done=registration"
    assert await lobby.factors(alice) == []


async def test_a_code_that_the_caller_tells_is_a_check_as_well(lobby: Lobby) -> None:
    alice = await lobby.person("alice")
    browser = await signed_in(lobby, Role.HELPDESK)
    page = f"/admin/people/{alice.id}"
    await browser.get(f"{page}/caller")
    assert (await browser.post(f"{page}/caller", code=alice.wrong())).status_code == 422
    await browser.post(f"{page}/caller", code=alice.code())
    assert browser.where == f"{page}?done=caller"
    await browser.get(page)
    assert "It is noted how you know who is calling" in browser.text


@pytest.mark.requirement(7)
async def test_an_access_pass_is_shown_one_time_and_signs_in(lobby: Lobby) -> None:
    alice = await lobby.person("alice", method="", mfa=Mfa.ENABLED)
    browser = await signed_in(lobby)
    page = f"/admin/people/{alice.id}"
    await browser.get(f"{page}/pass")
    answer = await browser.post(f"{page}/pass", minutes="60", uses="once", starts_at="")
    found = SHOWN.search(browser.text)
    assert answer.headers["cache-control"] == "no-store"
    assert found
    await browser.get(page)
    assert found[1] not in browser.text
    assert "Temporary access pass" in browser.text
    assert all(found[1] not in str(entry.detail) for entry in await lobby.office.journal())
    theirs = lobby.browser()
    await theirs.password(alice)
    await theirs.post("/signin/code", code=found[1])
    assert theirs.where.startswith("/security")


async def test_recovery_codes_are_shown_one_time(lobby: Lobby) -> None:
    alice = await lobby.person("alice")
    browser = await signed_in(lobby)
    await browser.get(f"/admin/people/{alice.id}/recovery")
    await browser.post(f"/admin/people/{alice.id}/recovery")
    found = SHOWN.search(browser.text)
    assert found
    assert len(found[1].split()) == 10


async def test_a_bypass_is_given_with_a_reason_and_ended(lobby: Lobby) -> None:
    alice = await lobby.person("alice")
    browser = await signed_in(lobby)
    page = f"/admin/people/{alice.id}"
    await browser.get(f"{page}/bypass")
    assert (await browser.post(f"{page}/bypass", minutes="5", reason="")).status_code == 422
    await browser.post(f"{page}/bypass", minutes="5", reason="telephone at home")
    await browser.follow()
    assert "telephone at home" in browser.text
    await browser.get(f"{page}/bypass-end")
    await browser.post(f"{page}/bypass-end")
    await browser.follow()
    assert "telephone at home" not in browser.text.partition("Lately")[0]


async def test_a_role_is_given_by_an_owner_alone_and_never_to_oneself(lobby: Lobby) -> None:
    alice = await lobby.person("alice")
    olga, browser = await somebody(lobby, Role.OWNER, "olga")
    await browser.get(f"/admin/people/{alice.id}/role")
    await browser.post(f"/admin/people/{alice.id}/role", role="auditor")
    assert browser.where.endswith("?done=role")
    await browser.get(f"/admin/people/{olga.id}/role")
    assert (await browser.post(f"/admin/people/{olga.id}/role", role="none")).status_code == 422
    assert "Nobody changes their own role" in browser.text


async def test_whoever_may_do_less_does_not_touch_who_may_more(lobby: Lobby) -> None:
    owner, _ = await somebody(lobby, Role.OWNER, "olga")
    browser = await signed_in(lobby, Role.ADMINISTRATOR, "adam")
    path = f"/admin/people/{owner.id}/block"
    await browser.get(path)
    assert (await browser.post(path, reason="coup", days="7")).status_code == 422
    assert "may do more than you" in browser.text


async def test_a_person_is_removed_after_their_name_was_typed(lobby: Lobby) -> None:
    alice = await lobby.person("alice")
    await lobby.factor(alice, "totp", serial="S-1")
    browser = await signed_in(lobby)
    page = f"/admin/people/{alice.id}"
    await browser.get(f"{page}/removal")
    assert (await browser.post(f"{page}/removal", name="alce")).status_code == 422
    await browser.post(f"{page}/removal", name="alice")
    await browser.follow()
    await browser.follow()
    assert "The person is removed." in browser.text
    found = await lobby.office.store.read(lambda reading: reading.find(Credential, "serial", "S-1"))
    assert [one.user_id for one in found] == [""]


async def test_a_person_page_shows_what_is_theirs_and_no_secret(lobby: Lobby) -> None:
    alice = await lobby.person("alice", phone="+31201234567")
    theirs = lobby.browser(agent="Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0")
    await theirs.password(alice, "wrong")
    await theirs.sign_in(alice)
    browser = await signed_in(lobby, Role.AUDITOR)
    await browser.get(f"/admin/people/{alice.id}")
    for text in ("Firefox on Linux", "Authenticator app", "Sign-in refused: Portal", "+31201234567", "192.0.2.50"):
        assert text in browser.text, text
    assert "/block" not in browser.text
    assert alice.key.hex() not in browser.text


async def test_who_acted_is_named_wherever_lines_are_shown_and_whom_on_the_overview(lobby: Lobby) -> None:
    alice, browser = await lobby.person(), await signed_in(lobby)
    app = (await lobby.factors(alice))[0]
    await browser.get(f"/admin/tokens/{app.id}/disable")
    await browser.post(f"/admin/tokens/{app.id}/disable")
    for path in (f"/admin/people/{alice.id}", f"/admin/tokens/{app.id}", "/admin"):
        await browser.get(path)
        assert "by olga" in browser.text, path
        assert "somebody who is gone" not in browser.text, path
    assert '<span class="hint">alice · ' in browser.text
    assert "A browser was signed in" not in browser.text


async def test_a_pin_is_counted_as_no_factor(lobby: Lobby) -> None:
    alice, browser = await lobby.person(), await signed_in(lobby)
    await lobby.put(Credential("its-pin", "pin", alice.id, memory="{}"))
    await browser.get("/admin/people?q=alice")
    assert "1 that counts" in re.sub(r"\s+", " ", browser.text)


async def test_nobody_is_there_under_an_address_that_is_nobodys(lobby: Lobby) -> None:
    browser = await signed_in(lobby)
    assert (await browser.get("/admin/people/nobody")).status_code == 404
    assert (await browser.get("/admin/people/nobody/block")).status_code == 404
    assert (await browser.get("/admin/tokens/none")).status_code == 404
