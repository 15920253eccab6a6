"""What people do with their own numbers and addresses: add one, prove it by a code, say what it serves, try it.

A number counts only after the code that was sent there or spoken in a call. Wrong codes are counted as at any door;
three of them end the question. What a limit would refuse is said at once, in words; the slice that sends decides.
"""

import hmac
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from vestibule.core.credentials import Credential, CredentialState
from vestibule.core.delivery import Medium
from vestibule.core.phones import CALL_USE, MAIL, PHONE, TEXT_USE, PhoneKind, earlier, phone_of, shown
from vestibule.core.pins import pin_of
from vestibule.core.ports import Reading, Writing
from vestibule.core.secret import Secret
from vestibule.core.sends import Counted
from vestibule.core.sent_codes import bare, code_of, verifying
from vestibule.core.users import User
from vestibule.flows.binding import SLOW_DOWN, WRONG, Proven, counted
from vestibule.flows.desk import Desk, Told, checked
from vestibule.flows.dispatching import TEST, VERIFY
from vestibule.flows.foreseen import WORDS, obstacle
from vestibule.flows.owners import taken_up
from vestibule.flows.phones import (
    LONGEST_LABEL,
    MOST,
    new_credential,
    of_person,
    phone_told,
    read_reach,
    read_uses,
    registered,
    send_soon,
    tell_old_number,
    the_phone,
    unfit,
)
from vestibule.flows.refused import Missing, Refused
from vestibule.flows.sessions import Signed

HALF_MADE_SECONDS = 600.0
TRIES = 3
TEST_SECONDS = 300.0
THERE = "You have this number or address already."
FULL = "You have as many numbers and addresses as one person can have. Remove one first."
PIN_STAYS = "This telephone asks for the PIN. Only the helpdesk can end that."
UNFIT = {
    "impossible_number": "No such telephone number can exist. Look at its digits.",
    "no_region": "Numbers of no country (satellites, premium and free services) are never used.",
    "number_type": "Numbers of this kind are not used here. A landline gets calls, not texts.",
    "dear_region": "Numbers of this country are not used here. Ask your helpdesk.",
    "region": "Numbers of this country are not used here. Ask your helpdesk.",
}
"""What a person is told about a number, by what forbids it."""

GONE = "This number or address was not proven in time. Add it once more."


@dataclass(frozen=True, slots=True)
class Wanted:
    """A number or an address as its person gives it. `number` without a country is one of `region`.

    `by` is how the code goes there, text or call; `replaces` is the id of the one that it takes the place of.
    """

    number: str = field(repr=False)
    region: str = ""
    kind: str = PhoneKind.MOBILE.value
    uses: tuple[str, ...] = (TEXT_USE, CALL_USE)
    label: str = ""
    by: str = TEXT_USE
    replaces: str = ""


async def begin(desk: Desk, signed: Signed, wanted: Wanted) -> Told:
    """Add a number or an address of one's own; a code goes there. Refused in words for what can not be reached."""
    now = desk.clock()
    reach, phone = read_reach(wanted.number, wanted.kind, wanted.uses, now, wanted.region)
    label, medium = checked(wanted.label, "label", LONGEST_LABEL), _medium(wanted.by)
    fresh = new_credential(desk, reach, replace(phone, replaces=wanted.replaces), label)

    def act(writing: Writing) -> Told:
        user = _person(writing, signed)
        one = replace(fresh, user_id=user.id, state=CredentialState.PENDING, expires_at=now + HALF_MADE_SECONDS)
        for other in writing.find(Credential, "user_id", user.id):
            if other.method == one.method and other.state is CredentialState.PENDING:
                writing.remove(Credential, other.id)
        if wanted.replaces:
            the_phone(writing, user, wanted.replaces)
        _refuse_own(desk, writing, one, medium)
        writing.put(one)
        send_soon(desk, writing, one, VERIFY, one.expires_at, medium)
        writing.note(desk.entry("factor.begin", signed.actor, user, one.id, method=one.method))
        return {"id": one.id, "to": shown(one)}

    return await desk.store.change(act)


async def send_again(desk: Desk, signed: Signed, *, id: str, by: str = TEXT_USE) -> Told:
    """Send the same code once more, or speak it; how often, the limits say."""
    medium = _medium(by)

    def act(writing: Writing) -> Told:
        one = _half_made(desk, writing, signed, id)
        _refuse_unsendable(desk, writing, one, medium)
        send_soon(desk, writing, one, VERIFY, one.expires_at, medium)
        return {"id": one.id, "to": shown(one)}

    return await desk.store.change(act)


async def waiting(desk: Desk, signed: Signed, *, id: str) -> Told | None:
    """Where the code of a half-made one goes, masked; None when it is gone."""

    def question(reading: Reading) -> Told | None:
        try:
            one = _half_made(desk, reading, signed, id)
        except Missing:
            return None
        return {"id": one.id, "to": shown(one), "method": one.method}

    return await desk.store.read(question)


async def one_of(desk: Desk, signed: Signed, *, id: str) -> Told:
    """One number or address that counts, and whether there is a PIN. Refused for one that is not theirs."""

    def question(reading: Reading) -> Told:
        one = _counting(reading, signed, id)
        return {**phone_told(one), "has_pin": pin_of(reading.find(Credential, "user_id", signed.user.id)) is not None}

    return await desk.store.read(question)


async def may_have_pin(desk: Desk, signed: Signed) -> tuple[bool, bool]:
    """Whether the person has a telephone that a PIN could stand beside, and whether they have a PIN."""

    def question(reading: Reading) -> tuple[bool, bool]:
        held = reading.find(Credential, "user_id", signed.user.id)
        numbers = [one for one in held if one.method == PHONE and not earlier(one)]
        return any(one.state is CredentialState.ACTIVE for one in numbers), pin_of(held) is not None

    return await desk.store.read(question)


async def serve(desk: Desk, signed: Signed, *, id: str, uses: Sequence[str], with_pin: bool) -> None:
    """Say what a number serves, and that the PIN is asked for with it; that only the helpdesk can take back."""
    chosen = read_uses(uses)

    def act(writing: Writing) -> None:
        user, one = _person(writing, signed), _counting(writing, signed, id)
        before = phone_of(one)
        if one.method != PHONE:
            raise Missing(GONE)
        if before.pin and not with_pin:
            raise Refused(PIN_STAYS, "pin")
        new = replace(
            one,
            memory=replace(before, uses=chosen, pin=True if with_pin else before.pin).text(),
            version=one.version + 1,
        )
        if why := unfit(desk, new, [use for use in chosen if use not in before.uses]):
            raise Refused(UNFIT[why], "uses")
        writing.put(new)
        writing.note(desk.entry("phone.set", signed.actor, user, one.id, changed=["uses", "pin"]))

    await desk.store.change(act)


async def try_out(desk: Desk, signed: Signed, *, id: str, by: str) -> Told:
    """Send a test text or mail, or make a test call: to what counts, and within the limits."""
    medium = _medium(by)

    def act(writing: Writing) -> Told:
        user, one = _person(writing, signed), _counting(writing, signed, id)
        _refuse_unsendable(desk, writing, one, medium)
        send_soon(desk, writing, one, TEST, desk.clock() + TEST_SECONDS, medium)
        writing.note(desk.entry("phone.test", signed.actor, user, one.id, by=by))
        return {"to": shown(one)}

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
    if one.method == PHONE:  # an address is no second factor by itself
        registered(writing, user)
    writing.note(desk.entry("factor.add", signed.actor, user, one.id, method=one.method))
    taken_up(desk, writing, user.id)
    return Proven(one.id, one.method)


def _refuse_own(desk: Desk, reading: Reading, one: Credential, medium: Medium) -> None:
    """Refuse, in words that are meant for its person, what can not be reached or is there already."""
    others = [other for other in of_person(reading, one.user_id) if other.id != one.id]
    if any(other.reach == one.reach for other in others):
        raise Refused(THERE, "number")
    if len(others) >= MOST:
        raise Refused(FULL, "number")
    uses = {*phone_of(one).uses, CALL_USE if medium is Medium.CALL else TEXT_USE}
    if why := unfit(desk, one, sorted(uses)):
        raise Refused(UNFIT[why], "number")
    _refuse_unsendable(desk, reading, one, medium)


def _refuse_unsendable(desk: Desk, reading: Reading, one: Credential, medium: Medium) -> None:
    why = obstacle(desk, reading, one, Medium.MAIL if one.method == MAIL else medium)
    if why:
        raise Refused(WORDS[why])


def _medium(by: str) -> Medium:
    return Medium.CALL if by == CALL_USE else Medium.TEXT


def _counting(reading: Reading, signed: Signed, id: str) -> Credential:
    """One of theirs that counts."""
    one = reading.get(Credential, id)
    theirs = one is not None and one.user_id == signed.user.id and one.method in {PHONE, MAIL}
    if one is None or not theirs or one.state is not CredentialState.ACTIVE:
        raise Missing(GONE)
    return one


def _half_made(desk: Desk, reading: Reading, signed: Signed, id: str) -> Credential:
    one = reading.get(Credential, id)
    theirs = one is not None and one.user_id == signed.user.id and one.state is CredentialState.PENDING
    if one is None or not theirs or not one.reach or desk.clock() >= one.expires_at:
        raise Missing(GONE)
    return one


def _person(writing: Writing, signed: Signed) -> User:
    user = writing.get(User, signed.user.id)
    if user is None:
        raise Missing(GONE)
    return user
