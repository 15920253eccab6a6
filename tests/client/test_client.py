"""The Python client against the real API, the one that waits and the asynchronous one through the same scenes."""

import asyncio
import inspect
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any

import httpx2
import pytest

from tests.flows.desks import memory_office
from tests.frontends.http.door import PASSWORD, Door, door_of
from vestibule.client import (
    Accepted,
    AsyncVestibule,
    Challenge,
    Problem,
    Refused,
    Unreachable,
    Vestibule,
    Waiting,
    Way,
)
from vestibule.core.api_keys import Right
from vestibule.core.clients import SignIn
from vestibule.core.credentials import Credential
from vestibule.core.secret import Secret
from vestibule.frontends.http.listener import ApiListener
from vestibule.wire.pskc.writer import Passphrase, SharedKey, write_pskc
from vestibule.wire.token_csv import TokenRow

Call = Callable[..., Coroutine[Any, Any, Any]]
Open = Callable[[str], Call]


@pytest.fixture
async def served() -> AsyncIterator[tuple[Door, str]]:
    office = memory_office()
    async with door_of(office, allowed_hosts=frozenset({"127.0.0.1"})) as door:
        listener = ApiListener(door.app, "127.0.0.1", 0, None)
        listener.start()
        try:
            yield door, listener.url
        finally:
            await listener.close()
    await office.store.close()


@pytest.fixture(params=["synchronous", "asynchronous"])
async def opened(request: pytest.FixtureRequest, served: tuple[Door, str]) -> AsyncIterator[Open]:
    """Open a client of one of the two kinds with a key; its methods are called by name."""
    closing: list[Call] = []

    def with_key(key: str) -> Call:
        call = _awaited(Vestibule(served[1], key)) if request.param == "synchronous" else _called(served[1], key)
        closing.append(call)
        return call

    yield with_key
    for call in closing:
        await call("close")


def _awaited(client: Vestibule) -> Call:
    async def call(method: str, *positional: object, **named: object) -> Any:  # noqa: ANN401 - what the method gives
        return await asyncio.to_thread(getattr(client, method), *positional, **named)

    return call


def _called(url: str, key: str) -> Call:
    client = AsyncVestibule(url, key)

    async def call(method: str, *positional: object, **named: object) -> Any:  # noqa: ANN401 - what the method gives
        return await getattr(client, method)(*positional, **named)

    return call


async def test_a_code_lets_in_once(served: tuple[Door, str], opened: Open) -> None:
    door, _ = served
    key = await door.person("alice", groups=("staff",))
    mfa = opened(await door.key(client=await door.client()))
    code = door.office.code(key)
    assert await mfa("begin", "ALICE", code=code) == Accepted("alice", ("staff",))
    assert await mfa("begin", "alice", code=code) == Refused("Sign-in refused")


async def test_a_question_is_answered(served: tuple[Door, str], opened: Open) -> None:
    door, _ = served
    key = await door.person("alice")
    mfa = opened(await door.key(client=await door.client(sign_in=SignIn.PASSWORD_THEN_CODE)))
    asked = await mfa("begin", "alice", password=PASSWORD, address="203.0.113.7")
    assert isinstance(asked, Challenge)
    assert asked.text == "Enter your verification code"
    assert await mfa("answer", asked, door.office.code(key)) == Accepted("alice")
    assert isinstance(await mfa("answer", asked, door.office.code(key)), Refused)


async def test_an_approval_is_awaited(served: tuple[Door, str], opened: Open) -> None:
    door, _ = served
    await door.person("alice", method="tap")
    mfa = opened(await door.key(client=await door.client()))
    waiting = await mfa("begin", "alice")
    assert isinstance(waiting, Waiting)
    assert waiting.number
    assert await mfa("wait", waiting, 0.05) == waiting
    ending = asyncio.create_task(mfa("wait", waiting))
    message = await door.postbox.next()
    await door.behind.authenticate.answer(waiting.attempt, message.id, Secret.of(waiting.number), "event")
    assert await ending == Accepted("alice")


async def test_another_way_is_chosen(served: tuple[Door, str], opened: Open) -> None:
    door, _ = served
    key = await door.person("alice")
    await door.put(Credential("tap-of-alice", "tap", "id of alice", label="my phone"))
    mfa = opened(await door.key(client=await door.client(sign_in=SignIn.PASSWORD_THEN_CODE)))
    waiting = await mfa("begin", "alice", password=PASSWORD)
    assert isinstance(waiting, Waiting)
    assert waiting.ways == (Way("tap/tap-of-alice", "tap", "my phone"), Way("code", "code", ""))
    asked = await mfa("choose", waiting, "code")
    assert isinstance(asked, Challenge)
    assert asked.way == "code"
    assert await mfa("answer", asked, door.office.code(key)) == Accepted("alice")


async def test_administration_is_done_by_calls(served: tuple[Door, str], opened: Open) -> None:
    door, _ = served
    mfa = opened(await door.key(rights=[right.value for right in Right]))
    assert (await mfa("call", "POST", "/users", {"name": "alice"}))["user"]["name"] == "alice"
    report = await mfa("call", "POST", "/users/import", b"name\nbob\ncarol\n", file_name="people.csv")
    assert report["created"] == 2
    with pytest.raises(Problem) as problem:
        await mfa("call", "POST", "/users", {"name": "alice", "phone": 7})
    assert (problem.value.status, problem.value.type) == (422, "/api/v1/problems/invalid")
    assert [field for field, _ in problem.value.errors] == ["body.phone"]
    assert "body.phone" in str(problem.value)


async def test_a_token_file_goes_in_with_what_opens_it(served: tuple[Door, str], opened: Open) -> None:
    door, _ = served
    mfa = opened(await door.key(rights=[Right.TOKENS_WRITE]))
    rows = [TokenRow(0, None, "T1", Secret(bytes(20)), 30)]
    for closing, opening in (
        (None, {}),
        (SharedKey(Secret(bytes(16))), {"key": bytes(16).hex()}),
        (Passphrase(Secret.of("x"), 10), {"passphrase": "x"}),
    ):
        content = "".join(write_pskc(rows, closing, bytes)).encode()
        report = await mfa("import_tokens", content, "tokens.xml", dry_run=True, **opening)
        assert (report["dry_run"], report["created"], report["file_name"]) == (True, 1, "tokens.xml")
    content = "".join(write_pskc(rows, Passphrase(Secret.of("x"), 10), bytes)).encode()
    with pytest.raises(Problem) as problem:
        await mfa("import_tokens", content, "tokens.xml")
    assert [field for field, _ in problem.value.errors] == ["passphrase"]
    report = await mfa("import_tokens", content, "tokens.xml", passphrase="x", pending=True, waiver_until="2030-01-31")
    assert (report["dry_run"], report["created"]) == (False, 1)


async def test_a_wrong_key_is_a_problem_and_no_server_is_unreachable(served: tuple[Door, str], opened: Open) -> None:
    with pytest.raises(Problem) as problem:
        await opened("x")("begin", "alice", code="1")
    assert problem.value.status == 401
    with pytest.raises(Unreachable):
        await _awaited(Vestibule("http://127.0.0.1:9", "x"))("begin", "alice", code="1")
    nobody = AsyncVestibule("http://127.0.0.1:9", "x")
    with pytest.raises(Unreachable):
        await nobody.begin("alice", code="1")
    await nobody.close()


async def test_lists_are_walked_to_their_end(served: tuple[Door, str]) -> None:
    door, url = served
    for i in range(7):
        await door.person(f"user {i}")
    key = await door.key(rights=["users:read"])
    async with AsyncVestibule(url, key) as mfa:
        found = [row["name"] async for row in mfa.pages("/users", "users", limit=3)]
    assert found == [f"user {i}" for i in range(7)]

    def walked() -> list[str]:
        with Vestibule(url, key) as client:
            return [row["name"] for row in client.pages("/users", "users", limit=3)]

    assert await asyncio.to_thread(walked) == found


# -- without a server ----------------------------------------------------------------------------------------------


def answering(*answers: httpx2.Response | Exception) -> tuple[httpx2.MockTransport, list[httpx2.Request]]:
    """A transport that gives these answers in order, and what it was sent."""
    left, sent = list(answers), list[httpx2.Request]()

    def answer(request: httpx2.Request) -> httpx2.Response:
        sent.append(request)
        found = left.pop(0)
        if isinstance(found, Exception):
            raise found
        return found

    return httpx2.MockTransport(answer), sent


def test_what_gets_no_answer_is_sent_again_as_the_same_request() -> None:
    accepted = httpx2.Response(200, json={"decision": "accept", "user": "alice", "groups": []})
    transport, sent = answering(httpx2.ReadError("gone"), accepted)
    with Vestibule("http://mfa.test", "key", transport=transport) as mfa:
        assert mfa.begin("alice", code="1") == Accepted("alice")
    first, second = sent
    assert first.headers["idempotency-key"] == second.headers["idempotency-key"]
    assert first.content == second.content


@pytest.mark.parametrize(
    "answer",
    [
        httpx2.Response(200, json={}),
        httpx2.Response(200, text="<html>accept</html>"),
        httpx2.Response(200, json=["accept"]),
        httpx2.Response(201, json={"decision": "accept", "user": "alice", "groups": []}),
        httpx2.Response(202, json={"decision": "accept", "user": "alice", "groups": []}),
        httpx2.Response(302, headers={"location": "http://evil.example/"}),
        httpx2.Response(403, json={"decision": "refused"}),
        httpx2.Response(500, text="oops"),
        httpx2.Response(503, json={"type": "/api/v1/problems/unavailable"}, headers={"retry-after": "2"}),
    ],
)
def test_nothing_but_a_plain_accept_lets_in(answer: httpx2.Response) -> None:
    transport, _ = answering(answer)
    with Vestibule("http://mfa.test", "key", transport=transport) as mfa, pytest.raises(Problem) as problem:
        mfa.begin("alice", code="1")
    assert problem.value.status == answer.status_code
    assert problem.value.retry_after == (2.0 if answer.status_code == 503 else None)


@pytest.mark.requirement(50)
def test_no_variable_of_the_environment_sends_the_key_another_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    with Vestibule("http://mfa.test", "key") as mfa:
        assert not mfa._http.trust_env


def test_the_two_clients_have_the_same_methods() -> None:
    def said(kind: type) -> dict[str, str]:
        methods = inspect.getmembers(kind, inspect.isfunction)
        return {name: str(inspect.signature(one)) for name, one in methods if not name.startswith("_")}

    plain = {name: text.replace("Iterator", "AsyncIterator") for name, text in said(Vestibule).items()}
    assert plain == said(AsyncVestibule)


def test_the_client_takes_nothing_of_the_server_along() -> None:
    program = "import sys, vestibule.client; print([m for m in sys.modules if m.startswith(('vestibule.', 'fastapi'))])"
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert "vestibule.core" not in ran.stdout
    assert "fastapi" not in ran.stdout
