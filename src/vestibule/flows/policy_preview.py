"""Before the policy is changed: whom would it shut out, and which rule speaks about somebody, and why not the others.

What is looked for is what an administrator would regret at once: a client that nobody can sign in at any more, one
that asks nobody for a second factor any more, owners or the administrator themselves before a shut portal. Nothing
here writes.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from vestibule.core.credentials import Credential
from vestibule.core.policy import DEFAULT, Outcome, Requirement, Rule, evaluate, inside, is_address
from vestibule.core.ports import Reading
from vestibule.core.users import Mfa, User
from vestibule.flows.client_rules import PORTAL
from vestibule.flows.clients import the_client
from vestibule.flows.desk import Desk, required
from vestibule.flows.policy import in_order
from vestibule.flows.refused import Missing, Refused
from vestibule.flows.roles import owners
from vestibule.flows.sessions import person_of

Rules = Sequence[Rule]
Reorder = Callable[[list[Rule]], list[Rule]]
"""The rules as they would be, of those that are there."""


class Harm(StrEnum):
    """What a change would do that is hardly meant."""

    SHUT = "shut"  # nobody can sign in at a client
    OPEN = "open"  # nobody is asked for a second factor at a client
    NO_OWNER = "no_owner"  # no owner can sign in to the portal from where the administrator is
    NOT_YOU = "not_you"  # the administrator can not


@dataclass(frozen=True, slots=True)
class Danger:
    """One harm; `where` are the clients that it is about."""

    harm: Harm
    where: tuple[str, ...] = ()


async def dangers(desk: Desk, user_id: str, reorder: Reorder) -> list[Danger]:
    """What would be wrong after the change and is not now; the person with `user_id` is who makes it."""

    def question(reading: Reading) -> list[Danger]:
        now = in_order(reading)
        before, after = (_Look(reading, desk, rules, user_id) for rules in (now, reorder(list(now))))
        return after.beyond(before)

    return await desk.store.read(question)


@dataclass(frozen=True, slots=True)
class _Look:
    """One order of rules, looked at."""

    reading: Reading
    desk: Desk
    rules: Rules
    user_id: str

    def beyond(self, before: "_Look") -> list[Danger]:
        """What is wrong here and was not there."""
        clients = list(self.desk.store.snapshot.clients)
        found = []
        for harm, outcome in ((Harm.SHUT, Outcome.DENY), (Harm.OPEN, Outcome.ALLOW)):
            where = [one for one in clients if self.always(one) is outcome and before.always(one) is not outcome]
            if where:
                found.append(Danger(harm, tuple(sorted(where))))
        if self.bars_owners() and not before.bars_owners():
            found.append(Danger(Harm.NO_OWNER))
        if self.bars_you() and not before.bars_you():
            found.append(Danger(Harm.NOT_YOU))
        return found

    def always(self, client: str) -> Outcome | None:
        """What everybody meets at this client, whoever they are and wherever; None where that depends."""
        for rule in self.rules:
            if rule.clients and client not in rule.clients:
                continue
            if rule.groups or rule.networks:
                return None
            return rule.outcome
        return DEFAULT.outcome

    def bars_owners(self) -> bool:
        """Whether there are owners, and none of them would be let in to the portal."""
        known = owners(self.reading, self.desk.clock())
        return bool(known) and all(self._bars(user) for user in known)

    def bars_you(self) -> bool:
        """Whether the person who changes the policy would not be let in again."""
        user = self.reading.get(User, self.user_id)
        return user is not None and self._bars(user)

    def _bars(self, user: User) -> bool:
        asked = evaluate(self.rules, PORTAL, user.groups, self.desk.address)
        return asked.outcome is Outcome.DENY or not fitting(self.reading, user, asked, self.desk.clock())


def fitting(reading: Reading, user: User, asked: Requirement, now: float) -> bool:
    """Whether the person has a factor that the requirement takes, or needs none."""
    if asked.outcome is not Outcome.REQUIRE or not asked.methods:
        return True
    held = reading.find(Credential, "user_id", user.id)
    return any(one.usable(now) and one.method in asked.methods for one in held)


# -- changes that are thought of ---------------------------------------------------------------------------------------


def without(name: str) -> Reorder:
    """The rules without one."""
    return lambda rules: [rule for rule in rules if rule.name != name]


def moved(name: str, position: int) -> Reorder:
    """The rules with one at another place (1 is the first)."""

    def reorder(rules: list[Rule]) -> list[Rule]:
        there = [rule for rule in rules if rule.name == name]
        left = [rule for rule in rules if rule.name != name]
        return [*left[: position - 1], *there, *left[position - 1 :]]

    return reorder


def changed(name: str, draft: Rule) -> Reorder:
    """The rules with one as the draft says, at its place; at the end where there is none of this name."""

    def reorder(rules: list[Rule]) -> list[Rule]:
        if all(rule.name != name for rule in rules):
            return [*rules, draft]
        return [replace(draft, id=rule.id, position=rule.position) if rule.name == name else rule for rule in rules]

    return reorder


# -- who would this be -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Looked:
    """One rule that was looked at: whether it speaks, else by what it does not: "clients", "groups", "networks"."""

    rule: Rule
    speaks: bool
    because: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Explained:
    """What the policy asks of somebody: all rules up to the one that speaks, and whether they can meet it."""

    user: User
    client: str
    address: str
    looked: tuple[Looked, ...]
    requirement: Requirement
    second_factor: bool
    can_meet: bool
    methods: tuple[str, ...]


async def explain(desk: Desk, *, user: str, client: str, address: str = "") -> Explained:
    """Walk the rules for this person at this client, from this address. Refused for somebody whom nobody knows."""
    named, where = required(user, "user"), address.strip()
    if where and not is_address(where):
        raise Refused("address must be an IP address, as 192.0.2.10.", "address")

    def question(reading: Reading) -> Explained:
        person, asking = person_of(reading, named), the_client(reading, client, "client")
        if person is None:
            raise Missing(f"There is no user {named}. Look for the name with: vestibule user list", "user")
        rules = in_order(reading)
        asked = evaluate(rules, asking.id, person.groups, where)
        held = reading.find(Credential, "user_id", person.id)
        usable = tuple(dict.fromkeys(one.method for one in held if one.usable(desk.clock())))
        return Explained(
            person,
            asking.id,
            where,
            tuple(_walked(rules, asking.id, person.groups, where)),
            asked,
            asked.outcome is Outcome.REQUIRE and person.mfa is not Mfa.OFF,
            bool(usable) and fitting(reading, person, asked, desk.clock()),
            usable,
        )

    return await desk.store.read(question)


def _walked(rules: Iterable[Rule], client: str, groups: tuple[str, ...], address: str) -> list[Looked]:
    found = []
    for rule in rules:
        because = _because(rule, client, groups, address)
        found.append(Looked(rule, not because, because))
        if not because:
            break
    return found


def _because(rule: Rule, client: str, groups: tuple[str, ...], address: str) -> tuple[str, ...]:
    """By what a rule does not speak; () when it does."""
    misses = {
        "clients": bool(rule.clients) and client not in rule.clients,
        "groups": bool(rule.groups) and set(rule.groups).isdisjoint(groups),
        "networks": bool(rule.networks) and not inside(address, rule.networks),
    }
    return tuple(name for name, misses_it in misses.items() if misses_it)
