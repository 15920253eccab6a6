"""Tokens: the inventory by serial number, and one token."""

from starlette.responses import Response
from starlette.routing import Route

from vestibule.flows import token_list
from vestibule.flows.refused import Refused
from vestibule.portals.administration import token_acts
from vestibule.portals.administration.acts import notice
from vestibule.portals.administration.entry import address, asked, looking, named, show
from vestibule.portals.administration.journal_words import told_lines
from vestibule.portals.administration.people import STATE_WORDS
from vestibule.portals.languages import marked
from vestibule.portals.visit import Visit

PATH = "/admin/tokens"
STATES = (("", marked("all")), *STATE_WORDS.items())
HOLDERS = (("", marked("all")), ("free", marked("nobody's")), ("assigned", marked("somebody's")))
REMOVED = marked("It is removed.")


async def listed(visit: Visit) -> Response:
    """The inventory."""
    typed = {name: asked(visit, name) for name in ("q", "state", "held")}
    held = {"free": False, "assigned": True}.get(typed["held"])
    found = await token_list.search(
        visit.desk, typed["q"], state=typed["state"], assigned=held, after=asked(visit, "after")
    )
    return show(
        visit,
        "tokens.html",
        "tokens",
        found=found,
        filters=typed,
        states=[(value, visit.say(word)) for value, word in STATES],
        holders=[(value, visit.say(word)) for value, word in HOLDERS],
        state_words=STATE_WORDS,
        next=address(PATH, {**typed, "after": found.next}) if found.next else "",
        first=address(PATH, typed) if asked(visit, "after") else "",
        notice=visit.say(REMOVED) if visit.request.query_params.get("done") == "removal" else "",
    )


async def one(visit: Visit) -> Response:
    """One token."""
    try:
        shown = await token_list.show(visit.desk, named(visit))
    except Refused:
        if visit.request.query_params.get("done") == "removal":
            return visit.go(PATH, done="removal")
        raise
    return show(
        visit,
        "token.html",
        "tokens",
        shown=shown,
        lines=told_lines(visit, shown.lines, shown.names),
        notice=notice(visit, token_acts.ACTS),
        state_words=STATE_WORDS,
    )


ROUTES: list[Route] = [
    looking(PATH, listed),
    looking(f"{PATH}/{{id}}", one),
    *token_acts.PLACE.routes(token_acts.ACTS),
]
