"""My security info: what I can prove, where I am signed in, what happened lately, and my password."""

import re

from starlette.responses import Response

from vestibule.core.password_policy import acceptable
from vestibule.core.users import Mfa
from vestibule.flows import foreseen, own_factors, own_phones, sessions, users
from vestibule.flows.refused import Refused
from vestibule.flows.users import SHORTEST_ALONE, SHORTEST_BESIDE_A_CODE
from vestibule.portals.languages import Language, marked
from vestibule.portals.signing_in import HOME, enter, renewed
from vestibule.portals.visit import SIGN_IN, Visit
from vestibule.portals.words import happened, way_word

NOTICES = {
    "added": marked("The new factor counts from now on."),
    "renamed": marked("The new name is kept."),
    "phone": marked("What the telephone is used for is kept."),
    "pin": marked("The PIN is kept. You are asked for it where a telephone wants one."),
    "removed": marked("The factor is removed. All other browsers are signed out."),
    "ended": marked("The other browser is signed out."),
    "preferred": marked("You are asked in this way first from now on."),
    "password": marked("Your password is changed. All other browsers are signed out."),
}
"""What was done a moment ago, by the word that stands in the address."""

NOT_TWICE_THE_SAME = marked("The two new passwords are not the same. Type the new one twice.")
NO_PASSWORD = marked("Your password is not kept here. Change it where you got it.")
POLICY = (
    marked("Choose a password without control characters, such as tabs or line ends."),
    marked("Choose a password of at least {} characters; a few words in a row are easy to remember."),
    marked("Choose a shorter password; this one is longer than can be checked."),
    marked("Choose another password; this one is among the first that attackers try."),
    marked("Choose another password; this one is made of your name or the name of this service."),
)
"""What the password policy says, to be found by the catalogues."""


# -- the first page --------------------------------------------------------------------------------------------------


async def first_page(visit: Visit) -> Response:
    """Everything at a glance."""
    found = await own_factors.overview(visit.desk, visit.who)
    browsers = await sessions.listed(visit.desk, visit.who)
    notice = visit.say(NOTICES.get(visit.request.query_params.get("done", ""), ""))
    ways = [(way.id, way_word(visit.language, way)) for way in found.ways]
    with_phone, with_pin = await own_phones.may_have_pin(visit.desk, visit.who)
    return visit.show(
        "security.html",
        found=found,
        browsers=browsers,
        notice=notice,
        ways=ways,
        media=foreseen.carried(visit.desk),
        with_phone=with_phone,
        with_pin=with_pin,
    )


async def prefer(visit: Visit) -> Response:
    """Another way to be asked first was chosen."""
    try:
        await own_factors.prefer(visit.desk, visit.who, visit.form.get("way", "")[:100])
    except Refused:
        return visit.go(HOME)
    return visit.go(HOME, done="preferred")


async def home(visit: Visit) -> Response:
    """The bare address leads to where people have business."""
    return visit.go(HOME if visit.signed else SIGN_IN)


# -- sessions --------------------------------------------------------------------------------------------------------


async def end_browsers(visit: Visit) -> Response:
    """Sign one other browser out, or all others."""
    try:
        await sessions.end_others(visit.desk, visit.who, visit.form.get("session", ""))
    except Refused:
        return visit.go(HOME)
    return visit.go(HOME, done="ended")


# -- activity --------------------------------------------------------------------------------------------------------


async def show_activity(visit: Visit) -> Response:
    """What happened lately."""
    lines = await own_factors.activity(visit.desk, visit.who)
    clients = visit.desk.store.snapshot.clients
    return visit.show("activity.html", lines=[happened(visit.language, line, clients) for line in lines])


async def not_me(visit: Visit) -> Response:
    """Something there was not this person: every session ends, this one too."""
    await own_factors.not_me(visit.desk, visit.who, visit.form.get("line", "")[:100])
    return renewed(visit).go(SIGN_IN, why="not-me")


# -- the password ----------------------------------------------------------------------------------------------------


async def ask_password(visit: Visit) -> Response:
    """The page for a new password."""
    found = await own_factors.overview(visit.desk, visit.who)
    kept = found.password_changed_at is not None
    return visit.show(
        "password.html", refused="" if kept else visit.say(NO_PASSWORD), kept=kept, minimum=_minimum(visit)
    )


async def change_password(visit: Visit) -> Response:
    """A new password was typed twice; every session ends, and this browser begins a new one."""
    new, again = visit.form.get("new", ""), visit.form.get("again", "")
    found = await own_factors.overview(visit.desk, visit.who)
    refused = _refusal(visit, new, again)
    if refused or found.password_changed_at is None:
        kept = found.password_changed_at is not None
        said = refused if kept else visit.say(NO_PASSWORD)
        return visit.show("password.html", 422, refused=said, kept=kept, minimum=_minimum(visit))
    who = visit.who
    await users.set_password(visit.desk, who.actor, name=who.user.name, password=new)
    entered = await enter(visit, who.user, method=who.session.method)
    return entered.go(HOME, done="password")


def _refusal(visit: Visit, new: str, again: str) -> str:
    """Why this is not taken, in the person's language, "" when it is."""
    why = acceptable(new, visit.who.user.name, _minimum(visit))
    if why is not None:
        return policy_word(visit.language, why)
    return "" if new == again else visit.say(NOT_TWICE_THE_SAME)


def policy_word(language: Language, why: str) -> str:
    """A sentence of the password policy, which has a number in it or none."""
    number = re.search(r"\d+", why)
    return language(re.sub(r"\d+", "{}", why)).format(number[0] if number else "")


def _minimum(visit: Visit) -> int:
    return SHORTEST_ALONE if visit.who.user.mfa is Mfa.OFF else SHORTEST_BESIDE_A_CODE
