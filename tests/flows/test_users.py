"""Administration of users: what is stored, what is told, what is written into the journal, and what is refused."""

import asyncio
import secrets
from dataclasses import replace

import pytest

from tests.flows.desks import ACTOR, NOON, Office
from vestibule.core.credentials import Credential, Seed
from vestibule.core.failures import FailureKind, Failures
from vestibule.core.ports import Writing
from vestibule.core.secret import Secret
from vestibule.core.users import Password, User
from vestibule.flows import groups, tokens, users
from vestibule.flows.refused import Refused

RIGHT = "a few words in a row"


async def test_a_user_that_is_added_is_there_with_all_that_was_said(office: Office) -> None:
    await groups.add(office.desk, ACTOR, name="staff")
    said = {"first_name": "Ann", "last_name": "Lee", "email": "a@example.org", "phone": "+41 44 668 18 00"}
    told = await users.add(office.desk, ACTOR, name=" Alice ", groups=["staff"], locale="de", **said)
    assert told["user"] == {
        **said,
        "id": told["user"]["id"],
        "name": "Alice",
        "locale": "de",
        "groups": ["staff"],
        "mfa": "enabled",
        "role": "none",
        "blocked": None,
        "directory": "",
        "created_at": NOON,
    }
    shown = await users.show(office.desk, ACTOR, name="ALICE")
    assert shown == {"user": told["user"], "password_changed_at": None, "credentials": [], "failures": []}
    entry = (await office.journal())[-1]
    assert (entry.action, entry.actor, entry.user_name, entry.detail) == ("user.add", ACTOR, "Alice", {})


@pytest.mark.parametrize(
    ("field", "arguments"),
    [
        ("name", {"name": "  "}),
        ("name", {"name": "a\nb"}),
        ("name", {"name": "x" * 257}),
        ("name", {"name": "ＡＬＩＣＥ"}),
        ("email", {"name": "b", "email": "nothing"}),
        ("phone", {"name": "b", "phone": "call me"}),
        ("locale", {"name": "b", "locale": "!"}),
        ("mfa", {"name": "b", "mfa": "sometimes"}),
        ("groups", {"name": "b", "groups": ["nobody's"]}),
        ("password", {"name": "b", "password": "short"}),
        ("password", {"name": "b", "password": "twelve chars", "mfa": "off"}),
        ("password", {"name": "barbara", "password": "barbara1"}),
    ],
)
async def test_a_user_that_can_not_be_is_refused_and_nothing_is_written(
    office: Office, field: str, arguments: dict[str, str]
) -> None:
    await users.add(office.desk, ACTOR, name="alice")
    before = await office.actions()
    with pytest.raises(Refused) as refused:
        await users.add(office.desk, ACTOR, **arguments)
    assert refused.value.fields == (field,)
    assert await office.actions() == before
    assert len((await users.listed(office.desk, ACTOR))["users"]) == 1


async def test_of_two_who_add_the_same_user_at_once_one_is_refused(office: Office) -> None:
    both = [users.add(office.desk, ACTOR, name=name, password=RIGHT) for name in ("alice", "ALICE")]
    results = await asyncio.gather(*both, return_exceptions=True)
    assert [type(result) for result in results if isinstance(result, Exception)] == [Refused]
    assert await office.actions() == ["user.add"]


async def test_lists_come_in_order_of_name_and_in_pages(office: Office) -> None:
    for name in ("delta", "Bravo", "bravo two", "alpha", "Bravado", "zeta"):
        await users.add(office.desk, ACTOR, name=name)

    async def names(search: str = "", limit: int = 2) -> list[list[str]]:
        pages, after = [], None
        while True:
            page = await users.listed(office.desk, ACTOR, search=search, limit=limit, after=after)
            pages.append([user["name"] for user in page["users"]])
            after = page["next"]
            if after is None:
                return pages

    assert await names() == [["alpha", "Bravado"], ["Bravo", "bravo two"], ["delta", "zeta"], []]
    assert await names("BRAV") == [["Bravado", "Bravo"], ["bravo two"]]
    assert await names("bravo", limit=1) == [["Bravo"], ["bravo two"], []]
    assert await names("nobody") == [[]]
    with pytest.raises(Refused):
        await names(limit=0)


async def test_changes_are_told_and_journalled_by_field_and_never_by_value(office: Office) -> None:
    await users.add(office.desk, ACTOR, name="alice", email="old@example.org")
    changes = {"name": "alice2", "email": "new@example.org", "last_name": "Lee", "mfa": "off"}
    told = await users.change(office.desk, ACTOR, name="alice", changes=changes)
    assert told["changed"] == ["name", "last_name", "email", "mfa"]
    assert told["user"]["email"] == "new@example.org"
    entry = (await office.journal())[-1]
    assert (entry.action, entry.detail) == ("user.set", {"changed": told["changed"]})
    again = await users.change(office.desk, ACTOR, name="alice2", changes=changes)
    assert again["changed"] == []
    assert len(await office.journal()) == 2


@pytest.mark.parametrize(
    "changes", [{"colour": "red"}, {"email": 7}, {"mfa": None}, {"groups": "staff"}, {"groups": [1]}, {"name": "bob"}]
)
async def test_changes_that_do_not_fit_are_refused(office: Office, changes: dict[str, object]) -> None:
    await users.add(office.desk, ACTOR, name="alice")
    await users.add(office.desk, ACTOR, name="Bob")
    with pytest.raises(Refused):
        await users.change(office.desk, ACTOR, name="alice", changes=changes)


async def test_a_blocked_user_is_refused_until_the_block_ends(office: Office) -> None:
    await users.add(office.desk, ACTOR, name="alice")
    told = await users.block(office.desk, ACTOR, name="alice", reason="left", days=2)
    assert told["user"]["blocked"] == {"since": NOON, "until": NOON + 2 * 86400, "by": ACTOR, "reason": "left"}
    assert await office.sign_in("alice", "123456") == "blocked"
    office.clock.at += 2 * 86400
    assert (await users.show(office.desk, ACTOR, name="alice"))["user"]["blocked"] is None
    await users.block(office.desk, ACTOR, name="alice", reason="left")
    told = await users.unblock(office.desk, ACTOR, name="alice")
    assert told["user"]["blocked"] is None
    assert await office.sign_in("alice", "123456") == "not_enrolled"


@pytest.mark.parametrize("arguments", [{"reason": " "}, {"reason": "r", "days": 0}, {"reason": "r", "days": 1e9}])
async def test_a_block_needs_a_reason_and_an_end(office: Office, arguments: dict[str, object]) -> None:
    await users.add(office.desk, ACTOR, name="alice")
    with pytest.raises(Refused):
        await users.block(office.desk, ACTOR, name="alice", **arguments)  # type: ignore[arg-type]


@pytest.mark.requirement(15)
@pytest.mark.parametrize(("mfa", "shortest"), [("off", 15), ("enabled", 8), ("enforced", 8)])
async def test_a_password_that_stands_alone_is_longer(office: Office, mfa: str, shortest: int) -> None:
    long_enough = "kwzjmnprtbgvfxq"[:shortest]
    refused = users.add(office.desk, ACTOR, name="alice", mfa=mfa, password=long_enough[1:])
    with pytest.raises(Refused, match=f"at least {shortest} characters"):
        await refused
    await users.add(office.desk, ACTOR, name="alice", mfa=mfa, password=long_enough)
    with pytest.raises(Refused, match=f"at least {shortest} characters"):
        await users.set_password(office.desk, ACTOR, name="alice", password=long_enough[1:])
    await users.set_password(office.desk, ACTOR, name="alice", password=long_enough)


async def test_a_new_password_is_hashed_and_ends_the_lock_out_of_the_old_one(office: Office) -> None:
    told = await users.add(office.desk, ACTOR, name="alice", password=RIGHT)
    user_id = told["user"]["id"]
    failed = Failures(user_id, FailureKind.FACTOR, "password", 100, NOON)
    await office.store.change(lambda writing: writing.put(failed))
    await users.set_password(office.desk, ACTOR, name="alice", password=f"{RIGHT} and more")
    assert office.hashed == [Secret.of(RIGHT), Secret.of(f"{RIGHT} and more")]
    stored = await office.store.read(lambda reading: reading.get(Password, user_id))
    assert stored == Password(user_id, "hash number 2", NOON)
    shown = await users.show(office.desk, ACTOR, name="alice")
    assert (shown["password_changed_at"], shown["failures"]) == (NOON, [])
    assert RIGHT not in str(await office.journal())
    with pytest.raises(Refused):
        await users.set_password(office.desk, ACTOR, name="alice", password="password1")


async def test_failures_are_shown_with_their_delays(office: Office) -> None:
    user_id = (await users.add(office.desk, ACTOR, name="alice"))["user"]["id"]
    rows = [
        Failures(user_id, FailureKind.SOURCE, "cafe", 6, NOON - 10),
        Failures(user_id, FailureKind.SOURCE, "home", 0, 0.0, (), NOON - 99),
        Failures(user_id, FailureKind.FACTOR, "token", 85, NOON - 4000),
    ]

    def act(writing: Writing) -> None:
        for row in rows:
            writing.put(row)

    await office.store.change(act)
    shown = {row["name"]: row for row in (await users.show(office.desk, ACTOR, name="alice"))["failures"]}
    assert shown["cafe"]["delayed_until"] == NOON - 10 + 60
    assert shown["home"]["accepted_at"] == NOON - 99
    assert shown["token"] == {
        "kind": "factor",
        "name": "token",
        "count": 85,
        "last_at": NOON - 4000,
        "delayed_until": None,
        "stopped": True,
        "accepted_at": None,
    }


async def test_reset_ends_every_lock_out_and_forgets_no_known_place(office: Office) -> None:
    user_id = (await users.add(office.desk, ACTOR, name="alice"))["user"]["id"]
    known = Failures(user_id, FailureKind.SOURCE, "home", 9, NOON, (("t", 9),), NOON - 99)

    def act(writing: Writing) -> None:
        writing.put(known)
        for i in range(450):
            writing.put(Failures(user_id, FailureKind.SOURCE, f"place {i}", 7, NOON))

    await office.store.change(act)
    assert await users.reset(office.desk, ACTOR, name="alice") == {"cleared": 451}
    left = await office.store.read(lambda reading: reading.find(Failures, "user_id", user_id))
    assert left == [replace(known, count=0, last_at=0.0, shares=())]
    assert [entry.detail for entry in (await office.journal())[-3:]] == [{"rows": 200}, {"rows": 200}, {"rows": 51}]
    assert await users.reset(office.desk, ACTOR, name="alice") == {"cleared": 0}


async def test_a_removed_user_leaves_tokens_with_a_number_behind_and_nothing_else(office: Office) -> None:
    await users.add(office.desk, ACTOR, name="alice", password=RIGHT)
    user_id = (await users.show(office.desk, ACTOR, name="alice"))["user"]["id"]
    await tokens.add(office.desk, ACTOR, user="alice", serial="A1", label="Ann's")
    await tokens.add(office.desk, ACTOR, user="alice")
    await tokens.issue_recovery(office.desk, ACTOR, user="alice")
    await office.sign_in("alice", "000000")
    told = await users.remove(office.desk, ACTOR, name="alice")
    assert told == {"removed": "alice", "returned": ["A1"], "erased": 0}
    (left,) = await office.store.read(lambda reading: reading.page(Credential, "", 9))
    assert (left.serial, left.user_id, left.label) == ("A1", "", "")
    assert [seed.id for seed in await office.store.read(lambda reading: reading.page(Seed, "", 9))] == [left.seed_id]
    assert await office.store.read(lambda reading: reading.get(Password, user_id)) is None
    assert await office.store.read(lambda reading: reading.find(Failures, "user_id", user_id)) == []
    assert await office.store.read(lambda reading: reading.count(User)) == 0
    with pytest.raises(Refused):
        await users.remove(office.desk, ACTOR, name="alice")


async def test_a_seed_that_somebody_else_uses_stays(office: Office) -> None:
    secret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
    for name in ("alice", "bob"):
        await users.add(office.desk, ACTOR, name=name)
        await tokens.add(office.desk, ACTOR, user=name, secret=secret)
    await users.remove(office.desk, ACTOR, name="alice")
    assert await office.store.read(lambda reading: reading.count(Seed)) == 1
    await users.remove(office.desk, ACTOR, name="bob")
    assert await office.store.read(lambda reading: reading.count(Seed)) == 0


async def test_a_user_that_is_erased_is_in_no_line_of_the_journal(office: Office) -> None:
    name = f"alice-{secrets.token_hex(4)}"
    await users.add(office.desk, ACTOR, name=name, email="marker@example.org", first_name="Marker")
    await users.add(office.desk, ACTOR, name="bob")
    for _ in range(3):
        await office.sign_in(name, "000000")
    told = await users.remove(office.desk, ACTOR, name=name, erase=True)
    assert told["erased"] == 5
    said = str(await office.lines())
    assert name not in said
    assert "marker" not in said.lower()
    assert "bob" in said
    assert (await office.actions())[-1] == "user.erase"


async def test_what_is_asked_about_nobody_is_refused(office: Office) -> None:
    desk = office.desk
    for asked in (
        users.show(desk, ACTOR, name="nobody"),
        users.change(desk, ACTOR, name="nobody", changes={}),
        users.block(desk, ACTOR, name="nobody", reason="r"),
        users.unblock(desk, ACTOR, name="nobody"),
        users.set_password(desk, ACTOR, name="nobody", password=RIGHT),
        users.remove(desk, ACTOR, name=""),
        users.reset(desk, ACTOR, name="nobody"),
    ):
        with pytest.raises(Refused, match="There is no user"):
            await asked
    assert await office.journal() == []
