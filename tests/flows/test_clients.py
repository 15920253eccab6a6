"""Administration of clients: their secrets, their networks, and what is weak about them."""

import math
from collections import Counter
from typing import Any

import pytest

from tests.flows.desks import ACTOR, NOON, Office
from vestibule.core.clients import Client
from vestibule.flows import client_rules, clients, policy
from vestibule.flows.refused import Refused

STRONG = "correct horse battery staple"


async def add(office: Office, name: str = "VPN One", **more: object) -> dict[str, Any]:
    return await clients.add(office.desk, ACTOR, **{"name": name, "networks": ["192.0.2.0/24"], **more})  # type: ignore[arg-type]


async def stored(office: Office, client_id: str = "vpn-one") -> Client:
    found = await office.store.read(lambda reading: reading.get(Client, client_id))
    assert found is not None
    return found


@pytest.mark.requirement(39)
async def test_a_secret_that_is_made_here_is_long_and_shown_once(office: Office) -> None:
    told = await add(office)
    assert told["client"]["id"] == "vpn-one"
    assert len(told["secret"]) == 32
    assert told["warnings"] == []
    assert (await stored(office)).secrets[0].reveal().decode() == told["secret"]
    assert "secret" not in await clients.show(office.desk, ACTOR, id="vpn-one")
    assert told["secret"] not in str(await clients.listed(office.desk, ACTOR)) + str(await office.lines())


async def test_secrets_that_are_made_here_have_each_letter_as_often_as_another(office: Office) -> None:
    made = [clients.made_secret(office.desk).reveal().decode() for _ in range(600)]
    assert len(set(made)) == 600
    seen = Counter("".join(made))
    assert set(seen) == set(clients.ALPHABET)
    half = clients.ALPHABET[:28]  # a bare remainder would take each of these five times of 256, the others four
    expected, spread = 600 * 32 * 28 / 57, math.sqrt(600 * 32 * 28 / 57 * 29 / 57)
    assert abs(sum(seen[letter] for letter in half) - expected) < 6 * spread
    assert not set("0O1lI") & set(clients.ALPHABET)


@pytest.mark.requirement(39)
@pytest.mark.parametrize(
    ("secret", "warnings"),
    [
        (STRONG, []),
        ("x1y2z3w4v5u6", [client_rules.SHORT]),
        ("abababababababab", [client_rules.PLAIN]),
        ("testing", [client_rules.SHORT]),
        ("aaaa", [client_rules.SHORT, client_rules.PLAIN]),
        ("64 octets, as advised: " + "0123456789" * 4, []),
    ],
)
async def test_a_weak_secret_is_taken_with_a_warning(office: Office, secret: str, warnings: list[str]) -> None:
    told = await add(office, secret=secret)
    assert (told["secret"], told["warnings"]) == (None, warnings)
    assert (await clients.show(office.desk, ACTOR, id="vpn-one"))["warnings"] == warnings
    assert (await office.journal())[-1].detail == ({"warnings": warnings} if warnings else {})
    assert secret not in str(await office.lines())


async def test_what_is_loose_is_taken_with_a_loud_warning(office: Office) -> None:
    told = await add(office, require_message_authenticator=False, rejoin_seconds=10, require_user_match=False)
    assert len(told["warnings"]) == 3
    assert told["client"]["rejoin_seconds"] == 10


@pytest.mark.parametrize(
    ("field", "arguments"),
    [
        ("name", {"name": " "}),
        ("id", {"id": "***"}),
        ("id", {"id": "taken"}),
        ("networks", {"networks": []}),
        ("networks", {"networks": ["nowhere"]}),
        ("networks", {"networks": ["192.0.2.1/24"]}),
        ("networks", {"networks": ["::ffff:192.0.2.0/120"]}),
        ("networks", {"networks": ["198.51.100.0/24"]}),
        ("sign_in", {"sign_in": "somehow"}),
        ("require_user_match", {"sign_in": "code_only", "require_user_match": False}),
        ("time_budget", {"time_budget": 1}),
        ("time_budget", {"time_budget": 9999}),
        ("rejoin_seconds", {"rejoin_seconds": 11}),
        ("rejoin_seconds", {"rejoin_seconds": -1}),
        ("secret", {"secret": ""}),
        ("secret", {"secret": "ends with a blank "}),
        ("secret", {"secret": "line\nend"}),
        ("secret", {"secret": "x" * 129}),
    ],
)
async def test_a_client_that_can_not_be_is_refused(office: Office, field: str, arguments: dict[str, Any]) -> None:
    await add(office, "taken", networks=["198.51.100.0/24"])
    with pytest.raises(Refused) as refused:
        await add(office, **arguments)
    assert refused.value.fields == (field,)
    assert await office.actions() == ["client.add"]


async def test_behind_one_address_clients_differ_by_their_nas_identifier(office: Office) -> None:
    await add(office, "one", networks=["192.0.2.7"], nas_identifier="one")
    told = await add(office, "two", networks=["192.0.2.7"], nas_identifier="two")
    assert (told["client"]["networks"], told["warnings"]) == (["192.0.2.7/32"], [])
    with pytest.raises(Refused, match="The client one has the same network"):
        await add(office, "three", networks=["203.0.113.1", "192.0.2.7"], nas_identifier="one")
    with pytest.raises(Refused, match="The client one has the same network"):
        await clients.change(office.desk, ACTOR, id="two", nas_identifier="one")
    assert (await stored(office, "two")).nas_identifier == "two"


async def test_a_network_inside_another_is_taken_with_a_warning(office: Office) -> None:
    await add(office, "wide", networks=["10.0.0.0/8", "2001:db8::/32"])
    told = await add(office, "narrow", networks=["10.1.0.0/16"])
    assert told["warnings"] == ["Its networks overlap those of wide; a packet belongs to the narrower network."]
    assert (await add(office, "apart", networks=["2001:db9::/32"]))["warnings"] == []


async def test_what_is_given_is_changed_and_nothing_else(office: Office) -> None:
    await add(office, secret=STRONG)
    before = await stored(office)
    told = await clients.change(office.desk, ACTOR, id="vpn-one", holds=False, time_budget=12.5, name="VPN One")
    assert told["changed"] == ["holds", "time_budget"]
    after = await stored(office)
    assert (after.holds, after.time_budget, after.secrets, after.created_at) == (False, 12.5, before.secrets, NOON)
    assert (await clients.change(office.desk, ACTOR, id="vpn-one", holds=False))["changed"] == []
    assert await office.actions() == ["client.add", "client.set"]
    with pytest.raises(Refused):
        await clients.change(office.desk, ACTOR, id="vpn-one", rejoin_seconds=60)


async def test_a_client_that_a_rule_names_stays(office: Office) -> None:
    await add(office)
    await policy.add(office.desk, ACTOR, name="closed", outcome="deny", clients=["vpn-one"])
    with pytest.raises(Refused, match="closed"):
        await clients.remove(office.desk, ACTOR, id="vpn-one")
    await policy.remove(office.desk, ACTOR, name="closed")
    assert await clients.remove(office.desk, ACTOR, id="vpn-one") == {"removed": "vpn-one"}
    assert (await clients.listed(office.desk, ACTOR))["clients"] == []


@pytest.mark.requirement(39)
async def test_a_secret_is_changed_with_both_in_force_between(office: Office) -> None:
    first = (await add(office))["secret"]
    second = (await clients.change_secret(office.desk, ACTOR, id="vpn-one", step="begin"))["secret"]
    assert [one.reveal().decode() for one in (await stored(office)).secrets] == [second, first]
    for step, why in (("begin", "under way"), ("both", "begin or finish")):
        with pytest.raises(Refused, match=why):
            await clients.change_secret(office.desk, ACTOR, id="vpn-one", step=step)
    told = await clients.change_secret(office.desk, ACTOR, id="vpn-one", step="finish")
    assert (told["secret"], told["client"]["secrets"]) == (None, 1)
    assert [one.reveal().decode() for one in (await stored(office)).secrets] == [second]
    with pytest.raises(Refused, match="No change"):
        await clients.change_secret(office.desk, ACTOR, id="vpn-one", step="finish")
    assert await office.actions() == ["client.add", "client.secret.begin", "client.secret.finish"]
    assert not {first, second} & set(str(await office.lines()).split("'"))


async def test_what_is_asked_about_no_client_is_refused(office: Office) -> None:
    for asked in (
        clients.show(office.desk, ACTOR, id="none"),
        clients.change(office.desk, ACTOR, id="none"),
        clients.remove(office.desk, ACTOR, id="none"),
        clients.change_secret(office.desk, ACTOR, id="none", step="begin"),
    ):
        with pytest.raises(Refused, match="There is no client none"):
            await asked
