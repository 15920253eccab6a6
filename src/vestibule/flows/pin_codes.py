"""PINs: set one for somebody, take it away; people change their own. It is shown once, and then nobody can read it."""

from dataclasses import replace

from vestibule.core.credentials import Credential
from vestibule.core.phones import PHONE
from vestibule.core.pins import LONGEST, PIN, PinRules, pin_fault, pin_of, right_pin, to_be_changed, with_pin
from vestibule.core.ports import Reading, Writing
from vestibule.core.users import User
from vestibule.flows.binding import SLOW_DOWN, WRONG, counted
from vestibule.flows.desk import Desk, Told, the_user
from vestibule.flows.protecting import protected
from vestibule.flows.refused import Missing, Refused
from vestibule.flows.sessions import Signed

DRAWS = 64
NO_PIN = "There is no PIN."


async def set_for(desk: Desk, actor: str, *, user: str, pin: str | None = None, must_change: bool = True) -> Told:
    """Give somebody a PIN, drawn here unless it is given; they change it at its first use unless told else."""

    def act(writing: Writing) -> Told:
        person = the_user(writing, user)
        with protected(desk, writing, actor, person):
            one = _kept(desk, writing, person)
            chosen = _drawn(desk, writing, one) if pin is None else pin
            _refuse_unfit(desk, writing, one, chosen)
            writing.put(_fresh(desk, one, chosen, must_change=must_change))
            writing.note(desk.entry("pin.set", actor, person, one.id, must_change=must_change))
        return {"pin": chosen if pin is None else None, "must_change": must_change}

    return await desk.store.change(act)


async def remove(desk: Desk, actor: str, *, user: str) -> Told:
    """Take the PIN of somebody away: none is asked for from then on."""

    def act(writing: Writing) -> Told:
        person = the_user(writing, user)
        with protected(desk, writing, actor, person):
            one = pin_of(writing.find(Credential, "user_id", person.id))
            if one is None:
                raise Missing(f"{person.name} has no PIN.", "user")
            writing.remove(Credential, one.id)
            writing.note(desk.entry("pin.remove", actor, person, one.id))
        return {"removed": person.name}

    return await desk.store.change(act)


async def require_change(desk: Desk, actor: str, *, user: str) -> Told:
    """Let somebody change their PIN at its next use; until then the present one is still asked for."""

    def act(writing: Writing) -> Told:
        person = the_user(writing, user)
        with protected(desk, writing, actor, person):
            one = pin_of(writing.find(Credential, "user_id", person.id))
            if one is None:
                raise Missing(f"{person.name} has no PIN.", "user")
            writing.put(to_be_changed(one))
            writing.note(desk.entry("pin.set", actor, person, one.id, must_change=True))
        return {"must_change": True}

    return await desk.store.change(act)


async def change_own(desk: Desk, signed: Signed, *, old: str, new: str) -> None:
    """Change one's own PIN, or set the first one. Refused for a wrong old one, which is counted."""

    def act(writing: Writing) -> Refused | None:
        user = writing.get(User, signed.user.id)
        if user is None:
            raise Missing(NO_PIN)
        one = _kept(desk, writing, user)
        if one.memory and not right_pin(desk.code_mac, one, old):
            return Refused(SLOW_DOWN if counted(desk, writing, user, (one.id,)) else WRONG)
        _refuse_unfit(desk, writing, one, new)
        writing.put(_fresh(desk, one, new, must_change=False))
        writing.note(desk.entry("pin.set", signed.actor, user, one.id))
        return None

    refused = await desk.store.change(act)
    if refused is not None:
        raise refused


def _fresh(desk: Desk, one: Credential, pin: str, *, must_change: bool) -> Credential:
    history = desk.store.snapshot.settings.sending.pin_history
    return with_pin(desk.code_mac, one, pin, desk.clock(), history, must_change=must_change)


def _kept(desk: Desk, reading: Reading, user: User) -> Credential:
    """The PIN's credential, a new one where there is none."""
    found = pin_of(reading.find(Credential, "user_id", user.id))
    return found or Credential(desk.new_id(), PIN, user.id, created_at=desk.clock())


def _rules(desk: Desk, reading: Reading, user_id: str) -> PinRules:
    sending = desk.store.snapshot.settings.sending
    numbers = tuple(one.reach for one in reading.find(Credential, "user_id", user_id) if one.method == PHONE)
    return PinRules(sending.pin_digits, sending.fraud_code, numbers, sending.pin_history)


def _refuse_unfit(desk: Desk, reading: Reading, one: Credential, pin: str) -> None:
    fault = pin_fault(desk.code_mac, one, pin, _rules(desk, reading, one.user_id))
    if fault:
        raise Refused(f"This can not be the PIN: {fault}. Choose another.", "pin")


def _drawn(desk: Desk, reading: Reading, one: Credential) -> str:
    """A PIN that keeps the rules."""
    rules = _rules(desk, reading, one.user_id)
    for _ in range(DRAWS):
        drawn = "".join(str(octet % 10) for octet in desk.chance(4 * LONGEST) if octet < 250)[: rules.digits]
        if not pin_fault(desk.code_mac, one, drawn, replace(rules)):
            return drawn
    raise Refused("No PIN could be drawn that keeps the rules. Give one.", "pin")
