"""People sign in through radclient, in each way that a NAS can ask."""

import re

import pytest

from tests.journeys.nas import nas, radclient, run, typed_state
from tests.journeys.world import World, a_client
from vestibule.core.clients import SignIn
from vestibule.core.reasons import Reason, Result
from vestibule.core.users import Mfa
from vestibule.wire.radius.packet import Code


def as_person(name: str, typed: str, *more: str) -> tuple[str, ...]:
    return f'User-Name = "{name}"', f'User-Password = "{typed}"', *more


async def test_a_password_is_followed_by_a_question_for_the_code(world: World) -> None:
    await world.put(a_client())
    alice = await world.person("alice")
    asked = await radclient(world.radius, *as_person("alice", "secret"))
    assert (asked.packet, asked.attributes["Reply-Message"]) == ("Access-Challenge", ["Enter your verification code"])
    (state,) = asked.attributes["State"]
    said = await radclient(world.radius, *as_person("alice", alice.press(), f"State = {state}"))
    assert said.packet == "Access-Accept"
    (entry,) = await world.journal()
    assert (entry.user_name, entry.accepted, entry.result) == ("alice", True, Result.OATH_VERIFIED)


async def test_the_code_may_stand_behind_the_password(world: World) -> None:
    await world.put(a_client(sign_in=SignIn.PASSWORD_AND_CODE))
    alice = await world.person("alice")
    assert (await radclient(world.radius, *as_person("alice", f"secret{alice.press()}"))).packet == "Access-Accept"


async def test_the_code_may_stand_before_the_password(world: World) -> None:
    await world.put(a_client(sign_in=SignIn.CODE_AND_PASSWORD))
    alice = await world.person("alice")
    assert (await radclient(world.radius, *as_person("alice", f"{alice.press()}secret"))).packet == "Access-Accept"


async def test_the_code_alone_is_enough_where_the_client_checks_the_password(world: World) -> None:
    await world.put(a_client(sign_in=SignIn.CODE_ONLY))
    alice = await world.person("alice")
    assert (await radclient(world.radius, *as_person("alice", alice.press()))).packet == "Access-Accept"


async def test_an_empty_password_asks_for_the_code_where_the_client_checks_the_password(world: World) -> None:
    await world.put(a_client(sign_in=SignIn.CODE_ONLY))
    alice = await world.person("alice")
    async with nas(world.radius) as asker:
        asked = await asker.ask(asker.request("alice", ""))
        said = await asker.ask(asker.request("alice", alice.press(), state=typed_state(asked)))
    assert (asked.code, said.code) == (Code.ACCESS_CHALLENGE, Code.ACCESS_ACCEPT)


async def test_somebody_without_a_second_factor_needs_the_password_only(world: World) -> None:
    await world.put(a_client())
    await world.person("bob", method="", mfa=Mfa.OFF)
    assert (await radclient(world.radius, *as_person("bob", "secret"))).packet == "Access-Accept"


@pytest.mark.requirement(4)
async def test_a_code_of_another_program_is_accepted_once(world: World) -> None:
    await world.put(a_client(sign_in=SignIn.CODE_ONLY))
    alice = await world.person("alice", method="totp")
    code = (await run("oathtool", "--totp", "--now", f"@{world.clock():.0f}", alice.secret.hex())).strip()
    assert (await radclient(world.radius, *as_person("alice", code))).packet == "Access-Accept"
    assert (await radclient(world.radius, *as_person("alice", code))).packet == "Access-Reject"
    assert [entry.reason for entry in await world.journal()] == [None, Reason.CODE_REUSED]


async def test_a_recovery_code_works_once(world: World) -> None:
    await world.put(a_client(sign_in=SignIn.CODE_ONLY))
    code = (await world.recovery_codes(await world.person("alice")))[3]
    assert (await radclient(world.radius, *as_person("alice", code))).packet == "Access-Accept"
    assert (await radclient(world.radius, *as_person("alice", code))).packet == "Access-Reject"


async def test_the_words_for_people_are_those_that_were_set(world: World) -> None:
    await world.put(a_client())
    await world.set("text_enter_code", '"Código: escríbalo"')
    await world.set("text_refused", '"No entra"')
    await world.person("alice")
    asked = await radclient(world.radius, *as_person("alice", "secret"))
    assert asked.attributes["Reply-Message"] == ["Código: escríbalo"]
    refused = await radclient(world.radius, *as_person("alice", "wrong"))
    assert (refused.packet, refused.attributes["Reply-Message"]) == ("Access-Reject", ["No entra"])


async def test_state_is_printable_text_without_an_octet_zero(world: World) -> None:
    await world.put(a_client())
    await world.person("alice")
    (state,) = (await radclient(world.radius, *as_person("alice", "secret"))).attributes["State"]
    assert re.fullmatch(r"[0-9a-f]{64}", bytes.fromhex(state.removeprefix("0x")).decode())


@pytest.mark.requirement(54)
async def test_a_state_answers_once(world: World) -> None:
    await world.put(a_client())
    alice = await world.person("alice")
    (state,) = (await radclient(world.radius, *as_person("alice", "secret"))).attributes["State"]
    for packet in ("Access-Accept", "Access-Reject"):
        said = await radclient(world.radius, *as_person("alice", alice.press(), f"State = {state}"))
        assert said.packet == packet
    accepted, stray = await world.journal()
    assert (stray.reason, stray.user_name) == (Reason.UNKNOWN_ATTEMPT, "")  # who really answered is not known
    assert (stray.attempt_id, accepted.user_name) == (accepted.attempt_id, "alice")


@pytest.mark.requirement(54)
@pytest.mark.parametrize("who", ["another person", "another client"])
async def test_a_state_answers_only_for_those_who_were_asked(world: World, who: str) -> None:
    await world.put(a_client(), a_client("wifi", nas_identifier="wifi"))
    alice = await world.person("alice")
    await world.person("mallory")
    (state,) = (await radclient(world.radius, *as_person("alice", "secret"))).attributes["State"]
    name = "mallory" if who == "another person" else "alice"
    identifier = ['NAS-Identifier = "wifi"'] if who == "another client" else []
    code = alice.press()
    stolen = await radclient(world.radius, *as_person(name, code, f"State = {state}", *identifier))
    assert stolen.packet == "Access-Reject"
    said = await radclient(world.radius, *as_person("alice", code, f"State = {state}"))
    assert said.packet == "Access-Accept"


@pytest.mark.requirement(54)
@pytest.mark.parametrize("state", ["0x00", "0x" + "61" * 64, "0x" + "61" * 253, '"not one of ours"'])
async def test_a_state_that_is_not_ours_is_refused(world: World, state: str) -> None:
    await world.put(a_client())
    alice = await world.person("alice")
    said = await radclient(world.radius, *as_person("alice", alice.press(), f"State = {state}"))
    assert said.packet == "Access-Reject"
    assert [entry.reason for entry in await world.journal()] == [Reason.UNKNOWN_ATTEMPT]


async def test_a_question_can_be_put_again_after_a_wrong_code(world: World) -> None:
    await world.put(a_client())
    await world.set("challenge_tries", "2")
    alice = await world.person("alice")
    (state,) = (await radclient(world.radius, *as_person("alice", "secret"))).attributes["State"]
    again = await radclient(world.radius, *as_person("alice", alice.wrong(), f"State = {state}"))
    assert again.packet == "Access-Challenge"
    old = await radclient(world.radius, *as_person("alice", alice.press(), f"State = {state}"))
    assert old.packet == "Access-Reject"
    (state,) = again.attributes["State"]
    said = await radclient(world.radius, *as_person("alice", alice.press(), f"State = {state}"))
    assert said.packet == "Access-Accept"


async def test_a_question_ends_by_time(world: World) -> None:
    await world.put(a_client())
    alice = await world.person("alice")
    (state,) = (await radclient(world.radius, *as_person("alice", "secret"))).attributes["State"]
    world.clock.later(121)
    said = await radclient(world.radius, *as_person("alice", alice.press(), f"State = {state}"))
    assert said.packet == "Access-Reject"


async def test_two_systems_behind_one_address_are_told_apart_by_their_identifier(world: World) -> None:
    vpn = a_client("vpn", SignIn.CODE_ONLY, nas_identifier="vpn")
    wifi = a_client("wifi", SignIn.PASSWORD_AND_CODE, nas_identifier="wifi")
    await world.put(vpn, wifi)
    alice = await world.person("alice")
    for typed, identifier in ((alice.press(), "vpn"), (f"secret{alice.press()}", "wifi")):
        said = await radclient(world.radius, *as_person("alice", typed, f'NAS-Identifier = "{identifier}"'))
        assert said.packet == "Access-Accept"
    assert [entry.client_id for entry in await world.journal()] == ["vpn", "wifi"]


@pytest.mark.parametrize("signed", [True, False])
async def test_two_secrets_work_during_a_change_over(world: World, *, signed: bool) -> None:
    from_before = b"the secret from before the change"
    both = tuple(type(one)(secret) for one in a_client().secrets for secret in (one.reveal(), from_before))
    await world.put(a_client(sign_in=SignIn.PASSWORD_AND_CODE, secrets=both, require_message_authenticator=False))
    alice = await world.person("alice")
    for secret in (both[0].reveal(), from_before):
        lines = as_person("alice", f"secret{alice.press()}")
        assert (await radclient(world.radius, *lines, secret=secret, signed=signed)).packet == "Access-Accept"
