"""Delivery: money and what is used, the limits that hold, and what was sent to whom, without a number in full."""

from starlette.responses import Response
from starlette.routing import Route

from vestibule.flows import delivery_state, providers, settings
from vestibule.flows.delivery_state import Purse, Used
from vestibule.flows.limits import SOFT
from vestibule.portals.administration.charts import Bar, bars
from vestibule.portals.administration.entry import looking, named, show
from vestibule.portals.administration.journal_words import ACTIONS, told_lines
from vestibule.portals.administration.provider_forms import KINDS, MEDIA
from vestibule.portals.administration.settings import in_words
from vestibule.portals.languages import marked
from vestibule.portals.visit import Visit

PATH = "/admin/delivery"
LIMITS = "/admin/delivery/limits"
LATELY = "/admin/delivery/lately"
BARS = 12
MONEY_STARTS = ("currency", "assumed", "region_money", "money")

PURSES = {"money_in_day": marked("Today"), "money_in_month": marked("This month")}
PARTS = (
    (marked("Regions and kinds of numbers"), ("regions", "number_types")),
    (marked("Money"), MONEY_STARTS),
    (marked("How many"), ("person_", "number_", "new_number", "prefix_", "address_", "text_gap", "call_gap")),
    (marked("What is hardly used"), ("used_",)),
    (marked("Codes, texts and PINs"), ("",)),
)
STATES = {
    "dispatching": (marked("being handed over"), ""),
    "unknown": (marked("nobody can say"), "care"),
    "accepted": (marked("taken by the provider"), ""),
    "failed": (marked("surely not carried"), "bad"),
    "undelivered": (marked("did not arrive"), "bad"),
    "delivered": (marked("arrived"), "good"),
}


async def first_page(visit: Visit) -> Response:
    """Money against its hard stop, what is used of what is sent, and the providers that are in trouble."""
    desk = visit.desk
    purses, used = await delivery_state.spent(desk), await delivery_state.used(desk)
    known = (await providers.listed(desk, visit.who.actor))["providers"]
    rows = [
        {**one, "kind": visit.say(KINDS.get(one["kind"], one["kind"])), "state": delivery_state.state(desk, one["id"])}
        for one in known
    ]
    longest = max((one.ended for one in used), default=0)
    return show(
        visit,
        "delivery.html",
        "delivery",
        providers=rows,
        purses=[(_place(visit, one), one) for one in purses],
        money=bars(_money(visit, one) for one in purses[:BARS]),
        used=used,
        share=bars((_use(one) for one in used[:BARS]), longest=longest),
        currency=desk.store.snapshot.settings.sending.currency,
        media_words=MEDIA,
    )


def _place(visit: Visit, one: Purse) -> str:
    return one.region or visit.say(PURSES[one.name])


def _money(visit: Visit, one: Purse) -> Bar:
    state = "bad" if one.stopped else "care" if one.spent >= one.most * SOFT else "good"
    return Bar(_place(visit, one), one.spent, one.most, f"{one.spent:,.2f}", state)


def _use(one: Used) -> Bar:
    state = "bad" if one.stopped else "care" if one.alarmed else "good"
    return Bar(one.region or "–", one.used, one.ended, f"{one.used}/{one.ended}", state)


async def limits(visit: Visit) -> Response:
    """The settings under `sending.`, in groups; each is changed on its own page."""
    found = (await settings.listed(visit.desk, visit.who.actor))["settings"]
    left = [one for one in found if one["name"].startswith("sending.")]
    groups = []
    for title, starts in PARTS:
        rows = [one for one in left if one["name"].removeprefix("sending.").startswith(starts)]
        left = [one for one in left if one not in rows]
        groups.append((title, [in_words(visit, one) for one in rows]))
    return show(visit, "delivery_limits.html", "delivery", groups=[pair for pair in groups if pair[1]])


async def lately(visit: Visit) -> Response:
    """What was sent within a day, the newest first."""
    found, under_way = await delivery_state.lately(visit.desk)
    return show(
        visit,
        "delivery_lately.html",
        "delivery",
        found=found,
        under_way=under_way,
        most=delivery_state.UNDER_WAY,
        actions=ACTIONS,
        media_words=MEDIA,
    )


async def story(visit: Visit) -> Response:
    """What became of one message."""
    told = await delivery_state.story(visit.desk, named(visit))
    lines = told_lines(visit, told.lines)
    return show(
        visit, "delivery_story.html", "delivery", told=told, lines=lines, whom=False, states=STATES, media_words=MEDIA
    )


ROUTES: list[Route] = [
    looking(PATH, first_page),
    looking(LIMITS, limits),
    looking(LATELY, lately),
    looking(f"{LATELY}/{{id}}", story),
]
