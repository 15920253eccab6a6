"""Roles: who gives and takes them, whom nobody below may touch, and that an owner who can sign in is always left."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from tests.flows.administrators import RIGHT, seat, somebody, told_of, user_of
from tests.flows.desks import ACTOR, Office
from vestibule.core import api_keys
from vestibule.core.api_keys import ApiKey
from vestibule.core.users import Role
from vestibule.flows import access_pass, bypass, own_factors, roles, sessions, tokens, users
from vestibule.flows.acting import HOST, NOBODY, person
from vestibule.flows.refused import Refused
from vestibule.flows.roles import OF_KEYS, RIGHTS, LastOwner, Right, acting_of_key, key_rights, may

ALL = tuple(api_keys.Right)


async def test_a_role_is_given_told_and_taken(office: Office) -> None:
    await somebody(office, "olga")
    assert (await told_of(office, "olga"))["role"] == "none"
    told = await roles.give(office.desk, ACTOR, name="OLGA", role="auditor")
    assert told["user"]["role"] == "auditor"
    listed = await roles.listed(office.desk, ACTOR)
    assert [(user["name"], user["role"]) for user in listed["users"]] == [("olga", "auditor")]
    await roles.give(office.desk, ACTOR, name="olga", role="none")
    assert (await roles.listed(office.desk, ACTOR))["users"] == []
    lines = [entry for entry in await office.journal() if entry.action == "user.role"]
    assert [line.detail for line in lines] == [
        {"role": "auditor", "was": "none"},
        {"role": "none", "was": "auditor"},
    ]
    assert {line.user_name for line in lines} == {"olga"}


async def test_the_same_role_again_writes_nothing(office: Office) -> None:
    await somebody(office, "olga", "owner")
    before = await office.actions()
    await roles.give(office.desk, ACTOR, name="olga", role="owner")
    assert await office.actions() == before


async def test_a_change_of_role_ends_the_sessions(office: Office) -> None:
    await somebody(office, "olga")
    token = await sessions.begin(office.desk, (await user_of(office, "olga")).id, method="totp")
    await roles.give(office.desk, ACTOR, name="olga", role="auditor")
    assert await sessions.recognise(office.desk, token) is None


@pytest.mark.parametrize("role", ["", "king", "OWNER"])
async def test_a_role_that_there_is_not_is_refused(office: Office, role: str) -> None:
    await somebody(office, "olga")
    with pytest.raises(Refused, match="role must be one of none, helpdesk, auditor, administrator, owner"):
        await roles.give(office.desk, ACTOR, name="olga", role=role)


async def test_administrators_always_use_a_second_factor(office: Office) -> None:
    await users.add(office.desk, ACTOR, name="without", password=RIGHT)
    with pytest.raises(Refused, match="has no second factor that counts"):
        await roles.give(office.desk, ACTOR, name="without", role="helpdesk")
    await access_pass.issue(office.desk, ACTOR, user="without")
    with pytest.raises(Refused, match="has no second factor that counts"):
        await roles.give(office.desk, ACTOR, name="without", role="helpdesk")
    await somebody(office, "off")
    await users.change(office.desk, ACTOR, name="off", changes={"mfa": "off"})
    with pytest.raises(Refused, match="is asked for no second factor"):
        await roles.give(office.desk, ACTOR, name="off", role="helpdesk")
    await somebody(office, "olga", "owner")
    await somebody(office, "adam", "administrator")
    with pytest.raises(Refused, match="adam is administrator, and administrators always use a second factor"):
        await users.change(office.desk, ACTOR, name="adam", changes={"mfa": "off"})
    with pytest.raises(Refused, match="always use a second factor"):
        await bypass.grant(office.desk, ACTOR, user="adam", reason="forgot the token")


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.OWNER])
async def test_only_an_owner_gives_roles(office: Office, role: Role) -> None:
    await somebody(office, "olga", "owner")
    await somebody(office, "acting", role.value or "none")
    await somebody(office, "alice")
    desk, actor = await seat(office, "acting")
    for name in ("alice", "acting"):
        with pytest.raises(Refused, match="Only an owner gives and takes roles"):
            await roles.give(desk, actor, name=name, role="administrator")
    desk, actor = await seat(office, "olga")
    await roles.give(desk, actor, name="alice", role="administrator")
    assert (await told_of(office, "alice"))["role"] == "administrator"


async def test_nobody_changes_their_own_role(office: Office) -> None:
    await somebody(office, "olga", "owner")
    await somebody(office, "otto", "owner")
    desk, actor = await seat(office, "olga")
    with pytest.raises(Refused, match="Nobody changes their own role"):
        await roles.give(desk, actor, name="olga", role="none")


async def test_a_role_that_was_taken_opens_nothing_a_moment_later(office: Office) -> None:
    await somebody(office, "olga", "owner")
    await somebody(office, "otto", "owner")
    await somebody(office, "alice")
    desk, actor = await seat(office, "otto")
    await roles.give(office.desk, ACTOR, name="otto", role="none")
    with pytest.raises(Refused, match="Only an owner"):
        await roles.give(desk, actor, name="alice", role="owner")
    with pytest.raises(Refused, match="Only an owner"):
        await roles.give(replace(desk, acting=person("gone")), actor, name="alice", role="owner")
    with pytest.raises(Refused, match="Only an owner"):
        await roles.give(replace(desk, acting=NOBODY), actor, name="alice", role="owner")


# -- the last owner --------------------------------------------------------------------------------------------------


LOSSES: dict[str, Any] = {
    "role": lambda office: roles.give(office.desk, ACTOR, name="olga", role="administrator"),
    "block": lambda office: users.block(office.desk, ACTOR, name="olga", reason="left"),
    "remove": lambda office: users.remove(office.desk, ACTOR, name="olga"),
    "token.remove": lambda office: tokens.remove(office.desk, ACTOR, token="olga"),
    "token.disable": lambda office: tokens.disable(office.desk, ACTOR, token="olga"),
    "token.unassign": lambda office: tokens.unassign(office.desk, ACTOR, token="olga"),
    "registration": lambda office: users.require_registration(office.desk, ACTOR, name="olga"),
    "own factor": lambda office: _remove_own(office, "olga"),
}


async def _remove_own(office: Office, name: str) -> None:
    token = await sessions.begin(office.desk, (await user_of(office, name)).id, method="totp")
    signed = await sessions.recognise(office.desk, token)
    assert signed is not None
    (held,) = (await own_factors.overview(office.desk, signed)).factors
    await own_factors.remove(office.desk, signed, held.id, last=True)


@pytest.mark.parametrize("loss", LOSSES)
async def test_what_locks_out_the_last_owner_is_refused_and_changes_nothing(office: Office, loss: str) -> None:
    await somebody(office, "olga", "owner")
    before = await told_of(office, "olga")
    with pytest.raises(LastOwner, match="would leave no owner who can sign in"):
        await LOSSES[loss](office)
    assert await told_of(office, "olga") == before
    shown = await users.show(office.desk, ACTOR, name="olga")
    assert [one["usable"] for one in shown["credentials"]] == [True]
    await somebody(office, "otto", "owner")
    await LOSSES[loss](office)


@pytest.mark.parametrize("other", ["blocked", "without a factor", "without a password", "administrator"])
async def test_an_owner_who_can_not_sign_in_is_none(office: Office, other: str) -> None:
    await somebody(office, "olga", "owner")
    await somebody(office, "otto", "owner", password=None if other == "without a password" else RIGHT)
    if other == "blocked":
        await users.block(office.desk, ACTOR, name="otto", reason="left")
    if other == "without a factor":
        await tokens.remove(office.desk, ACTOR, token="otto")
        await tokens.issue_recovery(office.desk, ACTOR, user="otto")
        await access_pass.issue(office.desk, ACTOR, user="otto")
    if other == "administrator":
        await roles.give(office.desk, ACTOR, name="otto", role="administrator")
    with pytest.raises(LastOwner):
        await users.block(office.desk, ACTOR, name="olga", reason="left")


async def test_of_two_owners_who_are_blocked_at_once_one_stays(office: Office) -> None:
    for name in ("olga", "otto"):
        await somebody(office, name, "owner")
    both = [users.block(office.desk, ACTOR, name=name, reason="left") for name in ("olga", "otto")]
    results = await asyncio.gather(*both, return_exceptions=True)
    assert [type(one) for one in results if isinstance(one, Exception)] == [LastOwner]


async def test_an_owner_who_never_could_sign_in_stands_in_nobodys_way(office: Office) -> None:
    await somebody(office, "olga", "owner", password=None)
    await users.block(office.desk, ACTOR, name="olga", reason="left")
    await users.remove(office.desk, ACTOR, name="olga")


# -- nobody touches who may do more ----------------------------------------------------------------------------------

TOUCHING: dict[str, Any] = {
    "block": lambda desk, actor, name: users.block(desk, actor, name=name, reason="left"),
    "unblock": lambda desk, actor, name: users.unblock(desk, actor, name=name),
    "name": lambda desk, actor, name: users.change(desk, actor, name=name, changes={"last_name": "Other"}),
    "password": lambda desk, actor, name: users.set_password(desk, actor, name=name, password="other words in a row"),
    "reset": lambda desk, actor, name: users.reset(desk, actor, name=name),
    "remove": lambda desk, actor, name: users.remove(desk, actor, name=name),
    "sessions": lambda desk, actor, name: users.end_sessions(desk, actor, name=name),
    "registration": lambda desk, actor, name: users.require_registration(desk, actor, name=name),
    "pass": lambda desk, actor, name: access_pass.issue(desk, actor, user=name),
    "token": lambda desk, actor, name: tokens.add(desk, actor, user=name),
    "disable": lambda desk, actor, name: tokens.disable(desk, actor, token=name),
    "unassign": lambda desk, actor, name: tokens.unassign(desk, actor, token=name),
    "remove token": lambda desk, actor, name: tokens.remove(desk, actor, token=name),
    "recovery": lambda desk, actor, name: tokens.issue_recovery(desk, actor, user=name),
}


@pytest.mark.parametrize("act", TOUCHING)
async def test_an_administrator_touches_no_owner(office: Office, act: str) -> None:
    for name in ("olga", "otto"):
        await somebody(office, name, "owner")
    await somebody(office, "adam", "administrator")
    await somebody(office, "anna", "administrator")
    desk, actor = await seat(office, "adam")
    before = await office.actions()
    with pytest.raises(Refused, match="otto is owner and may do more than you"):
        await TOUCHING[act](desk, actor, "otto")
    assert await office.actions() == before
    await TOUCHING[act](desk, actor, "anna")
    desk, actor = await seat(office, "olga")
    await TOUCHING[act](desk, actor, "otto")


async def test_a_helpdesk_removes_no_token_from_the_inventory(office: Office) -> None:
    await somebody(office, "olga", "owner")
    await somebody(office, "hanna", "helpdesk")
    await somebody(office, "alice")
    await tokens.unassign(office.desk, ACTOR, token="alice")
    with pytest.raises(Refused, match="This takes an administrator"):
        await tokens.remove(*await seat(office, "hanna"), token="alice")


async def test_a_helpdesk_removes_nobody_and_switches_no_second_factor_off(office: Office) -> None:
    await somebody(office, "olga", "owner")
    await somebody(office, "hanna", "helpdesk")
    await somebody(office, "alice")
    desk, actor = await seat(office, "hanna")
    with pytest.raises(Refused, match="This takes an administrator"):
        await users.remove(desk, actor, name="alice")
    with pytest.raises(Refused, match="This takes an administrator"):
        await users.change(desk, actor, name="alice", changes={"mfa": "off"})


# -- keys of programs ------------------------------------------------------------------------------------------------


def test_each_right_of_a_key_belongs_to_one_right_of_roles() -> None:
    granted = [right for rights in OF_KEYS.values() for right in rights]
    assert sorted(granted) == sorted(ALL)
    assert set(OF_KEYS) == set(Right)


def test_a_key_for_a_role_has_what_the_role_has() -> None:
    assert key_rights(Role.NONE) == ()
    assert key_rights(Role.OWNER) == ALL
    assert all(right.endswith(":read") for right in key_rights(Role.AUDITOR))
    helpdesk = set(key_rights(Role.HELPDESK)) - set(key_rights(Role.AUDITOR))
    assert helpdesk == {api_keys.Right.USERS_WRITE, api_keys.Right.FACTORS_WRITE}
    assert set(ALL) - set(key_rights(Role.ADMINISTRATOR)) == {api_keys.Right.ROLES_WRITE}


@pytest.mark.parametrize("role", [Role.HELPDESK, Role.ADMINISTRATOR, Role.OWNER])
def test_a_program_with_the_key_of_a_role_acts_as_it(role: Role) -> None:
    assert acting_of_key(ApiKey("id", "name", "", rights=key_rights(role))).rights == RIGHTS[role]


def test_a_program_sets_nothing_up_for_people_unless_nobody_calls_it() -> None:
    rights = tuple(right for right in ALL if right is not api_keys.Right.UNATTENDED)
    assert acting_of_key(ApiKey("id", "name", "", rights=rights)).rights == frozenset(Right) - {Right.SETUP}


def test_what_each_role_may() -> None:
    assert {role: sorted(right for right in Right if may(role, right)) for role in Role} == {
        Role.NONE: [],
        Role.AUDITOR: ["see"],
        Role.HELPDESK: ["factors", "people", "see"],
        Role.ADMINISTRATOR: ["factors", "people", "see", "setup", "tokens"],
        Role.OWNER: ["factors", "people", "roles", "see", "setup", "tokens"],
    }
    assert HOST.rights == frozenset(Right)
