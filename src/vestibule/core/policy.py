"""Rules in order; the first that matches speaks. Without a match a second factor is required.

A rule with networks matches only when the person's address is known: an unknown address is never let in by one.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network


class Outcome(StrEnum):
    """What a rule asks for."""

    DENY = "deny"
    ALLOW = "allow"  # the first factor is enough
    REQUIRE = "require"  # a second factor, by one of the rule's methods if it names any


@dataclass(frozen=True, slots=True)
class Rule:
    """One line of the policy; an empty condition matches everything. `position` orders the rules."""

    id: str
    position: int
    name: str
    outcome: Outcome
    clients: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    networks: tuple[str, ...] = ()
    methods: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Requirement:
    """What the policy asks of one attempt, and the name of the rule that said so."""

    outcome: Outcome
    rule: str
    methods: tuple[str, ...] = ()
    names_client: bool = False  # the rule was written for this very client


DEFAULT = Requirement(Outcome.REQUIRE, "default: require a second factor")


def evaluate(rules: Iterable[Rule], client_id: str, groups: tuple[str, ...], address: str) -> Requirement:
    """Return what the first matching rule of `rules` (already in order) asks for."""
    for rule in rules:
        if _matches(rule, client_id, groups, address):
            return Requirement(rule.outcome, rule.name, rule.methods, client_id in rule.clients)
    return DEFAULT


def _matches(rule: Rule, client_id: str, groups: tuple[str, ...], address: str) -> bool:
    return (
        (not rule.clients or client_id in rule.clients)
        and (not rule.groups or not set(rule.groups).isdisjoint(groups))
        and (not rule.networks or inside(address, rule.networks))
    )


def inside(address: str, networks: tuple[str, ...]) -> bool:
    """Whether `address` is an IP address in one of `networks` (CIDR); False when it is no address.

    An IPv4 address that is written as an IPv6 one (::ffff:192.0.2.1) is the IPv4 address.
    """
    try:
        parsed = ip_address(address)
    except ValueError:
        return False
    plain = getattr(parsed, "ipv4_mapped", None) or parsed
    return any(plain in network for network in parse_networks(networks))


@lru_cache(maxsize=4096)
def parse_networks(networks: tuple[str, ...]) -> tuple[IPv4Network | IPv6Network, ...]:
    """Parse CIDR texts once; raises ValueError for one that is none."""
    return tuple(ip_network(network) for network in networks)


def is_address(text: str) -> bool:
    """Whether `text` is an IP address, so that rules with networks can look at it."""
    try:
        ip_address(text)
    except ValueError:
        return False
    return True
