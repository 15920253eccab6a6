"""Who is asked to register a factor, why, and which ones they may take, the strongest first.

The predecessor knew seven reasons; each is a word of the journal, so that reports can tell them apart. Four of them can
be given by what there is here. The others belong to resets of passwords by oneself, to devices that join a domain, and
to key stores of a platform, which come to us through none of our doors.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from vestibule.core.credentials import BYPASS, Credential, CredentialState
from vestibule.core.journal import Query
from vestibule.core.phones import MAIL, PHONE
from vestibule.core.pins import PIN
from vestibule.core.policy import DEFAULT, evaluate
from vestibule.core.ports import Reading, Writing
from vestibule.core.reasons import Reason
from vestibule.core.users import User
from vestibule.flows.client_rules import PORTAL
from vestibule.flows.desk import Desk
from vestibule.flows.foreseen import uses_here

DAY = 86400.0
READ_AT_ONCE = 100
STRONGEST_FIRST = ("passkey", "totp", "hotp", PHONE)
PASSING = frozenset({BYPASS, "access_pass", "recovery", PIN, MAIL})
"""What lets in for a while or in need, or where a rule names it, and is no factor to live with."""


class Why(StrEnum):
    """Why somebody is asked to register a factor."""

    ENABLED = "enabled"  # a second factor is asked of them, and they have registered none
    PASSWORD_RESET = "password_reset"  # noqa: S105 - a reason; they could not reset their own password without
    APPLICATION = "application"  # they were refused at an application that wants one
    DEVICE = "device"  # they join a device where one is wanted
    PLATFORM_KEY = "platform_key"  # they set up a key store of their platform
    RULE = "rule"  # a rule of the policy, for people like them, asks for it
    DISABLED = "disabled"  # what they had registered was switched off, so they need another one


@dataclass(frozen=True, slots=True)
class Offer:
    """What somebody may register, the strongest first; `held` counts the factors that they can live with."""

    methods: tuple[str, ...]
    why: Why | None
    held: int


async def offer(desk: Desk, user: User) -> Offer:
    """What this person may register now, and why they should."""

    def question(reading: Reading) -> Offer:
        held = reading.find(Credential, "user_id", user.id)
        lasting = _lasting(held, desk.clock())
        asked = evaluate(desk.store.snapshot.rules, PORTAL, user.groups, desk.address)
        able = [one for one in STRONGEST_FIRST if _may(desk, asked.methods, one)]
        return Offer(tuple(able), None if lasting else _why(desk, reading, user, held), lasting)

    return await desk.store.read(question)


def _may(desk: Desk, named: Iterable[str], method: str) -> bool:
    """Whether the rule takes it, and, for a telephone, whether there is anybody who carries something to it."""
    if method != PHONE:
        return method in desk.methods and (not named or method in named)
    return any(use in desk.methods and (not named or use in named) for use in uses_here(desk))


async def ask(desk: Desk, user: User) -> Why | None:
    """Note in the journal that somebody who signs in is asked for a factor, and why; None if they have one."""

    def act(writing: Writing) -> Why | None:
        held = writing.find(Credential, "user_id", user.id)
        if _lasting(held, desk.clock()):
            return None
        why = _why(desk, writing, user, held)
        writing.note(desk.entry("registration.ask", f"user {user.id}", user, why=why.value))
        return why

    has_one = await desk.store.read(
        lambda reading: _lasting(reading.find(Credential, "user_id", user.id), desk.clock())
    )
    return None if has_one else await desk.store.change(act)


def _lasting(held: list[Credential], now: float) -> int:
    return sum(one.usable(now) and one.method not in PASSING for one in held)


def _why(desk: Desk, reading: Reading, user: User, held: list[Credential]) -> Why:
    if any(one.state is not CredentialState.PENDING and one.method not in PASSING for one in held):
        return Why.DISABLED
    rule = evaluate(desk.store.snapshot.rules, PORTAL, user.groups, desk.address)
    if rule.names_client or _refused_elsewhere(reading, user, desk.clock()):
        return Why.APPLICATION
    return Why.ENABLED if rule.rule == DEFAULT.rule else Why.RULE


def _refused_elsewhere(reading: Reading, user: User, now: float) -> bool:
    """Whether an application has just turned them away for the lack of a factor."""
    query = Query(user_id=user.id, since=now - DAY, reason=Reason.NOT_ENROLLED)
    lines = reading.newest(query, None, READ_AT_ONCE)
    return any(line.entry.client_id != PORTAL for line in lines)
