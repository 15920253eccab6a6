"""My factors: add an authenticator app, activate a token, make recovery codes, rename and remove."""

import asyncio
from urllib.parse import quote

import segno
from starlette.responses import Response

from vestibule.flows import binding, own_factors, roles
from vestibule.flows.binding import Proven
from vestibule.flows.own_factors import NewApp
from vestibule.flows.refused import Missing, Refused
from vestibule.flows.sessions import Stage
from vestibule.portals.languages import marked
from vestibule.portals.signing_in import HOME, enter
from vestibule.portals.visit import REGISTER, Visit

APP_PAGE = "/security/app"
TOKEN_PAGE = "/security/token"  # noqa: S105 - an address

TEXTS = (
    marked(own_factors.FULL),
    marked(own_factors.UNKNOWN_SERIAL),
    marked(own_factors.LAST),
    marked(binding.WRONG),
    marked(binding.SPENT),
    marked(binding.SLOW_DOWN),
    marked(roles.LAST_OWNER),
)
"""What the flows say to the person; the catalogues have them from the flows."""

BEGUN_TOO_LONG_AGO = marked("This app was begun too long ago, or another one was begun since. Begin once more.")
UNFIT = marked("Take a shorter text without special characters.")
SERIAL_MISSING = marked("Type the serial number that stands on the token.")


# -- an authenticator app --------------------------------------------------------------------------------------------


async def ask_app(visit: Visit) -> Response:
    """The page that explains what is about to happen."""
    typed = visit.request.query_params.get("label", "")
    again = visit.say(BEGUN_TOO_LONG_AGO) if visit.request.query_params.get("again") else ""
    return visit.show("app.html", label=typed, refused=again, registering=visit.who.stage is Stage.REGISTER)


async def begin_app(visit: Visit) -> Response:
    """Make a key and show it, this one time."""
    label = visit.form.get("label", "")
    try:
        new = await own_factors.begin_app(visit.desk, visit.who, label)
    except Refused as refused:
        said = visit.say(refused.text if refused.text in TEXTS else UNFIT)
        return visit.show("app.html", 422, label=label, refused=said, registering=visit.who.stage is Stage.REGISTER)
    return visit.show("app_key.html", new=new, drawn=await _drawn(new), refused="", id=new.id)


async def prove_app(visit: Visit) -> Response:
    """A code of the new app was typed."""
    id = visit.form.get("id", "")[:64]
    try:
        proven = await own_factors.prove_app(visit.desk, visit.who, id, visit.form.get("code", "")[:32])
    except Missing:
        return visit.go(APP_PAGE, again="1")
    except Refused as refused:
        return visit.show("app_key.html", 422, new=None, drawn="", refused=visit.say(refused.text), id=id)
    return await bound(visit, proven)


async def to_the_beginning(visit: Visit) -> Response:
    """Behind this address nothing is shown twice."""
    return visit.go(APP_PAGE)


async def _drawn(new: NewApp) -> str:
    """The key as a QR code, drawn in a thread; dark on light whatever the page looks like."""
    code = await asyncio.to_thread(segno.make, new.uri, error="m", micro=False)
    return code.svg_inline(border=4, omitsize=True, svgclass="qr", lineclass=None, light="#fff", dark="#000")


# -- a hardware token ------------------------------------------------------------------------------------------------


async def ask_token(visit: Visit) -> Response:
    """The page for serial number and code."""
    return visit.show("token.html", serial=visit.request.query_params.get("serial", ""), refused="")


async def activate_token(visit: Visit) -> Response:
    """Both were typed."""
    serial = visit.form.get("serial", "")
    try:
        proven = await own_factors.activate_token(visit.desk, visit.who, serial, visit.form.get("code", "")[:32])
    except Refused as refused:
        said = visit.say(refused.text if refused.text in TEXTS else SERIAL_MISSING)
        return visit.show("token.html", 422, serial=serial[:64], refused=said)
    return await bound(visit, proven)


async def bound(visit: Visit, proven: Proven) -> Response:
    """The proof lifts the session: it becomes a new one. Who has no other factor is asked for one more."""
    found = await own_factors.overview(visit.desk, visit.who)
    entered = await enter(visit, visit.who.user, method=proven.method)
    return entered.go(REGISTER) if found.alone else entered.go(HOME, done="added")


# -- recovery codes --------------------------------------------------------------------------------------------------


async def ask_recovery(visit: Visit) -> Response:
    """The page that says what they are for, and that the old ones end."""
    found = await own_factors.overview(visit.desk, visit.who)
    there = any(one.method == own_factors.RECOVERY for one in found.factors)
    return visit.show("recovery.html", there=there, first=bool(visit.request.query_params.get("first")))


async def issue_recovery(visit: Visit) -> Response:
    """Make them and show them, this one time; the browser can save them as a text without asking us again."""
    codes = await own_factors.issue_recovery(visit.desk, visit.who)
    heading = f"{visit.desk.issuer}: {visit.who.user.name}"
    text = "\r\n".join([heading, "", *codes, ""])
    file = f"data:text/plain;charset=utf-8,{quote(text)}"
    return visit.show("recovery_codes.html", codes=codes, file=file, now=visit.desk.clock())


# -- one factor ------------------------------------------------------------------------------------------------------


async def ask_name(visit: Visit) -> Response:
    """The page for another name."""
    return await _one(visit, "rename.html")


async def rename(visit: Visit) -> Response:
    """Another name was typed."""
    try:
        await own_factors.rename(visit.desk, visit.who, _id(visit), visit.form.get("label", ""))
    except Missing:
        return _gone(visit)
    except Refused:
        return await _one(visit, "rename.html", visit.say(UNFIT))
    return visit.go(HOME, done="renamed")


async def ask_removal(visit: Visit) -> Response:
    """The page that says what the removal means."""
    return await _one(visit, "remove.html")


async def remove(visit: Visit) -> Response:
    """It was confirmed."""
    last = visit.form.get("last") == "yes"
    try:
        await own_factors.remove(visit.desk, visit.who, _id(visit), last=last)
    except Missing:
        return _gone(visit)
    except Refused as refused:
        return await _one(visit, "remove.html", visit.say(refused.text))
    return visit.go(HOME, done="removed")


async def _one(visit: Visit, template: str, refused: str = "") -> Response:
    try:
        one, last = await own_factors.factor(visit.desk, visit.who, _id(visit))
    except Missing:
        return _gone(visit)
    typed = visit.form.get("label") or visit.request.query_params.get("label") or one.label
    return visit.show(template, 422 if refused else 200, one=one, last=last, refused=refused, label=typed)


def _gone(visit: Visit) -> Response:
    return visit.trouble(404)


def _id(visit: Visit) -> str:
    found: str = visit.request.path_params["id"]
    return found[:64]
