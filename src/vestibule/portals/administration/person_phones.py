"""Telephones, mail addresses and the PIN of a person, as the helpdesk gives and takes them. Numbers stay masked."""

from vestibule.core.credentials import Credential
from vestibule.core.phones import MAIL, PHONE, USES, PhoneKind, phone_of, shown
from vestibule.core.pins import pin_of
from vestibule.flows import people, phones, pin_codes
from vestibule.flows.refused import Missing, Refused
from vestibule.flows.roles import Right
from vestibule.portals.administration.acts import Act, Field, Place, ShownOnce, Subject, typed
from vestibule.portals.languages import marked
from vestibule.portals.visit import Visit

KINDS = (
    (PhoneKind.MOBILE.value, marked("mobile")),
    (PhoneKind.OFFICE.value, marked("office")),
    (PhoneKind.BACKUP.value, marked("backup")),
)
USE_WORDS = {
    "text": marked("codes by text"),
    "call": marked("calls"),
    "reply": marked("replies to a text"),
    "mail": marked("codes by mail"),
}
ASKED = (
    ("default", marked("as the settings say")),
    ("yes", marked("yes")),
    ("no", marked("no")),
)
PIN_ASKED = {"yes": True, "no": False}
PIN_TEXT = marked("The PIN of {name}. They change it at its first use.")
PIN_KEPT_TEXT = marked("The PIN of {name}.")
NO_USE = marked("Choose what the number is used for.")
USE_FIELDS = tuple(
    Field(f"use-{use}", USE_WORDS[use], "check", required=False, default="" if use == "reply" else "yes")
    for use in USES
)
PIN_FIELD = Field("asked", marked("A PIN is asked for"), "choose", options=ASKED, default="default")
LABEL = Field("label", marked("Name of it"), required=False, longest=60)


async def of_person(visit: Visit, user_id: str) -> dict[str, object]:
    """What the page of a person shows of these."""
    found = (await phones.listed(visit.desk, visit.who.actor, user=user_id))["phones"]
    held = await visit.desk.store.read(lambda reading: reading.find(Credential, "user_id", user_id))
    return {"phones": found, "has_pin": pin_of(held) is not None, "use_words": USE_WORDS, "kinds": dict(KINDS)}


async def _person(visit: Visit, name: str) -> Subject:
    user = (await people.show(visit.desk, name)).user
    return Subject(user.id, user.name, f"/admin/people/{user.id}", user.id)


async def _phone(visit: Visit, id: str) -> Subject:
    """The number or address that the address of the page names."""
    one = await visit.desk.store.read(lambda reading: reading.get(Credential, id))
    if one is None or one.method not in {PHONE, MAIL} or not one.user_id:
        raise Missing("There is nothing of this name.")
    memory = phone_of(one)
    asked = {None: "default", True: "yes", False: "no"}[memory.pin]
    values = {f"use-{use}": "yes" if use in memory.uses else "" for use in USES}
    values |= {"label": one.label, "asked": asked}
    return Subject(one.id, shown(one), f"/admin/people/{one.user_id}", one.user_id, values)


def _uses(visit: Visit) -> list[str]:
    found = [use for use in USES if visit.form.get(f"use-{use}") == "yes"]
    if not found:
        raise Refused(visit.say(NO_USE), "use-text")
    return found


async def _add(visit: Visit, person: Subject) -> None:
    await phones.add(
        visit.desk,
        visit.who.actor,
        user=person.id,
        number=typed(visit, "number", 254),
        kind=typed(visit, "kind"),
        uses=_uses(visit),
        pin=PIN_ASKED.get(typed(visit, "asked")),
        label=typed(visit, "label"),
    )


async def _change(visit: Visit, phone: Subject) -> None:
    number = typed(visit, "number", 254) or None
    mail = "@" in phone.name
    await phones.change(
        visit.desk,
        visit.who.actor,
        user=phone.user_id,
        phone=phone.id,
        number=number,
        uses=None if mail else _uses(visit),
        pin=None if mail else typed(visit, "asked"),
        label=typed(visit, "label"),
    )


async def _remove(visit: Visit, phone: Subject) -> None:
    await phones.remove(visit.desk, visit.who.actor, user=phone.user_id, phone=phone.id)


async def _set_pin(visit: Visit, person: Subject) -> ShownOnce:
    must_change = typed(visit, "must_change") == "yes"
    told = await pin_codes.set_for(visit.desk, visit.who.actor, user=person.id, must_change=must_change)
    text = visit.say(PIN_TEXT if must_change else PIN_KEPT_TEXT).format(name=person.name)
    return ShownOnce(text, (("PIN", told["pin"]),))


async def _require_change(visit: Visit, person: Subject) -> None:
    await pin_codes.require_change(visit.desk, visit.who.actor, user=person.id)


async def _remove_pin(visit: Visit, person: Subject) -> None:
    await pin_codes.remove(visit.desk, visit.who.actor, user=person.id)


PERSON_ACTS = (
    Act(
        "phone",
        marked("Add a telephone or a mail address"),
        marked("It counts at once, without a proof: ask the person, never an e-mail, for the number."),
        marked("Add"),
        marked("It is added, and counts from now on."),
        Right.FACTORS,
        _add,
        (
            Field("number", marked("Number or address"), hint=marked("+1 425 555 0100, with x123 for an extension.")),
            Field("kind", marked("Kind"), "choose", options=KINDS),
            *USE_FIELDS,
            PIN_FIELD,
            LABEL,
        ),
    ),
    Act(
        "pin",
        marked("New PIN"),
        marked("A PIN is drawn and shown one time. It takes the place of the one before."),
        marked("Make a PIN"),
        "",
        Right.FACTORS,
        _set_pin,
        (Field("must_change", marked("They must change it at its first use"), "check", required=False, default="yes"),),
    ),
    Act(
        "pin-change",
        marked("PIN must be changed"),
        marked("At its next use the person has to choose another PIN."),
        marked("Let them change it"),
        marked("The PIN must be changed at its next use."),
        Right.FACTORS,
        _require_change,
    ),
    Act(
        "pin-removal",
        marked("Remove the PIN"),
        marked("No PIN is asked for any more: whoever has the telephone has the second factor."),
        marked("Remove"),
        marked("The PIN is removed."),
        Right.FACTORS,
        _remove_pin,
        danger=True,
    ),
)
PHONE_ACTS = (
    Act(
        "number-change",
        marked("Change the telephone"),
        marked("A new number lets the old one know by a text. Leave it empty to keep the present one."),
        marked("Keep the changes"),
        marked("The telephone is changed."),
        Right.FACTORS,
        _change,
        (
            Field(
                "number",
                marked("New number or address"),
                hint=marked("+1 425 555 0100, with x123 for an extension."),
                required=False,
            ),
            *USE_FIELDS,
            PIN_FIELD,
            LABEL,
        ),
    ),
    Act(
        "number-removal",
        marked("Remove the telephone"),
        marked("Nothing is sent there any more."),
        marked("Remove"),
        marked("The telephone or address is removed."),
        Right.FACTORS,
        _remove,
        danger=True,
    ),
)
ACTS = (*PERSON_ACTS, *PHONE_ACTS)
"""After all of these the browser is back at the person."""

ROUTES = [
    *Place("people", "/admin/people/{id}", _person).routes(PERSON_ACTS),
    *Place("people", "/admin/phones/{id}", _phone).routes(PHONE_ACTS),
]
