"""The way to a first factor, and to a second one: the strongest first, any other may be picked."""

from dataclasses import dataclass

from starlette.responses import Response

from vestibule.flows import own_factors, registration
from vestibule.flows.registration import Why
from vestibule.flows.sessions import Stage
from vestibule.portals.languages import marked
from vestibule.portals.signing_in import HOME, path_inside
from vestibule.portals.visit import Visit

WHY = {
    Why.ENABLED: marked(
        "You need a second factor before you can go on: something that you have, besides what you know."
    ),
    Why.APPLICATION: marked("An application that you use asks for a second factor, and you have none yet."),
    Why.RULE: marked("The rules here ask for a second factor, and you have none yet."),
    Why.DISABLED: marked("The factor that you had does not count any more. Register another one."),
}
MORE = marked("That is done. Register one more, so that a lost device does not lock you out.")


@dataclass(frozen=True, slots=True)
class Choice:
    """One thing that may be registered: where its page is, what it is called, what it is."""

    method: str
    href: str
    title: str
    text: str


CHOICES = {
    "passkey": Choice(
        "passkey",
        "/security/passkey",
        marked("Passkey"),
        marked("Your finger, face or PIN on this device, or a security key. The strongest, and nothing to type."),
    ),
    "totp": Choice(
        "totp",
        "/security/app",
        marked("Authenticator app"),
        marked("An app on your phone shows a code that changes every half minute."),
    ),
    "hotp": Choice(
        "hotp", "/security/token", marked("Hardware token"), marked("A small device with a button or a display.")
    ),
    "phone": Choice(
        "phone",
        "/security/phone",
        marked("Telephone"),
        marked("A code by text or a call. The weakest: take one of the others if you can."),
    ),
    own_factors.RECOVERY: Choice(
        own_factors.RECOVERY,
        "/security/recovery?first=1",
        marked("Recovery codes"),
        marked("Ten codes on paper, for the day when everything else is lost."),
    ),
}


async def ask(visit: Visit) -> Response:
    """What may be registered now."""
    offer = await registration.offer(visit.desk, visit.who.user)
    found = await own_factors.overview(visit.desk, visit.who)
    there = {one.method for one in found.factors if one.usable}
    more, registering = offer.held > 0, visit.who.stage is Stage.REGISTER
    methods = [one for one in offer.methods if one == "passkey" or one not in there]
    if more and own_factors.RECOVERY not in there:
        methods.append(own_factors.RECOVERY)
    why = MORE if more else WHY.get(offer.why or Why.ENABLED, WHY[Why.ENABLED])
    return visit.show(
        "register.html",
        choices=[CHOICES[one] for one in methods],
        why=visit.say(why),
        more=more,
        later=HOME if not registering else "",
        onward=path_inside(visit.request.query_params.get("next", "")),
    )
