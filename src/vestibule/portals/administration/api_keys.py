"""API keys: which programs use the HTTP API, what each may do, and an end to it."""

from starlette.responses import Response
from starlette.routing import Route

from vestibule.core.api_keys import Right as KeyRight
from vestibule.flows import api_keys
from vestibule.flows.refused import Missing, Refused
from vestibule.flows.roles import Right
from vestibule.portals.administration.entry import asked, form, looking, named, show
from vestibule.portals.administration.filled import Values, chosen, filled
from vestibule.portals.administration.saying import said
from vestibule.portals.languages import marked
from vestibule.portals.visit import Visit

PATH = "/admin/api-keys"
NEW = "/admin/new-api-key"
EMPTY: Values = {"name": "", "client": "", "expires": ""}
NOTICES = {"removed": marked("The key is removed. A second later it opens nothing any more.")}
PARTS = {
    "users": marked("People and their groups"),
    "directories": marked("Directories"),
    "groups": marked("Groups and reply attributes"),
    "tokens": marked("Tokens and other factors"),
    "clients": marked("Clients and their secrets"),
    "policy": marked("Policy"),
    "settings": marked("Settings"),
    "journal": marked("Journal"),
    "status": marked("State of the server"),
}
"""What the first part of a right is about."""


async def list_keys(visit: Visit) -> Response:
    """All keys, never what opens the door."""
    found = await api_keys.listed(visit.desk, visit.who.actor)
    now = visit.desk.clock()
    notice = visit.say(NOTICES.get(asked(visit, "done"), ""))
    return show(visit, "api_keys.html", "clients", keys=found["keys"], now=now, notice=notice, rights=_rights())


async def ask_new(visit: Visit) -> Response:
    """The page for a new key."""
    return _form(visit)


async def add(visit: Visit) -> Response:
    """A new key was typed; it is shown this one time."""
    values, rights = filled(visit, EMPTY), chosen(visit, "right", KeyRight)
    try:
        told = await api_keys.add(
            visit.desk,
            visit.who.actor,
            name=values["name"],
            client=values["client"] or None,
            rights=rights,
            expires=values["expires"] or None,
        )
    except Refused as refused:
        return _form(visit, refused)
    return show(visit, "api_key.html", "clients", key=told["key"], secret=told["secret"], rights=_rights())


async def ask_removal(visit: Visit) -> Response:
    """The page that says what the removal means."""
    id = named(visit)
    found = await api_keys.listed(visit.desk, visit.who.actor)
    key = next((one for one in found["keys"] if one["id"] == id), None)
    if key is None:
        raise Missing("There is nothing of this name.")
    return show(visit, "api_key_removal.html", "clients", key=key)


async def remove(visit: Visit) -> Response:
    """It was confirmed."""
    await api_keys.remove(visit.desk, visit.who.actor, id=named(visit))
    return visit.go(PATH, done="removed")


def _form(visit: Visit, refused: Refused | None = None) -> Response:
    clients = visit.desk.store.snapshot.clients
    kept = {**EMPTY, "client": asked(visit, "client", 64)}
    return show(
        visit,
        "api_key_form.html",
        "clients",
        422 if refused else 200,
        values=filled(visit, kept),
        clients=sorted(clients),
        rights=_rights(),
        ticked=set(chosen(visit, "right", KeyRight)),
        refused=said(visit.language, refused.text) if refused else "",
        wrong=refused.fields if refused else (),
    )


def _rights() -> list[tuple[str, str, list[str]]]:
    """What rights are about, in words, with the rights themselves."""
    parts: dict[str, list[str]] = {}
    for one in KeyRight:
        parts.setdefault(one.value.partition(":")[0], []).append(one.value)
    return [(part, PARTS.get(part, part), rights) for part, rights in parts.items()]


ROUTES: list[Route] = [
    looking(PATH, list_keys),
    *form(NEW, ask_new, add, Right.SETUP),
    *form(f"{PATH}/{{id}}/removal", ask_removal, remove, Right.SETUP),
]
