"""The overview: how many people and tokens there are, how sign-ins went, and what wants to be looked at."""

from starlette.responses import Response

from vestibule.flows import glance
from vestibule.flows.glance import Hint
from vestibule.flows.trace_texts import MEANING
from vestibule.portals.administration.entry import looking, show
from vestibule.portals.administration.journal_words import told_lines
from vestibule.portals.languages import marked
from vestibule.portals.visit import Visit

MOST_REASONS = 6
HINTS = {
    Hint.NO_OWNER: (marked("No owner can sign in. On the host: vestibule owner link"), ""),
    Hint.ONE_OWNER: (marked("Only one owner can sign in. Make somebody else an owner as well."), "/admin/people"),
    Hint.NO_CLIENT: (marked("Nothing asks here yet: add a client."), "/admin/clients"),
    Hint.WEAK_CLIENTS: (marked("Something is weak about a client."), "/admin/clients"),
}


async def overview(visit: Visit) -> Response:
    """Everything at a glance, up to a minute old, or older while a count takes long; the page says of when it is."""
    desk = visit.desk
    told = await visit.behind.glances.fresh(desk.clock(), lambda: glance.look(desk))
    if told is None:
        return show(visit, "overview.html", "overview", told=None)
    reasons = [
        {"reason": reason.value, "text": visit.say(MEANING[reason]), "count": count}
        for reason, count in told.reasons[:MOST_REASONS]
    ]
    hints = [{"text": visit.say(HINTS[hint][0]), "path": HINTS[hint][1]} for hint, _ in told.hints]
    lines = told_lines(visit, told.lines, told.names)
    return show(visit, "overview.html", "overview", told=told, reasons=reasons, hints=hints, lines=lines, whom=True)


ROUTES = [looking("/admin", overview)]
