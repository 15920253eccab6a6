"""The test bench of a client: a real sign-in, what went to and fro, and where the journal tells of it."""

import math

from starlette.responses import Response
from starlette.routing import Route

from vestibule.core.clients import SignIn
from vestibule.core.errors import Unavailable
from vestibule.core.policy import DEFAULT
from vestibule.flows import bench, clients
from vestibule.flows.bench import Outcome, Tested, Way
from vestibule.flows.refused import Refused
from vestibule.flows.roles import Right
from vestibule.flows.trace_texts import MEANING
from vestibule.portals.administration.entry import form, named, show
from vestibule.portals.administration.filled import Values, filled
from vestibule.portals.administration.policy import DEFAULT_RULE
from vestibule.portals.administration.saying import said
from vestibule.portals.behind import Bench
from vestibule.portals.languages import marked
from vestibule.portals.visit import Visit
from vestibule.portals.words import method_word

EMPTY: Values = {"user": "", "address": ""}
LONGEST_TYPED = 256

OUTCOMES = {
    Outcome.ACCEPT: ("good", marked("Let in")),
    Outcome.CHALLENGE: ("care", marked("A code is asked")),
    Outcome.REJECT: ("bad", marked("Refused")),
    Outcome.SILENCE: ("bad", marked("No answer")),
    Outcome.OTHER: ("bad", marked("Another answer")),
}
WAYS = {
    Way.SOCKET: marked(
        "Sent through the network from {}, an address of this server that the client's networks contain."
    ),
    Way.HANDED: marked(
        "No address of this server is one of the client's, so the packet was handed to the RADIUS door as if it came "
        "from {}. The same code looked at it and answered; only the network between was left out."
    ),
    Way.API: marked("Given to the HTTP API of this server with a key that lived for this request alone."),
}
NOT_HERE = marked("Clients can not be tested here: this server has no door open for them.")
TOO_MANY = marked("So many tests in a minute are not done. Go on in {} seconds.")
NO_WAY = marked("The request could not be brought to a door of this server: {}.")


async def ask(visit: Visit) -> Response:
    """The page with name, password and code."""
    return await _page(visit)


async def test(visit: Visit) -> Response:
    """Send what was typed, or the answer to the question of a moment ago."""
    at = visit.behind.bench
    if at is None:
        return await _page(visit, refused=visit.say(NOT_HERE))
    wait = math.ceil(at.rates.wait(visit.who.actor))
    if wait:
        return await _page(visit, refused=visit.say(TOO_MANY).format(wait), status=429)
    at.rates.spend(visit.who.actor)
    try:
        tested = await _sent(visit, at)
    except Refused as refused:
        return await _page(visit, refused=said(visit.language, refused.text), wrong=refused.fields)
    except Unavailable as unavailable:
        return await _page(visit, refused=visit.say(NO_WAY).format(unavailable), status=503)
    return await _page(visit, tested, status=200)


async def _sent(visit: Visit, at: Bench) -> Tested:
    typed, id = visit.form, named(visit)
    user, code = typed.get("user", ""), typed.get("code", "")[:LONGEST_TYPED]
    if typed.get("question"):
        return await bench.answer(
            visit.desk, visit.who.actor, at.carrier, id=id, user=user, question=typed["question"], code=code
        )
    return await bench.begin(
        visit.desk,
        visit.who.actor,
        at.carrier,
        id=id,
        user=user,
        password=typed.get("password", "")[:LONGEST_TYPED],
        code=code,
        address=typed.get("address", ""),
    )


async def _page(
    visit: Visit, tested: Tested | None = None, *, refused: str = "", wrong: tuple[str, ...] = (), status: int = 422
) -> Response:
    client = (await clients.show(visit.desk, visit.who.actor, id=named(visit)))["client"]
    return show(
        visit,
        "client_test.html",
        "clients",
        status if tested or refused else 200,
        client=client,
        values=filled(visit, EMPTY),
        password=client["sign_in"] != SignIn.CODE_ONLY.value,
        tested=tested,
        method=lambda name: method_word(visit.language, name),
        rule=_rule(visit, tested),
        meaning={reason: visit.say(text) for reason, text in MEANING.items()},
        outcome=OUTCOMES[tested.outcome] if tested else None,
        ways=[visit.say(WAYS[one.way]).format(one.source) for one in tested.exchanges] if tested else [],
        refused=refused,
        wrong=wrong,
    )


def _rule(visit: Visit, tested: Tested | None) -> str:
    rule = tested.line.entry.rule if tested and tested.line else ""
    return visit.say(DEFAULT_RULE) if rule == DEFAULT.rule else rule


ROUTES: list[Route] = [*form("/admin/clients/{id}/test", ask, test, Right.SETUP)]
