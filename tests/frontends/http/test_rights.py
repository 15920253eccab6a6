"""Each key does what its scope and rights say, and nothing else: every operation against every right."""

import re
from dataclasses import replace

import httpx2
import pytest

from tests.flows.desks import ACTOR
from tests.frontends.http.door import Door
from vestibule.core.api_keys import Right
from vestibule.core.users import Role
from vestibule.flows import api_keys
from vestibule.flows.acting import Acting
from vestibule.flows.refused import Refused
from vestibule.flows.roles import OF_KEYS, RIGHTS
from vestibule.frontends.http.application import routes
from vestibule.frontends.http.description import operations, right_of
from vestibule.frontends.http.work import VERIFY

HELPDESK = {
    "addUser",
    "importUsers",
    "changeUser",
    "removeUser",
    "blockUser",
    "unblockUser",
    "resetUser",
    "setPassword",
    "endSessions",
    "issueRecoveryCodes",
    "requireRegistration",
    "issuePass",
    "revokePass",
    "grantBypass",
    "cancelBypass",
    "checkCaller",
    "addToken",
    "removeToken",
    "assignToken",
    "unassignToken",
    "activateToken",
    "resyncToken",
    "disableToken",
    "enableToken",
    "addPhone",
    "changePhone",
    "removePhone",
    "setPin",
    "removePin",
}
"""What the door opens for a helpdesk; that it imports and removes nobody is said by the flows."""


async def programs(door: Door) -> dict[str, httpx2.AsyncClient]:
    """One for each right, with this right only, and one that verifies."""
    managing = {right.value: await door.asker(rights=[right.value]) for right in Right}
    return {VERIFY: await door.asker(client=await door.client()), **managing}


async def is_open(asker: httpx2.AsyncClient, method: str, path: str) -> bool:
    """Whether the door lets this key do that, whatever comes of it."""
    place = re.sub(r"{\w+}", "0" * 32, path)
    answer = await asker.request(method, f"http://mfa.test{place}", json={})
    kind = answer.json().get("type", "").rpartition("/")[2]
    assert answer.status_code != 401, path
    return (answer.status_code, kind) != (403, "forbidden")


async def test_each_operation_takes_its_own_right_and_no_other(door: Door) -> None:
    askers = await programs(door)
    for method, path, operation in operations(routes(door.behind).openapi()):
        opened = {name for name, asker in askers.items() if await is_open(asker, method, path)}
        assert opened == {right_of(operation)}, (method, path)


async def test_each_role_does_what_its_rights_say_and_nothing_else(door: Door) -> None:
    """Each role against each operation there is, with a key that has all rights of the role."""
    found = operations(routes(door.behind).openapi())
    managed = [one for one in found if right_of(one[2]) != VERIFY]
    opened: dict[Role, set[str]] = {}
    for role in (role for role in Role if role):
        asker = door.program(await door.key(role=role.value))
        opened[role] = {one["operationId"] for method, path, one in managed if await is_open(asker, method, path)}
        for _method, path, operation in managed:
            wanted = any(right_of(operation) in OF_KEYS[right] for right in RIGHTS[role])
            assert (operation["operationId"] in opened[role]) is wanted, (role, path)
    everything = {operation["operationId"] for _, _, operation in managed}
    assert opened[Role.OWNER] == everything
    assert everything - opened[Role.ADMINISTRATOR] == {"setRole"}
    assert opened[Role.HELPDESK] - opened[Role.AUDITOR] == HELPDESK
    assert opened[Role.AUDITOR] == {
        one["operationId"]
        for method, _, one in managed
        if method == "GET" or one["operationId"] in {"testPolicy", "lookUpPerson"}
    }


async def test_a_helpdesk_key_resets_nobody_before_a_check_of_who_calls(door: Door) -> None:
    await door.person("alice")
    helpdesk = door.program(await door.key(role="helpdesk"))
    refused = await helpdesk.post("/users/alice/re-registration", json={})
    assert refused.status_code == 422
    assert "Check who is calling first" in refused.json()["detail"]
    checked = await helpdesk.post("/users/alice/caller-check", json={"note": "called her back at her desk"})
    assert checked.status_code == 201
    shown = (await helpdesk.get("/users/alice/caller-check")).json()
    assert shown == {"needed": True, **checked.json()}
    assert (await helpdesk.post("/users/alice/re-registration", json={})).status_code == 200
    other = door.program(await door.key(role="helpdesk"))
    assert (await other.post("/users/alice/access-pass", json={})).status_code == 422
    unattended = await door.asker(rights=["factors:write", "unattended"])
    assert (await unattended.post("/users/alice/access-pass", json={})).status_code == 201


async def test_nobody_makes_a_key_that_may_do_more_than_they(door: Door) -> None:
    desk = replace(door.office.desk, acting=Acting(RIGHTS[Role.ADMINISTRATOR]))
    await api_keys.add(desk, ACTOR, name="as much", role="administrator")
    for wanted in ({"role": "owner"}, {"rights": ["roles:write"]}):
        with pytest.raises(Refused, match="may do no more than whoever makes it"):
            await api_keys.add(desk, ACTOR, name="more", **wanted)


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
