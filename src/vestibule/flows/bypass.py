"""One-time bypass: the next sign-in of a person passes with the first factor alone, once, within a few minutes.

It is a credential that never counts (it stays pending), so nobody who has one seems to have a factor: the engine alone
asks for it, after the first factor, and ends it. Whoever signs in by it opens no page that wants a second factor.
"""

from vestibule.core.credentials import BYPASS, Credential, CredentialState
from vestibule.core.ports import Reading, Writing
from vestibule.core.users import User
from vestibule.flows import inventory
from vestibule.flows.desk import Desk, Told, required, the_user
from vestibule.flows.protecting import protected
from vestibule.flows.refused import Missing, Refused

SHORTEST_SECONDS, USUAL_SECONDS, LONGEST_SECONDS = 60, 300, 3600
NOT_YOURSELF = "Nobody grants a bypass to themselves."
NOT_FOR_ROLES = "{name} administers, and administrators always use a second factor. Issue a temporary access pass."


async def grant(desk: Desk, actor: str, *, user: str, reason: str, seconds: int = USUAL_SECONDS) -> Told:
    """Let the next sign-in of a user pass without a second factor, within `seconds` (60 to 3600): {"bypass": BYPASS}.

    Any earlier bypass of theirs ends. Refused for people with a role.
    """
    why = required(reason, "reason")
    if not SHORTEST_SECONDS <= seconds <= LONGEST_SECONDS:
        raise Refused(f"seconds must be a number from {SHORTEST_SECONDS} to {LONGEST_SECONDS}.", "seconds")
    now = desk.clock()
    state = CredentialState.PENDING
    fresh = Credential(desk.new_id(), BYPASS, label=why, state=state, created_at=now, expires_at=now + seconds)

    def act(writing: Writing) -> Told:
        owner = the_user(writing, user)
        _refuse_useless(desk, owner)
        with protected(desk, writing, actor, owner):
            for old in _held(writing, owner):
                inventory.let_go(writing, old)
            one = inventory.bound(fresh, owner, pending=True)
            writing.put(one)
            writing.note(desk.entry("bypass.grant", actor, owner, one.id, reason=why, until=one.expires_at))
        return {"bypass": _told(one, owner)}

    return await desk.store.change(act)


async def listed(desk: Desk, actor: str, *, user: str) -> Told:  # noqa: ARG001 - every flow is told who asks
    """The bypass of a user that is still open: {"bypasses": [{user, reason, until, created_at}]}."""
    now = desk.clock()

    def question(reading: Reading) -> Told:
        owner = the_user(reading, user)
        return {"bypasses": [_told(one, owner) for one in _held(reading, owner) if now < one.expires_at]}

    return await desk.store.read(question)


async def cancel(desk: Desk, actor: str, *, user: str) -> Told:
    """End the bypass of a user before it was used. Refused where there is none."""

    def act(writing: Writing) -> Told:
        owner = the_user(writing, user)
        open_ones = [one for one in _held(writing, owner) if desk.clock() < one.expires_at]
        if not open_ones:
            raise Missing(f"{owner.name} has no bypass.", "user")
        with protected(desk, writing, actor, owner, resets=False):
            for one in open_ones:
                inventory.let_go(writing, one)
                writing.note(desk.entry("bypass.cancel", actor, owner, one.id))
        return {"cancelled": owner.name}

    return await desk.store.change(act)


def _refuse_useless(desk: Desk, owner: User) -> None:
    if desk.acting.user_id == owner.id:
        raise Refused(NOT_YOURSELF, "user")
    if owner.role:
        raise Refused(NOT_FOR_ROLES.format(name=owner.name), "user")


def _held(reading: Reading, owner: User) -> list[Credential]:
    return [one for one in reading.find(Credential, "user_id", owner.id) if one.method == BYPASS]


def _told(one: Credential, owner: User) -> Told:
    return {"user": owner.name, "reason": one.label, "until": one.expires_at, "created_at": one.created_at}
