"""Settings: grouped, with help, default and range; changed with a reason, with a history, and taken back."""

from collections.abc import Iterable, Mapping
from typing import Any

from starlette.responses import Response
from starlette.routing import Route

from vestibule.flows import settings, settings_history
from vestibule.flows.desk import name_of
from vestibule.flows.journal import PERSON
from vestibule.flows.refused import Refused
from vestibule.flows.roles import Right
from vestibule.portals.administration.entry import asked, form, looking, named, show
from vestibule.portals.administration.saying import said
from vestibule.portals.languages import marked
from vestibule.portals.visit import Visit

PATH = "/admin/settings"
HISTORY = "/admin/settings-history"
UNDO = "/admin/settings-undo"
LONGEST = 256
SHOWN = 50

GROUPS = (
    ("limits.", marked("Wrong tries")),
    ("challenge_", marked("Questions for a code")),
    ("passkey_", marked("Passkeys")),
    ("session_", marked("Sessions in browsers")),
    ("access_pass_", marked("Temporary access passes")),
    ("caller_check_", marked("Calls to the helpdesk")),
    ("claim_", marked("What people may do themselves")),
    ("journal_", marked("Journal")),
    ("text_", marked("What clients show")),
    ("fraud_", marked("Fraud")),
    ("sending.", marked("Texts, calls and mail")),
)
MORE = marked("More")
NOTICES = {
    "changed": marked("The setting is in force from the next decision on."),
    "undone": marked("The change is taken back."),
}
SOMEBODY = marked("somebody who is gone")


async def list_settings(visit: Visit) -> Response:
    """All settings in their groups; those that differ from their default stand out."""
    found = (await settings.listed(visit.desk, visit.who.actor))["settings"]
    text = asked(visit, "text", 64).lower()
    told = [in_words(visit, one) for one in found if not text or text in f"{one['name']} {one['help']}".lower()]
    parts = [(title, [one for one in told if _group(one["name"]) == title]) for _, title in (*GROUPS, ("", MORE))]
    return show(
        visit,
        "settings.html",
        "settings",
        groups=[(title, rows) for title, rows in parts if rows],
        changed=sum(one["changed"] for one in found),
        text=asked(visit, "text", 64),
        notice=_notice(visit),
    )


def _group(name: str) -> str:
    return next((title for prefix, title in GROUPS if name.startswith(prefix)), MORE)


# -- one setting -----------------------------------------------------------------------------------------------------


async def ask_change(visit: Visit) -> Response:
    """The page of one setting, with its history."""
    return await _page(visit)


async def change(visit: Visit) -> Response:
    """Another value was typed, or the default is wanted."""
    name, reason = named(visit, "name"), visit.form.get("reason", "")
    try:
        if visit.form.get("default") == "yes":
            await settings.unset(visit.desk, visit.who.actor, name=name, reason=reason)
        else:
            value = visit.form.get("value", "").strip()
            await settings.change(visit.desk, visit.who.actor, name=name, value=value, reason=reason)
    except Refused as refused:
        return await _page(visit, refused)
    return visit.go(PATH, done="changed")


async def _page(visit: Visit, refused: Refused | None = None) -> Response:
    name = named(visit, "name")
    one = await visit.desk.store.read(lambda reading: settings.told(visit.desk, reading, name))
    history = await settings_history.listed(visit.desk, visit.who.actor, name=name, limit=SHOWN)
    told = in_words(visit, one)
    return show(
        visit,
        "setting.html",
        "settings",
        422 if refused else 200,
        one=told,
        value=visit.form.get("value", told["shown"]),
        reason=visit.form.get("reason", ""),
        changes=await _changes(visit, history["changes"]),
        refused=said(visit.language, refused.text) if refused else "",
        wrong=refused.fields if refused else (),
        notice=_notice(visit),
    )


# -- what was changed ------------------------------------------------------------------------------------------------


async def history(visit: Visit) -> Response:
    """The last changes of all settings."""
    return await _history(visit)


async def undo(visit: Visit) -> Response:
    """Put back what held before a change."""
    change_ = visit.form.get("change", "")[:LONGEST]
    if visit.request.method == "GET":  # back from signing in
        return visit.go(HISTORY)
    try:
        await settings_history.undo(visit.desk, visit.who.actor, change=change_)
    except Refused as refused:
        return await _history(visit, refused)
    return visit.go(HISTORY, done="undone")


async def _history(visit: Visit, refused: Refused | None = None) -> Response:
    found = await settings_history.listed(visit.desk, visit.who.actor, limit=SHOWN)
    return show(
        visit,
        "settings_history.html",
        "settings",
        422 if refused else 200,
        changes=await _changes(visit, found["changes"]),
        refused=said(visit.language, refused.text) if refused else "",
        notice=_notice(visit),
    )


async def _changes(visit: Visit, changes: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The changes with values and names as people read them."""
    shown = list(changes)
    ids = {one["actor"].removeprefix(PERSON) for one in shown if one["actor"].startswith(PERSON)}
    names = await visit.desk.store.read(lambda reading: {id: name_of(reading, id) for id in ids})

    def who(actor: str) -> str:
        if not actor.startswith(PERSON):
            return actor
        return names.get(actor.removeprefix(PERSON)) or visit.say(SOMEBODY)

    return [
        {**one, "old": shown_as(one["old"]), "new": shown_as(one["new"]), "who": who(one["actor"])} for one in shown
    ]


# -- words -----------------------------------------------------------------------------------------------------------


def in_words(visit: Visit, one: Mapping[str, Any]) -> dict[str, Any]:
    """A setting as pages show it."""
    return {
        **one,
        "shown": shown_as(one["value"]),
        "default_shown": shown_as(one["default"]),
        "help": visit.say(one["help"]),
        "fits": said(visit.language, one["fits"]),
    }


def shown_as(value: object) -> str:
    """A value as it is read and typed; "" for what nobody knows any more."""
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    whole = isinstance(value, float) and value.is_integer()
    return "" if value is None else f"{value:.0f}" if whole else str(value)


def _notice(visit: Visit) -> str:
    return visit.say(NOTICES.get(asked(visit, "done"), ""))


ROUTES: list[Route] = [
    looking(PATH, list_settings),
    looking(HISTORY, history),
    *form(UNDO, undo, undo, Right.SETUP),
    *form(f"{PATH}/{{name}}", ask_change, change, Right.SETUP),
]
