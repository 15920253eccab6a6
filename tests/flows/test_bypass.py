"""One-time bypasses: granted with a reason for a few minutes, used once, listed, cancelled, and forgotten in time."""

from typing import Any

import pytest

from tests.flows.administrators import seat, somebody, user_of
from tests.flows.desks import ACTOR, Office
from vestibule.core.credentials import BYPASS, Credential
from vestibule.flows import binding, bypass, own_factors, sessions, users
from vestibule.flows.refused import Missing, Refused
from vestibule.flows.sessions import Stage


async def held(office: Office) -> list[Credential]:
    rows = await office.store.read(lambda reading: reading.page(Credential, "", 100))
    return [one for one in rows if one.method == BYPASS]


async def test_a_bypass_is_granted_listed_and_journalled_with_its_reason(office: Office) -> None:
    await somebody(office, "alice")
    told = await bypass.grant(office.desk, ACTOR, user="alice", reason="token left at home")
    wanted = {
        "user": "alice",
        "reason": "token left at home",
        "until": office.clock.at + 300,
        "created_at": office.clock.at,
    }
    assert told == {"bypass": wanted}
    assert await bypass.listed(office.desk, ACTOR, user="alice") == {"bypasses": [wanted]}
    line = (await office.journal())[-1]
    detail = {"reason": "token left at home", "until": wanted["until"]}
    assert (line.action, line.user_name, line.detail) == ("bypass.grant", "alice", detail)
    office.clock.at += 300
    assert await bypass.listed(office.desk, ACTOR, user="alice") == {"bypasses": []}


async def test_a_new_bypass_ends_the_old_one_and_a_cancelled_one_is_gone(office: Office) -> None:
    await somebody(office, "alice")
    await bypass.grant(office.desk, ACTOR, user="alice", reason="one")
    await bypass.grant(office.desk, ACTOR, user="alice", reason="two", seconds=3600)
    assert [one.label for one in await held(office)] == ["two"]
    assert await bypass.cancel(office.desk, ACTOR, user="alice") == {"cancelled": "alice"}
    assert await held(office) == []
    with pytest.raises(Missing, match="alice has no bypass"):
        await bypass.cancel(office.desk, ACTOR, user="alice")
    assert [one for one in await office.actions() if one.startswith("bypass.")] == [
        "bypass.grant",
        "bypass.grant",
        "bypass.cancel",
    ]


@pytest.mark.parametrize(
    ("field", "said"),
    [
        ("seconds", {"seconds": 59}),
        ("seconds", {"seconds": 3601}),
        ("reason", {"reason": " "}),
        ("user", {"user": "x"}),
    ],
)
async def test_a_bypass_that_can_not_be_is_refused(office: Office, field: str, said: dict[str, Any]) -> None:
    await somebody(office, "alice")
    with pytest.raises(Refused) as refused:
        await bypass.grant(office.desk, ACTOR, **{"user": "alice", "reason": "forgot it", **said})
    assert refused.value.fields == (field,)
    assert await held(office) == []


async def test_nobody_grants_one_to_themselves(office: Office) -> None:
    await somebody(office, "olga", "owner")
    with pytest.raises(Refused, match="Nobody grants a bypass to themselves"):
        await bypass.grant(*await seat(office, "olga"), user="olga", reason="forgot it")


async def test_who_came_in_by_a_bypass_opens_no_page_that_wants_a_second_factor(office: Office) -> None:
    await somebody(office, "alice")
    alice = (await user_of(office, "alice")).id
    await bypass.grant(office.desk, ACTOR, user="alice", reason="forgot it")
    signed = await sessions.recognise(office.desk, await sessions.begin(office.desk, alice))
    assert signed is not None
    assert signed.stage is Stage.PROVE
    assert [one.method for one in (await own_factors.overview(office.desk, signed)).factors] == ["totp"]


async def test_a_bypass_that_is_over_is_forgotten_and_an_open_one_is_not(office: Office) -> None:
    await users.add(office.desk, ACTOR, name="alice", password="a few words in a row")
    await bypass.grant(office.desk, ACTOR, user="alice", reason="forgot it")
    signed = await sessions.recognise(
        office.desk, await sessions.begin(office.desk, (await user_of(office, "alice")).id)
    )
    assert signed is not None
    assert signed.stage is Stage.REGISTER
    await own_factors.begin_app(office.desk, signed, "phone")
    assert await binding.sweep(office.desk) == 0
    assert len(await held(office)) == 1
    office.clock.at += 300
    assert await binding.sweep(office.desk) == 1
    assert await held(office) == []
