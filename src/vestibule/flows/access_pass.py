"""Temporary access passes: letters that let somebody in who has no factor yet, or none at hand, for a while.

A pass counts as a second factor: whoever comes in by it may register a real one. One person has one pass; a new one
ends the old one. Nobody issues one to themselves. A pass that is over stays until it is revoked or replaced, so that
the password alone registers nothing afterwards.
"""

from dataclasses import replace

from vestibule.core.credentials import ACCESS_PASS, Credential
from vestibule.core.ports import Reading, Writing
from vestibule.core.users import Mfa, User
from vestibule.flows import inventory
from vestibule.flows.desk import Desk, Passes, Told, the_user
from vestibule.flows.protecting import protected
from vestibule.flows.refused import Missing, Refused
from vestibule.flows.sessions import end_all

MINUTE = 60.0
DAY = 86400.0
SHORTEST_MINUTES, LONGEST_MINUTES = 10, 43_200
LATEST_START_DAYS = 30.0
CHANCE_OCTETS = 16

NOT_YOURSELF = "Nobody issues a pass to themselves. Add a factor on the page of your own factors."
MFA_OFF = "{name} is asked for no second factor, so a pass is of no use."


async def issue(
    desk: Desk, actor: str, *, user: str, minutes: int | None = None, once: bool = True, starts_at: float | None = None
) -> Told:
    """A pass for a user, shown once: {"pass": PASS, "code": text}. Any earlier one is void, and their sessions end.

    It lets in for `minutes` (10 to 43,200; without them, the setting), once or as often as it is typed, from
    `starts_at` on (seconds since the epoch; at once without it).
    """
    passes = _passes(desk)
    begin, end = _time(desk, minutes, starts_at)
    id, chance = desk.new_id(), desk.chance(CHANCE_OCTETS)
    fresh = Credential(id, ACCESS_PASS, created_at=desk.clock(), starts_at=begin, expires_at=end)
    made, code = passes.issue(fresh, chance, once=once)

    def act(writing: Writing) -> Told:
        owner = the_user(writing, user)
        _refuse_useless(desk, owner)
        with protected(desk, writing, actor, owner):
            for old in _held(writing, owner):
                inventory.let_go(writing, old)
            one = replace(made, user_id=owner.id)
            writing.put(one)
            end_all(writing, owner.id)
            detail = {"until": end, "once": once, **({"from": begin} if begin else {})}
            writing.note(desk.entry("pass.issue", actor, owner, one.id, **detail))
        return {"pass": _told(desk, passes, one, owner), "code": code}

    return await desk.store.change(act)


async def listed(desk: Desk, actor: str, *, user: str) -> Told:  # noqa: ARG001 - every flow is told who asks
    """The passes of a user, one at most: {"passes": [PASS]}.

    PASS is {id, user, once, used, starts_at, expires_at, usable, created_at}.
    """
    passes = _passes(desk)

    def question(reading: Reading) -> Told:
        owner = the_user(reading, user)
        return {"passes": [_told(desk, passes, one, owner) for one in _held(reading, owner)]}

    return await desk.store.read(question)


async def revoke(desk: Desk, actor: str, *, user: str) -> Told:
    """End the pass of a user, and their sessions. Refused where there is none."""

    def act(writing: Writing) -> Told:
        owner = the_user(writing, user)
        held = _held(writing, owner)
        if not held:
            raise Missing(f"{owner.name} has no pass.", "user")
        with protected(desk, writing, actor, owner, resets=False):
            for one in held:
                inventory.let_go(writing, one)
                writing.note(desk.entry("pass.revoke", actor, owner, one.id))
            end_all(writing, owner.id)
        return {"revoked": owner.name}

    return await desk.store.change(act)


def _passes(desk: Desk) -> Passes:
    if desk.passes is None:
        raise Refused("Access passes are not in use here.")
    return desk.passes


def _time(desk: Desk, minutes: int | None, starts_at: float | None) -> tuple[float, float]:
    """When it begins (0 for at once) and ends; refused outside of what a pass may be."""
    lasting = desk.store.snapshot.settings.access_pass_minutes if minutes is None else minutes
    if not SHORTEST_MINUTES <= lasting <= LONGEST_MINUTES:
        raise Refused(f"minutes must be a number from {SHORTEST_MINUTES} to {LONGEST_MINUTES}.", "minutes")
    now = desk.clock()
    begin = starts_at or now
    if not now - MINUTE <= begin <= now + LATEST_START_DAYS * DAY:
        raise Refused(f"starts_at must lie ahead, at most {LATEST_START_DAYS:g} days.", "starts_at")
    return (begin if begin > now else 0.0), max(begin, now) + lasting * MINUTE


def _refuse_useless(desk: Desk, owner: User) -> None:
    if desk.acting.user_id == owner.id:
        raise Refused(NOT_YOURSELF, "user")
    if owner.mfa is Mfa.OFF:
        raise Refused(MFA_OFF.format(name=owner.name), "user")


def _held(reading: Reading, owner: User) -> list[Credential]:
    return [one for one in reading.find(Credential, "user_id", owner.id) if one.method == ACCESS_PASS]


def _told(desk: Desk, passes: Passes, one: Credential, owner: User) -> Told:
    spent = passes.once(one) and passes.used(one)
    return {
        "id": one.id,
        "user": owner.name,
        "once": passes.once(one),
        "used": passes.used(one),
        "starts_at": one.starts_at or None,
        "expires_at": one.expires_at,
        "usable": one.usable(desk.clock()) and not spent,
        "created_at": one.created_at,
    }
