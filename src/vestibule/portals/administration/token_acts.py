"""What administration does to one token: give it to somebody, take it back, resynchronise, switch off, remove."""

from vestibule.flows import token_list, tokens
from vestibule.flows.inventory import the_token
from vestibule.flows.refused import Refused
from vestibule.flows.roles import Right, may
from vestibule.portals.administration.acts import Act, Field, Place, Subject, typed
from vestibule.portals.languages import marked
from vestibule.portals.visit import Visit
from vestibule.portals.words import method_word

TAKE_BACK_INSTEAD = marked("Take the token back instead. To remove it from the inventory takes an administrator.")


async def find(visit: Visit, id: str) -> Subject:
    """The token, or another factor, that the address names; what has no serial number belongs to its person's page."""
    one = await visit.desk.store.read(lambda reading: the_token(reading, id))
    name = one.serial or method_word(visit.language, one.method)
    path = f"/admin/tokens/{one.id}" if one.serial or not one.user_id else f"/admin/people/{one.user_id}"
    return Subject(one.id, name, path, one.user_id)


async def _assign(visit: Visit, token: Subject) -> None:
    pending, user = typed(visit, "pending") == "yes", typed(visit, "user")
    await tokens.assign(visit.desk, visit.who.actor, token=token.id, user=user, pending=pending)


async def _unassign(visit: Visit, token: Subject) -> None:
    await tokens.unassign(visit.desk, visit.who.actor, token=token.id)


async def _activate(visit: Visit, token: Subject) -> None:
    await tokens.activate(visit.desk, visit.who.actor, token=token.id, code=typed(visit, "code", 32))


async def _resync(visit: Visit, token: Subject) -> None:
    first, second = typed(visit, "first", 32), typed(visit, "second", 32)
    await tokens.resync(visit.desk, visit.who.actor, token=token.id, first=first, second=second)


async def _disable(visit: Visit, token: Subject) -> None:
    await tokens.disable(visit.desk, visit.who.actor, token=token.id)


async def _enable(visit: Visit, token: Subject) -> None:
    await tokens.enable(visit.desk, visit.who.actor, token=token.id)


async def _remove(visit: Visit, token: Subject) -> None:
    one = (await token_list.show(visit.desk, token.id)).token
    if one.serial and not may(visit.who.user.role, Right.TOKENS):
        raise Refused(TAKE_BACK_INSTEAD)
    await tokens.remove(visit.desk, visit.who.actor, token=token.id)


ACTS = (
    Act(
        "assign",
        marked("Give it to somebody"),
        marked("The person signs in with its codes from then on."),
        marked("Give it"),
        marked("The token is assigned."),
        Right.FACTORS,
        _assign,
        (
            Field("user", marked("Name of the person")),
            Field(
                "pending", marked("It counts only after the person has typed a code of it"), "check", required=False,
                default="yes",
            ),
        ),
    ),
    Act(
        "unassign",
        marked("Take it back"),
        marked("It returns to the inventory and signs nobody in; all browsers of the person are signed out."),
        marked("Take it back"),
        marked("The token is back in the inventory."),
        Right.FACTORS,
        _unassign,
        danger=True,
    ),
    Act(
        "activate",
        marked("Activate"),
        marked("Type the code that the token shows now. The code is used up by this."),
        marked("Activate"),
        marked("The token counts from now on."),
        Right.FACTORS,
        _activate,
        (Field("code", marked("Code"), "code"),),
    ),
    Act(
        "resync",
        marked("Resynchronise"),
        marked("For a token whose clock or counter has run away: type two codes that it showed one after the other."),
        marked("Resynchronise"),
        marked("The token is resynchronised."),
        Right.FACTORS,
        _resync,
        (Field("first", marked("First code"), "code"), Field("second", marked("The next code"), "code")),
    ),
    Act(
        "disable",
        marked("Switch off"),
        marked("It signs nobody in until it is switched on again; all browsers of the person are signed out."),
        marked("Switch it off"),
        marked("The token is switched off."),
        Right.FACTORS,
        _disable,
        danger=True,
    ),
    Act(
        "enable",
        marked("Switch on"),
        marked("It counts again at once."),
        marked("Switch it on"),
        marked("The token counts again."),
        Right.FACTORS,
        _enable,
    ),
    Act(
        "removal",
        marked("Remove it for good"),
        marked("The key is forgotten. To use the token again it has to be imported again."),
        marked("Remove it"),
        marked("It is removed."),
        Right.FACTORS,
        _remove,
        danger=True,
    ),
)  # fmt: skip

PLACE = Place("tokens", "/admin/tokens/{id}", find)
