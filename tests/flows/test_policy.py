"""Administration of the policy: the order of its rules, and what it says."""

from typing import Any

import pytest

from tests.flows.desks import ACTOR, Office
from vestibule.core.policy import DEFAULT, Outcome, Rule
from vestibule.core.ports import Writing
from vestibule.flows import clients, groups, policy, users
from vestibule.flows.refused import Refused


async def prepare(office: Office) -> None:
    await clients.add(office.desk, ACTOR, name="vpn", networks=["192.0.2.0/24"])
    await groups.add(office.desk, ACTOR, name="staff")
    await users.add(office.desk, ACTOR, name="alice", groups=["staff"])


async def add(office: Office, name: str, outcome: str = "require", **more: object) -> dict[str, Any]:
    return await policy.add(office.desk, ACTOR, name=name, outcome=outcome, **more)  # type: ignore[arg-type]


async def order(office: Office) -> list[str]:
    told = await policy.listed(office.desk, ACTOR)
    assert [rule["position"] for rule in told["rules"]] == list(range(1, len(told["rules"]) + 1))
    assert told["default"] == DEFAULT.rule
    return [rule["name"] for rule in told["rules"]]


async def test_rules_stand_in_the_order_that_they_were_given(office: Office) -> None:
    for name in ("a", "b", "c"):
        await add(office, name)
    assert (await add(office, "first", position=1))["rule"]["position"] == 1
    assert await order(office) == ["first", "a", "b", "c"]
    told = await policy.move(office.desk, ACTOR, name="first", position=3)
    assert [rule["name"] for rule in told["rules"]] == ["a", "b", "first", "c"] == await order(office)
    await policy.remove(office.desk, ACTOR, name="a")
    assert (await add(office, "last"))["rule"]["position"] == 4
    assert await order(office) == ["b", "first", "c", "last"]
    assert (await office.actions())[-3:] == ["policy.move", "policy.remove", "policy.add"]


async def test_a_rule_is_kept_as_it_was_said(office: Office) -> None:
    await prepare(office)
    said = {"clients": ["vpn"], "groups": ["staff"], "networks": ["10.0.0.0/8"], "methods": ["totp", "recovery"]}
    told = await add(office, "all of it", "require", **said)
    assert told["rule"] == {"position": 1, "name": "all of it", "outcome": "require", **said}
    assert office.store.snapshot.rules[0].methods == ("totp", "recovery")


@pytest.mark.parametrize(
    ("field", "arguments"),
    [
        ("name", {"name": ""}),
        ("name", {"name": "taken"}),
        ("outcome", {"outcome": "maybe"}),
        ("clients", {"clients": ["none"]}),
        ("groups", {"groups": ["none"]}),
        ("networks", {"networks": ["10.0.0.1/8"]}),
        ("methods", {"methods": ["telepathy"]}),
        ("position", {"position": 0}),
        ("position", {"position": 3}),
    ],
)
async def test_a_rule_that_can_not_be_is_refused(office: Office, field: str, arguments: dict[str, Any]) -> None:
    await add(office, "taken")
    with pytest.raises(Refused) as refused:
        await policy.add(office.desk, ACTOR, **{"name": "new", "outcome": "deny", **arguments})
    assert refused.value.fields == (field,)
    assert await order(office) == ["taken"]


async def test_the_policy_says_what_it_asks_and_which_rule_said_so(office: Office) -> None:
    await prepare(office)
    await add(office, "inside", "allow", groups=["staff"], networks=["10.0.0.0/8"])
    await add(office, "vpn by token", "require", clients=["vpn"], methods=["totp"])

    async def say(address: str | None = None) -> dict[str, Any]:
        return await policy.try_out(office.desk, ACTOR, user="alice", client="vpn", address=address)

    assert await say("10.1.1.1") == {"outcome": "allow", "rule": "inside", "methods": [], "second_factor": False}
    assert await say() == {"outcome": "require", "rule": "vpn by token", "methods": ["totp"], "second_factor": True}
    await users.change(office.desk, ACTOR, name="alice", changes={"mfa": "off"})
    assert (await say())["second_factor"] is False
    for user, client, address in (("none", "vpn", None), ("alice", "none", None), ("alice", "vpn", "here")):
        with pytest.raises(Refused):
            await policy.try_out(office.desk, ACTOR, user=user, client=client, address=address)


async def test_the_policy_takes_no_more_rules_than_one_slice_can_order(office: Office) -> None:
    def act(writing: Writing) -> None:
        for i in range(policy.MOST_RULES):
            writing.put(Rule(f"{i:03}", i + 1, f"rule {i}", Outcome.DENY))

    await office.store.change(act)
    with pytest.raises(Refused, match="takes no more"):
        await add(office, "one more")
    await policy.move(office.desk, ACTOR, name="rule 198", position=1)
    assert (await order(office))[:2] == ["rule 198", "rule 0"]


async def test_what_is_asked_about_no_rule_is_refused(office: Office) -> None:
    for asked in (
        policy.move(office.desk, ACTOR, name="none", position=1),
        policy.remove(office.desk, ACTOR, name="none"),
    ):
        with pytest.raises(Refused, match="There is no rule none"):
            await asked
