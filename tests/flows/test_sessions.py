"""Sessions of browsers: begun, known again, ended by all that ends them, and forgotten in time."""

from dataclasses import replace

import pytest

from tests.flows.desks import ACTOR, NOON, Office
from vestibule.core.credentials import Credential
from vestibule.core.sessions import Session
from vestibule.core.users import User
from vestibule.flows import sessions, tokens, users
from vestibule.flows.desk import Desk
from vestibule.flows.refused import Missing, Refused
from vestibule.flows.restore import make_safe
from vestibule.flows.sessions import MOST, Signed, Stage
from vestibule.wire.names import name_key

KEY = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


async def alice(office: Office) -> User:
    user = User("alice", "alice", name_key("alice"))
    await office.store.change(lambda writing: writing.put(user))
    await office.store.change(lambda writing: writing.put(Credential("factor", "totp", "alice")))
    return user


async def begun(office: Office, method: str = "totp") -> str:
    return await sessions.begin(replace(office.desk, address="192.0.2.7"), "alice", method=method, agent="Browser/1")


async def known(office: Office, token: str) -> Signed:
    signed = await sessions.recognise(office.desk, token)
    assert signed
    return signed


async def rows(office: Office) -> list[Session]:
    return await office.store.read(lambda reading: reading.page(Session, "", 1000))


# -- the token -------------------------------------------------------------------------------------------------------


@pytest.mark.requirement(32)
async def test_the_browser_holds_256_bits_and_only_their_hmac_is_kept(office: Office) -> None:
    await alice(office)
    found = [await begun(office) for _ in range(5)]
    assert len(set(found)) == 5
    assert all(len(token) * 6 >= 256 for token in found)
    kept = repr(await rows(office)) + repr(await office.journal())
    assert not any(token in kept for token in found)
    assert {one.id for one in await rows(office)} == {sessions.id_of(office.desk, token) for token in found}


async def test_a_session_knows_whose_it_is_from_where_and_by_what(office: Office) -> None:
    await alice(office)
    signed = await known(office, await begun(office))
    assert (signed.user.name, signed.stage, signed.fresh) == ("alice", Stage.FULL, True)
    session = signed.session
    assert (session.method, session.address, session.agent) == ("totp", "192.0.2.7", "Browser/1")
    assert session.created_at == session.seen_at == session.proved_at == NOON


@pytest.mark.requirement(32)
async def test_what_is_no_token_is_nobodys(office: Office) -> None:
    await alice(office)
    token = await begun(office)
    [row] = await rows(office)
    for wrong in ("", token[:-1], token + "A", token.swapcase(), row.id, "\x00", "é"):
        assert await sessions.recognise(office.desk, wrong) is None


async def test_a_new_session_takes_the_place_of_the_one_that_the_browser_had(office: Office) -> None:
    await alice(office)
    first = await begun(office)
    second = await sessions.begin(office.desk, "alice", method="totp", replaces=first)
    assert await sessions.recognise(office.desk, first) is None
    assert (await known(office, second)).stage is Stage.FULL


async def test_one_person_has_so_many_sessions_and_the_one_used_longest_ago_gives_way(office: Office) -> None:
    await alice(office)
    found = []
    for _ in range(MOST + 2):
        office.clock.at += 1
        found.append(await begun(office))
    assert len(await rows(office)) == MOST
    assert await sessions.recognise(office.desk, found[1]) is None
    assert await sessions.recognise(office.desk, found[2])


# -- how far ---------------------------------------------------------------------------------------------------------


@pytest.mark.requirement(54)
async def test_the_first_factor_alone_opens_only_the_way_to_the_second(office: Office) -> None:
    await alice(office)
    token = await begun(office, method="")
    assert (await known(office, token)).stage is Stage.PROVE
    await office.store.change(lambda writing: writing.remove(Credential, "factor"))
    assert (await known(office, token)).stage is Stage.REGISTER


@pytest.mark.requirement(33)
async def test_a_proof_is_fresh_for_as_long_as_the_setting_says(office: Office) -> None:
    await alice(office)
    token = await begun(office)
    office.clock.at += 599
    assert (await known(office, token)).fresh
    office.clock.at += 1
    assert not (await known(office, token)).fresh
    await office.store.change(lambda writing: writing.set("session_proof_seconds", "900.0"))
    assert (await known(office, token)).fresh


# -- time ------------------------------------------------------------------------------------------------------------


@pytest.mark.requirement(32)
async def test_a_session_ends_after_an_hour_without_use(office: Office) -> None:
    await alice(office)
    token = await begun(office)
    for _ in range(3):
        office.clock.at += 3599
        assert await sessions.recognise(office.desk, token)
    office.clock.at += 3600
    assert await sessions.recognise(office.desk, token) is None


@pytest.mark.requirement(32)
async def test_a_session_ends_after_a_day_however_much_it_is_used(office: Office) -> None:
    await alice(office)
    token = await begun(office)
    while office.clock.at + 3000 < NOON + 86400:
        office.clock.at += 3000
        assert await sessions.recognise(office.desk, token)
    office.clock.at = NOON + 86400
    assert await sessions.recognise(office.desk, token) is None


@pytest.mark.parametrize(
    ("name", "value"), [("session_idle_seconds", "3601.0"), ("session_longest_seconds", "86401.0")]
)
@pytest.mark.requirement(32)
async def test_the_settings_shorten_and_never_lengthen(office: Office, name: str, value: str) -> None:
    with pytest.raises(ValueError, match=name):
        office.desk.check_settings({name: value})


async def test_a_session_from_the_future_is_none(office: Office) -> None:
    await alice(office)
    token = await begun(office)
    office.clock.at -= 10
    assert await sessions.recognise(office.desk, token) is None


async def test_use_is_written_down_once_a_minute_and_revives_nobody(office: Office) -> None:
    await alice(office)
    token = await begun(office)
    office.clock.at += 59
    await known(office, token)
    assert [one.seen_at for one in await rows(office)] == [NOON]
    office.clock.at += 1
    await known(office, token)
    assert [one.seen_at for one in await rows(office)] == [NOON + 60]
    await office.store.change(lambda writing: sessions.end_all(writing, "alice"))
    await office.store.change(lambda writing: sessions._seen(writing, sessions.id_of(office.desk, token), NOON))
    assert await rows(office) == []


async def test_those_whose_time_is_over_are_forgotten(office: Office) -> None:
    await alice(office)
    await begun(office)
    office.clock.at += 1800
    token = await begun(office)
    office.clock.at += 1800
    assert await sessions.sweep(office.store, office.clock) == 1
    assert await sessions.sweep(office.store, office.clock) == 0
    assert await sessions.recognise(office.desk, token)
    assert (await office.actions()).count("session.expired") == 1


# -- what ends them --------------------------------------------------------------------------------------------------


async def sign_out(desk: Desk, signed: Signed) -> None:
    await sessions.end(desk, signed)


async def block(desk: Desk, _signed: Signed) -> None:
    await users.block(desk, ACTOR, name="alice", reason="test")
    await users.unblock(desk, ACTOR, name="alice")


async def reset(desk: Desk, _signed: Signed) -> None:
    await users.reset(desk, ACTOR, name="alice")


async def new_password(desk: Desk, _signed: Signed) -> None:
    await users.set_password(desk, ACTOR, name="alice", password="three quiet otters")


async def remove(desk: Desk, _signed: Signed) -> None:
    await users.remove(desk, ACTOR, name="alice")
    await desk.store.change(lambda writing: writing.put(User("alice", "alice", "alice")))


async def disable_factor(desk: Desk, _signed: Signed) -> None:
    await tokens.disable(desk, ACTOR, token="factor")


async def remove_factor(desk: Desk, _signed: Signed) -> None:
    await tokens.remove(desk, ACTOR, token="factor")


async def take_factor_back(desk: Desk, _signed: Signed) -> None:
    await tokens.add(desk, ACTOR, user="alice", serial="S1", secret=KEY)
    await tokens.unassign(desk, ACTOR, token="S1")


@pytest.mark.parametrize(
    "act", [sign_out, block, reset, new_password, remove, disable_factor, remove_factor, take_factor_back]
)
@pytest.mark.requirement(32)
async def test_a_session_ends_for_good_by(office: Office, act: object) -> None:
    await alice(office)
    token = await begun(office)
    await act(office.desk, await known(office, token))  # type: ignore[operator]  # one of the above
    assert await sessions.recognise(office.desk, token) is None
    assert await rows(office) == []


@pytest.mark.requirement(32)
async def test_a_restore_brings_no_session_back(office: Office) -> None:
    await alice(office)
    await begun(office)
    await make_safe(office.store, {}, actor=ACTOR, at=NOON, origin={})
    assert await rows(office) == []


@pytest.mark.requirement(32)
async def test_somebody_who_is_blocked_has_no_session_and_begins_none(office: Office) -> None:
    await alice(office)
    await users.block(office.desk, ACTOR, name="alice", reason="test")
    with pytest.raises(Refused):
        await begun(office)
    with pytest.raises(Refused):
        await sessions.begin(office.desk, "nobody", method="totp")


async def test_others_are_ended_one_by_one_or_all_and_never_those_of_somebody_else(office: Office) -> None:
    await alice(office)
    await office.store.change(lambda writing: writing.put(User("bob", "bob", "bob")))
    mine, second, third = await begun(office), await begun(office), await begun(office)
    his = await sessions.begin(office.desk, "bob", method="totp")
    signed = await known(office, mine)
    handles = {one.handle for one in await sessions.listed(office.desk, signed)}
    assert len(handles) == 3
    with pytest.raises(Missing):
        await sessions.end_others(office.desk, signed, sessions.handle_of((await known(office, his)).session))
    with pytest.raises(Missing):
        await sessions.end_others(office.desk, signed, sessions.handle_of(signed.session))
    assert (
        await sessions.end_others(office.desk, signed, sessions.handle_of((await known(office, second)).session)) == 1
    )
    assert await sessions.recognise(office.desk, second) is None
    assert await sessions.end_others(office.desk, signed) == 1
    assert await sessions.recognise(office.desk, third) is None
    assert await sessions.recognise(office.desk, mine)
    assert await sessions.recognise(office.desk, his)


async def test_each_beginning_and_end_is_in_the_journal_under_the_person(office: Office) -> None:
    await alice(office)
    token = await begun(office)
    await sessions.end(office.desk, await known(office, token))
    entries = [entry for entry in await office.journal() if entry.action.startswith("session.")]
    assert [(entry.action, entry.actor, entry.user_id) for entry in entries] == [
        ("session.begin", "user alice", "alice"),
        ("session.end", "user alice", "alice"),
    ]
    assert entries[0].client_address == "192.0.2.7"
    assert entries[0].detail["session"] == entries[1].detail["session"]
