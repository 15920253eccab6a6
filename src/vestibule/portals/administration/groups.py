"""Groups: what they are for, and the reply attributes that a client gets for their members."""

from collections.abc import Mapping, Sequence
from typing import Any

from starlette.responses import Response
from starlette.routing import Route

from vestibule.flows import groups
from vestibule.flows.refused import Refused
from vestibule.flows.roles import Right
from vestibule.portals.administration.entry import address, asked, form, looking, show
from vestibule.portals.administration.filled import Values, filled
from vestibule.portals.administration.saying import said
from vestibule.portals.languages import marked
from vestibule.portals.visit import Visit

PATH = "/admin/groups"
NEW = "/admin/new-group"
ONE = "/admin/group"
LONGEST = 256
EMPTY: Values = {"name": "", "description": "", "attributes": ""}
NOTICES = {
    "added": marked("The group is there."),
    "changed": marked("The change is in force from the next sign-in on."),
    "removed": marked("The group is removed, and nobody is in it any more."),
}


async def list_groups(visit: Visit) -> Response:
    """All groups with what clients are told of their members."""
    found = await groups.listed(visit.desk, visit.who.actor)
    notice = visit.say(NOTICES.get(asked(visit, "done"), ""))
    return show(visit, "groups.html", "clients", groups=found["groups"], notice=notice, link=_link)


async def ask_new(visit: Visit) -> Response:
    """The page for a new group."""
    return _form(visit, EMPTY)


async def add(visit: Visit) -> Response:
    """A new group was typed."""
    values = filled(visit, EMPTY)
    try:
        await groups.add(
            visit.desk,
            visit.who.actor,
            name=values["name"],
            description=values["description"],
            reply_attributes=pairs(values["attributes"]),
        )
    except Refused as refused:
        return _form(visit, EMPTY, refused=refused)
    return visit.go(PATH, done="added")


async def ask_change(visit: Visit) -> Response:
    """The page with what is kept."""
    group = await _group(visit)
    return _form(visit, _kept(group), group=group)


async def change(visit: Visit) -> Response:
    """Other values were typed."""
    group = await _group(visit)
    values = filled(visit, _kept(group))
    try:
        await groups.change(
            visit.desk,
            visit.who.actor,
            name=group["name"],
            description=values["description"],
            reply_attributes=pairs(values["attributes"]),
        )
    except Refused as refused:
        return _form(visit, _kept(group), group=group, refused=refused)
    return visit.go(PATH, done="changed")


async def ask_removal(visit: Visit) -> Response:
    """The page that says what the removal means."""
    return show(visit, "group_removal.html", "clients", group=await _group(visit), link=_link)


async def remove(visit: Visit) -> Response:
    """It was confirmed."""
    group = await _group(visit)
    try:
        await groups.remove(visit.desk, visit.who.actor, name=group["name"])
    except Refused as refused:
        why = said(visit.language, refused.text)
        return show(visit, "group_removal.html", "clients", 422, group=group, link=_link, refused=why)
    return visit.go(PATH, done="removed")


def pairs(text: str) -> list[Sequence[str]]:
    """Names and values of lines as `Filter-Id=staff`; a line without a sign is left for the flow to refuse."""
    given = [line.strip() for line in text.splitlines() if line.strip()]
    return [[part.strip() for part in line.split("=", 1)] for line in given]


async def _group(visit: Visit) -> Mapping[str, Any]:
    name = visit.form.get("name") or visit.request.query_params.get("name", "")
    told = await groups.show(visit.desk, visit.who.actor, name=name[:LONGEST])
    group: Mapping[str, Any] = told["group"]
    return group


def _form(
    visit: Visit, kept: Values, *, group: Mapping[str, Any] | None = None, refused: Refused | None = None
) -> Response:
    return show(
        visit,
        "group_form.html",
        "clients",
        422 if refused else 200,
        values=filled(visit, kept),
        group=group,
        link=_link,
        refused=said(visit.language, refused.text) if refused else "",
        wrong=["attributes" if one == "reply_attributes" else one for one in refused.fields] if refused else (),
    )


def _kept(group: Mapping[str, Any]) -> Values:
    text = "\n".join(f"{name}={value}" for name, value in group["reply_attributes"])
    return {"name": group["name"], "description": group["description"], "attributes": text}


def _link(name: str, what: str = "") -> str:
    """The address of one group: its name may have any characters, so it stands behind the question mark."""
    return address(f"{ONE}/{what}" if what else ONE, {"name": name})


ROUTES: list[Route] = [
    looking(PATH, list_groups),
    *form(NEW, ask_new, add, Right.SETUP),
    *form(f"{ONE}/change", ask_change, change, Right.SETUP),
    *form(f"{ONE}/removal", ask_removal, remove, Right.SETUP),
]
