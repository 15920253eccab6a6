"""The test bench: real packets and requests to our own doors, told without a password, a code or a secret."""

import re
from collections.abc import AsyncIterator

import pytest

from tests.portals.administration.setting_up import send, signed_in, with_doors
from tests.portals.lobby import Browser, Lobby, Person
from vestibule.apps.bench import Doors
from vestibule.core.api_keys import ApiKey
from vestibule.core.clients import Client, SignIn
from vestibule.core.journal import Entry
from vestibule.core.reasons import Reason
from vestibule.core.secret import Secret
from vestibule.core.users import Group, Role, User
from vestibule.flows.trace_texts import MEANING
from vestibule.frontends.http.guard import Message, Receive, Send

SHARED = b"shared-canary-of-the-client-0001"
FAR = ("203.0.113.0/24",)
NEAR = ("127.0.0.9",)


@pytest.fixture
async def bench(lobby: Lobby) -> AsyncIterator[Lobby]:
    async with with_doors(lobby) as opened:
        yield opened


async def client(lobby: Lobby, networks: tuple[str, ...] = NEAR, **more: object) -> str:
    await lobby.put(Client("vpn", "VPN", networks, (Secret(SHARED),) if networks else (), **more))  # type: ignore[arg-type]
    return "/admin/clients/vpn/test"


async def tried(lobby: Lobby) -> tuple[Browser, Person]:
    """An administrator's browser, and somebody to be tested."""
    browser = await signed_in(lobby)
    return browser, await lobby.person("alice")


def said(browser: Browser) -> str:
    """The page's words, without its tags."""
    return " ".join(re.sub(r"<[^>]+>", " ", browser.text.partition("<main")[2]).split())


async def tests_told(lobby: Lobby) -> list[Entry]:
    return [entry for entry in await lobby.office.journal() if entry.action == "client.test"]


@pytest.mark.requirement(47)
async def test_a_sign_in_goes_through_a_socket_where_the_client_has_an_address_of_ours(bench: Lobby) -> None:
    path = await client(bench)
    browser, alice = await tried(bench)
    await browser.get(path)
    answer = await browser.post(path, user="alice", password=alice.password, code=alice.code(), address="192.0.2.77")
    assert answer.status_code == 200
    told = said(browser)
    assert "Let in alice" in told
    assert "Sent through the network from 127.0.0.9" in told
    assert "Sent: Access-Request Message-Authenticator 0x" in told
    assert 'User-Name "alice" User-Password (hidden)' in told
    assert 'Calling-Station-Id "192.0.2.77"' in told
    assert "Received: Access-Challenge" in told
    assert "Enter your verification code" in told
    assert "Received: Access-Accept" in told
    assert "Message-Authenticator" in told
    for secret in (alice.password, alice.code(), SHARED.decode(), alice.key.hex()):
        assert secret not in browser.text


async def test_where_no_address_is_ours_the_packet_is_handed_to_the_same_door_and_the_page_says_so(
    bench: Lobby,
) -> None:
    path = await client(bench, FAR, nas_identifier="gate-7")
    browser, alice = await tried(bench)
    await bench.put(Group("staff", reply_attributes=(("Filter-Id", "staff-filter"),)))
    await bench.put(User(alice.id, "alice", "alice", groups=("staff",)))
    await browser.get(path)
    await browser.post(path, user="alice", password=alice.password, code=alice.code())
    told = said(browser)
    assert "Let in alice" in told
    assert "as if it came from 203.0.113.0" in told
    assert 'NAS-Identifier "gate-7"' in told
    assert 'Filter-Id "staff-filter"' in told


async def test_the_question_is_shown_and_answered_and_its_code_is_spent(bench: Lobby) -> None:
    path = await client(bench)
    browser, alice = await tried(bench)
    await browser.get(path)
    await browser.post(path, user="alice", password=alice.password)
    assert "A code is asked alice" in said(browser)
    assert "State" in said(browser)
    code = alice.code()
    await browser.post(path, code=code)
    assert "Let in alice" in said(browser)
    assert await bench.office.sign_in("alice", code) == "code_reused"


@pytest.mark.parametrize("mode", [SignIn.PASSWORD_AND_CODE, SignIn.CODE_AND_PASSWORD, SignIn.CODE_ONLY])
async def test_password_and_code_are_put_together_as_this_client_does(bench: Lobby, mode: SignIn) -> None:
    path = await client(bench, sign_in=mode)
    browser, alice = await tried(bench)
    await browser.get(path)
    if mode is SignIn.CODE_ONLY:
        assert 'name="password"' not in browser.text
        await browser.post(path, user="alice", code=alice.code())
    else:
        await browser.post(path, user="alice", password=alice.password, code=alice.code())
    assert "Let in alice" in said(browser)
    assert said(browser).count("Access-Request") == 1


@pytest.mark.requirement(20)
async def test_a_wrong_password_is_refused_counted_and_leads_to_its_line_of_the_journal(bench: Lobby) -> None:
    path = await client(bench, FAR)
    browser, _alice = await tried(bench)
    await browser.get(path)
    await browser.post(path, user="alice", password="wrong-canary", address="192.0.2.77")
    told = said(browser)
    assert "Refused alice" in told
    assert f"Reason {MEANING[Reason.WRONG_PASSWORD]}" in told
    assert "wrong-canary" not in browser.text
    [line] = [line for line in await bench.office.lines() if line.entry.client_id == "vpn" and line.entry.reason]
    assert f'href="/admin/journal/{line.chain}/{line.seq}"' in browser.text
    for _ in range(12):
        await browser.post(path, user="alice", password="wrong-canary", address="192.0.2.77")
    assert MEANING[Reason.THROTTLED] in said(browser)


async def test_who_tested_whom_is_written_down_before_anything_is_sent(bench: Lobby) -> None:
    path = await client(bench, FAR)
    browser, alice = await tried(bench)
    await browser.get(path)
    await browser.post(path, user="alice", password="no")
    [told] = await tests_told(bench)
    assert (told.actor, told.user_id, told.client_id) == ("user id-of-olga", alice.id, "vpn")
    assert (await bench.office.actions())[-2:] == ["client.test", "sign_in"]
    await browser.post(path, user="nobody-of-that-name", password="no")
    assert (await tests_told(bench))[-1].user_name == ""
    assert MEANING[Reason.UNKNOWN_USER] in said(browser)


async def test_a_client_of_the_api_is_tested_by_a_request_with_a_key_that_ends_with_it(bench: Lobby) -> None:
    path = await client(bench, ())
    browser, alice = await tried(bench)
    await browser.get(path)
    await browser.post(path, user="alice", password=alice.password)
    told = said(browser)
    assert "A code is asked alice" in told
    assert "Sent: POST /api/v1/attempts" in told
    assert "Received: 202" in told
    await browser.post(path, code=alice.code())
    told = said(browser)
    assert "Let in alice" in told
    assert "Received: 200" in told
    assert "answer (hidden)" in told
    await browser.get(path)
    await browser.post(path, user="alice", password="wrong-canary")
    assert "Refused alice" in said(browser)
    assert "wrong-canary" not in browser.text
    assert "test bench" not in str(await bench.office.store.read(lambda reading: reading.settings()))


async def test_the_key_of_a_request_opens_nothing_once_it_was_answered(bench: Lobby) -> None:
    path = await client(bench, ())
    browser, alice = await tried(bench)
    assert bench.behind.bench
    doors = bench.behind.bench.carrier
    assert isinstance(doors, Doors)
    assert doors.api
    behind, brought = doors.api, list[str]()

    async def api(scope: Message, receive: Receive, send: Send) -> None:
        brought.extend(value.decode() for name, value in scope["headers"] if name == b"authorization")
        await behind(scope, receive, send)

    async def nobody(text: str, address: str) -> ApiKey | None:
        return None

    doors.api = api
    await browser.get(path)
    await browser.post(path, user="alice", password=alice.password)
    [header] = brought
    assert len(header) > 40
    assert await doors.recognising(nobody)(header.removeprefix("Bearer "), "127.0.0.1") is None


async def test_what_can_not_be_sent_is_said_and_the_name_stays_typed(bench: Lobby) -> None:
    path = await client(bench)
    browser, _alice = await tried(bench)
    await browser.get(path)
    for fields, text in (
        ({"user": "alice"}, "Type a password or a code."),
        ({"user": "alice", "password": "x" * 200}, "longer than RADIUS carries"),
        ({"user": "alice", "password": "x", "address": "at home"}, "Write an IP address"),
    ):
        answer = await send(browser, path, fields)
        assert answer.status_code == 422
        assert text in said(browser)
        assert 'value="alice"' in browser.text
    assert await tests_told(bench) == []
    answer = await browser.post(path, user="alice", question="0" * 10, code="1")
    assert "can not be answered any more" in said(browser)


async def test_networks_that_belong_to_narrower_clients_lead_nowhere_and_the_page_says_so(bench: Lobby) -> None:
    path = await client(bench, ("203.0.113.4/31",))
    await bench.put(Client("other", "Other", ("203.0.113.4/32", "203.0.113.5/32"), (Secret(b"x" * 32),)))
    browser, _alice = await tried(bench)
    await browser.get(path)
    answer = await browser.post(path, user="alice", password="x")
    assert answer.status_code == 503
    assert "narrower" in said(browser)


async def test_tests_are_bounded_and_what_was_typed_stays(lobby: Lobby) -> None:
    async with with_doors(lobby, most_tests=1) as bench:
        path = await client(bench, FAR)
        browser, _alice = await tried(bench)
        await browser.get(path)
        assert (await browser.post(path, user="alice", password="x")).status_code == 200
        answer = await browser.post(path, user="alice", password="x")
        assert answer.status_code == 429
        assert "Go on in 8 seconds." in said(browser)
        assert 'value="alice"' in browser.text
        assert len(await tests_told(bench)) == 1


async def test_the_portal_itself_and_a_server_without_doors_are_not_tested(lobby: Lobby) -> None:
    browser = await signed_in(lobby)
    path = await client(lobby)
    await browser.get(path)
    await browser.post(path, user="alice", password="x")
    assert "no door open" in said(browser)
    async with with_doors(lobby) as bench:
        browser = await signed_in(bench, name="oscar")
        await browser.get("/admin/clients/portal/test")
        await browser.post("/admin/clients/portal/test", user="alice", password="x")
        assert "sign in to the portal in another browser" in said(browser)


@pytest.mark.requirement(33)
async def test_testing_takes_the_right_and_a_fresh_proof(bench: Lobby) -> None:
    path = await client(bench)
    helper = await signed_in(bench, Role.HELPDESK, "henk")
    assert (await helper.get(path)).status_code == 403
    assert (await helper.post(path, user="alice", password="x")).status_code == 403
    browser = await signed_in(bench)
    await browser.get(path)
    bench.office.clock.at += 700
    await browser.post(path, user="alice", password="password-canary")
    assert browser.where.startswith("/signin?")
    assert "password-canary" not in browser.where
    assert await tests_told(bench) == []
