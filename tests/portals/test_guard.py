"""What every page passes and carries: hosts, sizes, forms of others, headers, errors; and how little is loaded."""

import asyncio
import gzip
import re
from dataclasses import replace

import pytest
from starlette.requests import Request

from tests.portals.lobby import OWN, PASSWORD, URL, Browser, Lobby
from vestibule.core.errors import Malformed, Unavailable
from vestibule.core.ports import Store
from vestibule.flows import sessions
from vestibule.flows.acting import HOST, NOBODY, Acting, person
from vestibule.portals import pages
from vestibule.portals.application import application
from vestibule.portals.behind import Headers, Message
from vestibule.portals.static_files import URLS
from vestibule.portals.visit import visited

FIRST_LOAD_OCTETS = 60_000
TEMPLATES = sorted(path.name for path in pages.TEMPLATES.glob("*.html"))


# -- forms of others -------------------------------------------------------------------------------------------------


async def forged(browser: Browser, headers: dict[str, str], **fields: str) -> int:
    sent = {**browser.hidden, "name": "alice", "password": PASSWORD, **fields}
    return (await browser.http.post("/signin", data=sent, headers=headers)).status_code


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        (OWN, 200),
        ({"Origin": URL}, 200),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Sec-Fetch-Site": "none"}, 403),
        ({"Sec-Fetch-Site": "cross-site", "Origin": URL}, 403),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": f"{URL}.evil.example"}, 403),
    ],
)
async def test_forms_are_taken_from_our_own_pages_only(lobby: Lobby, headers: dict[str, str], status: int) -> None:
    await lobby.person()
    browser = lobby.browser()
    await browser.get("/signin")
    assert await forged(browser, headers) == status


async def test_a_form_was_made_for_this_very_browser(lobby: Lobby) -> None:
    await lobby.person()
    browser, other = lobby.browser(), lobby.browser()
    await browser.get("/signin")
    await other.get("/signin")
    for csrf in ("", "0" * 64, other.hidden["csrf"], "é"):
        assert await forged(browser, OWN, csrf=csrf) == 403
    assert await forged(browser, OWN) == 200


async def test_a_page_from_before_the_sign_in_does_nothing_and_says_what_to_do(lobby: Lobby) -> None:
    alice, browser = await lobby.person(), lobby.browser()
    await browser.sign_in(alice)
    await browser.get("/security/app")
    old = browser.hidden
    await browser.get("/security")
    await browser.post("/signout")
    await browser.sign_in(alice)  # the code was used: refused
    lobby.office.clock.at += 60
    await browser.sign_in(alice)
    answer = await browser.http.post("/security/app", data={**old, "label": "x"}, headers=OWN)
    assert answer.status_code == 403
    assert "This page is too old" in answer.text
    assert len(await lobby.factors(alice)) == 1


# -- what every answer carries ---------------------------------------------------------------------------------------


async def test_every_answer_has_the_headers(lobby: Lobby) -> None:
    browser = lobby.browser()
    for path in ("/signin", "/nowhere", URLS["portal.css"], "/security"):
        headers = (await browser.get(path)).headers
        policy = headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; ")
        assert "unsafe" not in policy
        assert {"frame-ancestors 'none'", "form-action 'self'", "base-uri 'none'"} <= set(policy.split("; "))
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "same-origin"
        assert headers["x-frame-options"] == "DENY"
        assert headers["strict-transport-security"].startswith("max-age=")
        kept = "immutable" if path.startswith("/static") else "no-store"
        assert kept in headers["cache-control"]


@pytest.mark.requirement(32)
async def test_the_cookie_is_the_browsers_alone(lobby: Lobby) -> None:
    alice, browser = await lobby.person(), lobby.browser()
    await browser.password(alice)
    answer = await browser.post("/signin/code", code=alice.code())
    cookie = answer.headers["set-cookie"]
    name, token = cookie.partition(";")[0].split("=")
    assert name == "__Host-vestibule"
    assert len(token) * 6 >= 256
    assert {part.strip().lower() for part in cookie.split(";")[1:]} == {"httponly", "secure", "path=/", "samesite=lax"}


@pytest.mark.parametrize("name", TEMPLATES)
def test_templates_have_nothing_inline(name: str) -> None:
    text = (pages.TEMPLATES / name).read_text(encoding="utf-8")
    assert not re.search(r"<style|\sstyle=|\son\w+=|javascript:|<script(?! type=\"module\" src)", text)
    assert not re.search(r"(?:src|href|action)=\"(?:https?:)?//", text)
    assert text.count("|safe") == (1 if name == "app_key.html" else 0)


async def test_the_first_page_is_small(lobby: Lobby) -> None:
    browser = lobby.browser()
    loaded = [(await browser.get(path)).content for path in ("/signin", *URLS.values())]
    assert sum(len(gzip.compress(content)) for content in loaded) < FIRST_LOAD_OCTETS / 2


async def test_files_have_names_that_change_with_their_contents(lobby: Lobby) -> None:
    browser = lobby.browser()
    for url in URLS.values():
        assert re.fullmatch(r"/static/\w+\.[0-9a-f]{12}\.\w+", url)
        assert (await browser.get(url)).status_code == 200
    assert (await browser.get("/static/portal.css")).status_code == 404
    assert (await browser.get("/static/..%2fpages.py")).status_code == 404


# -- what is refused -------------------------------------------------------------------------------------------------


async def test_another_host_is_not_answered(lobby: Lobby) -> None:
    answer = await lobby.browser().get("/signin", Host="evil.example")
    assert answer.status_code == 421
    assert "evil" not in answer.text


@pytest.mark.parametrize(
    ("content", "status"),
    [(b"a=" + b"x" * 20_000, 413), (b"&".join([b"a=1"] * 50), 400), (b"a=\xff\xfe", 400), (b"", 403)],
)
async def test_what_is_no_form_of_ours_is_refused(lobby: Lobby, content: bytes, status: int) -> None:
    browser = lobby.browser()
    answer = await browser.http.post("/signin", content=content, headers=OWN)
    assert answer.status_code == status
    assert "Details for the helpdesk" in answer.text


async def test_methods_and_addresses_that_are_none_have_a_page(lobby: Lobby) -> None:
    browser = lobby.browser(language="nl")
    assert (await browser.get("/nowhere")).status_code == 404
    assert "Hier is niets" in browser.text
    assert "404 not-found" in browser.text
    assert (await browser.http.put("/signin", content=b"")).status_code == 405


async def test_a_proxy_that_can_not_be_read_is_refused(lobby: Lobby) -> None:
    def unreadable(peer: str, headers: Headers) -> str:
        raise Malformed("X-Forwarded-For")

    behind = replace(lobby.behind, manners=replace(lobby.behind.manners, address_of=unreadable))
    browser = replace(lobby, app=application(behind)).browser()
    assert (await browser.get("/signin")).status_code == 400


class Away:
    """A store that can not be asked."""

    def __init__(self, store: Store, error: Exception) -> None:
        self._store, self._error = store, error

    def __getattr__(self, name: str) -> object:
        return getattr(self._store, name)

    async def read(self, question: object) -> object:
        raise self._error


@pytest.mark.parametrize(("error", "status"), [(Unavailable("away"), 503), (RuntimeError(f"secret {PASSWORD}"), 500)])
@pytest.mark.requirement(47)
async def test_what_goes_wrong_inside_has_a_page_with_a_reference_and_no_secret(
    lobby: Lobby, error: Exception, status: int
) -> None:
    desk = replace(lobby.office.desk, store=Away(lobby.office.store, error))  # type: ignore[arg-type]  # a port
    behind = replace(lobby.behind, desk=desk)
    browser = replace(lobby, app=application(behind)).browser()
    browser.http.cookies.set("__Host-vestibule", "x" * 43, domain="mfa.test")
    answer = await browser.get("/security")
    assert answer.status_code == status
    assert PASSWORD not in answer.text
    assert ("reference1" in answer.text) is (status == 500)
    assert [str(bug) for bug in lobby.counts.bugs] == ([str(error)] if status == 500 else [])


async def test_too_many_at_once_are_told_so(lobby: Lobby) -> None:
    behind = replace(lobby.behind, manners=replace(lobby.behind.manners, in_flight_limit=0))
    browser = replace(lobby, app=application(behind)).browser()
    answer = await browser.get("/signin")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")


async def test_a_body_that_ends_early_is_no_form(lobby: Lobby) -> None:
    async def receive() -> Message:
        return {"type": "http.disconnect"}

    said: list[Message] = []

    async def send(message: Message) -> None:
        said.append(message)

    scope: Message = {
        "type": "http",
        "method": "POST",
        "path": "/signin",
        "scheme": "https",
        "query_string": b"",
        "headers": [(b"host", b"mfa.test")],
        "client": ("192.0.2.1", 1),
    }
    async with asyncio.timeout(5):
        await lobby.app(scope, receive, send)
    assert said[0]["status"] == 413


# -- what is typed is shown as text ----------------------------------------------------------------------------------


async def test_what_is_typed_is_never_markup(lobby: Lobby) -> None:
    browser = lobby.browser()
    await browser.get("/signin")
    answer = await browser.post("/signin", name='"><script>alert(1)</script>', password="x")
    assert "<script>alert" not in answer.text
    assert "&lt;script&gt;" in answer.text
    answer = await browser.get("/signin?why=<script>&next=<script>")
    assert "<script>" not in answer.text


# -- whose rights count ----------------------------------------------------------------------------------------------


async def test_what_a_visit_does_is_done_with_the_rights_of_the_person_and_never_with_those_of_the_host(
    lobby: Lobby,
) -> None:
    alice = await lobby.person()
    token = await sessions.begin(lobby.office.desk, alice.id, method="totp")

    async def acting(cookie: str) -> Acting:
        headers = [(b"host", b"mfa.test"), (b"cookie", f"__Host-vestibule={cookie}".encode())]
        scope = {"type": "http", "method": "GET", "path": "/", "query_string": b"", "headers": headers}
        return (await visited(Request({**scope, "client": ("192.0.2.50", 1)}), lobby.behind)).desk.acting

    assert lobby.behind.desk.acting == HOST
    assert await acting(token) == person(alice.id)
    assert await acting("nothing of ours") == NOBODY
