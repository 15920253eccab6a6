"""Each key does what its scope and rights say, and nothing else: every operation against every right."""

import re

import httpx2
import pytest

from tests.frontends.http.door import Door
from vestibule.core.api_keys import Right
from vestibule.frontends.http.application import routes
from vestibule.frontends.http.description import operations, right_of
from vestibule.frontends.http.work import VERIFY

NAMES = (VERIFY, *Right)


async def programs(door: Door) -> dict[str, httpx2.AsyncClient]:
    """One for each right, with this right only, and one that verifies."""
    managing = {right.value: await door.asker(rights=[right.value]) for right in Right}
    return {VERIFY: await door.asker(client=await door.client()), **managing}


async def test_each_operation_takes_its_own_right_and_no_other(door: Door) -> None:
    askers = await programs(door)
    forbidden = allowed = 0
    for method, path, operation in operations(routes(door.behind).openapi()):
        place = re.sub(r"{\w+}", "0" * 32, path)
        for name, asker in askers.items():
            answer = await asker.request(method, f"http://mfa.test{place}", json={})
            kind = answer.json().get("type", "").rpartition("/")[2]
            if name == right_of(operation):
                assert (answer.status_code, kind) not in {(401, "unauthenticated"), (403, "forbidden")}, (name, path)
                allowed += 1
            else:
                assert (answer.status_code, kind) == (403, "forbidden"), (method, path, name)
                forbidden += 1
    assert allowed == 54
    assert forbidden == 54 * 16


async def test_nothing_was_changed_by_those_who_may_not(door: Door) -> None:
    key = await door.person("alice")
    asker = await door.asker(rights=[right.value for right in Right if right is not Right.USERS_WRITE])
    before = await door.office.actions()
    for method, path, body in (
        ("DELETE", "/users/alice", None),
        ("PATCH", "/users/alice", {"name": "mallory"}),
        ("PUT", "/users/alice/password", {"password": "correct horse battery staple"}),
        ("POST", "/attempts", {"user": "alice", "code": door.office.code(key)}),
    ):
        assert (await asker.request(method, path, json=body)).status_code == 403
    after = await door.office.actions()
    assert [action for action in after if action not in (*before, "api_key.used")] == []


@pytest.mark.requirement(47)
async def test_a_key_is_stored_only_as_a_digest(door: Door) -> None:
    key = await door.key(rights=["status:read"])
    secret = key.split("_", 2)[2]
    tables = repr(door.office.store.__dict__) + repr(door.office.desk.store)
    assert secret not in tables
    assert secret not in repr(await door.office.lines())
