"""The part of a decision trace that tells which rule of the policy spoke, and why it and no other did."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from vestibule.core.journal import Entry
from vestibule.core.policy import DEFAULT, Rule, inside, is_address
from vestibule.core.reasons import Reason
from vestibule.core.snapshot import Snapshot
from vestibule.flows import trace_texts as texts

ACTIONS = ("policy.add", "policy.move", "policy.remove", "policy.set", "group.leave", "group.remove")
"""What may have changed since, so that a rule does not speak as it did."""


@dataclass(frozen=True, slots=True)
class Said:
    """One sentence of `trace_texts` with its values; a `reason` is put into words where it is told."""

    text: str
    values: Mapping[str, str] = field(default_factory=dict)
    reason: Reason | None = None

    @property
    def plain(self) -> str:
        """The sentence in English."""
        values = {**self.values, "reason": texts.MEANING[self.reason]} if self.reason else self.values
        return tidy(self.text.format(**values))


def tidy(text: str) -> str:
    """The sentence without the gap that an empty value leaves."""
    return text.replace(" :", ":")


def explained(snapshot: Snapshot, entry: Entry, groups: tuple[str, ...], client: str) -> Iterator[Said]:
    """Which rule spoke, by what it matched, and what kept those before it from speaking; as the rules are now."""
    if entry.rule == DEFAULT.rule:
        yield Said(texts.RULE_DEFAULT)
        yield from _before(snapshot.rules, entry, groups)
        return
    yield Said(texts.RULE_SPOKE, {"rule": entry.rule})
    rule = next((one for one in snapshot.rules if one.name == entry.rule), None)
    if rule is None:
        yield Said(texts.RULE_GONE)
        return
    yield Said(texts.RULE_SAYS[rule.outcome.value])
    if rule.methods:
        yield Said(texts.RULE_METHODS, {"methods": ", ".join(rule.methods)})
    yield from _matched(rule, entry, groups, client)
    yield from _before(snapshot.rules[: snapshot.rules.index(rule)], entry, groups)


def methods_of(snapshot: Snapshot, rule: str) -> tuple[str, ...]:
    """The methods that the rule of this name takes, () for all."""
    return next((one.methods for one in snapshot.rules if one.name == rule), ())


def _matched(rule: Rule, entry: Entry, groups: tuple[str, ...], client: str) -> Iterator[Said]:
    """The conditions that let it match, as far as they do so now."""
    if not (rule.clients or rule.groups or rule.networks):
        yield Said(texts.RULE_EVERYBODY)
    if rule.clients:
        yield Said(texts.RULE_CLIENT, {"client": client})
    theirs = [group for group in rule.groups if group in groups]
    if theirs:
        yield Said(texts.RULE_GROUP, {"groups": ", ".join(theirs)})
    if rule.networks and entry.client_address:
        lying = [one for one in rule.networks if inside(entry.client_address, (one,))]
        yield Said(texts.RULE_NETWORK, {"address": entry.client_address, "networks": ", ".join(lying or rule.networks)})


def _before(rules: tuple[Rule, ...], entry: Entry, groups: tuple[str, ...]) -> Iterator[Said]:
    """Why each of these did not match; nothing of one that would match now: it was not there, or other, then."""
    for rule in rules:
        why = _why_not(rule, entry, groups)
        if why:
            yield Said(texts.RULE_BEFORE, {"rule": rule.name, "why": why})


def _why_not(rule: Rule, entry: Entry, groups: tuple[str, ...]) -> str:
    if rule.clients and entry.client_id not in rule.clients:
        return texts.NOT_CLIENT
    if rule.groups and set(rule.groups).isdisjoint(groups):
        return texts.NOT_GROUP
    if rule.networks and not is_address(entry.client_address):
        return texts.NOT_ADDRESS
    if rule.networks and not inside(entry.client_address, rule.networks):
        return texts.NOT_NETWORK
    return ""
