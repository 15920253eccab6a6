"""What every request passes first: the host, the address behind proxies, the key, the rates, the sizes."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from dataclasses import replace

import httpx2
import pytest

from tests.flows.desks import ACTOR, NOON, memory_office
from tests.frontends.http.door import PEER, URL, Door, door_of
from vestibule.core.api_keys import ApiKey
from vestibule.core.errors import Malformed, Unavailable
from vestibule.flows import api_keys
from vestibule.frontends.http.guard import BODY_OCTETS, Guard, Recognise
from vestibule.frontends.http.peers import caller_address, host_of

TRUSTED = ("192.0.2.20/32", "2001:db8:1::/64")


# -- keys ------------------------------------------------------------------------------------------------------------


async def wrong_keys(door: Door) -> list[str]:
    right = await door.key(rights=["status:read"])
    removed = await door.key(rights=["status:read"])
    await api_keys.remove(door.office.desk, ACTOR, id=removed.split("_")[1])
    other = await door.key(rights=["status:read"])
    expiring = await door.key(rights=["status:read"], expires="2027-01-15")
    door.office.clock.at = NOON + 86400.0
    mixed = f"vestibule_{right.split('_')[1]}_{other.split('_', 2)[2]}"
    return ["", "x", right[:-1], right + "A", right.upper(), f"{right} {right}", removed, mixed, expiring]


async def test_no_key_that_is_not_the_one_gets_in_and_none_hears_why(any_door: Door) -> None:
    answers = [await any_door.program(None).get("/status")]
    answers += [await any_door.program(key).get("/status") for key in await wrong_keys(any_door)]
    assert {answer.status_code for answer in answers} == {401}
    assert len({answer.content for answer in answers}) == 1
    assert answers[0].headers["www-authenticate"] == 'Bearer realm="vestibule"'


async def test_the_key_stands_behind_bearer_once(door: Door) -> None:
    key = await door.key(rights=["status:read"])
    asker = door.program()
    for sent in (f"Basic {key}", key, f"Bearer  {key} x"):
        assert (await asker.get("/status", headers={"Authorization": sent})).status_code == 401
    twice = httpx2.Headers([("Authorization", f"Bearer {key}"), ("Authorization", f"Bearer {key}")])
    assert (await asker.get("/status", headers=twice)).status_code == 401
    assert (await asker.get("/status", headers={"Authorization": f"bearer {key}"})).status_code == 200


async def test_a_key_is_looked_for_before_anything_else(door: Door) -> None:
    stranger = door.program("vestibule_0123456789abcdef_" + "A" * 43)
    for method, path in (("GET", "/nothing"), ("POST", "/users"), ("PUT", "/users"), ("GET", "/problems")):
        assert (await stranger.request(method, path, content=b"{")).status_code == 401


async def test_what_is_public_needs_no_key(door: Door) -> None:
    for path in ("/openapi.json", "/docs", "/docs.css", "/problems/bug"):
        assert (await door.program().get(path)).status_code == 200
    assert (await door.program().get("/problems/nothing")).status_code == 404


async def test_a_key_that_was_removed_opens_nothing_a_second_later(any_door: Door) -> None:
    key = await any_door.key(client=await any_door.client())
    asker = any_door.program(key)
    assert (await asker.post("/attempts", json={"user": "nobody", "code": "1"})).status_code == 403
    await api_keys.remove(any_door.office.desk, ACTOR, id=key.split("_")[1])
    any_door.office.clock.at += 1.0
    assert (await asker.post("/attempts", json={"user": "nobody", "code": "1"})).status_code == 401


# -- hosts and proxies -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("host", ["evil.example", "mfa.test.evil.example", "mfa.test@evil.example", "", "mfa.testx"])
async def test_another_host_is_not_answered_for(door: Door, host: str) -> None:
    asker = await door.asker(rights=["status:read"])
    for path in ("/status", "/docs"):
        answer = await asker.get(path, headers={"Host": host})
        assert (answer.status_code, answer.json()["type"]) == (421, "/api/v1/problems/unknown-host")


@pytest.mark.parametrize(
    ("sent", "host"),
    [
        (["mfa.test"], "mfa.test"),
        (["MFA.Test.:8443"], "mfa.test"),
        (["[::1]:8443"], "[::1]"),
        (["[2001:DB8::1]"], "[2001:db8::1]"),
        ([], ""),
        (["mfa.test", "evil.example"], ""),
        (["mfa.test", "mfa.test"], ""),
    ],
)
def test_the_host_is_read_from_one_header(sent: list[str], host: str) -> None:
    assert host_of([(b"host", one.encode()) for one in sent]) == host


def forwarded(*values: str) -> list[tuple[bytes, bytes]]:
    return [(b"x-forwarded-for", value.encode()) for value in values]


@pytest.mark.requirement(51)
@pytest.mark.parametrize(
    ("peer", "sent", "address"),
    [
        ("192.0.2.99", ["203.0.113.7"], "192.0.2.99"),
        ("192.0.2.20", [], "192.0.2.20"),
        ("192.0.2.20", ["203.0.113.7"], "203.0.113.7"),
        ("192.0.2.20", ["198.51.100.1, 203.0.113.7"], "203.0.113.7"),
        ("192.0.2.20", ["198.51.100.1", "203.0.113.7"], "203.0.113.7"),
        ("192.0.2.20", ["203.0.113.7, 2001:db8:1::5"], "203.0.113.7"),
        ("2001:db8:1::9", ["::ffff:203.0.113.7"], "203.0.113.7"),
        ("192.0.2.20", ["192.0.2.20, 192.0.2.20"], "192.0.2.20"),
    ],
)
def test_forwarding_is_believed_from_configured_addresses_only(peer: str, sent: list[str], address: str) -> None:
    assert caller_address(peer, forwarded(*sent), TRUSTED) == address


@pytest.mark.requirement(51)
@pytest.mark.parametrize(
    "sent", ["", "unknown", "203.0.113.7:80", "203.0.113.7, ", "_hidden", "203.0.113.7, x, 1.2.3.4x"]
)
async def test_forwarding_that_can_not_be_read_is_refused(sent: str) -> None:
    with pytest.raises(Malformed):
        caller_address("192.0.2.20", forwarded(sent), TRUSTED)
    office = memory_office()
    async with door_of(office, trusted_proxies=TRUSTED) as door:
        asker = door.program(await door.key(rights=["status:read"]), "192.0.2.20")
        assert (await asker.get("/status", headers={"X-Forwarded-For": sent})).status_code == 400
    await office.store.close()


@pytest.mark.requirement(51)
async def test_no_other_forwarding_header_is_looked_at(door: Door) -> None:
    asker = await door.asker(rights=["status:read"])
    headers = {
        "X-Real-IP": "1.2.3.4",
        "Forwarded": "for=1.2.3.4",
        "X-Forwarded-For": "1.2.3.4",
        "X-Forwarded-Host": "x",
    }
    assert (await asker.get("/status", headers=headers)).status_code == 200
    (used,) = [entry for entry in await door.office.journal() if entry.action == "api_key.used"]
    assert used.client_address == PEER


# -- rates and sizes -----------------------------------------------------------------------------------------------


async def test_an_address_may_fail_so_often_and_others_go_on() -> None:
    office = memory_office()
    async with door_of(office, failures_per_minute=3) as door:
        right = await door.key(rights=["status:read"])
        stranger, friend = door.program("x"), door.program(right, "192.0.2.51")
        assert [(await stranger.get("/status")).status_code for _ in range(4)] == [401, 401, 401, 429]
        told = await door.program(right).get("/status")
        assert (told.status_code, told.headers["retry-after"]) == (429, "20")
        assert [(await friend.get("/status")).status_code for _ in range(9)] == [200] * 9
        door.office.clock.at += 20
        assert (await door.program(right).get("/status")).status_code == 200
    await office.store.close()


async def test_a_whole_ipv6_network_fails_as_one() -> None:
    office = memory_office()
    async with door_of(office, failures_per_minute=3) as door:
        places = [f"2001:db8::{i}" for i in range(1, 5)]
        assert [(await door.program("x", place).get("/status")).status_code for place in places] == [401, 401, 401, 429]
        assert (await door.program("x", "2001:db8:0:1::1").get("/status")).status_code == 401
    await office.store.close()


async def test_many_at_once_with_a_good_key_are_no_failures() -> None:
    office = memory_office()
    async with door_of(office, failures_per_minute=3) as door:
        asker = await door.asker(rights=["status:read"])
        answers = await asyncio.gather(*[asker.get("/status") for _ in range(9)])
        assert {answer.status_code for answer in answers} == {200}
        stranger = door.program("x")
        answers = await asyncio.gather(*[stranger.get("/status") for _ in range(3)])
        assert {answer.status_code for answer in answers} == {401}
        assert (await asker.get("/status")).status_code == 429
    await office.store.close()


async def test_a_key_may_ask_so_often_and_others_go_on() -> None:
    office = memory_office()
    async with door_of(office, requests_per_second=2) as door:
        asker, other = await door.asker(rights=["status:read"]), await door.asker(rights=["status:read"])
        assert [(await asker.get("/status")).status_code for _ in range(3)] == [200, 200, 429]
        assert (await other.get("/status")).status_code == 200
        door.office.clock.at += 0.5
        assert [(await asker.get("/status")).status_code for _ in range(2)] == [200, 429]
    await office.store.close()


async def test_more_at_once_than_is_allowed_are_turned_away() -> None:
    office = memory_office()
    async with door_of(office, in_flight_limit=0) as door:
        told = await door.program().get("/docs")
        assert (told.status_code, told.json()["type"]) == (503, "/api/v1/problems/unavailable")
        assert door.registry.get_sample_value("vestibule_api_in_flight") == 0
    await office.store.close()


async def test_a_body_that_is_too_large_is_refused_unread(door: Door) -> None:
    asker = await door.asker(client=await door.client())
    body = json.dumps({"user": "alice", "code": "1" * BODY_OCTETS}).encode()

    async def piecewise() -> AsyncIterator[bytes]:
        for i in range(0, len(body), 1000):
            yield body[i : i + 1000]

    for content in (body, piecewise()):
        told = await asker.post("/attempts", content=content)
        assert (told.status_code, told.json()["type"]) == (413, "/api/v1/problems/too-large")
    lies = await asker.post("/attempts", content=b"{}", headers={"Content-Length": "9" * 30})
    assert lies.status_code == 413


async def test_only_a_key_that_manages_may_upload_and_only_so_much() -> None:
    office = memory_office()
    async with door_of(office, upload_octets=2 * BODY_OCTETS) as door:
        admin, asker = await door.asker(rights=["tokens:write"]), await door.asker(client=await door.client())
        file = b"A1,JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP,30\n" * (BODY_OCTETS // 36)
        assert (await admin.post("/tokens/import", content=file)).status_code == 200
        assert (await admin.post("/tokens/import", content=file * 2)).status_code == 413
        assert (await asker.post("/tokens/import", content=file)).status_code == 413
    await office.store.close()


# -- what goes wrong inside ----------------------------------------------------------------------------------------


def broken() -> int:
    raise ZeroDivisionError("a canary in the exception")


@pytest.mark.requirement(47)
async def test_a_bug_is_told_by_its_reference_alone() -> None:
    office = memory_office()
    office.desk = replace(office.desk, waiting=broken)
    async with door_of(office) as door:
        told = await (await door.asker(rights=["status:read"])).get("/status")
        assert told.status_code == 500
        (line,) = door.log.lines
        assert (line["reference"], line["error"]) == (told.json()["reference"], "ZeroDivisionError")
        assert line["operation"] == "getStatus"
        assert "canary" not in str(line) + told.text
        assert door.registry.get_sample_value("vestibule_api_requests_total", {"status": "500"}) == 1
    await office.store.close()


def guarded(door: Door, recognise: Recognise) -> httpx2.AsyncClient:
    """The door with another way to know keys."""
    guard = Guard(door.app, recognise, door.behind.manners, door.behind.counts, time.monotonic)
    door.askers.append(httpx2.AsyncClient(transport=httpx2.ASGITransport(guard), base_url=URL))
    return door.askers[-1]


async def test_a_bug_in_the_guard_is_told_the_same_way(door: Door) -> None:
    async def recognise(_text: str, _address: str) -> ApiKey | None:
        raise ZeroDivisionError("a canary in the exception")

    told = await guarded(door, recognise).get("/status")
    assert (told.status_code, told.json()["reference"]) == (500, door.log.lines[0]["reference"])
    assert "canary" not in str(door.log.lines) + told.text


async def test_a_store_that_is_away_is_said_so(door: Door) -> None:
    async def recognise(_text: str, _address: str) -> ApiKey | None:
        raise Unavailable("the database is away")

    told = await guarded(door, recognise).get("/status")
    assert (told.status_code, told.headers["retry-after"]) == (503, "2")


async def test_every_answer_forbids_to_keep_it_and_to_guess_its_kind(door: Door) -> None:
    asker = await door.asker(rights=["status:read"])
    for answer in (await asker.get("/status"), await asker.get("/users"), await door.program().get("/docs")):
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-content-type-options"] == "nosniff"
