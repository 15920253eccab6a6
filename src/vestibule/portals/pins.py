"""My PIN: set the first one, or change it by the old one."""

from starlette.responses import Response

from vestibule.flows import binding, own_phones, pin_codes
from vestibule.flows.refused import Missing, Refused
from vestibule.portals.languages import marked
from vestibule.portals.signing_in import HOME
from vestibule.portals.visit import Visit

NOT_TWICE_THE_SAME = marked("The two new PINs are not the same. Type the new one twice.")
UNFIT = marked(
    "Choose another PIN: digits only, none three times in a row, no three that count up or down, no four of your "
    "telephone number, and none that you had before."
)


async def ask(visit: Visit) -> Response:
    """The page for a new PIN; without a telephone there is nothing to ask it beside."""
    return await _page(visit)


async def change(visit: Visit) -> Response:
    """A new one was typed twice."""
    form = visit.form
    with_phone, with_pin = await own_phones.may_have_pin(visit.desk, visit.who)
    if not (with_phone or with_pin):
        return visit.go(HOME)
    if form.get("new", "") != form.get("again", ""):
        return await _page(visit, visit.say(NOT_TWICE_THE_SAME))
    try:
        await pin_codes.change_own(visit.desk, visit.who, old=form.get("old", "")[:32], new=form.get("new", "")[:32])
    except Missing:
        return visit.go(HOME)
    except Refused as refused:
        said = refused.text if refused.text in {binding.WRONG, binding.SLOW_DOWN} else UNFIT
        return await _page(visit, visit.say(said))
    return visit.go(HOME, done="pin")


async def _page(visit: Visit, refused: str = "") -> Response:
    with_phone, with_pin = await own_phones.may_have_pin(visit.desk, visit.who)
    if not (with_phone or with_pin):
        return visit.go(HOME)
    digits = visit.desk.store.snapshot.settings.sending.pin_digits
    return visit.show("pin.html", 422 if refused else 200, there=with_pin, digits=digits, refused=refused)
