"""The pages of directories in front of a real slapd: set up, asked, people taken over, and what goes wrong in words."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from structlog import get_logger

from tests.directories.ldap.slapd import BASE, SEARCHER, SEARCHER_SECRET, Slapd, everybody
from tests.flows.desks import ACTOR, memory_office
from tests.flows.test_directories import Live
from tests.portals.administration.setting_up import send, signed_in
from tests.portals.lobby import Browser, Lobby, lobby_of
from vestibule.apps.directories import LiveDirectories
from vestibule.apps.directories.ldap import LdapKind
from vestibule.apps.directories.radius import RadiusKind
from vestibule.core.directories import DirectoryRecord
from vestibule.core.people import Person
from vestibule.core.users import Role, User
from vestibule.flows import directories
from vestibule.flows.kinds import Directories

PASSWORD = SEARCHER_SECRET.reveal().decode()
CANARY = "secret-canary-of-the-directory"


@pytest.fixture(scope="module")
def slapd() -> Iterator[Slapd]:
    server = Slapd.made(everybody())
    yield server
    server.remove()


@asynccontextmanager
async def opened(given: Directories | None = None) -> AsyncIterator[Lobby]:
    """A portal whose desk has these directories, or the real kinds."""
    office = memory_office()
    live = LiveDirectories(
        {"ldap": LdapKind(), "radius": RadiusKind(lambda: b"mark of the test", office.desk.chance, get_logger())},
        lambda: office.store.snapshot,
    )
    office.desk = replace(office.desk, directories=given or live)
    async with lobby_of(office) as lobby:
        yield lobby
    await live.close()
    await office.store.close()


@pytest.fixture
async def lobby() -> AsyncIterator[Lobby]:
    async with opened() as lobby:
        yield lobby


def form(slapd: Slapd, **more: str) -> dict[str, str]:
    return {
        "id": "corp",
        "kind": "ldap",
        "set-servers": f"ldaps://localhost:{slapd.tls_port}",
        "set-base": BASE,
        "set-bind_name": SEARCHER,
        "set-ca_file": str(slapd.certificates.authority),
        "set-layout": "openldap",
        "set-every_minutes": "0",
        "set-gone": "block",
        "set-brake": "5",
        "secret": PASSWORD,
        "more": "",
        **more,
    }


async def set_up(lobby: Lobby, slapd: Slapd, **more: str) -> Browser:
    browser = await signed_in(lobby)
    await browser.get("/admin/new-directory?kind=ldap")
    await send(browser, "/admin/new-directory", form(slapd, **more))
    assert browser.where == "/admin/directories/corp?done=added", browser.text
    await browser.follow()
    return browser


async def record(lobby: Lobby, id: str = "corp") -> DirectoryRecord:
    found = await lobby.office.store.read(lambda reading: reading.get(DirectoryRecord, id))
    assert found
    return found


async def over(lobby: Lobby, browser: Browser) -> str:
    """Wait until the run that was begun is over; its page."""
    await browser.follow()
    await asyncio.gather(*lobby.behind.jobs.tasks)
    assert browser.page
    await browser.get(browser.page.url.path)
    return browser.text


# -- setting up ------------------------------------------------------------------------------------------------------


@pytest.mark.requirement(47)
async def test_a_directory_is_set_up_and_its_secret_is_never_shown(lobby: Lobby, slapd: Slapd) -> None:
    browser = await set_up(lobby, slapd, secret=CANARY)
    assert (await record(lobby)).secret.reveal() == CANARY.encode()
    for path in ("/admin/directories", "/admin/directories/corp", "/admin/directories/corp/change"):
        await browser.get(path)
        assert "corp" in browser.text
        assert CANARY not in browser.text
    assert f"ldaps://localhost:{slapd.tls_port}</textarea>" in browser.text
    assert '<option value="openldap" selected>' in browser.text


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"set-base": ""}, "base"),
        ({"set-servers": "https://dc1"}, "servers"),
        ({"set-ca_file": "/nowhere/ca.pem"}, "ca.pem"),
        ({"set-brake": "many"}, "Write a number here."),
        ({"more": "nonsense without sense"}, "The further settings can not be read"),
        ({"more": '["a"]'}, "names and values are expected"),
        ({"more": '{"a": '}, "The further settings can not be read"),
        ({"more": "no_such_setting = 1"}, "there is no such setting"),
        ({"id": "local"}, "“local” is taken."),
        ({"more": '[[items]]\ngroups = ["no such group"]'}, "There is no group no such group."),
    ],
)
async def test_what_does_not_fit_is_said_and_all_but_the_secret_stays_typed(
    lobby: Lobby, slapd: Slapd, more: dict[str, str], said: str
) -> None:
    browser = await signed_in(lobby)
    await browser.get("/admin/new-directory?kind=ldap")
    answer = await send(browser, "/admin/new-directory", form(slapd, secret=CANARY, **more))
    assert answer.status_code == 422
    assert said in browser.text
    assert SEARCHER in browser.text
    assert '<option value="openldap" selected>' in browser.text
    assert CANARY not in browser.text
    if "more" in more:
        assert more["more"] in browser.text
    assert not lobby.office.store.snapshot.directories


async def test_settings_are_changed_and_what_is_cleared_goes_back_to_its_default(lobby: Lobby, slapd: Slapd) -> None:
    browser = await set_up(lobby, slapd, more="person_filter = '(objectClass=inetOrgPerson)'\nbrake = 9")
    await browser.get("/admin/directories/corp/change")
    assert "(objectClass=inetOrgPerson)" in browser.text
    assert 'name="set-brake" type="text" value="9"' in browser.text
    changed = {**form(slapd), "secret": "", "set-brake": "7", "more": ""}
    await send(browser, "/admin/directories/corp/change", changed)
    assert browser.where == "/admin/directories/corp?done=changed", browser.text
    kept = (await record(lobby)).settings
    assert '"brake": 7' in kept
    assert "person_filter" not in kept
    assert (await record(lobby)).secret.reveal() == SEARCHER_SECRET.reveal()


async def test_the_secret_is_not_told_to_other_servers_without_being_typed_again(lobby: Lobby, slapd: Slapd) -> None:
    browser = await set_up(lobby, slapd)
    await browser.get("/admin/directories/corp/change")
    elsewhere = {**form(slapd), "secret": "", "set-servers": "ldaps://evil.example"}
    answer = await send(browser, "/admin/directories/corp/change", elsewhere)
    assert answer.status_code == 422
    assert "The secret would be told to others than before." in browser.text
    assert "evil.example" not in (await record(lobby)).settings


async def test_radius_servers_are_written_as_addresses_with_ports(lobby: Lobby) -> None:
    browser = await signed_in(lobby)
    await browser.get("/admin/new-directory?kind=radius")
    typed = {"id": "nps", "set-servers": "192.0.2.10\n[2001:db8::1]:1645", "set-nas_identifier": "vestibule"}
    await send(browser, "/admin/new-directory", {**typed, "secret": CANARY, "more": ""})
    assert browser.where == "/admin/directories/nps?done=added", browser.text
    assert '{"host": "192.0.2.10"}, {"host": "2001:db8::1", "port": 1645}' in (await record(lobby, "nps")).settings
    await browser.get("/admin/directories/nps/change")
    assert "192.0.2.10\n[2001:db8::1]:1645</textarea>" in browser.text
    bad = await send(browser, "/admin/directories/nps/change", {**typed, "set-servers": "192.0.2.10:radius"})
    assert bad.status_code == 422
    assert "Write a server as an address" in browser.text


async def test_servers_with_more_than_an_address_stay_whole_as_further_settings(lobby: Lobby) -> None:
    browser = await signed_in(lobby)
    await browser.get("/admin/new-directory?kind=radius")
    patient = '{"servers": [{"host": "192.0.2.10", "patience": 9}]}'
    typed = {"id": "nps", "set-servers": "", "set-nas_identifier": "vestibule", "more": patient}
    await send(browser, "/admin/new-directory", {**typed, "secret": CANARY})
    await browser.get("/admin/directories/nps/change")
    assert '"patience": 9' in browser.text


async def test_a_directory_is_removed_with_its_people_only_as_local_people(lobby: Lobby, slapd: Slapd) -> None:
    browser = await set_up(lobby, slapd)
    await lobby.put(User("u1", "anna", "anna", directory="corp", external_id="x"))
    await browser.get("/admin/directories/corp/removal")
    answer = await browser.post("/admin/directories/corp/removal")
    assert answer.status_code == 422
    assert "or let them become local users" in browser.text
    await browser.post("/admin/directories/corp/removal", release="yes")
    assert browser.where == "/admin/directories?done=removed"
    await browser.follow()
    assert "No directory is set up." in browser.text
    user = await lobby.office.store.read(lambda reading: reading.get(User, "u1"))
    assert user
    assert not user.directory


# -- asking it -------------------------------------------------------------------------------------------------------


async def test_the_page_shows_whether_it_answers_who_is_behind_a_name_and_whether_a_password_is_theirs(
    lobby: Lobby, slapd: Slapd
) -> None:
    browser = await set_up(lobby, slapd)
    await browser.post("/admin/directories/corp/test")
    assert "It answered after" in browser.text
    await browser.post("/admin/directories/corp/test", user="anna")
    assert "uid=anna" in browser.text
    assert "not taken over yet" in browser.text
    await browser.post("/admin/directories/corp/test", user="nobody-of-that-name")
    assert "Nobody has this name there." in browser.text
    await browser.post("/admin/directories/corp/test", user="anna", password="wrong-canary")
    assert "The password is not taken: wrong_password" in browser.text
    assert "wrong-canary" not in browser.text


@pytest.mark.requirement(53)
async def test_a_server_that_is_away_is_told_in_words_and_left_alone(lobby: Lobby, slapd: Slapd) -> None:
    browser = await set_up(lobby, slapd, **{"set-servers": "ldaps://127.0.0.1:9"})
    answer = await browser.post("/admin/directories/corp/test")
    assert answer.status_code == 422
    assert "The directory could not be asked:" in browser.text
    assert "1 server left alone" in browser.text
    assert "127.0.0.1" in browser.text
    await browser.get("/admin/directories")
    assert "1 server left alone" in browser.text


async def test_a_wrong_secret_of_the_account_is_told_in_words(lobby: Lobby, slapd: Slapd) -> None:
    browser = await set_up(lobby, slapd, secret=CANARY)
    answer = await browser.post("/admin/directories/corp/test")
    assert answer.status_code == 422
    assert "The directory could not be asked:" in browser.text
    assert CANARY not in browser.text


# -- people ----------------------------------------------------------------------------------------------------------


async def test_a_trial_run_tells_and_changes_nothing_then_people_are_taken_over(lobby: Lobby, slapd: Slapd) -> None:
    browser = await set_up(lobby, slapd)
    people = await lobby.office.store.read(lambda reading: reading.count(User))
    await browser.post("/admin/directories/corp/run", how="dry")
    text = await over(lobby, browser)
    assert "A trial: nothing was changed." in text
    assert "<span>new</span>" in text
    assert await lobby.office.store.read(lambda reading: reading.count(User)) == people
    await browser.post("/admin/directories/corp/run", how="real")
    text = await over(lobby, browser)
    assert "Done." in text
    assert await lobby.office.store.read(lambda reading: reading.count(User)) > people
    await browser.get("/admin/directories/corp")
    assert "Last taken over:" in browser.text
    await browser.post("/admin/directories/corp/test", user="anna")
    assert "not taken over yet" not in browser.text


async def test_more_who_are_gone_than_the_brake_allows_are_held_and_let_go_by_hand() -> None:
    live = Live()
    live.corp.people = [Person(f"id{n}", f"p{n}@corp", f"cn=p{n}") for n in range(5)]
    async with opened(live) as lobby:
        browser = await signed_in(lobby)
        await directories.add(lobby.office.desk, ACTOR, id="corp", kind="ldap", settings={"base": "dc=corp"})
        await browser.get("/admin/directories/corp")
        await browser.post("/admin/directories/corp/run", how="real")
        await over(lobby, browser)
        live.corp.people = live.corp.people[:1]
        await browser.get("/admin/directories/corp")
        await browser.post("/admin/directories/corp/run", how="real")
        text = await over(lobby, browser)
        assert "4 people are held" in text
        assert "p4@corp" in text
        assert 'id="sure"' in text
        await browser.post("/admin/directories/corp/run")  # the form that lets them go
        text = await over(lobby, browser)
        assert "<strong>4</strong><span>gone there</span>" in text
        assert "directory.approve" in await lobby.office.actions()


async def test_a_run_belongs_to_who_began_it_and_what_ends_it_is_told(slapd: Slapd) -> None:
    live = Live()
    async with opened(live) as lobby:
        browser = await signed_in(lobby)
        await directories.add(lobby.office.desk, ACTOR, id="corp", kind="ldap", settings={"base": "dc=corp"})
        await browser.get("/admin/directories/corp")
        await browser.post("/admin/directories/corp/run", how="dry")
        where = browser.where
        other = await signed_in(lobby, name="oscar")
        assert (await other.get(where)).status_code == 404
        assert (await browser.get("/admin/directories/corp/runs/00")).status_code == 404
        assert (await browser.get(where.replace("corp", "other"))).status_code == 404
        assert (await browser.get(where)).status_code == 200
        await asyncio.gather(*lobby.behind.jobs.tasks)


async def test_an_auditor_sees_directories_and_asks_nothing(lobby: Lobby, slapd: Slapd) -> None:
    await set_up(lobby, slapd)
    browser = await signed_in(lobby, Role.AUDITOR, "audrey")
    await browser.get("/admin/directories")
    assert "/admin/new-directory" not in browser.text
    await browser.get("/admin/directories/corp")
    assert "See whether it answers" not in browser.text
    assert (await browser.post("/admin/directories/corp/run", how="real")).status_code == 403
    assert (await browser.post("/admin/directories/corp/test")).status_code == 403
