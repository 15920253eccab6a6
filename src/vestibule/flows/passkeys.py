"""Passkeys of one's own: begin, bind. And the question to whoever comes without a name.

Rules of this file: a question of a registration is a half-made credential, answered once and gone in ten minutes. The
question of a sign-in without a name lies with the browser, sealed by the portal; the passkey that answers it remembers
that it did. Two people can not have the same passkey: its id is made of the key's own.
"""

from dataclasses import dataclass, replace

from vestibule.core.credentials import Credential, CredentialState
from vestibule.core.passkeys import NotTaken, Why
from vestibule.core.ports import Reading, Writing
from vestibule.core.secret import Secret
from vestibule.core.users import Mfa
from vestibule.flows.binding import Proven, forget_half_made, half_made
from vestibule.flows.desk import Desk, checked
from vestibule.flows.own_factors import GONE, HALF_MADE_SECONDS, LONGEST_LABEL, the_person
from vestibule.flows.owners import taken_up
from vestibule.flows.passkey_models import METHOD, is_passkey, model_in, passkeys_of, wanted_now
from vestibule.flows.refused import Missing, Refused
from vestibule.flows.sessions import Signed

MOST_PASSKEYS = 10

FULL = "You have as many passkeys as one person can have. Remove one first."
THERE = "This passkey is registered already."
NOT_TAKEN = {
    Why.UNREADABLE: "The passkey could not be checked. Begin once more.",
    Why.UNVERIFIED: "The device did not check that it is you. Set a PIN, a finger or a face there, and try again.",
    Why.UNATTESTED: "It could not be made sure what kind of device this is. Take one that your organisation knows.",
    Why.MODEL: "Devices of this kind are not used here. Take one that your organisation knows.",
    Why.UNSAFE: "This kind of device is not safe any more. Take another one.",
}


@dataclass(frozen=True, slots=True)
class NewPasskey:
    """What a browser needs to make a passkey."""

    id: str
    options: str


async def begin(desk: Desk, signed: Signed, label: str) -> NewPasskey:
    """Put the question; its answer is awaited for ten minutes. Refused when there are ten already."""
    passkeys, named, now = passkeys_of(desk), checked(label, "label", LONGEST_LABEL), desk.clock()

    def act(writing: Writing) -> NewPasskey:
        user = the_person(writing, signed)
        forget_half_made(writing, user.id)
        held = _held(writing, user.id)
        if len(held) >= MOST_PASSKEYS:
            raise Refused(FULL)
        options, memory = passkeys.taking.options(user, held, wanted_now(desk, writing), desk.moment())
        end = now + HALF_MADE_SECONDS
        one = Credential(
            desk.new_id(),
            METHOD,
            user.id,
            named,
            CredentialState.PENDING,
            memory=memory,
            created_at=now,
            expires_at=end,
        )
        writing.put(one)
        writing.note(desk.entry("factor.begin", signed.actor, user, one.id, method=METHOD))
        return NewPasskey(one.id, options)

    return await desk.store.change(act)


async def add(desk: Desk, signed: Signed, id: str, answer: Secret) -> Proven:
    """Let the passkey count that the browser has made; the question is answered by that, also by a wrong answer."""
    passkeys = passkeys_of(desk)

    def act(writing: Writing) -> Proven | Refused:
        user = the_person(writing, signed)
        begun = writing.get(Credential, id)
        theirs = begun is not None and begun.user_id == user.id and begun.method == METHOD and half_made(begun)
        if begun is None or not theirs or desk.clock() >= begun.expires_at:
            raise Missing(GONE)
        writing.remove(Credential, begun.id)
        wanted = wanted_now(desk, writing)
        try:
            new_id, memory = passkeys.taking.taken(answer, begun.memory, wanted, lambda model: model_in(writing, model))
        except NotTaken as not_taken:
            writing.note(desk.entry("factor.refuse", signed.actor, user, method=METHOD, why=not_taken.why.value))
            return Refused(NOT_TAKEN[not_taken.why])
        if writing.get(Credential, new_id) is not None:
            return Refused(THERE)
        if len(_held(writing, user.id)) >= MOST_PASSKEYS:
            return Refused(FULL)
        one = replace(begun, id=new_id, memory=memory, state=CredentialState.ACTIVE, expires_at=0.0)
        about = passkeys.asking.told(one)
        known = model_in(writing, about.model)
        writing.put(replace(one, model=known.name if known else ""))
        if user.mfa is Mfa.ENABLED:
            writing.put(replace(user, mfa=Mfa.ENFORCED, version=user.version + 1))
        detail = {"method": METHOD, "serial": "", "model": about.model, "synced": about.synced}
        writing.note(desk.entry("factor.add", signed.actor, user, one.id, **detail))
        taken_up(desk, writing, user.id)
        return Proven(one.id, METHOD)

    found = await desk.store.change(act)
    if isinstance(found, Refused):
        raise found
    return found


# -- without a name --------------------------------------------------------------------------------------------------


def question(desk: Desk) -> tuple[str, str]:
    """A fresh question: the options for the browser, and what to remember. Refused where passkeys are off."""
    return passkeys_of(desk).asking.question(desk.moment())


def _held(reading: Reading, user_id: str) -> tuple[Credential, ...]:
    """The person's passkeys, also those that are switched off; not the half-made one."""
    return tuple(one for one in reading.find(Credential, "user_id", user_id) if is_passkey(one))
