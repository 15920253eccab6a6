"""What a change of the policy would do, and which rule speaks: the same as the policy itself says."""

from itertools import product

import pytest

from tests.flows.desks import ACTOR, Office
from vestibule.core.clients import Client
from vestibule.core.policy import DEFAULT, Outcome, Rule, evaluate
from vestibule.core.users import Group, Mfa, User
from vestibule.flows import policy
from vestibule.flows.policy_preview import Harm, changed, dangers, explain, moved, without
from vestibule.flows.refused import Missing, Refused

CLIENTS, GROUPS = ("vpn", "mail"), ("staff", "guests")
NETWORKS = ("192.0.2.0/24", "2001:db8::/32")
ADDRESSES = ("192.0.2.7", "2001:db8::7", "203.0.113.7", "")


async def furnish(office: Office, *rules: Rule) -> None:
    def act(writing: object) -> None:
        records = [*(Client(one, one, (), ()) for one in CLIENTS), *(Group(one) for one in GROUPS), *rules]
        people = [User(f"id{n}", f"p{n}", f"p{n}", groups=groups) for n, groups in enumerate(MEMBERS)]
        for record in [*records, *people]:
            writing.put(record)  # type: ignore[attr-defined]  # a Writing

    await office.store.change(act)


MEMBERS = ((), ("staff",), ("guests",), GROUPS)


async def test_the_walk_over_the_rules_ends_where_the_policy_says(office: Office) -> None:
    conditions = product(((), ("vpn",)), ((), ("staff",)), ((), NETWORKS[:1], NETWORKS))
    rules = [
        Rule(f"r{n:02}", n, f"rule {n}", tuple(Outcome)[n % 3], clients, groups, networks)
        for n, (clients, groups, networks) in enumerate(conditions, 1)
    ][::-1]
    rules = [Rule(r.id, n, r.name, r.outcome, r.clients, r.groups, r.networks) for n, r in enumerate(rules, 1)]
    await furnish(office, *rules)
    for (n, groups), client, address in product(enumerate(MEMBERS), CLIENTS, ADDRESSES):
        told = await explain(office.desk, user=f"p{n}", client=client, address=address)
        assert told.requirement == evaluate(rules, client, groups, address)
        speaking = [one.rule.name for one in told.looked if one.speaks]
        assert speaking == ([] if told.requirement == DEFAULT else [told.requirement.rule])
        assert all(one.because for one in told.looked if not one.speaks)


async def test_who_is_excepted_or_unknown_is_told(office: Office) -> None:
    await furnish(office)
    await office.store.change(lambda writing: writing.put(User("off", "otto", "otto", mfa=Mfa.OFF)))
    assert not (await explain(office.desk, user="OTTO", client="vpn")).second_factor
    with pytest.raises(Missing):
        await explain(office.desk, user="nobody", client="vpn")
    with pytest.raises(Missing):
        await explain(office.desk, user="otto", client="no such")
    with pytest.raises(Refused):
        await explain(office.desk, user="otto", client="vpn", address="home")


@pytest.mark.parametrize(
    ("draft", "harm", "where"),
    [
        (Rule("", 0, "new", Outcome.DENY), Harm.SHUT, CLIENTS),
        (Rule("", 0, "new", Outcome.DENY, ("mail",)), Harm.SHUT, ("mail",)),
        (Rule("", 0, "new", Outcome.ALLOW, ("vpn",)), Harm.OPEN, ("vpn",)),
        (Rule("", 0, "new", Outcome.DENY, groups=("staff",)), None, ()),
        (Rule("", 0, "new", Outcome.ALLOW, networks=NETWORKS), None, ()),
        (Rule("", 0, "new", Outcome.REQUIRE), None, ()),
    ],
)
async def test_a_rule_without_conditions_shuts_or_opens_its_clients(
    office: Office, draft: Rule, harm: Harm | None, where: tuple[str, ...]
) -> None:
    await furnish(office)
    found = await dangers(office.desk, "", changed("new", draft))
    assert [(one.harm, set(one.where)) for one in found] == ([(harm, set(where))] if harm else [])


async def test_moving_removing_and_changing_are_looked_at_as_they_would_be(office: Office) -> None:
    first, second = Rule("a", 1, "all", Outcome.REQUIRE), Rule("b", 2, "stop", Outcome.DENY)
    await furnish(office, first, second)
    for reorder in (moved("stop", 1), without("all"), changed("all", Rule("", 0, "all", Outcome.DENY))):
        assert [one.harm for one in await dangers(office.desk, "", reorder)] == [Harm.SHUT]
    assert await dangers(office.desk, "", without("stop")) == []
    assert await dangers(office.desk, "id1", changed("stop", Rule("", 0, "x", Outcome.ALLOW))) == []


# -- the change itself -------------------------------------------------------------------------------------------------


async def test_a_rule_is_changed_in_its_place_and_the_journal_says_what(office: Office) -> None:
    await furnish(office, Rule("a", 1, "first", Outcome.DENY), Rule("b", 2, "second", Outcome.DENY, ("vpn",)))
    told = await policy.change(
        office.desk, ACTOR, name="first", new_name="new", outcome="require", groups=["staff"], methods=["totp"]
    )
    assert told["rule"]["position"] == 1
    assert set(told["changed"]) == {"name", "outcome", "groups", "methods"}
    rules = await office.store.read(policy.in_order)
    assert rules[0] == Rule("a", 1, "new", Outcome.REQUIRE, (), ("staff",), (), ("totp",))
    last = (await office.journal())[-1]
    assert (last.action, last.detail["rule"], last.detail["was"]) == ("policy.set", "new", "first")
    assert (await policy.change(office.desk, ACTOR, name="new", outcome="require"))["changed"] == []
    assert (await office.actions()).count("policy.set") == 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"new_name": "second"},
        {"new_name": " "},
        {"outcome": "perhaps"},
        {"clients": ["no such"]},
        {"groups": ["no such"]},
        {"networks": ["home"]},
        {"methods": ["by heart"]},
    ],
)
async def test_a_change_that_does_not_fit_leaves_the_rule_as_it_was(office: Office, wrong: dict[str, object]) -> None:
    first = Rule("a", 1, "first", Outcome.DENY)
    await furnish(office, first, Rule("b", 2, "second", Outcome.DENY))
    with pytest.raises(Refused):
        await policy.change(office.desk, ACTOR, name="first", **wrong)  # type: ignore[arg-type]  # by name
    assert (await office.store.read(policy.in_order))[0] == first
    with pytest.raises(Missing):
        await policy.change(office.desk, ACTOR, name="no such", outcome="deny")
