"""Directories: how they stand, their settings, whether they answer, and who is behind a name."""

from collections.abc import Mapping
from typing import Any

from starlette.responses import Response
from starlette.routing import Route

from vestibule.core.clients import Client
from vestibule.core.errors import Unavailable
from vestibule.flows import directories, directory_state
from vestibule.flows.refused import Refused
from vestibule.flows.roles import Right
from vestibule.portals.administration.directory_forms import KINDS, fields_of, settings_of, values_of
from vestibule.portals.administration.entry import asked, form, looking, named, show
from vestibule.portals.administration.filled import filled
from vestibule.portals.administration.saying import said
from vestibule.portals.languages import marked
from vestibule.portals.visit import Visit

PATH = "/admin/directories"
NEW = "/admin/new-directory"
LONGEST = 256

NOTICES = {
    "added": marked("The directory is set up. See now whether it answers."),
    "changed": marked("The change is in force."),
    "removed": marked("The directory is removed."),
}
COUNTS = (
    ("created", marked("new")),
    ("changed", marked("changed")),
    ("unchanged", marked("as they were")),
    ("back", marked("back again")),
    ("disabled", marked("disabled there, blocked here")),
    ("gone", marked("gone there")),
    ("refused", marked("refused")),
    ("unreadable", marked("that can not be read")),
)
VERDICTS = {True: marked("The password is right."), False: marked("The password is not taken: {}")}


# -- looking ---------------------------------------------------------------------------------------------------------


async def list_directories(visit: Visit) -> Response:
    """All directories with how they stand on this node."""
    found = (await directories.listed(visit.desk, visit.who.actor))["directories"]
    rows = []
    for one in found:
        shown = await directories.show(visit.desk, visit.who.actor, id=one["id"])
        state = directory_state.state(visit.desk, one["id"])
        rows.append({**one, "state": state, "last": shown["last_sync"], "kind_shown": kind_word(visit, one["kind"])})
    notice = visit.say(NOTICES.get(asked(visit, "done"), ""))
    return show(visit, "directories.html", "directories", directories=rows, notice=notice)


async def show_directory(visit: Visit) -> Response:
    """One directory."""
    return await one(visit)


async def one(visit: Visit, status: int = 200, /, **told: object) -> Response:
    """The page of one directory, with the outcome of what was asked of it."""
    id = named(visit)
    found = await directories.show(visit.desk, visit.who.actor, id=id)
    directory = found["directory"]
    using = [client for client in visit.desk.store.snapshot.clients.values() if client.first_factor == id]
    return show(
        visit,
        "directory.html",
        "directories",
        status,
        directory=directory,
        kind=kind_word(visit, directory["kind"]),
        fields=_shown_fields(visit, directory),
        state=directory_state.state(visit.desk, id),
        last=found["last_sync"],
        counts=counted(visit, (found["last_sync"] or {}).get("counts", {})),
        using=_names(using),
        **{"notice": visit.say(NOTICES.get(asked(visit, "done"), "")), "answer": None, "looked": None, **told},
    )


def kind_word(visit: Visit, kind: str) -> str:
    """What a kind is called; one that nobody has named is called by its own name."""
    return visit.say(KINDS.get(kind, kind))


def counted(visit: Visit, report: Mapping[str, Any]) -> list[tuple[str, int]]:
    """What a run did, in words, without what it did to nobody."""
    return [(visit.say(text), report[name]) for name, text in COUNTS if report.get(name)]


def _names(clients: list[Client]) -> list[tuple[str, str]]:
    return sorted((client.id, client.name) for client in clients)


def _shown_fields(visit: Visit, directory: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The settings that differ from their defaults, in words where there are any."""
    values = values_of(directory["kind"], directory["settings"])
    rows = []
    for field in fields_of(directory["kind"]):
        text = values[f"set-{field.name}"]
        if text and text != field.default:
            word = {"yes": marked("yes")}.get(text) if field.sort == "tick" else dict(field.options).get(text)
            rows.append((visit.say(field.label), visit.say(word) if word else text.replace("\n", ", ")))
    if values["more"]:
        rows.append((visit.say(marked("Further settings")), values["more"]))
    return rows


# -- setting up ------------------------------------------------------------------------------------------------------


async def ask_new(visit: Visit) -> Response:
    """The page for a new directory; first of which kind it is."""
    return _form(visit, {"id": "", **values_of(_kind(visit), {})}, _kind(visit))


async def add(visit: Visit) -> Response:
    """A new directory was typed."""
    kind = _kind(visit)
    kept = {"id": "", **values_of(kind, {})}
    values = filled(visit, kept)
    try:
        told = await directories.add(
            visit.desk,
            visit.who.actor,
            id=values["id"],
            kind=kind,
            settings=settings_of(kind, values),
            secret=values["secret"],
        )
    except Refused as refused:
        return _form(visit, kept, kind, refused=refused)
    return visit.go(f"{PATH}/{told['directory']['id']}", done="added")


async def ask_change(visit: Visit) -> Response:
    """The page with what is kept, but for the secret."""
    directory = await _directory(visit)
    return _form(visit, values_of(directory["kind"], directory["settings"]), directory["kind"], directory=directory)


async def change(visit: Visit) -> Response:
    """Other settings were typed; what is not there any more goes back to its default."""
    directory = await _directory(visit)
    kept = values_of(directory["kind"], directory["settings"])
    values = filled(visit, kept)
    try:
        wanted = settings_of(directory["kind"], values)
        settings = {**dict.fromkeys(directory["settings"]), **wanted}
        await directories.change(
            visit.desk, visit.who.actor, id=directory["id"], settings=settings, secret=values["secret"] or None
        )
    except Refused as refused:
        return _form(visit, kept, directory["kind"], directory=directory, refused=refused)
    return visit.go(f"{PATH}/{directory['id']}", done="changed")


def _form(
    visit: Visit,
    kept: dict[str, str],
    kind: str,
    *,
    directory: Mapping[str, Any] | None = None,
    refused: Refused | None = None,
) -> Response:
    kinds = [(one, kind_word(visit, one)) for one in visit.desk.directories.kinds]
    return show(
        visit,
        "directory_form.html",
        "directories",
        422 if refused else 200,
        values=filled(visit, kept),
        kind=kind,
        kinds=kinds,
        fields=fields_of(kind),
        directory=directory,
        refused=said(visit.language, refused.text) if refused else "",
        wrong=refused.fields if refused else (),
    )


def _kind(visit: Visit) -> str:
    """The kind that was chosen; the first one otherwise."""
    kinds = list(visit.desk.directories.kinds)
    wanted = visit.form.get("kind") or asked(visit, "kind", 64)
    return wanted if wanted in kinds else next(iter(kinds), "")


async def _directory(visit: Visit) -> Mapping[str, Any]:
    found: Mapping[str, Any] = (await directories.show(visit.desk, visit.who.actor, id=named(visit)))["directory"]
    return found


async def ask_removal(visit: Visit) -> Response:
    """The page that says what the removal means."""
    return show(visit, "directory_removal.html", "directories", directory=await _directory(visit))


async def remove(visit: Visit) -> Response:
    """It was confirmed."""
    directory = await _directory(visit)
    release = visit.form.get("release") == "yes"
    try:
        await directories.remove(visit.desk, visit.who.actor, id=directory["id"], release=release)
    except Refused as refused:
        why = said(visit.language, refused.text)
        return show(visit, "directory_removal.html", "directories", 422, directory=directory, refused=why)
    return visit.go(PATH, done="removed")


# -- asking it -------------------------------------------------------------------------------------------------------


async def ask_test(visit: Visit) -> Response:
    """What was to be asked is on the page of the directory; who comes back from signing in finds it there."""
    return await one(visit)


async def test(visit: Visit) -> Response:
    """Ask whether it answers, or who is behind a name, and whether a password is theirs."""
    id, name = named(visit), visit.form.get("user", "").strip()[:LONGEST]
    password = visit.form.get("password", "")[:LONGEST]
    try:
        if not name:
            return await one(visit, answer=await directory_state.reach(visit.desk, id=id))
        if not password:
            return await one(visit, looked=await directory_state.look_up(visit.desk, id=id, name=name))
        told = await directories.probe(visit.desk, visit.who.actor, id=id, user=name, password=password)
    except Refused as refused:
        return await one(visit, 422, refused=said(visit.language, refused.text), wrong=refused.fields)
    except Unavailable as unavailable:
        return await one(visit, 503, refused=str(unavailable))
    return await one(visit, tried=_verdict(visit, told["password"]), user=name)


def _verdict(visit: Visit, verdict: Mapping[str, Any]) -> tuple[bool, str, list[str]]:
    right = bool(verdict["right"])
    why = " · ".join(text for text in (verdict["reason"], verdict["detail"]) if text)
    return right, visit.say(VERDICTS[right]).format(why), [": ".join(pair) for pair in verdict["attributes"]]


ROUTES: list[Route] = [
    looking(PATH, list_directories),
    *form(NEW, ask_new, add, Right.SETUP),
    looking(f"{PATH}/{{id}}", show_directory),
    *form(f"{PATH}/{{id}}/change", ask_change, change, Right.SETUP),
    *form(f"{PATH}/{{id}}/removal", ask_removal, remove, Right.SETUP),
    *form(f"{PATH}/{{id}}/test", ask_test, test, Right.SETUP),
]
