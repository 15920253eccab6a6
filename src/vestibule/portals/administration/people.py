"""People: the list that is searched while somebody types, one person with all that is theirs, a new one."""

from collections.abc import Mapping

from starlette.responses import Response
from starlette.routing import Route

from vestibule.flows import access_pass, bypass, caller_check, people, users
from vestibule.flows.desk import Desk
from vestibule.flows.people import Shown
from vestibule.flows.refused import Refused
from vestibule.flows.roles import Right
from vestibule.portals.administration import person_acts, person_phones
from vestibule.portals.administration.acts import CALLER, Field, notice, typed
from vestibule.portals.administration.entry import address, asked, form, looking, named, show
from vestibule.portals.administration.journal_words import told_lines
from vestibule.portals.administration.saying import said
from vestibule.portals.languages import marked
from vestibule.portals.signing_in import path_inside
from vestibule.portals.visit import Visit

PATH = "/admin/people"
REMOVED = marked("The person is removed.")
CHECKED = marked("It is noted how you know who is calling. For ten minutes you may reset their factors.")

MFA_WORDS: Mapping[str, str] = {
    "off": marked("not asked"),
    "enabled": marked("not registered yet"),
    "enforced": marked("registered"),
}
ROLE_WORDS: Mapping[str, str] = {
    "helpdesk": marked("Helpdesk"),
    "auditor": marked("Auditor"),
    "administrator": marked("Administrator"),
    "owner": marked("Owner"),
}
STATE_WORDS: Mapping[str, str] = {
    "pending": marked("waits for its first code"),
    "active": marked("counts"),
    "disabled": marked("switched off"),
}
NEW_FIELDS = (
    Field("name", marked("Name to sign in with")),
    *person_acts.NAMES,
    Field(
        "password",
        marked("First password"),
        "password",
        marked("Leave it empty for somebody whose password a directory keeps."),
        required=False,
    ),
)


async def listed(visit: Visit) -> Response:
    """The list; with `q` those who are found by it."""
    typed_, after = asked(visit, "q", people.LONGEST_SEARCH), asked(visit, "after")
    found = await people.search(visit.desk, typed_, after)
    following = address(PATH, {"after": found.next}) if found.next else ""
    done = visit.say(REMOVED) if visit.request.query_params.get("done") == "removal" else ""
    return show(
        visit, "people.html", "people", found=found, q=typed_, after=after, next=following, notice=done, **_words()
    )


async def one(visit: Visit) -> Response:
    """Everything about one person."""
    try:
        shown = await people.show(visit.desk, named(visit))
    except Refused:
        if visit.request.query_params.get("done") == "removal":
            return visit.go(PATH, done="removal")
        raise
    passes, bypasses, check = await _open(visit.desk, visit.who.actor, shown)
    said = notice(visit, (*person_acts.ACTS, *person_phones.ACTS))
    if visit.request.query_params.get("done") == CALLER:
        said = visit.say(CHECKED)
    return show(
        visit,
        "person.html",
        "people",
        shown=shown,
        passes=passes,
        bypasses=bypasses,
        check=check,
        lines=told_lines(visit, shown.lines, shown.names),
        notice=said,
        now=visit.desk.clock(),
        **await person_phones.of_person(visit, shown.user.id),
        **_words(),
    )


async def ask_new(visit: Visit) -> Response:
    """The form for somebody new."""
    return _new(visit)


async def create(visit: Visit) -> Response:
    """Somebody new was typed."""
    password = visit.form.get("password") or None
    fields = person_acts.changes(visit)
    try:
        told = await users.add(
            visit.desk,
            visit.who.actor,
            name=typed(visit, "name"),
            password=password,
            **fields,  # type: ignore[arg-type]  # each field has its type
        )
    except Refused as refused:
        return _new(visit, 422, refused=said(visit.language, refused.text), wrong=refused.fields)
    return visit.go(f"{PATH}/{told['user']['id']}", done="change")


async def ask_caller(visit: Visit) -> Response:
    """The form that asks how the helpdesk knows who is calling."""
    return await _caller(visit)


async def check_caller(visit: Visit) -> Response:
    """A code that the caller told, or a note."""
    code, note = typed(visit, "code", 64), typed(visit, "note")
    person = await person_acts.find(visit, named(visit))
    try:
        await caller_check.record(
            visit.desk, visit.who.actor, user=person.id, code=code or None, note=None if code else note
        )
    except Refused as refused:
        return await _caller(visit, 422, refused=said(visit.language, refused.text), wrong=refused.fields)
    onward = path_inside(visit.form.get("next", ""))
    return visit.go(f"{person.path}", done=CALLER) if not onward.startswith("/admin/") else visit.go(onward)


# -- small parts -----------------------------------------------------------------------------------------------------


def _new(visit: Visit, status: int = 200, /, **told: object) -> Response:
    defaults = {"mfa": "enabled", "locale": "en"}
    fields = [(one, visit.form.get(one.name, defaults.get(one.name, ""))) for one in NEW_FIELDS]
    return show(visit, "person_new.html", "people", status, fields=fields, **told)


async def _caller(visit: Visit, status: int = 200, /, **told: object) -> Response:
    person = await person_acts.find(visit, named(visit))
    notes = bool(visit.desk.store.snapshot.settings.caller_check_by_note)
    onward = visit.form.get("next") or visit.request.query_params.get("next", "")
    return show(visit, "caller.html", "people", status, subject=person, notes=notes, onward=path_inside(onward), **told)


async def _open(desk: Desk, actor: str, shown: Shown) -> tuple[list[object], list[object], dict[str, object]]:
    """The pass and the bypass that are open, and the check of who calls."""
    passes = (await access_pass.listed(desk, actor, user=shown.user.id))["passes"] if desk.passes else []
    bypasses = (await bypass.listed(desk, actor, user=shown.user.id))["bypasses"]
    return passes, bypasses, await caller_check.shown(desk, actor, user=shown.user.id)


def _words() -> dict[str, object]:
    return {"mfa_words": MFA_WORDS, "role_words": ROLE_WORDS, "state_words": STATE_WORDS}


ROUTES: list[Route] = [
    looking(PATH, listed),
    *form(f"{PATH}/new", ask_new, create, Right.PEOPLE),
    looking(f"{PATH}/{{id}}", one),
    *form(f"{PATH}/{{id}}/{CALLER}", ask_caller, check_caller, Right.FACTORS),
    *person_acts.PLACE.routes(person_acts.ACTS),
]
