"""Telephone numbers and e-mail addresses of people: given by administrators, or by the people and then proven.

Rules of this file: a number comes from the record of the person whose it is, never from a request that asks for a
message; one that the person gives counts only after a code that was sent there; whoever changes a number lets the old
one know; no line of the journal holds a number.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from vestibule.core.credentials import Credential, CredentialState
from vestibule.core.delivery import Medium
from vestibule.core.messages import Message
from vestibule.core.outbox import OutboxRow
from vestibule.core.phones import (
    CALL_USE,
    EARLIER,
    MAIL,
    PHONE,
    REPLY_USE,
    TEXT_USE,
    USES,
    Phone,
    PhoneKind,
    earlier,
    phone_of,
    shown,
)
from vestibule.core.ports import Reading, Writing
from vestibule.core.users import Mfa, User
from vestibule.flows.desk import Desk, Told, checked, the_user
from vestibule.flows.dispatching import NUMBER_CHANGED
from vestibule.flows.numbers import known_number, read_number
from vestibule.flows.protecting import protected
from vestibule.flows.refused import Missing, Refused
from vestibule.flows.shield import forbidden
from vestibule.wire.names import BadField
from vestibule.wire.user_csv import checked_email

MOST = 5
LONGEST_LABEL = 60
NOTICE_SECONDS = 600.0
EXTENSION = frozenset("0123456789,*#")
MEDIA = {TEXT_USE: Medium.TEXT, CALL_USE: Medium.CALL, REPLY_USE: Medium.TEXT}
NO_PHONE = "There is no such telephone number or address of {name}. See them with: vestibule phone list {name}"
WHY = {
    "impossible_number": "No such number can exist",
    "no_region": "Numbers of no country (satellites, premium and free services) are never used",
    "number_type": "Numbers of this kind are not used for it (see the setting sending.number_types)",
    "dear_region": "Numbers of this region are dear and often abused. Allow the region by the setting sending.regions",
    "region": "Numbers of this region are not allowed. Allow the region by the setting sending.regions",
}


async def add(
    desk: Desk,
    actor: str,
    *,
    user: str,
    number: str,
    kind: str = PhoneKind.MOBILE.value,
    uses: Sequence[str] = (TEXT_USE, CALL_USE),
    pin: bool | None = None,
    label: str = "",
) -> Told:
    """Give somebody a telephone number (`+1 425 555 0100 x123`) or an e-mail address; it counts from now on."""
    reach, phone = read_reach(number, kind, uses, desk.clock())
    one = new_credential(desk, reach, replace(phone, pin=pin, vouched=True), checked(label, "label", LONGEST_LABEL))

    def act(writing: Writing) -> Told:
        person = the_user(writing, user)
        with protected(desk, writing, actor, person):
            kept = replace(one, user_id=person.id)
            refuse_unfit(desk, writing, kept)
            writing.put(kept)
            registered(writing, person)
            writing.note(desk.entry("phone.add", actor, person, kept.id, method=kept.method, kind=phone.kind.value))
        return {"phone": phone_told(kept)}

    return await desk.store.change(act)


async def listed(desk: Desk, actor: str, *, user: str) -> Told:  # noqa: ARG001 - every flow is told who asks
    """The numbers and addresses of a person, and whether there is a PIN."""

    def question(reading: Reading) -> Told:
        person = the_user(reading, user)
        return {"phones": [phone_told(one) for one in of_person(reading, person.id)]}

    return await desk.store.read(question)


async def change(
    desk: Desk,
    actor: str,
    *,
    user: str,
    phone: str,
    number: str | None = None,
    uses: Sequence[str] | None = None,
    pin: str | None = None,
    label: str | None = None,
) -> Told:
    """Change what is given; `pin` is yes, no, or default. A new number lets the old one know."""
    asked = None if pin is None else _asked_for(pin)

    def act(writing: Writing) -> Told:
        person = the_user(writing, user)
        with protected(desk, writing, actor, person):
            before = the_phone(writing, person, phone)
            memory = phone_of(before)
            memory = memory if uses is None else replace(memory, uses=read_uses(uses))
            memory = memory if pin is None else replace(memory, pin=asked)
            one = replace(before, memory=memory.text(), version=before.version + 1)
            one = one if label is None else replace(one, label=checked(label, "label", LONGEST_LABEL))
            if number is not None:
                one = _moved(one, number, desk.clock())
                refuse_unfit(desk, writing, one)
                tell_old_number(desk, writing, before)
            writing.put(one)
            changed = [
                name
                for name, new in (("number", number), ("uses", uses), ("pin", pin), ("label", label))
                if new is not None
            ]
            writing.note(desk.entry("phone.set", actor, person, one.id, changed=changed))
        return {"phone": phone_told(one), "changed": changed}

    return await desk.store.change(act)


async def remove(desk: Desk, actor: str, *, user: str, phone: str) -> Told:
    """Take a number or an address away."""

    def act(writing: Writing) -> Told:
        person = the_user(writing, user)
        with protected(desk, writing, actor, person):
            one = the_phone(writing, person, phone)
            writing.remove(Credential, one.id)
            writing.note(desk.entry("phone.remove", actor, person, one.id, method=one.method))
        return {"removed": shown(one)}

    return await desk.store.change(act)


# -- shared with what people do themselves -------------------------------------------------------------------------


def of_person(reading: Reading, user_id: str) -> list[Credential]:
    """Their numbers and addresses, in the order in which they were given; without what only waits for a notice."""
    held = reading.find(Credential, "user_id", user_id)
    return [one for one in held if one.method in {PHONE, MAIL} and not earlier(one)]


def the_phone(reading: Reading, user: User, phone: str) -> Credential:
    """One of them, by its id, its label or its number; refused when there is none."""
    wanted = phone.replace(" ", "")
    for one in of_person(reading, user.id):
        if phone in {one.id, one.label} or wanted == one.reach:
            return one
    raise Missing(NO_PHONE.format(name=user.name), "phone")


def tell_old_number(desk: Desk, writing: Writing, before: Credential) -> None:
    """Let the number that was changed know; it stays, useless, as long as that takes."""
    if before.method != PHONE or TEXT_USE not in phone_of(before).uses:
        return
    now = desk.clock()
    old = replace(
        before,
        id=desk.new_id(),
        state=CredentialState.DISABLED,
        label=EARLIER,
        expires_at=now + NOTICE_SECONDS,
    )
    writing.put(old)
    send_soon(desk, writing, old, NUMBER_CHANGED, now + NOTICE_SECONDS)


def send_soon(  # noqa: PLR0917 - what a message is made of
    desk: Desk, writing: Writing, to: Credential, template: str, deadline: float, medium: Medium = Medium.TEXT
) -> Message:
    """Put a message into the outbox with this very slice; the sweep of a running server sends it at once."""
    channel = Medium.MAIL if to.method == MAIL else medium
    message = Message(desk.new_id(), channel.value, to.id, "", template, deadline)
    writing.put(OutboxRow(message.id, message, "", 0.0))
    return message


def phone_told(one: Credential) -> Told:
    """A number or an address, masked, with what it serves."""
    memory = phone_of(one)
    number = known_number(one.reach) if one.method == PHONE else None
    return {
        "id": one.id,
        "method": one.method,
        "to": shown(one),
        "label": one.label,
        "kind": memory.kind.value if number else "",
        "region": number.region if number else "",
        "extension": bool(memory.extension),
        "uses": list(memory.uses) if number else [MAIL],
        "pin": memory.pin,
        "state": one.state.value,
        "proven_at": memory.proven_at or None,
        "changed_at": memory.changed_at or None,
    }


def why_unfit(desk: Desk, one: Credential, uses: Sequence[str]) -> str:
    """What keeps a number from any of these uses, in words; "" for nothing."""
    for use in uses:
        if found := unfit(desk, one, [use]):
            return f"{WHY[found]}: {use}."
    return ""


def unfit(desk: Desk, one: Credential, uses: Sequence[str]) -> str:
    """What keeps a number from any of these uses, by its name; "" for nothing."""
    if one.method != PHONE:
        return ""
    number, phone, sending = known_number(one.reach), phone_of(one), desk.store.snapshot.settings.sending
    return next((found for use in uses if (found := forbidden(number, MEDIA[use], phone, sending))), "")


# -- small things ----------------------------------------------------------------------------------------------------


def read_reach(number: str, kind: str, uses: Sequence[str], now: float, region: str = "") -> tuple[str, Phone]:
    """What somebody wrote: an address, or a number with its extension."""
    if "@" in number and not number.strip().startswith("+"):
        return _address(number), Phone(uses=(), changed_at=now)
    found, extension = read_number(number, region)
    return found.e164, Phone(_kind(kind), _extension(extension), read_uses(uses), changed_at=now)


def _moved(one: Credential, number: str, now: float) -> Credential:
    """The credential with another number, as one that nobody has proven."""
    memory = phone_of(one)
    reach, read = read_reach(number, memory.kind.value, memory.uses or USES[:2], now)
    if ("@" in reach) != (one.method == MAIL):
        raise Refused("A number stays a number, and an address an address. Add the other one.", "number")
    fresh = replace(memory, extension=read.extension, changed_at=now, proven_at=0.0)
    return replace(one, reach=reach, memory=fresh.text())


def new_credential(desk: Desk, reach: str, phone: Phone, label: str) -> Credential:
    """A credential of nobody yet, that counts."""
    method = MAIL if "@" in reach else PHONE
    return Credential(desk.new_id(), method, label=label, memory=phone.text(), created_at=desk.clock(), reach=reach)


def refuse_unfit(desk: Desk, reading: Reading, one: Credential) -> None:
    """Refuse what the person has already, too many, and what is never sent to."""
    others = [other for other in of_person(reading, one.user_id) if other.id != one.id]
    if any(other.reach == one.reach for other in others):
        raise Refused("This person has that number or address already.", "number")
    if len(others) >= MOST:
        raise Refused(f"Nobody can have more than {MOST} numbers and addresses. Remove one first.", "number")
    unfit = why_unfit(desk, one, phone_of(one).uses)
    if unfit:
        raise Refused(unfit, "number")


def registered(writing: Writing, user: User) -> None:
    """Somebody has a factor from now on."""
    if user.mfa is Mfa.ENABLED:
        writing.put(replace(user, mfa=Mfa.ENFORCED, version=user.version + 1))


def _address(text: str) -> str:
    try:
        found = checked_email(text.strip())
    except BadField as bad:
        raise Refused(f"The address {bad.reason}.", "number") from None
    if not found:
        raise Refused("Write a telephone number or an e-mail address.", "number")
    return found


def _kind(kind: str) -> PhoneKind:
    try:
        return PhoneKind(kind)
    except ValueError:
        raise Refused(f"kind must be one of {', '.join(PhoneKind)}.", "kind") from None


def read_uses(uses: Sequence[str]) -> tuple[str, ...]:
    """Uses in their order; refused for none, and for what is no use."""
    if not uses or not set(uses) <= set(USES):
        raise Refused(f"uses are one or more of {', '.join(USES)}.", "uses")
    return tuple(use for use in USES if use in uses)


def _extension(text: str) -> str:
    keys = text.removeprefix("@")
    if text and not (keys and EXTENSION.issuperset(keys)):
        raise Refused(
            "An extension has digits, commas (a second's pause), * and #; a human is asked with @ before it.", "number"
        )
    return text


def _asked_for(pin: str) -> bool | None:
    words: Mapping[str, bool | None] = {"yes": True, "no": False, "default": None}
    if pin not in words:
        raise Refused("pin must be yes, no or default.", "pin")
    return words[pin]
