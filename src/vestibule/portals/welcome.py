"""The first page of all: a link that was made on the host leads here, and whoever opens it first becomes an owner.

The link is in the address, so this page names no other server and is kept nowhere. Looking at it spends nothing; a name
and a password that are taken do. What follows is the registration of a second factor, and with that the role.
"""

from starlette.responses import Response

from vestibule.core.password_policy import acceptable
from vestibule.flows import owners
from vestibule.flows.refused import Missing, Refused
from vestibule.flows.users import SHORTEST_BESIDE_A_CODE
from vestibule.portals.languages import marked
from vestibule.portals.security import NOT_TWICE_THE_SAME, policy_word
from vestibule.portals.signing_in import enter
from vestibule.portals.trouble import Said, trouble
from vestibule.portals.visit import REGISTER, Visit

LONGEST_TOKEN = 64
LINK_OVER = Said(
    "link-over",
    marked("This link has ended"),
    marked("It was used, it is more than a day old, or a newer one was made. On the host, type: vestibule owner link"),
)
NAME_NOT_TAKEN = marked("This name can not be used, or somebody has it already. Choose another one.")


async def ask(visit: Visit) -> Response:
    """The page for a name and a password, as long as the link is open."""
    found = await owners.opened(visit.desk, _token(visit))
    return _over(visit) if found is None else _page(visit, found.user_name, "")


async def begin(visit: Visit) -> Response:
    """Both were typed: somebody new, or somebody who is back; their next page is for the second factor."""
    found = await owners.opened(visit.desk, _token(visit))
    if found is None:
        return _over(visit)
    name = found.user_name or visit.form.get("name", "").strip()
    new, again = visit.form.get("new", ""), visit.form.get("again", "")
    refused = _refusal(visit, name, new, again)
    if refused:
        return _page(visit, found.user_name, refused, name)
    try:
        user = await owners.take(visit.desk, _token(visit), name=name, password=new)
    except Missing:
        return _over(visit)
    except Refused as refusal:
        return _page(visit, found.user_name, _why(visit, refusal), name)
    entered = await enter(visit, user)
    return entered.go(REGISTER)


def _refusal(visit: Visit, name: str, new: str, again: str) -> str:
    """Why this is not taken, in the person's language, "" when it is."""
    why = acceptable(new, name, SHORTEST_BESIDE_A_CODE)
    if why is not None:
        return policy_word(visit.language, why)
    return "" if new == again else visit.say(NOT_TWICE_THE_SAME)


def _why(visit: Visit, refused: Refused) -> str:
    if refused.fields == ("password",):
        return policy_word(visit.language, refused.text)
    return visit.say(NAME_NOT_TAKEN)


def _page(visit: Visit, fixed: str, refused: str, typed: str = "") -> Response:
    """The form; `fixed` is the name of somebody who is here already."""
    status = 422 if refused else 200
    return visit.show(
        "welcome.html", status, fixed=fixed, name=fixed or typed[:256], refused=refused, minimum=SHORTEST_BESIDE_A_CODE
    )


def _over(visit: Visit) -> Response:
    return visit.giving(trouble(visit.behind, 404, language=visit.language, said=LINK_OVER))


def _token(visit: Visit) -> str:
    found: str = visit.request.path_params["token"]
    return found[:LONGEST_TOKEN]
