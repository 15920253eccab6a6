"""The policy: add, list, move and remove its rules, and ask what it says about somebody."""

from collections.abc import Sequence
from dataclasses import fields, replace
from typing import Any

from vestibule.core.policy import DEFAULT, Outcome, Rule, evaluate, is_address
from vestibule.core.ports import Reading, Writing
from vestibule.core.users import Mfa
from vestibule.flows.clients import network, the_client
from vestibule.flows.desk import SLICE, Desk, Told, required, the_user
from vestibule.flows.groups import known_groups
from vestibule.flows.refused import Missing, Refused
from vestibule.flows.views import rule_told

MOST_RULES = SLICE - 1
"""All rules are put in order anew in one slice."""


async def add(
    desk: Desk,
    actor: str,
    *,
    name: str,
    outcome: str,
    clients: Sequence[str] = (),
    groups: Sequence[str] = (),
    networks: Sequence[str] = (),
    methods: Sequence[str] = (),
    position: int | None = None,
) -> Told:
    """Add a rule, at the end or before the one that stands at `position` now (1 is the first)."""
    named = required(name, "name")
    wanted = outcome_of(outcome)
    around = tuple(dict.fromkeys(network(text) for text in networks))

    def act(writing: Writing) -> Told:
        rules = in_order(writing)
        if any(rule.name == named for rule in rules):
            raise Refused(f"There is a rule {named} already. Choose another name.", "name")
        if len(rules) >= MOST_RULES:
            raise Refused(f"The policy has {MOST_RULES} rules, and takes no more. Join some of them.", "name")
        rule = Rule(
            desk.new_id(),
            0,
            named,
            wanted,
            _clients(writing, clients),
            known_groups(writing, groups),
            around,
            _methods(desk, methods),
        )
        place = _place(position, len(rules) + 1)
        rules.insert(place - 1, rule)
        _put_in_order(writing, rules)
        writing.note(desk.entry("policy.add", actor, rule=named, outcome=wanted.value, position=place))
        return {"rule": rule_told(rule, place)}

    return await desk.store.change(act)


async def change(
    desk: Desk,
    actor: str,
    *,
    name: str,
    new_name: str | None = None,
    outcome: str | None = None,
    clients: Sequence[str] | None = None,
    groups: Sequence[str] | None = None,
    networks: Sequence[str] | None = None,
    methods: Sequence[str] | None = None,
) -> Told:
    """Change what is given of a rule; it keeps its place."""
    named = None if new_name is None else required(new_name, "name")
    around = None if networks is None else tuple(dict.fromkeys(network(text) for text in networks))

    def act(writing: Writing) -> Told:
        rules = in_order(writing)
        before = _the_rule(rules, name)
        if named not in {None, name} and any(rule.name == named for rule in rules):
            raise Refused(f"There is a rule {named} already. Choose another name.", "name")
        given: dict[str, Any] = {
            "name": named,
            "outcome": None if outcome is None else outcome_of(outcome),
            "clients": None if clients is None else _clients(writing, clients),
            "groups": None if groups is None else known_groups(writing, groups),
            "networks": around,
            "methods": None if methods is None else _methods(desk, methods),
        }
        rule = replace(before, **{field: value for field, value in given.items() if value is not None})
        changed = [one.name for one in fields(Rule) if getattr(rule, one.name) != getattr(before, one.name)]
        if changed:
            writing.put(rule)
            writing.note(desk.entry("policy.set", actor, rule=rule.name, was=name, changed=changed))
        return {"rule": rule_told(rule, rules.index(before) + 1), "changed": changed}

    return await desk.store.change(act)


async def listed(desk: Desk, actor: str) -> Told:  # noqa: ARG001 - every flow is told who asks
    """All rules in order, and what holds when none matches."""
    return _told(desk.store.snapshot.rules)


async def show(desk: Desk, actor: str, *, name: str) -> Told:  # noqa: ARG001 - every flow is told who asks
    """One rule, with its place."""

    def question(reading: Reading) -> Told:
        rules = in_order(reading)
        rule = _the_rule(rules, name)
        return {"rule": rule_told(rule, rules.index(rule) + 1)}

    return await desk.store.read(question)


async def move(desk: Desk, actor: str, *, name: str, position: int) -> Told:
    """Put a rule at another position (1 is the first)."""

    def act(writing: Writing) -> Told:
        rules = in_order(writing)
        rule = _the_rule(rules, name)
        rules.remove(rule)
        rules.insert(_place(position, len(rules) + 1) - 1, rule)
        _put_in_order(writing, rules)
        writing.note(desk.entry("policy.move", actor, rule=name, position=position))
        return _told(rules)

    return await desk.store.change(act)


async def remove(desk: Desk, actor: str, *, name: str) -> Told:
    """Remove a rule."""

    def act(writing: Writing) -> Told:
        rule = _the_rule(in_order(writing), name)
        writing.remove(Rule, rule.id)
        writing.note(desk.entry("policy.remove", actor, rule=name, outcome=rule.outcome.value))
        return {"removed": name}

    return await desk.store.change(act)


async def try_out(
    desk: Desk,
    actor: str,  # noqa: ARG001 - every flow is told who asks
    *,
    user: str,
    client: str,
    address: str | None = None,
) -> Told:
    """What the policy asks of this user at this client, from this address, and which rule says so."""
    if address and not is_address(address):
        raise Refused("address must be an IP address, as 192.0.2.10.", "address")

    def question(reading: Reading) -> Told:
        person, asking = the_user(reading, user), the_client(reading, client, "client")
        requirement = evaluate(in_order(reading), asking.id, person.groups, address or "")
        return {
            "outcome": requirement.outcome.value,
            "rule": requirement.rule,
            "methods": list(requirement.methods),
            "second_factor": requirement.outcome is Outcome.REQUIRE and person.mfa is not Mfa.OFF,
        }

    return await desk.store.read(question)


def in_order(reading: Reading) -> list[Rule]:
    """All rules, in the order in which they are asked."""
    return sorted(reading.page(Rule, "", SLICE), key=lambda rule: (rule.position, rule.id))


def _told(rules: Sequence[Rule]) -> Told:
    return {"rules": [rule_told(rule, place) for place, rule in enumerate(rules, start=1)], "default": DEFAULT.rule}


def _the_rule(rules: Sequence[Rule], name: str) -> Rule:
    for rule in rules:
        if rule.name == name:
            return rule
    raise Missing(f"There is no rule {name}. Look for its name with: vestibule policy list", "name")


def _place(position: int | None, last: int) -> int:
    if position is None:
        return last
    if not 1 <= position <= last:
        raise Refused(f"position must be from 1 to {last}.", "position")
    return position


def _put_in_order(writing: Writing, rules: Sequence[Rule]) -> None:
    """Number the rules from 1; those that stand where they stood are not written."""
    for place, rule in enumerate(rules, start=1):
        if rule.position != place:
            writing.put(replace(rule, position=place))


def outcome_of(text: str) -> Outcome:
    """The outcome of this name; refused for one that is none's."""
    try:
        return Outcome(text)
    except ValueError:
        raise Refused(f"outcome must be one of {', '.join(Outcome)}.", "outcome") from None


def _clients(reading: Reading, ids: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(the_client(reading, one, "clients").id for one in ids))


def _methods(desk: Desk, names: Sequence[str]) -> tuple[str, ...]:
    for name in names:
        if name not in desk.methods:
            raise Refused(f"There is no method {name}. Known are {', '.join(desk.methods)}.", "methods")
    return tuple(dict.fromkeys(names))
