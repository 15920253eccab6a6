"""The helpdesk resets only after a check of who calls; the journal's line is the check."""

from typing import Any

import pytest

from tests.flows.administrators import seat, somebody
from tests.flows.desks import ACTOR, Office
from vestibule.flows import access_pass, bypass, caller_check, settings, tokens, users
from vestibule.flows.refused import Refused

NOTE = "knew the voice, called back on the desk telephone"

RESETS: dict[str, Any] = {
    "unblock": lambda desk, actor: users.unblock(desk, actor, name="alice"),
    "email": lambda desk, actor: users.change(desk, actor, name="alice", changes={"email": "other@example.org"}),
    "phone": lambda desk, actor: users.change(desk, actor, name="alice", changes={"phone": "+41446681801"}),
    "name": lambda desk, actor: users.change(desk, actor, name="alice", changes={"name": "mallory"}),
    "password": lambda desk, actor: users.set_password(desk, actor, name="alice", password="other words in a row"),
    "reset": lambda desk, actor: users.reset(desk, actor, name="alice"),
    "registration": lambda desk, actor: users.require_registration(desk, actor, name="alice"),
    "pass": lambda desk, actor: access_pass.issue(desk, actor, user="alice"),
    "bypass": lambda desk, actor: bypass.grant(desk, actor, user="alice", reason="forgot the token"),
    "add": lambda desk, actor: tokens.add(desk, actor, user="alice"),
    "assign": lambda desk, actor: tokens.assign(desk, actor, token="SPARE", user="alice"),
    "unassign": lambda desk, actor: tokens.unassign(desk, actor, token="alice"),
    "disable": lambda desk, actor: tokens.disable(desk, actor, token="alice"),
    "remove": lambda desk, actor: tokens.remove(desk, actor, token="alice"),
    "recovery": lambda desk, actor: tokens.issue_recovery(desk, actor, user="alice"),
}


async def staffed(office: Office) -> bytes:
    """An owner, two of the helpdesk, somebody who calls, and a spare token; the caller's key."""
    await somebody(office, "olga", "owner")
    await somebody(office, "hanna", "helpdesk")
    await somebody(office, "henry", "helpdesk")
    key = await somebody(office, "alice")
    await tokens.add(office.desk, ACTOR, user="alice", serial="SPARE")
    await tokens.unassign(office.desk, ACTOR, token="SPARE")
    return key


@pytest.mark.requirement(58)
@pytest.mark.parametrize("reset", RESETS)
async def test_nothing_is_reset_before_the_caller_was_checked(office: Office, reset: str) -> None:
    await staffed(office)
    desk, actor = await seat(office, "hanna")
    before = await office.actions()
    with pytest.raises(Refused, match="Check who is calling first: alice was not checked by you") as refused:
        await RESETS[reset](desk, actor)
    assert refused.value.fields == ("caller",)
    assert await office.actions() == before
    await caller_check.record(desk, actor, user="alice", note=NOTE)
    await RESETS[reset](desk, actor)


@pytest.mark.requirement(58)
async def test_a_check_counts_for_one_caller_and_one_helper_and_ten_minutes(office: Office) -> None:
    await staffed(office)
    await somebody(office, "bob")
    hanna, henry = await seat(office, "hanna"), await seat(office, "henry")
    told = await caller_check.record(*hanna, user="alice", note=NOTE)
    assert told["check"] == {
        "user": "alice",
        "at": office.clock.at,
        "until": office.clock.at + 600,
        "way": "note",
        "note": NOTE,
    }
    assert await caller_check.shown(*hanna, user="alice") == {"needed": True, "check": told["check"]}
    assert (await caller_check.shown(*henry, user="alice"))["check"] is None
    for desk, actor, name in ((*henry, "alice"), (*hanna, "bob")):
        with pytest.raises(Refused, match="Check who is calling first"):
            await users.reset(desk, actor, name=name)
    office.clock.at += 599
    await users.reset(*hanna, name="alice")
    office.clock.at += 1
    with pytest.raises(Refused, match="Check who is calling first"):
        await users.reset(*hanna, name="alice")


async def test_who_sets_things_up_needs_no_check(office: Office) -> None:
    await staffed(office)
    await somebody(office, "adam", "administrator")
    desk, actor = await seat(office, "adam")
    assert await caller_check.shown(desk, actor, user="alice") == {"needed": False, "check": None}
    await users.require_registration(desk, actor, name="alice")


async def test_a_code_of_the_caller_is_spent_by_the_check(office: Office) -> None:
    key = await staffed(office)
    desk, actor = await seat(office, "hanna")
    code = office.code(key)
    told = await caller_check.record(desk, actor, user="alice", code=f"{code[:3]} {code[3:]}")
    assert told["check"]["way"] == "code"
    await users.reset(desk, actor, name="alice")
    with pytest.raises(Refused, match="was used already"):
        await caller_check.record(desk, actor, user="alice", code=code)
    assert await office.sign_in("alice", code) == "code_reused"
    line = next(entry for entry in await office.journal() if entry.action == "caller.check")
    assert (line.actor, line.user_name, line.detail) == (actor, "alice", {"way": "code", "note": "", "method": "totp"})
    assert code not in repr(await office.lines())


@pytest.mark.requirement(20)
async def test_wrong_codes_count_as_at_any_door_and_are_no_check(office: Office) -> None:
    key = await staffed(office)
    desk, actor = await seat(office, "hanna")
    near = {office.code(key, steps) for steps in range(-3, 4)}
    wrong = next(code for code in map("{:06}".format, range(10)) if code not in near)
    for _ in range(5):
        with pytest.raises(Refused, match="The code is not right"):
            await caller_check.record(desk, actor, user="alice", code=wrong)
    with pytest.raises(Refused, match="too many wrong codes"):
        await caller_check.record(desk, actor, user="alice", code=office.code(key))
    shown = await users.show(office.desk, ACTOR, name="alice")
    assert {row["kind"]: row["count"] for row in shown["failures"]} == {"factor": 5, "source": 5}
    assert (await caller_check.shown(desk, actor, user="alice"))["check"] is None
    assert (await office.actions()).count("caller.wrong_code") == 5


async def test_a_pass_that_the_helpdesk_gave_out_is_no_proof_of_the_caller(office: Office) -> None:
    await staffed(office)
    await users.require_registration(office.desk, ACTOR, name="alice")
    code = (await access_pass.issue(office.desk, ACTOR, user="alice"))["code"]
    desk, actor = await seat(office, "hanna")
    with pytest.raises(Refused, match="no factor whose code could be told"):
        await caller_check.record(desk, actor, user="alice", code=code)


@pytest.mark.parametrize(
    ("said", "text"),
    [
        ({}, "Say how you know"),
        ({"note": "  "}, "Say how you know"),
        ({"note": "known"}, "at least 10 characters"),
        ({"note": "a line\nof two lines"}, "note"),
    ],
)
async def test_a_check_says_how(office: Office, said: dict[str, str], text: str) -> None:
    await staffed(office)
    desk, actor = await seat(office, "hanna")
    with pytest.raises(Refused, match=text):
        await caller_check.record(desk, actor, user="alice", **said)


async def test_notes_count_only_where_the_setting_allows_them(office: Office) -> None:
    await staffed(office)
    await settings.change(office.desk, ACTOR, name="caller_check_by_note", value=0)
    desk, actor = await seat(office, "hanna")
    with pytest.raises(Refused, match="only a code of the caller counts"):
        await caller_check.record(desk, actor, user="alice", note=NOTE)


async def test_nobody_checks_themselves(office: Office) -> None:
    await staffed(office)
    desk, actor = await seat(office, "hanna")
    with pytest.raises(Refused, match="Nobody checks themselves"):
        await caller_check.record(desk, actor, user="hanna", note=NOTE)
