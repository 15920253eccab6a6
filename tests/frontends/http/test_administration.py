"""A tour of all administration: each operation is done once, tells what its shape says, and is journalled."""

from typing import Any

import httpx2
import pytest

from tests.frontends.http.door import URL, Door
from tests.frontends.http.test_description import ROUTES
from vestibule.core.api_keys import Right
from vestibule.core.oath import hotp
from vestibule.flows import api_keys
from vestibule.flows.once import REMEMBERED_SECONDS, forget
from vestibule.frontends.http.examples_delivery import ANSWERED
from vestibule.wire.otpauth import read_key

EVERYTHING = [right.value for right in Right]
LONG = "correct horse battery staple"
TOKENS = b"A9,JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP,30\nA10,short,30\n"


class Tour:
    """Goes from operation to operation, and holds each answer against its shape."""

    def __init__(self, asker: httpx2.AsyncClient) -> None:
        self.asker = asker
        self.seen: set[str] = set()

    async def go(
        self, operation: str, body: object = None, /, *, query: dict[str, Any] | None = None, **path: str
    ) -> dict[str, Any]:
        route = ROUTES[operation]
        (method,) = route.methods or [""]
        place = URL + route.path_format.format(**path)
        sent: dict[str, Any] = {"content": body} if isinstance(body, bytes) else {"json": body} if body else {}
        answer = await self.asker.request(method, place, params=query, **sent)
        assert answer.status_code == (route.status_code or 200), f"{operation}: {answer.text}"
        assert route.response_model
        route.response_model.model_validate(answer.json())
        self.seen.add(operation)
        told: dict[str, Any] = answer.json()
        return told


async def people(tour: Tour) -> None:
    await tour.go("addGroup", {"name": "a/b staff", "reply_attributes": [["Filter-Id", "staff"]]})
    await tour.go("changeGroup", {"description": "all"}, name="a/b staff")
    assert (await tour.go("getGroup", name="a/b staff"))["group"]["description"] == "all"
    assert len((await tour.go("listGroups"))["groups"]) == 1
    added = await tour.go("addUser", {"name": "alice", "password": LONG, "groups": ["a/b staff"], "mfa": "enforced"})
    assert (await tour.go("getUser", user="ALICE"))["user"] == added["user"]
    assert (await tour.go("getUser", user=added["user"]["id"]))["user"] == added["user"]
    assert (await tour.go("changeUser", {"first_name": "Alice"}, user="alice"))["changed"] == ["first_name"]
    assert (await tour.go("blockUser", {"reason": "lost", "days": 1.0}, user="alice"))["user"]["blocked"]
    assert (await tour.go("unblockUser", user="alice"))["user"]["blocked"] is None
    await tour.go("setPassword", {"password": f"{LONG} again"}, user="alice")
    await tour.go("resetUser", user="alice")
    report = await tour.go("importUsers", b"name,first_name\nbob,Bob\n", query={"file_name": "people.csv"})
    assert (report["file_name"], report["created"]) == ("people.csv", 1)
    assert [one["name"] for one in (await tour.go("listUsers", query={"search": "B"}))["users"]] == ["bob"]


async def tokens(tour: Tour) -> None:
    made = await tour.go("addToken", {"user": "alice", "serial": "A1", "pending": True, "method": "hotp"})
    key = read_key(made["secret"]).reveal()
    assert (await tour.go("activateToken", {"code": hotp(key, 0)}, token="A1"))["token"]["state"] == "active"
    await tour.go("resyncToken", {"first": hotp(key, 5), "second": hotp(key, 6)}, token="A1")
    assert (await tour.go("getToken", token="A1"))["counter"] == 7
    report = await tour.go("importTokens", TOKENS)
    assert (report["created"], len(report["problems"])) == (1, 1)
    assert "failures" not in report
    assert (await tour.go("assignToken", {"user": "bob"}, token="A9"))["token"]["user"] == "bob"
    await tour.go("disableToken", token="A9")
    await tour.go("enableToken", token="A9")
    await tour.go("unassignToken", token="A9")
    assert [one["serial"] for one in (await tour.go("listTokens", query={"unassigned": True}))["tokens"]] == ["A9"]
    assert len((await tour.go("issueRecoveryCodes", user="alice"))["codes"]) > 1
    held = (await tour.go("listCredentials", user="alice"))["tokens"]
    assert {one["method"] for one in held} == {"hotp", "recovery"}
    assert sorted(one["serial"] for one in (await tour.go("listTokens"))["tokens"]) == ["A1", "A9"]
    await tour.go("removeToken", token="A9")


async def clients_and_rules(tour: Tour) -> None:
    assert (await tour.go("addClient", {"name": "Web", "sign_in": "code_only"}))["secret"] is None
    assert (await tour.go("addClient", {"name": "VPN", "networks": ["192.0.2.0/24"]}))["secret"]
    assert (await tour.go("changeClient", {"time_budget": 20}, id="vpn"))["changed"] == ["time_budget"]
    assert (await tour.go("changeClientSecret", {"step": "begin"}, id="vpn"))["client"]["secrets"] == 2
    assert (await tour.go("getClient", id="web"))["client"]["networks"] == []
    assert len((await tour.go("listClients"))["clients"]) == 2
    await tour.go("addRule", {"name": "one", "outcome": "require", "clients": ["web"], "methods": ["totp"]})
    await tour.go("addRule", {"name": "two/2", "outcome": "allow", "networks": ["192.0.2.0/24"]})
    assert (await tour.go("moveRule", {"position": 1}, name="two/2"))["rules"][0]["name"] == "two/2"
    assert (await tour.go("getRule", name="two/2"))["rule"]["position"] == 1
    assert (await tour.go("testPolicy", {"user": "alice", "client": "web"}))["rule"] == "one"
    assert len((await tour.go("listRules"))["rules"]) == 2
    await tour.go("removeRule", name="two/2")
    await tour.go("removeClient", id="vpn")


async def directories(tour: Tour) -> None:
    settings = {"servers": [{"host": "192.0.2.10"}]}
    made = await tour.go("addDirectory", {"id": "nps", "kind": "radius", "settings": settings, "secret": LONG})
    assert (made["directory"]["settings"], made["directory"]["secret"]) == (settings, True)
    changed = await tour.go("changeDirectory", {"settings": {"nas_identifier": "mfa"}}, id="nps")
    assert changed["changed"] == ["nas_identifier"]
    assert (await tour.go("getDirectory", id="nps"))["last_sync"] is None
    assert len((await tour.go("listDirectories"))["directories"]) == 1
    nobody = {"directory": "nps", "found": None, "password": None}
    assert await tour.go("lookUpPerson", {"user": "alice"}, id="nps") == nobody
    assert await tour.go("testDirectory", {"user": "alice"}, id="nps") == nobody
    assert await tour.go("getSync", id="nps") == {"run": None, "under_way": False, "last": None}
    await tour.go("removeDirectory", id="nps")


async def ways_in(tour: Tour) -> None:
    assert (await tour.go("setRole", {"role": "auditor"}, user="alice"))["user"]["role"] == "auditor"
    assert [one["name"] for one in (await tour.go("listRoles"))["users"]] == ["alice"]
    await tour.go("setRole", {"role": "none"}, user="alice")
    assert (await tour.go("getCallerCheck", user="bob"))["check"] is None
    assert (await tour.go("checkCaller", {"note": "called back at the desk"}, user="bob"))["check"]["way"] == "note"
    assert (await tour.go("requireRegistration", {"reason": "stolen"}, user="bob"))["user"]["mfa"] == "enabled"
    made = await tour.go("issuePass", {"minutes": 30}, user="bob")
    assert len(made["code"]) == 11
    assert (await tour.go("listPasses", user="bob"))["passes"] == [made["pass"]]
    await tour.go("revokePass", user="bob")
    granted = await tour.go("grantBypass", {"reason": "left at home", "seconds": 60}, user="bob")
    assert (await tour.go("listBypasses", user="bob"))["bypasses"] == [granted["bypass"]]
    await tour.go("cancelBypass", user="bob")
    assert await tour.go("endSessions", user="bob") == {"ended": 0}


async def the_rest(tour: Tour) -> None:
    assert (await tour.go("setSetting", {"value": 60}, name="challenge_seconds"))["value"] == 60
    assert (await tour.go("getSetting", name="challenge_seconds"))["changed"]
    newest = (await tour.go("listChanges", query={"name": "challenge_seconds"}))["changes"][0]
    chain, seq = newest["change"].split("/")
    assert (await tour.go("undoChange", chain=chain, seq=seq))["value"] == 120
    await tour.go("unsetSetting", name="challenge_seconds")
    await tour.go("listSettings")
    await tour.go("listJournal", query={"user": "alice", "kind": "administration"})
    assert (await tour.go("getStatus"))["users"] == 2
    await tour.go("removeUser", query={"erase": True}, user="alice")
    await tour.go("removeGroup", name="a/b staff")


async def test_the_tour(any_door: Door) -> None:
    key = await any_door.key(rights=EVERYTHING)
    tour = Tour(any_door.program(key))
    await people(tour)
    await tokens(tour)
    await clients_and_rules(tour)
    await directories(tour)
    await ways_in(tour)
    await the_rest(tour)
    others = {"beginAttempt", "answerAttempt", "chooseInAttempt", "waitForAttempt", "startSync"}
    assert set(ROUTES) - tour.seen - others == set(ANSWERED)  # what takes providers is run with all its examples
    name = next(one["name"] for one in await _keys(any_door))
    acts = [entry for entry in await any_door.office.journal() if entry.action != "api_key.add"]
    assert {entry.actor for entry in acts} == {f"key {name}"}
    assert {"user.add", "user.remove", "token.import", "setting.set", "client.secret.begin"} <= {a.action for a in acts}


async def _keys(door: Door) -> list[dict[str, Any]]:
    keys: list[dict[str, Any]] = (await api_keys.listed(door.office.desk, "uid 0"))["keys"]
    return keys


# -- pages, ETags, repetition ------------------------------------------------------------------------------------


async def test_lists_come_in_pages_that_miss_nothing(door: Door) -> None:
    admin = await door.asker(rights=EVERYTHING)
    for i in range(7):
        await door.person(f"user {i}")
    for path, rows in (("/users", "users"), ("/tokens", "tokens"), ("/journal", "lines")):
        found, after = 0, None
        while True:
            page = (await admin.get(path, params={"limit": 3, **({"after": after} if after else {})})).json()
            found += len(page[rows])
            after = page["next"]
            if after is None:
                break
        assert found >= 7 or path == "/journal"
    assert (await admin.get("/users", params={"limit": 0})).status_code == 422
    assert (await admin.get("/journal", params={"after": "nowhere"})).status_code == 422


async def test_what_has_changed_meanwhile_is_not_changed(any_door: Door) -> None:
    admin = await any_door.asker(rights=EVERYTHING)
    await admin.post("/users", json={"name": "alice"})
    seen = (await admin.get("/users/alice")).headers["etag"]
    assert (await admin.get("/users/alice")).headers["etag"] == seen
    first = await admin.patch("/users/alice", json={"first_name": "A"}, headers={"If-Match": f'"x", {seen}'})
    second = await admin.patch("/users/alice", json={"first_name": "B"}, headers={"If-Match": seen})
    assert (first.status_code, second.status_code) == (200, 412)
    assert (await admin.get("/users/alice")).json()["user"]["first_name"] == "A"
    assert (await admin.delete("/users/alice", headers={"If-Match": seen})).status_code == 412
    assert (await admin.delete("/users/nobody", headers={"If-Match": seen})).status_code == 404
    assert (await admin.delete("/users/alice", headers={"If-Match": "*"})).status_code == 200


@pytest.mark.parametrize(
    ("place", "change"),
    [
        ("/groups/staff", {"description": "x"}),
        ("/clients/web", {"time_budget": 9}),
        ("/policy/rules/one", {"position": 1}),
        ("/settings/challenge_seconds", {"value": 60}),
    ],
)
async def test_everything_that_is_changed_has_an_etag(door: Door, place: str, change: dict[str, Any]) -> None:
    admin = await door.asker(rights=EVERYTHING)
    await admin.post("/groups", json={"name": "staff"})
    await admin.post("/clients", json={"name": "web"})
    await admin.post("/policy/rules", json={"name": "one", "outcome": "deny"})
    await admin.post("/policy/rules", json={"name": "two", "outcome": "deny", "position": 1})
    method = "PUT" if "settings" in place else "PATCH"
    seen = (await admin.get(place)).headers["etag"]
    assert (await admin.request(method, place, json=change, headers={"If-Match": '"x"'})).status_code == 412
    assert (await admin.request(method, place, json=change, headers={"If-Match": seen})).status_code == 200
    assert (await admin.request(method, place, json=change, headers={"If-Match": seen})).status_code == 412


async def test_a_write_that_is_repeated_is_done_once_and_told_again(any_door: Door) -> None:
    admin = await any_door.asker(rights=EVERYTHING)
    await admin.post("/users", json={"name": "alice"})
    once = {"Idempotency-Key": "7"}
    told = [await admin.post("/tokens", json={"user": "alice"}, headers=once) for _ in range(3)]
    assert {answer.status_code for answer in told} == {201}
    assert len({answer.text for answer in told}) == 1
    assert [answer.headers.get("idempotency-replayed") for answer in told] == [None, "true", "true"]
    assert len((await admin.get("/tokens")).json()["tokens"]) == 1
    assert (await admin.post("/tokens", json={"user": "bob"}, headers=once)).status_code == 422
    removed = [await admin.delete("/users/alice", headers={"Idempotency-Key": "8"}) for _ in range(2)]
    assert [answer.json() for answer in removed] == [removed[0].json()] * 2


async def test_an_idempotency_key_belongs_to_its_api_key(door: Door) -> None:
    one, other = await door.asker(rights=EVERYTHING), await door.asker(rights=EVERYTHING)
    once = {"Idempotency-Key": "7"}
    assert (await one.post("/users", json={"name": "alice"}, headers=once)).status_code == 201
    assert (await other.post("/users", json={"name": "alice"}, headers=once)).status_code == 422


async def test_a_write_that_was_refused_may_be_tried_again(door: Door) -> None:
    admin = await door.asker(rights=EVERYTHING)
    once = {"Idempotency-Key": "7"}
    said = {"name": "alice", "groups": ["staff"]}
    assert (await admin.post("/users", json=said, headers=once)).status_code == 422
    await admin.post("/groups", json={"name": "staff"})
    assert (await admin.post("/users", json=said, headers=once)).status_code == 201


async def test_a_write_is_remembered_for_a_day(door: Door) -> None:
    admin = await door.asker(rights=EVERYTHING)
    once = {"Idempotency-Key": "7"}
    await admin.put("/settings/challenge_seconds", json={"value": 60}, headers=once)
    door.office.clock.at += REMEMBERED_SECONDS - 1
    again = await admin.put("/settings/challenge_seconds", json={"value": 60}, headers=once)
    assert again.headers["idempotency-replayed"] == "true"
    assert await forget(door.office.store, door.office.clock() - REMEMBERED_SECONDS) == 0
    door.office.clock.at += 1
    again = await admin.put("/settings/challenge_seconds", json={"value": 60}, headers=once)
    assert "idempotency-replayed" not in again.headers
    door.office.clock.at += REMEMBERED_SECONDS + 1
    assert await forget(door.office.store, door.office.clock() - REMEMBERED_SECONDS) == 1


# -- what is refused -------------------------------------------------------------------------------------------------

CANARY = "canary-Xq7"


@pytest.mark.requirement(47)
@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/users", {"name": 7, "password": CANARY}),
        ("POST", "/users", {"name": "alice", "password": [CANARY]}),
        ("POST", "/users", {"name": "alice", "password": CANARY * 200}),
        ("POST", "/users", {"name": "alice", CANARY: 1}),
        ("POST", "/users", {"name": "alice", "mfa": CANARY}),
        ("POST", "/tokens", {"user": "alice", "secret": CANARY}),
        ("POST", "/tokens", {"user": "alice", "secret": {CANARY: 1}}),
        ("PUT", "/users/alice/password", {"password": CANARY[:7]}),
        ("POST", "/clients", {"name": "x", "networks": ["nowhere"], "secret": CANARY}),
        ("PUT", "/settings/challenge_seconds", {"value": CANARY}),
        ("POST", "/tokens/import", f"A1,{CANARY},30\n"),
    ],
)
async def test_a_refusal_never_repeats_what_was_sent(door: Door, method: str, path: str, body: object) -> None:
    await door.person("alice")
    admin = await door.asker(rights=EVERYTHING)
    sent: dict[str, Any] = {"content": body.encode()} if isinstance(body, str) else {"json": body}
    told = await admin.request(method, path, **sent)
    assert told.status_code in (200 if "import" in path else 422, 422)
    assert CANARY[:6] not in told.text + str(door.log.lines)


async def test_a_refusal_names_the_fields(door: Door) -> None:
    admin = await door.asker(rights=EVERYTHING)
    told = (await admin.post("/users", json={"mfa": "maybe", "phone": 7, "x": 1})).json()
    assert told["type"] == "/api/v1/problems/invalid"
    assert {error["field"] for error in told["errors"]} == {"body.name", "body.mfa", "body.phone", "body"}


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/users/nobody", None, 404),
        ("GET", "/tokens/none", None, 404),
        ("GET", "/groups/none", None, 404),
        ("GET", "/clients/none", None, 404),
        ("GET", "/policy/rules/none", None, 404),
        ("GET", "/settings/none", None, 404),
        ("DELETE", "/policy/rules/none", None, 404),
        ("POST", "/tokens", {"user": "nobody"}, 422),
        ("POST", "/policy/test", {"user": "nobody", "client": "none"}, 422),
        ("GET", "/tokens?user=nobody", None, 422),
        ("GET", "/nothing", None, 404),
        ("GET", "/users/", None, 404),
        ("PUT", "/users", None, 405),
        ("PATCH", "/status", None, 405),
    ],
)
async def test_what_is_not_there_is_told_apart(door: Door, method: str, path: str, body: object, status: int) -> None:
    admin = await door.asker(rights=EVERYTHING)
    told = await admin.request(method, path, json=body)
    assert told.status_code == status, told.text
    assert told.headers["content-type"] == "application/problem+json"
    assert ("allow" in told.headers) is (status == 405)
