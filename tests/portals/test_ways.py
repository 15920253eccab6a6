"""Ways to be asked, on pages: another one, the same once more, and waiting for what happens elsewhere."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from tests.flows.desks import memory_office
from tests.portals.lobby import OWN, Browser, Lobby, Person, lobby_of
from tests.portals.test_in_a_browser import SUBMIT, Visitor, visiting
from tests.waist.methods import Tap
from vestibule.core.attempts import Attempt
from vestibule.core.credentials import Credential
from vestibule.core.delivery import Medium
from vestibule.core.events import NotDelivered
from vestibule.core.secret import Secret
from vestibule.core.sends import Send, SendState
from vestibule.core.users import User
from vestibule.portals.streams import Streams

TAP = Tap(channel="", seconds=300.0)
NEWS = "/signin/waiting/news"


@asynccontextmanager
async def waiting_lobby() -> AsyncIterator[Lobby]:
    office = memory_office()
    async with lobby_of(office, further=(TAP,)) as lobby:
        yield lobby
    await office.store.close()


async def asked_by_tap(lobby: Lobby, *, preferred: bool = True) -> Person:
    """Somebody with an authenticator who would rather approve on their phone."""
    alice = await lobby.person()
    await lobby.put(Credential("tap-of-alice", "tap", alice.id, label="my phone"))
    if preferred:
        user = await lobby.office.store.read(lambda reading: reading.get(User, alice.id))
        assert user
        await lobby.put(
            User(**{name: getattr(user, name) for name in user.__slots__} | {"preferred": "tap/tap-of-alice"})
        )
    return alice


async def attempt(lobby: Lobby) -> Attempt:
    [one] = await lobby.office.store.read(lambda reading: reading.page(Attempt, "", 10))
    return one


async def approve(lobby: Lobby, answer: str = "") -> None:
    one = await attempt(lobby)
    assert one.challenge
    said = Secret.of(answer or one.challenge.memory)
    await lobby.behind.authenticate.answer(one.id, one.challenge.nonce, said, "from elsewhere")


def held(browser: Browser) -> str:
    return browser.hidden["held"]


# -- another way -----------------------------------------------------------------------------------------------------


async def test_the_preferred_way_is_asked_first_and_another_is_chosen() -> None:
    async with waiting_lobby() as lobby:
        alice, browser = await asked_by_tap(lobby), lobby.browser()
        await browser.password(alice)
        assert "Approve it on your device" in browser.text
        assert "A code of an app, a token or a list" in browser.text
        await browser.post("/signin/way", way="code")
        assert "Your code" in browser.text
        assert "tap: my phone" in browser.text
        await browser.post("/signin/code", code=alice.code())
        assert browser.where == "/security"
        [session] = await lobby.sessions()
        assert session.method == "totp"


async def test_a_way_that_is_not_offered_leaves_the_question_as_it_was() -> None:
    async with waiting_lobby() as lobby:
        alice, browser = await asked_by_tap(lobby, preferred=False), lobby.browser()
        await browser.password(alice)
        await browser.post("/signin/way", way="call/of-somebody-else")
        assert "Your code" in browser.text
        await browser.post("/signin/code", code=alice.code())
        assert browser.where == "/security"


async def test_a_question_says_until_when_it_is_open() -> None:
    async with waiting_lobby() as lobby:
        alice, browser = await asked_by_tap(lobby, preferred=False), lobby.browser()
        await browser.password(alice)
        assert "This question is open until" in browser.text
        lobby.office.clock.at += 121
        await browser.post("/signin/code", code=alice.code())
        assert browser.where.startswith("/signin?why=old")


async def test_without_another_way_none_is_offered() -> None:
    async with waiting_lobby() as lobby:
        alice, browser = await lobby.person(), lobby.browser()
        await browser.password(alice)
        assert "Sign in another way" not in browser.text


# -- waiting ---------------------------------------------------------------------------------------------------------


async def test_an_approval_lets_in_when_the_page_looks_again() -> None:
    async with waiting_lobby() as lobby:
        alice, browser = await asked_by_tap(lobby), lobby.browser()
        await browser.password(alice)
        number = (await attempt(lobby)).challenge
        assert number
        assert f'<p class="number">{number.memory}</p>' in browser.text
        await browser.post("/signin/waiting")
        assert "Approve it on your device" in browser.text
        await approve(lobby)
        await browser.post("/signin/waiting")
        assert browser.where == "/security"
        [session] = await lobby.sessions()
        assert session.method == "tap"


CALLED = Send("send", "message", "", "alice", "mobile", "a", Medium.CALL)


@pytest.mark.parametrize(
    ("method", "sends", "said"),
    [
        ("call", [replace(CALLED, state=SendState.UNDELIVERED)], "The call was not answered."),
        ("call", [replace(CALLED, state=SendState.FAILED)], "The call was refused before it rang"),
        ("call", [], "The call was refused before it rang"),
        ("reply", [], "The message could not be sent."),
    ],
)
async def test_the_next_question_says_why_the_one_before_is_gone(method: str, sends: list[Send], said: str) -> None:
    office = memory_office()
    async with lobby_of(office, further=(replace(TAP, name=method),)) as lobby:
        alice, browser = await lobby.person(), lobby.browser()
        await lobby.put(Credential("mobile", method, alice.id, label="my phone"))
        await browser.password(alice)
        await browser.post("/signin/way", way=f"{method}/mobile")
        one = await attempt(lobby)
        assert one.challenge
        await lobby.put(*[replace(send, attempt_id=one.id) for send in sends])
        await lobby.behind.authenticate.lost(NotDelivered(one.id, one.challenge.nonce))
        answer = await browser.post("/signin/waiting")
        assert (answer.status_code, "Your code" in browser.text, said in browser.text) == (200, True, True)
        await browser.post("/signin/code", code=alice.code())
        assert browser.where == "/security"
    await office.store.close()


async def test_a_way_that_was_chosen_in_another_tab_is_followed_without_a_word() -> None:
    async with waiting_lobby() as lobby:
        alice, browser = await asked_by_tap(lobby), lobby.browser()
        await browser.password(alice)
        waiting = browser.hidden
        await browser.post("/signin/way", way="code")
        await browser.post("/signin/waiting", csrf=waiting["csrf"], held=waiting["held"])
        assert "Your code" in browser.text
        assert 'class="alert"' not in browser.text


async def test_a_declined_approval_looks_like_any_refusal_and_names_the_attempt() -> None:
    async with waiting_lobby() as lobby:
        alice, browser = await asked_by_tap(lobby), lobby.browser()
        await browser.password(alice)
        one = await attempt(lobby)
        await approve(lobby, "declined")
        answer = await browser.post("/signin/waiting")
        assert answer.status_code == 403
        assert one.id in browser.text
        assert "sign-in-refused" in browser.text


@pytest.mark.requirement(54)
async def test_only_the_browser_that_was_asked_is_let_in_by_an_approval() -> None:
    async with waiting_lobby() as lobby:
        alice, browser, thief = await asked_by_tap(lobby), lobby.browser(), lobby.browser()
        await browser.password(alice)
        await approve(lobby)
        await thief.get("/signin")
        text = held(browser)
        await thief.post("/signin/waiting", held=text)
        assert thief.where == "/signin"
        assert (await thief.http.get(NEWS, params={"held": text})).status_code == 404
        changed = text.replace("alice", "bobby")
        await browser.post("/signin/waiting", held=changed)
        assert browser.where == "/signin"
        assert await lobby.sessions() == []


async def test_what_was_approved_lets_in_once() -> None:
    async with waiting_lobby() as lobby:
        alice, browser = await asked_by_tap(lobby), lobby.browser()
        await browser.password(alice)
        text = held(browser)
        await approve(lobby)
        await browser.post("/signin/waiting")
        await browser.get("/security")
        await browser.post("/signout")
        await browser.get("/signin")
        await browser.post("/signin/waiting", held=text, headers=OWN)
        assert browser.where == "/signin"
        assert await lobby.sessions() == []


async def test_news_come_as_an_event() -> None:
    async with waiting_lobby() as lobby:
        alice, browser = await asked_by_tap(lobby), lobby.browser()
        await browser.password(alice)
        listening = asyncio.create_task(browser.http.get(NEWS, params={"held": held(browser)}))
        await asyncio.sleep(0)
        await approve(lobby)
        answer = await asyncio.wait_for(listening, 10)
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert answer.text.endswith("event: news\ndata: look\n\n")
        assert lobby.behind.streams.open == 0


async def test_more_listeners_than_there_is_room_for_ask_again_themselves() -> None:
    async with waiting_lobby() as lobby:
        alice, browser = await asked_by_tap(lobby), lobby.browser()
        await browser.password(alice)
        lobby.behind.streams.most = 0
        assert (await browser.http.get(NEWS, params={"held": held(browser)})).status_code == 503
        assert Streams().most > 0


# -- in a browser ----------------------------------------------------------------------------------------------------


async def begin(visitor: Visitor) -> Person:
    alice = await asked_by_tap(visitor.lobby)
    await visitor.go("/signin")
    await visitor.type(name="alice", password=alice.password)
    await visitor.page.wait_for_selector("[data-waiting]")
    return alice


async def test_a_waiting_page_goes_on_by_itself() -> None:
    async with visiting(further=(TAP,)) as visitor:
        await begin(visitor)
        assert await visitor.faults() == []
        await approve(visitor.lobby)
        await visitor.at("/security", "My security info")


async def test_a_waiting_page_goes_on_without_events() -> None:
    async with visiting(further=(TAP,)) as visitor:
        visitor.lobby.behind.streams.most = 0
        await begin(visitor)
        await approve(visitor.lobby)
        await visitor.at("/security", "My security info")
        visitor.said = [one for one in visitor.said if "503" not in one and "news" not in one]


async def test_a_waiting_page_goes_on_without_a_script() -> None:
    async with visiting(further=(TAP,), java_script_enabled=False) as visitor:
        await begin(visitor)
        await approve(visitor.lobby)
        await visitor.at("/security", "My security info")


async def test_another_way_is_chosen_without_a_script() -> None:
    async with visiting(further=(TAP,), java_script_enabled=False) as visitor:
        alice = await begin(visitor)
        await visitor.page.click("text=Sign in another way")
        await visitor.page.click("text=A code of an app")
        await visitor.page.fill("#code", alice.code())
        await visitor.page.click(SUBMIT)
        await visitor.at("/security", "My security info")
