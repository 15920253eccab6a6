"""Programs sign people in: by code, by password and code, by a question, by an approval elsewhere."""

import asyncio
import time
from typing import Any

import httpx2
import pytest

from tests.flows.desks import memory_office
from tests.frontends.http.door import PASSWORD, URL, Door, door_of
from vestibule.core.clients import Client, SignIn
from vestibule.core.credentials import Credential
from vestibule.core.policy import Outcome, Rule
from vestibule.core.secret import Secret
from vestibule.frontends.http.application import routes
from vestibule.frontends.http.guard import Guard

REFUSED = {
    "type": "/api/v1/problems/sign-in-refused",
    "title": "Sign-in refused",
    "status": 403,
    "detail": "Sign-in refused",
    "decision": "refused",
}


async def begin(asker: httpx2.AsyncClient, user: str = "alice", **more: str) -> httpx2.Response:
    return await asker.post("/attempts", json={"user": user, **more})


async def test_a_code_lets_in_once(any_door: Door) -> None:
    key = await any_door.person("alice", groups=("staff",))
    asker = await any_door.asker(client=await any_door.client())
    code = any_door.office.code(key)
    first, second = await begin(asker, "ALICE", code=code), await begin(asker, code=code)
    assert (first.status_code, first.json()) == (200, {"decision": "accept", "user": "alice", "groups": ["staff"]})
    assert (second.status_code, second.json()) == (403, REFUSED)
    assert second.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("sign_in", "said"),
    [
        (SignIn.PASSWORD_AND_CODE, {"password": PASSWORD, "code": "CODE"}),
        (SignIn.CODE_AND_PASSWORD, {"password": PASSWORD, "code": "CODE"}),
        (SignIn.PASSWORD_THEN_CODE, {"password": PASSWORD, "code": "CODE"}),
        (SignIn.PASSWORD_AND_CODE, {"typed": f"{PASSWORD}CODE"}),
        (SignIn.CODE_AND_PASSWORD, {"typed": f"CODE{PASSWORD}"}),
        (SignIn.CODE_ONLY, {"code": "CODE"}),
        (SignIn.CODE_ONLY, {"typed": "CODE"}),
    ],
)
async def test_password_and_code_go_together_as_the_client_wants_it(
    door: Door, sign_in: SignIn, said: dict[str, str]
) -> None:
    key = await door.person("alice")
    asker = await door.asker(client=await door.client(sign_in=sign_in))
    code = door.office.code(key)
    wrong = "000000" if code != "000000" else "111111"
    assert (await begin(asker, **{name: text.replace("CODE", wrong) for name, text in said.items()})).status_code == 403
    told = await begin(asker, **{name: text.replace("CODE", code) for name, text in said.items()})
    assert told.json()["decision"] == "accept"


@pytest.mark.parametrize(
    ("sign_in", "said", "field"),
    [
        (SignIn.CODE_ONLY, {"password": PASSWORD, "code": "123456"}, "password"),
        (SignIn.PASSWORD_THEN_CODE, {"password": PASSWORD, "typed": "123456"}, "typed"),
    ],
)
async def test_what_can_not_be_meant_is_told_and_decides_nothing(
    door: Door, sign_in: SignIn, said: dict[str, str], field: str
) -> None:
    await door.person("alice")
    told = await begin(await door.asker(client=await door.client(sign_in=sign_in)), **said)
    assert (told.status_code, told.json()["errors"][0]["field"]) == (422, field)
    assert "sign_in" not in await door.office.actions()


async def test_a_question_is_answered_once(any_door: Door) -> None:
    key = await any_door.person("alice")
    client = await any_door.client(sign_in=SignIn.PASSWORD_THEN_CODE)
    asker = await any_door.asker(client=client)
    asked = await begin(asker, password=PASSWORD)
    assert asked.status_code == 202
    pending = asked.json()
    assert pending["decision"] == "challenge"
    assert pending["prompt"] == {"kind": "type_code", "text": "Enter your verification code"}
    place, said = f"/attempts/{pending['attempt']}/answer", {"user": "alice", "nonce": pending["nonce"]}
    said["answer"] = any_door.office.code(key)
    assert (await asker.get(f"/attempts/{pending['attempt']}")).json() == pending
    assert (await asker.post(place, json={**said, "user": "bob"})).status_code == 403
    assert (await asker.post(place, json={**said, "nonce": "0" * 32})).status_code == 403
    assert (await asker.post(place, json=said)).json()["decision"] == "accept"
    assert (await asker.post(place, json=said)).status_code == 403
    assert (await asker.get(f"/attempts/{pending['attempt']}")).json() == REFUSED


@pytest.mark.requirement(54)
async def test_only_the_client_that_asked_sees_and_answers_the_question(door: Door) -> None:
    key = await door.person("alice")
    asker = await door.asker(client=await door.client("web", SignIn.PASSWORD_THEN_CODE))
    other = await door.asker(client=await door.client("other", SignIn.PASSWORD_THEN_CODE))
    pending = (await begin(asker, password=PASSWORD)).json()
    said = {"user": "alice", "nonce": pending["nonce"], "answer": door.office.code(key)}
    assert (await other.get(f"/attempts/{pending['attempt']}")).json() == REFUSED
    assert (await other.post(f"/attempts/{pending['attempt']}/answer", json=said)).json() == REFUSED
    assert (await asker.post(f"/attempts/{pending['attempt']}/answer", json=said)).status_code == 200


@pytest.mark.requirement(23)
async def test_refusals_look_alike(door: Door) -> None:
    await door.person("alice")
    await door.person("mallory")
    await door.put(Rule("1", 1, "no mallory", Outcome.DENY, networks=("198.51.100.0/24",)))
    asker = await door.asker(client=await door.client(sign_in=SignIn.PASSWORD_THEN_CODE))
    answers = [
        await begin(asker, "nobody", password=PASSWORD),
        await begin(asker, "alice", password="wrong"),
        await begin(asker, "alice", password=PASSWORD, code="000"),
        await begin(asker, "mallory", password=PASSWORD, address="198.51.100.7"),
        await begin(asker, "alice"),
        await asker.post(f"/attempts/{'0' * 32}/answer", json={"user": "alice", "nonce": "0" * 32, "answer": "1"}),
    ]
    assert {answer.status_code for answer in answers} == {403}
    assert all(answer.json() == REFUSED for answer in answers)
    reasons = {entry.reason for entry in await door.office.journal() if entry.action == "sign_in"}
    assert len(reasons) == 5


@pytest.mark.requirement(23)
async def test_refusals_leave_at_their_time_whatever_was_wrong() -> None:
    office = memory_office()
    async with door_of(office, reject_delay=0.2) as door:
        await door.person("alice")
        asker = await door.asker(client=await door.client(sign_in=SignIn.PASSWORD_THEN_CODE))
        for user, password in (("nobody", PASSWORD), ("alice", "wrong"), ("alice", "")):
            began = time.monotonic()
            assert (await begin(asker, user, password=password)).status_code == 403
            assert 0.2 <= time.monotonic() - began < 1.0
        began = time.monotonic()
        assert (await begin(asker, password=PASSWORD)).status_code == 202
        assert time.monotonic() - began < 0.2
    await office.store.close()


@pytest.mark.requirement(4)
async def test_a_request_that_is_repeated_is_decided_once(any_door: Door) -> None:
    key = await any_door.person("alice")
    asker = await any_door.asker(client=await any_door.client())
    said = {"code": any_door.office.code(key)}
    headers = {"Idempotency-Key": "7"}
    answers = [await asker.post("/attempts", json={"user": "alice", **said}, headers=headers) for _ in range(3)]
    assert [answer.json()["decision"] for answer in answers] == ["accept"] * 3
    assert (await any_door.office.actions()).count("sign_in") == 1
    assert (await begin(asker, **said)).status_code == 403


@pytest.mark.requirement(54)
async def test_an_idempotency_key_never_carries_an_accept_to_another_request(door: Door) -> None:
    key = await door.person("alice")
    await door.person("bob")
    web, other = await door.client(), await door.client("other")
    asker, stranger, twin = await door.asker(client=web), await door.asker(client=other), await door.asker(client=web)
    said, headers = {"user": "alice", "code": door.office.code(key)}, {"Idempotency-Key": "7"}
    assert (await asker.post("/attempts", json=said, headers=headers)).status_code == 200
    for who, body in ((asker, {**said, "user": "bob"}), (asker, {"user": "bob"}), (stranger, said), (twin, said)):
        assert (await who.post("/attempts", json=body, headers=headers)).status_code in (202, 403)


async def test_both_ways_to_begin_answer_the_same(door: Door) -> None:
    """The description and the plain way are one: same checks, same answers."""
    await door.person("alice")
    key = await door.key(client=await door.client())
    plain = door.program(key)
    guard = Guard(routes(door.behind), door.app._recognise, door.behind.manners, door.behind.counts, time.monotonic)
    headers = {"Authorization": f"Bearer {key}"}
    layered = httpx2.AsyncClient(transport=httpx2.ASGITransport(guard), base_url=URL, headers=headers)
    bodies = [
        b'{"user": "alice", "code": "1"}',
        b'{"user": "alice", "code": "1", "typed": "1"}',
        b'{"user": "", "code": 7}',
        b'{"user": "a\\u0000"}',
        b'{"password": "1"}',
        b'{"user": "alice", "x": 1}',
        b"[]",
        b"7",
        b"{",
        b"\xff",
    ]
    for body in bodies:
        for once in ({}, {"Idempotency-Key": "7"}, {"Idempotency-Key": ""}, {"Idempotency-Key": "a b"}):
            sent: dict[str, Any] = {"content": body, "headers": {"Content-Type": "application/json", **once}}
            one, two = await plain.post("/attempts", **sent), await layered.post("/attempts", **sent)
            assert one.status_code == two.status_code, body
            assert one.json().get("type") == two.json().get("type"), body
            assert fields_of(one) <= fields_of(two), body
    await layered.aclose()


def fields_of(answer: httpx2.Response) -> set[str]:
    return {error["field"] for error in answer.json().get("errors", [])}


async def test_half_a_character_is_no_name(door: Door) -> None:
    asker = await door.asker(client=await door.client())
    told = await asker.post("/attempts", content=b'{"user": "a\\ud800"}', headers={"Content-Type": "application/json"})
    assert told.status_code == 400


@pytest.mark.parametrize(
    ("said", "source", "address"),
    [
        ({}, "client:web", ""),
        ({"address": "203.0.113.7"}, "203.0.113.7", "203.0.113.7"),
        ({"address": "2001:db8::5"}, "2001:db8::/64", "2001:db8::5"),
        ({"address": "::ffff:203.0.113.7"}, "203.0.113.7", "203.0.113.7"),
        ({"address": "203.0.113.7", "source": "laptop 7"}, "laptop 7", "203.0.113.7"),
        ({"source": "laptop 7"}, "laptop 7", ""),
        ({"address": "the office"}, "the office", ""),
    ],
)
async def test_failures_are_counted_where_the_person_sits(
    door: Door, said: dict[str, str], source: str, address: str
) -> None:
    await door.person("alice")
    await begin(await door.asker(client=await door.client()), code="000000", **said)
    (entry,) = [entry for entry in await door.office.journal() if entry.action == "sign_in"]
    assert (entry.source, entry.client_address, entry.client_id) == (source, address, "web")


# -- approvals elsewhere -------------------------------------------------------------------------------------------


async def waiting(door: Door) -> tuple[httpx2.AsyncClient, dict[str, Any], str]:
    await door.person("alice", method="tap")
    asker = await door.asker(client=await door.client())
    told = await begin(asker)
    assert told.status_code == 202
    message = await door.postbox.next()
    return asker, told.json(), message.id


async def test_an_approval_elsewhere_ends_the_wait(any_door: Door) -> None:
    asker, pending, nonce = await waiting(any_door)
    assert pending["decision"] == "waiting"
    assert pending["prompt"]["kind"] == "approve"
    place = f"/attempts/{pending['attempt']}"
    assert (await asker.get(place)).json() == pending
    polling = asyncio.create_task(asker.get(place, params={"seconds": 30}))
    await asyncio.sleep(0)
    number = Secret.of(pending["prompt"]["number"])
    await any_door.behind.authenticate.answer(pending["attempt"], nonce, number, "event")
    assert (await polling).json() == {"decision": "accept", "user": "alice", "groups": []}
    assert (await asker.get(place)).json()["decision"] == "accept"


async def test_a_declined_approval_is_a_refusal(door: Door) -> None:
    asker, pending, nonce = await waiting(door)
    await door.behind.authenticate.answer(pending["attempt"], nonce, Secret.of("declined"), "event")
    assert (await asker.get(f"/attempts/{pending['attempt']}")).json() == REFUSED


async def test_who_asks_to_be_let_in_can_not_approve(door: Door) -> None:
    asker, pending, nonce = await waiting(door)
    said = {"user": "alice", "nonce": nonce, "answer": pending["prompt"]["number"]}
    assert (await asker.post(f"/attempts/{pending['attempt']}/answer", json=said)).json() == REFUSED
    assert (await asker.get(f"/attempts/{pending['attempt']}")).json()["decision"] == "waiting"


async def test_a_wait_ends_in_time_and_leaves_the_question_open(door: Door) -> None:
    asker, pending, _ = await waiting(door)
    began = time.monotonic()
    told = await asker.get(f"/attempts/{pending['attempt']}", params={"seconds": 0.1})
    assert (told.status_code, told.json()) == (202, pending)
    assert 0.1 <= time.monotonic() - began < 2.0
    assert (await asker.get(f"/attempts/{pending['attempt']}", params={"seconds": 51})).status_code == 422


async def test_an_expired_question_is_refused(door: Door) -> None:
    asker, pending, _ = await waiting(door)
    door.office.clock.at = pending["expires_at"]
    assert (await asker.get(f"/attempts/{pending['attempt']}")).json() == REFUSED


async def test_a_client_that_is_gone_lets_nobody_in(door: Door) -> None:
    key = await door.person("alice")
    asker = await door.asker(client=await door.client())
    await door.office.store.change(lambda writing: writing.remove(Client, "web"))
    assert (await begin(asker, code=door.office.code(key))).status_code == 403


# -- another way -----------------------------------------------------------------------------------------------------


async def asked_with_a_choice(door: Door) -> tuple[httpx2.AsyncClient, dict[str, Any], bytes]:
    """Somebody with an authenticator whose telephone is asked first."""
    key = await door.person("alice")
    await door.put(Credential("tap-of-alice", "tap", "id of alice", label="my phone"))
    asker = await door.asker(client=await door.client(sign_in=SignIn.PASSWORD_THEN_CODE))
    pending = (await begin(asker, password=PASSWORD)).json()
    assert pending["decision"] == "waiting"
    return asker, pending, key


async def test_a_program_chooses_another_way_and_the_first_question_is_closed(any_door: Door) -> None:
    asker, pending, key = await asked_with_a_choice(any_door)
    assert [way["id"] for way in pending["ways"]] == ["tap/tap-of-alice", "code"]
    assert pending["way"] == "tap/tap-of-alice"
    place, said = f"/attempts/{pending['attempt']}", {"user": "alice", "nonce": pending["nonce"]}
    chosen = await asker.post(f"{place}/choice", json={**said, "way": "code"})
    assert chosen.status_code == 202
    asked = chosen.json()
    assert (asked["decision"], asked["way"], asked["prompt"]["kind"]) == ("challenge", "code", "type_code")
    assert asked["nonce"] != pending["nonce"]
    answer = {"user": "alice", "answer": any_door.office.code(key)}
    assert (await asker.post(f"{place}/answer", json={**answer, "nonce": asked["nonce"]})).status_code == 200


async def test_the_same_way_asks_once_more(door: Door) -> None:
    asker, pending, _ = await asked_with_a_choice(door)
    first = await door.postbox.next()
    place, said = f"/attempts/{pending['attempt']}/choice", {"user": "alice", "nonce": pending["nonce"]}
    again = (await asker.post(place, json={**said, "way": pending["way"]})).json()
    assert (again["way"], again["decision"]) == (pending["way"], "waiting")
    assert (await door.postbox.next()).id not in {first.id, pending["nonce"]}


async def test_what_can_not_be_chosen_leaves_the_question_as_it_was(door: Door) -> None:
    asker, pending, _ = await asked_with_a_choice(door)
    other = await door.asker(client=await door.client("other", SignIn.PASSWORD_THEN_CODE))
    place, said = f"/attempts/{pending['attempt']}/choice", {"user": "alice", "nonce": pending["nonce"]}
    assert (await asker.post(place, json={**said, "way": "passkey"})).json() == pending
    assert (await asker.post(place, json={**said, "user": "bob", "way": "code"})).json() == REFUSED
    assert (await other.post(place, json={**said, "way": "code"})).json() == REFUSED
    assert (await asker.get(f"/attempts/{pending['attempt']}")).json() == pending
