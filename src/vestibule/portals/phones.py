"""My telephones and mail addresses: add and prove one, say what it is used for, try it, put another in its place."""

from starlette.responses import Response

from vestibule.core.phones import CALL_USE, TEXT_USE, USES, PhoneKind
from vestibule.flows import binding, foreseen, numbers, own_phones
from vestibule.flows.own_phones import Wanted
from vestibule.flows.refused import Missing, Refused
from vestibule.flows.sessions import Stage
from vestibule.portals.factors import UNFIT, bound
from vestibule.portals.languages import marked
from vestibule.portals.signing_in import HOME
from vestibule.portals.visit import Visit

PAGE = "/security/phone"
LONGEST = 80

SAID = frozenset(
    {
        *foreseen.WORDS.values(),
        *own_phones.UNFIT.values(),
        own_phones.THERE,
        own_phones.FULL,
        own_phones.PIN_STAYS,
        numbers.NOT_A_NUMBER,
        numbers.NO_SUCH_NUMBER,
        binding.WRONG,
        binding.SLOW_DOWN,
    }
)
"""What the flows say to the person; the catalogues have it from there."""

KINDS = {
    PhoneKind.MOBILE: marked("Mobile"),
    PhoneKind.OFFICE: marked("Office"),
    PhoneKind.BACKUP: marked("Backup, for the day when the others are lost"),
}
SERVES = {
    "text": marked("Codes by text"),
    "call": marked("Calls that I confirm by a key"),
    "reply": marked("Texts that I reply to"),
}
BAD_EXTENSION = marked("An extension has digits only; a comma waits for a second.")
BAD_ADDRESS = marked("This is no mail address. Write it as name@example.org.")
NO_USE = marked("Choose at least one thing that it is used for.")
GONE_BY = marked("This was not proven in time, or another one was begun since. Begin once more.")
TESTED = {
    "text": marked("A test text is on its way."),
    "call": marked("Your telephone rings in a moment."),
    "mail": marked("A test mail is on its way."),
}
SENT_AGAIN = {
    "text": marked("The same code is on its way once more."),
    "call": marked("Your telephone rings in a moment, and the code is spoken."),
}


# -- a new one -------------------------------------------------------------------------------------------------------


async def ask(visit: Visit) -> Response:
    """The page for a number; with `replaces` for one that takes the place of another."""
    again = visit.say(GONE_BY) if visit.request.query_params.get("again") else ""
    return _number_page(visit, again, replaces=visit.request.query_params.get("replaces", "")[:64])


async def begin(visit: Visit) -> Response:
    """A number was typed; the code goes there."""
    form = visit.form
    number, extension = form.get("number", "")[:LONGEST].strip(), form.get("extension", "")[:30].strip()
    wanted = Wanted(
        number.replace("@", "") + (f" x{extension}" if extension else ""),
        form.get("region", "")[:2],
        form.get("kind", PhoneKind.MOBILE.value),
        tuple(use for use in USES if form.get(use) == "yes"),
        form.get("label", ""),
        CALL_USE if form.get("by") == CALL_USE else TEXT_USE,
        form.get("replaces", "")[:64],
    )
    try:
        told = await own_phones.begin(visit.desk, visit.who, wanted)
    except Refused as refused:
        return _number_page(visit, _words(visit, refused), 422, replaces=wanted.replaces)
    return _code_page(visit, told["id"], told["to"], by=wanted.by)


async def ask_mail(visit: Visit) -> Response:
    """The page for a mail address."""
    return visit.show("mail_new.html", address="", label="", refused="")


async def begin_mail(visit: Visit) -> Response:
    """An address was typed; the code goes there."""
    address, label = visit.form.get("number", "")[:254].strip(), visit.form.get("label", "")
    try:
        _refuse_without("@" in address and not address.startswith("+"), BAD_ADDRESS)
        told = await own_phones.begin(visit.desk, visit.who, Wanted(address, label=label))
    except Refused as refused:
        return visit.show(
            "mail_new.html", 422, address=address, label=label, refused=_words(visit, refused, BAD_ADDRESS)
        )
    return _code_page(visit, told["id"], told["to"], mail=True)


async def ask_code(visit: Visit) -> Response:
    """Behind these addresses nothing is shown twice."""
    return visit.go(PAGE)


async def send_again(visit: Visit) -> Response:
    """The same code once more, by text or in a call."""
    id, by = visit.form.get("id", "")[:64], CALL_USE if visit.form.get("by") == CALL_USE else TEXT_USE
    told = await own_phones.waiting(visit.desk, visit.who, id=id)
    if told is None:
        return visit.go(PAGE, again="1")
    mail = told["method"] == "mail"
    try:
        await own_phones.send_again(visit.desk, visit.who, id=id, by=by)
    except Missing:
        return visit.go(PAGE, again="1")
    except Refused as refused:
        return _code_page(visit, id, told["to"], 422, refused=_words(visit, refused), mail=mail)
    return _code_page(visit, id, told["to"], notice=visit.say(SENT_AGAIN[by]), by=by, mail=mail)


async def prove(visit: Visit) -> Response:
    """The code that was sent was typed."""
    id = visit.form.get("id", "")[:64]
    told = await own_phones.waiting(visit.desk, visit.who, id=id)
    if told is None:
        return visit.go(PAGE, again="1")
    try:
        proven = await own_phones.prove(visit.desk, visit.who, id=id, code=visit.form.get("code", "")[:32])
    except Missing:
        return visit.go(PAGE, again="1")
    except Refused as refused:
        return _code_page(visit, id, told["to"], 422, refused=_words(visit, refused), mail=told["method"] == "mail")
    return visit.go(HOME, done="added") if proven.method == "mail" else await bound(visit, proven)


# -- one that is there -----------------------------------------------------------------------------------------------


async def ask_uses(visit: Visit) -> Response:
    """What it is used for, and the buttons that try it."""
    return await _one(visit)


async def change_uses(visit: Visit) -> Response:
    """Other uses were ticked."""
    uses = [use for use in USES if visit.form.get(use) == "yes"]
    try:
        _refuse_without(bool(uses), NO_USE)
        await own_phones.serve(visit.desk, visit.who, id=_id(visit), uses=uses, with_pin=visit.form.get("pin") == "yes")
    except Missing:
        return visit.trouble(404)
    except Refused as refused:
        return await _one(visit, refused=_words(visit, refused, NO_USE))
    return visit.go(HOME, done="phone")


async def test(visit: Visit) -> Response:
    """Send a test, or ring."""
    by = visit.form.get("by", "")
    try:
        await own_phones.try_out(visit.desk, visit.who, id=_id(visit), by=by)
    except Missing:
        return visit.trouble(404)
    except Refused as refused:
        return await _one(visit, refused=_words(visit, refused))
    return await _one(visit, notice=visit.say(TESTED.get(by, TESTED["text"])))


# -- pages -----------------------------------------------------------------------------------------------------------


def _number_page(visit: Visit, refused: str = "", status: int = 200, *, replaces: str = "") -> Response:
    regions = visit.desk.store.snapshot.settings.sending.regions
    uses, form = foreseen.uses_here(visit.desk), visit.form
    return visit.show(
        "phone_new.html",
        status,
        refused=refused,
        typed=form,
        regions=[(one, numbers.calling_code(one)) for one in regions],
        kinds=KINDS,
        uses=[(use, SERVES[use], (form.get(use) == "yes") if form else use != "reply") for use in uses],
        replaces=replaces,
        registering=visit.who.stage is Stage.REGISTER,
    )


def _code_page(
    visit: Visit,
    id: str,
    to: str,
    status: int = 200,
    *,
    refused: str = "",
    notice: str = "",
    by: str = TEXT_USE,
    mail: bool = False,
) -> Response:
    media = foreseen.carried(visit.desk)
    told = {"id": id, "to": to, "refused": refused, "notice": notice, "by": by, "mail": mail, "media": media}
    return visit.show("phone_code.html", status, registering=visit.who.stage is Stage.REGISTER, **told)


async def _one(visit: Visit, *, refused: str = "", notice: str = "") -> Response:
    try:
        told = await own_phones.one_of(visit.desk, visit.who, id=_id(visit))
    except Missing:
        return visit.trouble(404)
    uses, kind = foreseen.uses_here(visit.desk), told["kind"]
    return visit.show(
        "phone.html",
        422 if refused else 200,
        one=told,
        kind=visit.say(KINDS[PhoneKind(kind)]) if kind else "",
        uses=[(use, SERVES[use]) for use in USES if use in uses or use in told["uses"]],
        media=foreseen.carried(visit.desk),
        refused=refused,
        notice=notice,
    )


def _words(visit: Visit, refused: Refused, otherwise: str = "") -> str:
    """What the flow says, in the person's language; what is meant for administrators in other words."""
    if refused.text in {*SAID, BAD_ADDRESS, NO_USE}:
        return visit.say(refused.text)
    by_field = {"uses": NO_USE, "number": BAD_EXTENSION}
    named = next((by_field[name] for name in refused.fields if name in by_field), UNFIT)
    return visit.say(otherwise or named)


def _refuse_without(right: bool, text: str) -> None:  # noqa: FBT001 - what must hold
    if not right:
        raise Refused(text)


def _id(visit: Visit) -> str:
    found: str = visit.request.path_params["id"]
    return found[:64]
