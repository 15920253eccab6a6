"""The first rule that matches speaks; an unknown address is inside no network."""

import pytest

from vestibule.core.policy import DEFAULT, Outcome, Requirement, Rule, evaluate, inside, parse_networks


def rule(name: str, outcome: Outcome, **conditions: tuple[str, ...]) -> Rule:
    return Rule(name, 0, name, outcome, **conditions)


def outcome_of(*rules: Rule, client: str = "vpn", groups: tuple[str, ...] = (), address: str = "") -> str:
    return evaluate(rules, client, groups, address).rule


def test_without_a_rule_a_second_factor_is_required() -> None:
    assert evaluate((), "vpn", (), "") == DEFAULT == Requirement(Outcome.REQUIRE, DEFAULT.rule)


def test_the_first_rule_that_matches_speaks() -> None:
    rules = (
        rule("staff", Outcome.ALLOW, groups=("staff",)),
        rule("mail", Outcome.DENY, clients=("mail",)),
        rule("rest", Outcome.REQUIRE, methods=("totp",)),
    )
    assert outcome_of(*rules, groups=("staff",), client="mail") == "staff"
    assert outcome_of(*rules, client="mail") == "mail"
    assert evaluate(rules, "vpn", (), "") == Requirement(Outcome.REQUIRE, "rest", ("totp",))


@pytest.mark.parametrize(
    ("conditions", "matches"),
    [
        ({}, True),
        ({"clients": ("mail", "vpn")}, True),
        ({"clients": ("VPN",)}, False),
        ({"groups": ("guests", "staff")}, True),
        ({"groups": ("staf",)}, False),
        ({"networks": ("198.51.100.0/24", "192.0.2.0/24")}, True),
        ({"networks": ("192.0.2.2/32",)}, False),
        ({"networks": ("::/0",)}, False),
        ({"clients": ("vpn",), "groups": ("staff",), "networks": ("192.0.2.0/24",)}, True),
        ({"clients": ("mail",), "groups": ("staff",), "networks": ("192.0.2.0/24",)}, False),
    ],
)
def test_every_condition_of_a_rule_must_hold(conditions: dict[str, tuple[str, ...]], *, matches: bool) -> None:
    one = rule("the rule", Outcome.DENY, **conditions)
    spoken = outcome_of(one, groups=("staff", "admins"), address="192.0.2.1")
    assert spoken == ("the rule" if matches else DEFAULT.rule)


@pytest.mark.parametrize("address", ["", "nas-1"])
@pytest.mark.parametrize("networks", [("0.0.0.0/0", "::/0"), ("192.0.2.0/24",)])
def test_a_rule_with_networks_does_not_speak_for_an_unknown_address(address: str, networks: tuple[str, ...]) -> None:
    assert outcome_of(rule("inside", Outcome.ALLOW, networks=networks), address=address) == DEFAULT.rule


def test_a_rule_tells_whether_it_was_written_for_this_client() -> None:
    assert evaluate((rule("a", Outcome.ALLOW, clients=("vpn",)),), "vpn", (), "").names_client
    assert not evaluate((rule("a", Outcome.ALLOW),), "vpn", (), "").names_client


@pytest.mark.parametrize("address", ["", "nas-1", "02-00-5E-10-00-00", "192.0.2.1/32", "192.0.2.256", " 192.0.2.1"])
def test_what_is_no_address_is_inside_no_network(address: str) -> None:
    assert not inside(address, ("0.0.0.0/0", "::/0"))


@pytest.mark.parametrize(
    ("address", "network", "expected"),
    [
        ("192.0.2.1", "192.0.2.0/24", True),
        ("192.0.3.1", "192.0.2.0/24", False),
        ("::ffff:192.0.2.1", "192.0.2.0/24", True),
        ("::ffff:192.0.3.1", "192.0.2.0/24", False),
        ("2001:db8::1", "2001:db8::/32", True),
        ("2001:db9::1", "2001:db8::/32", False),
        ("fe80::1%eth0", "fe80::/10", True),
    ],
)
def test_an_address_is_inside_its_network_however_it_is_written(address: str, network: str, *, expected: bool) -> None:
    assert inside(address, (network,)) is expected


def test_a_network_with_host_bits_is_refused() -> None:
    with pytest.raises(ValueError, match="host bits"):
        parse_networks(("192.0.2.1/24",))
