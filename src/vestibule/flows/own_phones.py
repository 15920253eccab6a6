"""What people do with their own numbers and addresses: add one, prove it by a code that is sent there, send it again.

A number counts only after its code. Wrong codes are counted as at any door; three of them end the question.
"""

import hmac
from dataclasses import replace

from vestibule.core.credentials import Credential, CredentialState
from vestibule.core.phones import CALL_USE, TEXT_USE, PhoneKind, phone_of, shown
from vestibule.core.ports import Writing
from vestibule.core.secret import Secret
from vestibule.core.sends import Counted
from vestibule.core.sent_codes import bare, code_of, verifying
from vestibule.core.users import User
from vestibule.flows.binding import SLOW_DOWN, WRONG, Proven, counted
from vestibule.flows.desk import Desk, Told, checked
from vestibule.flows.dispatching import VERIFY
from vestibule.flows.owners import taken_up
from vestibule.flows.phones import (
    LONGEST_LABEL,
    new_credential,
    read_reach,
    refuse_unfit,
    registered,
    send_soon,
    tell_old_number,
    the_phone,
)
from vestibule.flows.refused import Missing, Refused
from vestibule.flows.sessions import Signed

HALF_MADE_SECONDS = 600.0
TRIES = 3
GONE = "This number or address was not proven in time. Add it once more."


async def begin(desk: Desk, signed: Signed, *, number: str, label: str = "", replaces: str = "") -> Told:
    """Add a number or an address of one's own; a code goes there. `replaces` is the one that it takes the place of."""
    now = desk.clock()
    reach, phone = read_reach(number, PhoneKind.MOBILE.value, (TEXT_USE, CALL_USE), now)
    fresh = new_credential(desk, reach, replace(phone, replaces=replaces), checked(label, "label", LONGEST_LABEL))

    def act(writing: Writing) -> Told:
        user = _person(writing, signed)
        one = replace(fresh, user_id=user.id, state=CredentialState.PENDING, expires_at=now + HALF_MADE_SECONDS)
        for other in writing.find(Credential, "user_id", user.id):
            if other.method == one.method and other.state is CredentialState.PENDING:
                writing.remove(Credential, other.id)
        if replaces:
            the_phone(writing, user, replaces)
        refuse_unfit(desk, writing, one)
        writing.put(one)
        send_soon(desk, writing, one, VERIFY, one.expires_at)
        writing.note(desk.entry("factor.begin", signed.actor, user, one.id, method=one.method))
        return {"id": one.id, "to": shown(one)}

    return await desk.store.change(act)


async def send_again(desk: Desk, signed: Signed, *, id: str) -> Told:
    """Send the same code once more; how often, the limits say."""

    def act(writing: Writing) -> Told:
        one = _half_made(desk, writing, signed, id)
        send_soon(desk, writing, one, VERIFY, one.expires_at)
        return {"id": one.id, "to": shown(one)}

    return await desk.store.change(act)


async def prove(desk: Desk, signed: Signed, *, id: str, code: str) -> Proven:
    """Let it count, by the code that was sent there. Refused for a wrong one, which is counted."""

    def act(writing: Writing) -> Proven | Refused:
        user, one = _person(writing, signed), _half_made(desk, writing, signed, id)
        key = f"verify/{one.id}"
        tries = writing.get(Counted, key) or Counted(key, one.expires_at)
        if tries.count >= TRIES:
            return Refused(SLOW_DOWN)
        if hmac.compare_digest(bare(Secret.of(code)), code_of(desk.code_mac, one.id, verifying(one))):
            return _bound(desk, writing, signed, user, one)
        writing.put(replace(tries, count=tries.count + 1))
        return Refused(SLOW_DOWN if counted(desk, writing, user, (one.id,)) else WRONG)

    said = await desk.store.change(act)
    if isinstance(said, Refused):
        raise said
    return said


def _bound(desk: Desk, writing: Writing, signed: Signed, user: User, one: Credential) -> Proven:
    """Let it count; the one that it replaces goes, and is told so."""
    memory = phone_of(one)
    if memory.replaces:
        old = writing.get(Credential, memory.replaces)
        if old is not None and old.user_id == user.id:
            tell_old_number(desk, writing, old)
            writing.remove(Credential, old.id)
            writing.note(desk.entry("factor.remove", signed.actor, user, old.id, method=old.method))
    kept = replace(memory, proven_at=desk.clock(), replaces="").text()
    version = one.version + 1
    writing.put(replace(one, state=CredentialState.ACTIVE, expires_at=0.0, memory=kept, version=version))
    registered(writing, user)
    writing.note(desk.entry("factor.add", signed.actor, user, one.id, method=one.method))
    taken_up(desk, writing, user.id)
    return Proven(one.id, one.method)


def _half_made(desk: Desk, writing: Writing, signed: Signed, id: str) -> Credential:
    one = writing.get(Credential, id)
    theirs = one is not None and one.user_id == signed.user.id and one.state is CredentialState.PENDING
    if one is None or not theirs or not one.reach or desk.clock() >= one.expires_at:
        raise Missing(GONE)
    return one


def _person(writing: Writing, signed: Signed) -> User:
    user = writing.get(User, signed.user.id)
    if user is None:
        raise Missing(GONE)
    return user
