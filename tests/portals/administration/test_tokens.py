"""Tokens: the inventory, files with thousands of rows, and everything that is done to one token."""

import asyncio
import re
import secrets
from dataclasses import replace

import httpx2
import pytest

from tests.portals.administration.setting_up import send, signed_in, somebody
from tests.portals.lobby import OWN, Browser, Lobby
from vestibule.core.credentials import CredentialState
from vestibule.core.oath import hotp, time_step
from vestibule.core.secret import Secret
from vestibule.core.users import Role
from vestibule.portals.application import application
from vestibule.portals.jobs import Job
from vestibule.wire.otpauth import write_key

UPLOAD = "/admin/tokens/upload"
SERIAL = re.compile(r'<th scope="row"><a href="/admin/tokens/[^"]+">([^<]+)</a>')
HEAD = "upn,serial number,secret key,time interval,manufacturer,model\r\n"


def key_text(key: bytes) -> str:
    return write_key(Secret(key)).replace(" ", "")


def rows(count: int, bad: int = 0) -> str:
    """A file with so many rows, the last of which are too short a key."""
    good = [f",S-{number:06},{key_text(secrets.token_bytes(20))},30,Maker,C200" for number in range(count - bad)]
    wrong = [f",B-{number:06},GEZDGNBV,30,Maker,C200" for number in range(bad)]
    return HEAD + "\r\n".join([*good, *wrong]) + "\r\n"


async def upload(browser: Browser, content: str | bytes, name: str = "tokens.csv", **fields: str) -> httpx2.Response:
    """Send the form with this file."""
    await browser.get(UPLOAD)
    csrf = re.search(r'name="csrf" value="(\w+)"', browser.text)
    assert csrf
    octets = content.encode() if isinstance(content, str) else content
    browser.page = await browser.http.post(
        UPLOAD, data={"csrf": csrf[1], **fields}, files={"file": (name, octets, "text/csv")}, headers=OWN
    )
    return browser.page


async def done(lobby: Lobby) -> Job:
    """The newest job, when it is over."""
    while lobby.behind.jobs.tasks:
        await asyncio.wait(set(lobby.behind.jobs.tasks))
    return next(reversed(lobby.behind.jobs.kept.values()))


async def test_the_inventory_is_narrowed_down(lobby: Lobby) -> None:
    alice = await lobby.person("alice")
    await lobby.factor(alice, serial="AB-1")
    await lobby.factor(None, serial="AB-2")
    await lobby.factor(None, serial="AC-3", state=CredentialState.DISABLED)
    browser = await signed_in(lobby, Role.AUDITOR)
    for query, found in {
        "": ["AB-1", "AB-2", "AC-3"],
        "?q=AB": ["AB-1", "AB-2"],
        "?q=AB-2": ["AB-2"],
        "?held=free": ["AB-2", "AC-3"],
        "?held=assigned": ["AB-1"],
        "?state=disabled": ["AC-3"],
        "?q=Z": [],
    }.items():
        await browser.get(f"/admin/tokens{query}")
        assert SERIAL.findall(browser.text) == found, query


async def test_the_inventory_comes_in_pages_of_which_none_is_missed(lobby: Lobby) -> None:
    for number in range(120):
        await lobby.factor(None, serial=f"S-{number:03}")
    browser = await signed_in(lobby)
    seen, path = [], "/admin/tokens?q=S&held=free"
    while path:
        await browser.get(path)
        seen += SERIAL.findall(browser.text)
        following = re.search(r'rel="next" href="([^"]+)"', browser.text)
        path = following[1].replace("&amp;", "&") if following else ""
    assert seen == [f"S-{number:03}" for number in range(120)]


@pytest.mark.requirement(7)
async def test_a_file_with_bad_rows_brings_in_the_good_ones_and_gives_the_others_back(lobby: Lobby) -> None:
    browser = await signed_in(lobby)
    await upload(browser, rows(2_000, 10), "Order 7.csv")
    where = browser.where
    assert re.fullmatch(UPLOAD + r"/[0-9a-f]{32}", where)
    await done(lobby)
    page = await browser.get(where)
    assert page.headers["cache-control"] == "no-store"
    assert "1990" in browser.text
    assert "Rows that could not be taken" in browser.text
    assert "GEZDGNBV" not in browser.text
    failed = await browser.get(f"{where}/failures")
    assert failed.headers["content-disposition"] == "attachment; filename*=UTF-8''Failures_Order%207.csv"
    assert failed.headers["cache-control"] == "no-store"
    assert failed.text.count("GEZDGNBV") == 10


async def test_importing_twice_changes_nothing(lobby: Lobby) -> None:
    browser, file = await signed_in(lobby), rows(20)
    for created, unchanged in ((20, 0), (0, 20)):
        await upload(browser, file)
        report = (await done(lobby)).report
        assert report
        assert (report["created"], report["unchanged"]) == (created, unchanged)


async def test_only_who_sent_a_file_sees_what_came_of_it(lobby: Lobby) -> None:
    browser = await signed_in(lobby)
    await upload(browser, rows(5, 2))
    where = browser.where
    await done(lobby)
    _, other = await somebody(lobby, Role.OWNER, "otto")
    assert (await other.get(where)).status_code == 404
    assert (await other.get(f"{where}/failures")).status_code == 404
    lobby.office.clock.at += 3601
    assert lobby.behind.jobs.found(where.rpartition("/")[2], "id-of-olga", lobby.office.clock.at) is None


@pytest.mark.requirement(32)
@pytest.mark.parametrize("role", [Role.AUDITOR, Role.HELPDESK, Role.NONE], ids=lambda role: role.value or "none")
async def test_who_may_not_import_sends_no_file(lobby: Lobby, role: Role) -> None:
    browser = await signed_in(lobby, role)
    await browser.get("/security/app")
    csrf = browser.hidden["csrf"]
    answer = await browser.http.post(UPLOAD, data={"csrf": csrf}, files={"file": ("a.csv", b"x")}, headers=OWN)
    assert answer.status_code == (404 if role is Role.NONE else 403)
    assert not lobby.behind.jobs.kept


async def test_a_file_from_elsewhere_is_not_read(lobby: Lobby) -> None:
    browser = await signed_in(lobby)
    await browser.get(UPLOAD)
    for fields, headers in (({"csrf": "0" * 64}, OWN), (browser.hidden, {"Sec-Fetch-Site": "cross-site"})):
        answer = await browser.http.post(UPLOAD, data=fields, files={"file": ("a.csv", b"x")}, headers=headers)
        assert answer.status_code == 403
    answer = await browser.http.post(UPLOAD, content=b"--b", headers={**OWN, "Content-Type": "multipart/form-data"})
    assert answer.status_code == 400
    assert not lobby.behind.jobs.kept


async def test_no_file_and_too_large_a_file_are_said_in_words(lobby: Lobby) -> None:
    browser = await signed_in(lobby)
    assert (await upload(browser, "", "")).status_code == 422
    assert "Choose a file." in browser.text
    small = replace(lobby.behind, upload_octets=1_000)
    browser = await signed_in(replace(lobby, app=application(small), behind=small), name="otto")
    assert (await upload(browser, "x" * 70_000)).status_code == 422
    assert "too large" in browser.text


async def test_what_is_no_token_file_is_refused_in_words(lobby: Lobby) -> None:
    browser = await signed_in(lobby)
    await upload(browser, b"PK\x03\x04zip", "tokens.xlsx")
    await done(lobby)
    await browser.follow() if browser.where else None
    assert "spreadsheet" in browser.text


async def test_all_that_is_done_to_one_token(lobby: Lobby) -> None:
    await lobby.person("alice", method="")
    key = secrets.token_bytes(20)
    one = await lobby.factor(None, serial="S-1", key=key)
    olga, browser = await somebody(lobby, Role.ADMINISTRATOR, "olga")
    page = f"/admin/tokens/{one.id}"

    def code(steps: int = 0) -> str:
        return hotp(key, time_step(lobby.office.clock.at, 30) + steps)

    async def act(name: str, **fields: str) -> None:
        await browser.get(f"{page}/{name}")
        await send(browser, f"{page}/{name}", fields)
        assert browser.where == f"{page}?done={name}", browser.text
        await browser.follow()

    await browser.get(f"{page}/assign")
    assert (await browser.post(f"{page}/assign", user="nobody")).status_code == 422
    assert "There is no user nobody." in browser.text
    assert "vestibule user" not in browser.text
    await act("assign", user="alice", pending="yes")
    assert "waits for its first code" in browser.text
    await browser.get(f"{page}/activate")
    assert (await browser.post(f"{page}/activate", code="000000")).status_code == 422
    assert "The code is not right" in browser.text
    await act("activate", code=code())
    lobby.office.clock.at += 3600
    await browser.sign_in(olga)
    await act("resync", first=code(20), second=code(21))
    await act("disable")
    await act("enable")
    await act("unassign")
    assert "nobody" in browser.text
    await browser.get(f"{page}/removal")
    await browser.post(f"{page}/removal")
    await browser.follow()
    await browser.follow()
    assert "It is removed." in browser.text
