"""Routes and prices: which provider carries what where, shown from whom, and what that costs."""

from collections.abc import Sequence

from starlette.responses import Response
from starlette.routing import Route

from vestibule.core.delivery import Medium
from vestibule.flows import providers, send_routes
from vestibule.flows.refused import Missing, Refused
from vestibule.flows.roles import Right
from vestibule.portals.administration.entry import address, administering, asked, form, looking, named, show
from vestibule.portals.administration.filled import Values, filled, lines, whole
from vestibule.portals.administration.provider_forms import MEDIA
from vestibule.portals.administration.saying import said
from vestibule.portals.administration.upload import NO_FILE, file_form, receiving
from vestibule.portals.languages import marked
from vestibule.portals.visit import Visit

PATH = "/admin/routes"
NEW = "/admin/new-route"
PRICES = "/admin/prices"
PRICES_IN = "/admin/new-prices"
PAGE = 100
EMPTY: Values = {"name": "", "medium": Medium.TEXT.value, "providers": "", "regions": "", "position": "0"}

NOTICES = {
    "added": marked("The route is in force."),
    "removed": marked("The route is removed."),
    "prices": marked("The prices are taken."),
}
NO_SENDER = marked("Write each provider as a line: its name, then a blank and the sender if there is one.")
NOT_TEXT = marked("The file is no text in UTF-8.")
WOULD = marked("Nothing is wrong with the file: {} prices would be taken.")


# -- routes ----------------------------------------------------------------------------------------------------------


async def list_routes(visit: Visit) -> Response:
    """All routes, in the order in which they are looked at."""
    found = (await send_routes.listed(visit.desk, visit.who.actor))["routes"]
    notice = visit.say(NOTICES.get(asked(visit, "done"), ""))
    return show(visit, "sending_routes.html", "delivery", routes=found, media_words=MEDIA, notice=notice)


async def ask_new(visit: Visit) -> Response:
    """The page for a new route."""
    return await _form(visit)


async def add(visit: Visit) -> Response:
    """A new route was typed."""
    values = filled(visit, EMPTY)
    try:
        chosen = _providers(values["providers"])
        await send_routes.add(
            visit.desk,
            visit.who.actor,
            name=values["name"],
            medium=values["medium"],
            providers=[provider for provider, _ in chosen],
            regions=[one.upper() for one in lines(values["regions"])],
            senders={provider: sender for provider, sender in chosen if sender},
            position=whole(visit, "position"),
        )
    except Refused as refused:
        return await _form(visit, refused)
    return visit.go(PATH, done="added")


async def _form(visit: Visit, refused: Refused | None = None) -> Response:
    known = (await providers.listed(visit.desk, visit.who.actor))["providers"]
    return show(
        visit,
        "sending_route_form.html",
        "delivery",
        422 if refused else 200,
        values=filled(visit, EMPTY),
        media=[(one, visit.say(text)) for one, text in MEDIA.items()],
        known=[one["id"] for one in known],
        refused=said(visit.language, refused.text) if refused else "",
        wrong=_wrong(refused) if refused else (),
    )


def _wrong(refused: Refused) -> Sequence[str]:
    return ["providers" if one == "id" else one for one in refused.fields]


def _providers(text: str) -> list[tuple[str, str]]:
    """Each line as a provider and its sender, "" for the provider's own."""
    found = []
    for line in text.splitlines():
        name, _, sender = line.strip().partition(" ")
        if "=" in name:
            raise Refused(NO_SENDER, "providers")
        if name:
            found.append((name, sender.strip()))
    return found


async def ask_removal(visit: Visit) -> Response:
    """The page that says what the removal means."""
    return await _removal(visit)


async def _removal(visit: Visit) -> Response:
    name = named(visit, "name")
    known = (await send_routes.listed(visit.desk, visit.who.actor))["routes"]
    route = next((one for one in known if one["name"] == name), None)
    if route is None:
        raise Missing("There is nothing of this name.")
    return show(visit, "sending_route_removal.html", "delivery", route=route)


async def remove(visit: Visit) -> Response:
    """It was confirmed."""
    await send_routes.remove(visit.desk, visit.who.actor, name=named(visit, "name"))
    return visit.go(PATH, done="removed")


# -- prices ----------------------------------------------------------------------------------------------------------


async def list_prices(visit: Visit) -> Response:
    """What is known to cost what, page by page."""
    after = asked(visit, "after", 200)
    found = await send_routes.prices(visit.desk, visit.who.actor, after=after, limit=PAGE)
    sending = visit.desk.store.snapshot.settings.sending
    return show(
        visit,
        "prices.html",
        "delivery",
        prices=found["prices"],
        media_words=MEDIA,
        currency=sending.currency,
        assumed_text=sending.assumed_text_price,
        assumed_call=sending.assumed_call_price,
        next=address(PRICES, {"after": found["next"]}) if found["next"] else "",
        first=PRICES if after else "",
        notice=visit.say(NOTICES.get(asked(visit, "done"), "")),
    )


async def ask_prices(visit: Visit) -> Response:
    """The form for a file of prices."""
    return _prices(visit)


async def take_prices(visit: Visit) -> Response:
    """A file of prices came in."""
    sent = await file_form(visit)
    if isinstance(sent, str):
        return _prices(visit, 422, refused=visit.say(sent), wrong=("file",))
    file, fields = sent
    if file is None:
        return _prices(visit, 422, refused=visit.say(NO_FILE), wrong=("file",))
    dry = fields.get("dry") == "yes"
    try:
        content = file.content.decode("utf-8-sig")
        told = await send_routes.set_prices(visit.desk, visit.who.actor, content=content, dry_run=dry)
    except UnicodeDecodeError:
        return _prices(visit, 422, refused=visit.say(NOT_TEXT), wrong=("file",))
    except Refused as refused:
        return _prices(visit, 422, refused=said(visit.language, refused.text), wrong=("file",))
    if dry:
        return _prices(visit, notice=visit.say(WOULD).format(told["prices"]))
    return visit.go(PRICES, done="prices")


def _prices(visit: Visit, status: int = 200, /, **told: object) -> Response:
    most = visit.behind.upload_octets // 2**20
    return show(visit, "prices_form.html", "delivery", status, most=most, **{"notice": "", **told})


ROUTES: list[Route] = [
    looking(PATH, list_routes),
    *form(NEW, ask_new, add, Right.SETUP),
    *form(f"{PATH}/{{name}}/removal", ask_removal, remove, Right.SETUP),
    looking(PRICES, list_prices),
    Route(PRICES_IN, administering(ask_prices, Right.SETUP, fresh=True), methods=["GET"]),
    Route(PRICES_IN, receiving(take_prices, Right.SETUP), methods=["POST"]),
]
