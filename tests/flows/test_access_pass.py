"""Temporary access passes: shown once, good for a while, once or many times, listed, revoked, and never one's own."""

from typing import Any

import pytest

from tests.flows.administrators import seat, somebody, user_of
from tests.flows.desks import ACTOR, Office
from vestibule.core.credentials import Credential
from vestibule.flows import access_pass, own_factors, sessions, settings, users
from vestibule.flows.refused import Missing, Refused
from vestibule.flows.sessions import Stage


async def newcomer(office: Office) -> None:
    await users.add(office.desk, ACTOR, name="alice", password="a few words in a row")


async def passes(office: Office) -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = (await access_pass.listed(office.desk, ACTOR, user="alice"))["passes"]
    return listed


async def test_a_pass_lets_in_once_and_is_shown_once(office: Office) -> None:
    await newcomer(office)
    told = await access_pass.issue(office.desk, ACTOR, user="alice")
    code = told["code"]
    assert told["pass"] == {
        "id": told["pass"]["id"],
        "user": "alice",
        "once": True,
        "used": False,
        "starts_at": None,
        "expires_at": office.clock.at + 3600,
        "usable": True,
        "created_at": office.clock.at,
    }
    assert await passes(office) == [told["pass"]]
    assert await office.sign_in("alice", code.lower()) == "accept"
    assert await office.sign_in("alice", code) == "code_reused"
    assert await passes(office) == [{**told["pass"], "used": True, "usable": False}]
    stored = await office.store.read(lambda reading: reading.page(Credential, "", 9))
    assert len(stored) == 1
    for text in (code, code.replace("-", "")):
        assert text not in repr(stored) + repr(await office.lines())


async def test_a_pass_for_many_times_lets_in_until_it_ends(office: Office) -> None:
    await newcomer(office)
    code = (await access_pass.issue(office.desk, ACTOR, user="alice", minutes=10, once=False))["code"]
    for _ in range(3):
        assert await office.sign_in("alice", code) == "accept"
    office.clock.at += 599
    assert await office.sign_in("alice", code) == "accept"
    office.clock.at += 1
    assert await office.sign_in("alice", code) == "not_enrolled"
    assert [one["usable"] for one in await passes(office)] == [False]


async def test_a_pass_may_begin_later(office: Office) -> None:
    await newcomer(office)
    begin = office.clock.at + 3600
    told = await access_pass.issue(office.desk, ACTOR, user="alice", minutes=30, starts_at=begin)
    assert (told["pass"]["starts_at"], told["pass"]["expires_at"]) == (begin, begin + 1800)
    assert await office.sign_in("alice", told["code"]) == "not_enrolled"
    office.clock.at = begin
    assert await office.sign_in("alice", told["code"]) == "accept"


async def test_the_setting_says_how_long_a_pass_lasts(office: Office) -> None:
    await newcomer(office)
    await settings.change(office.desk, ACTOR, name="access_pass_minutes", value=480)
    told = await access_pass.issue(office.desk, ACTOR, user="alice")
    assert told["pass"]["expires_at"] == office.clock.at + 480 * 60


async def test_a_new_pass_ends_the_old_one_and_the_sessions(office: Office) -> None:
    await newcomer(office)
    old = (await access_pass.issue(office.desk, ACTOR, user="alice", once=False))["code"]
    token = await sessions.begin(office.desk, (await user_of(office, "alice")).id, method="access_pass")
    new = (await access_pass.issue(office.desk, ACTOR, user="alice"))["code"]
    assert await sessions.recognise(office.desk, token) is None
    assert len(await passes(office)) == 1
    assert await office.sign_in("alice", old) == "wrong_code"
    assert await office.sign_in("alice", new) == "accept"


async def test_a_pass_is_revoked_with_the_sessions(office: Office) -> None:
    await newcomer(office)
    code = (await access_pass.issue(office.desk, ACTOR, user="alice", once=False))["code"]
    token = await sessions.begin(office.desk, (await user_of(office, "alice")).id, method="access_pass")
    assert await access_pass.revoke(office.desk, ACTOR, user="alice") == {"revoked": "alice"}
    assert await sessions.recognise(office.desk, token) is None
    assert await office.sign_in("alice", code) == "not_enrolled"
    with pytest.raises(Missing, match="alice has no pass"):
        await access_pass.revoke(office.desk, ACTOR, user="alice")
    assert [action for action in await office.actions() if action.startswith("pass.")] == ["pass.issue", "pass.revoke"]


@pytest.mark.parametrize(
    ("field", "arguments"),
    [
        ("minutes", {"minutes": 9}),
        ("minutes", {"minutes": 43_201}),
        ("starts_at", {"starts_at": 1.0}),
        ("starts_at", {"starts_at": 1_800_000_000.0 + 31 * 86400}),
        ("user", {"user": "nobody"}),
    ],
)
async def test_a_pass_that_can_not_be_is_refused(office: Office, field: str, arguments: dict[str, Any]) -> None:
    await newcomer(office)
    with pytest.raises(Refused) as refused:
        await access_pass.issue(office.desk, ACTOR, **{"user": "alice", **arguments})
    assert refused.value.fields == (field,)
    assert await passes(office) == []


async def test_nobody_issues_a_pass_to_themselves(office: Office) -> None:
    await somebody(office, "olga", "owner")
    with pytest.raises(Refused, match="Nobody issues a pass to themselves"):
        await access_pass.issue(*await seat(office, "olga"), user="olga")


async def test_who_came_in_by_a_pass_registers_a_factor_and_the_password_alone_does_not(office: Office) -> None:
    await newcomer(office)
    alice = (await user_of(office, "alice")).id
    await access_pass.issue(office.desk, ACTOR, user="alice", minutes=60, once=False)
    by_pass = await sessions.recognise(office.desk, await sessions.begin(office.desk, alice, method="access_pass"))
    by_password = await sessions.recognise(office.desk, await sessions.begin(office.desk, alice))
    assert by_pass is not None
    assert by_password is not None
    assert (by_pass.stage, by_password.stage) == (Stage.FULL, Stage.PROVE)
    await own_factors.begin_app(office.desk, by_pass, "phone")
    office.clock.at += 3600
    for method in ("", "access_pass"):  # a pass that is over opens nothing, nor leaves a gap for the password alone
        late = await sessions.recognise(office.desk, await sessions.begin(office.desk, alice, method=method))
        assert late is not None
        assert late.stage is Stage.PROVE


async def test_a_session_ends_with_the_pass_that_opened_it_also_where_there_is_a_factor(office: Office) -> None:
    await somebody(office, "alice")
    alice = (await user_of(office, "alice")).id
    await access_pass.issue(office.desk, ACTOR, user="alice", minutes=10, once=False)
    token = await sessions.begin(office.desk, alice, method="access_pass")
    stages = []
    for seconds in (599, 1):
        office.clock.at += seconds
        signed = await sessions.recognise(office.desk, token)
        stages.append(signed.stage if signed else None)
    assert stages == [Stage.FULL, Stage.PROVE]
