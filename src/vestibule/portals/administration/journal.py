"""The journal: its newest lines, narrowed down; one line; and the decision trace of a sign-in."""

import json
from datetime import UTC, datetime

from starlette.responses import Response
from starlette.routing import Route

from vestibule.core.journal import EntryKind, Query
from vestibule.core.reasons import Reason
from vestibule.flows import journal, people, trace
from vestibule.flows.refused import Missing, Refused
from vestibule.flows.trace import Mark, Step, Topic
from vestibule.flows.trace_policy import Said, tidy
from vestibule.flows.trace_texts import MEANING
from vestibule.portals import words
from vestibule.portals.administration.entry import address, asked, looking, named, show
from vestibule.portals.administration.journal_words import KINDS, PATH, told_line, told_lines
from vestibule.portals.administration.saying import said
from vestibule.portals.languages import marked
from vestibule.portals.visit import Visit

WINDOWS = (
    ("1", marked("the last hour")),
    ("24", marked("the last day")),
    ("168", marked("the last week")),
    ("720", marked("the last month")),
    ("0", marked("all of it")),
)
HOUR = 3600.0
USUAL_WINDOW = "168"
RESULTS = (("", marked("all")), ("accepted", marked("let in")), ("refused", marked("refused")))
FILTERS = ("user", "client", "kind", "result", "reason", "window", "from", "to")
NOBODY = marked("There is nobody of this name.")
NO_TIME = marked("Choose a day and a time.")

TOPICS = {
    Topic.WHO: marked("Who asked"),
    Topic.POLICY: marked("What the policy says"),
    Topic.FIRST: marked("The first factor"),
    Topic.SECOND: marked("The second factor"),
    Topic.OUTCOME: marked("How it ended"),
    Topic.SAW: marked("What was seen outside"),
    Topic.NEXT: marked("What to do next"),
}
MARKS = {Mark.GOOD: "good", Mark.BAD: "bad", Mark.CARE: "care", Mark.UNKNOWN: "unknown", Mark.PLAIN: ""}


async def listed(visit: Visit) -> Response:
    """The newest lines that were asked for."""
    typed = {name: asked(visit, name) for name in FILTERS}
    typed["window"] = typed["window"] or USUAL_WINDOW
    try:
        query = await _query(visit, typed)
        found = await journal.newest(visit.desk, query, asked(visit, "before"))
    except Refused as refused:
        return _list(visit, typed, None, "", 422, refused=said(visit.language, refused.text), wrong=refused.fields)
    following = address(PATH, {**typed, "before": found.next}) if found.next else ""
    return _list(visit, typed, told_lines(visit, found.lines, found.names), following)


def _list(
    visit: Visit, typed: dict[str, str], lines: object, following: str, status: int = 200, /, **told: object
) -> Response:
    clients = sorted((one.id, one.name) for one in visit.desk.store.snapshot.clients.values())
    first = address(PATH, typed) if asked(visit, "before") else ""
    options = {
        "clients": [("", visit.say(marked("all"))), *clients],
        "kinds": [("", visit.say(marked("all"))), *((kind, visit.say(word)) for kind, word in KINDS.items())],
        "results": [(value, visit.say(word)) for value, word in RESULTS],
        "reasons": [("", visit.say(marked("all"))), *((one.value, visit.say(MEANING[one])) for one in Reason)],
        "windows": [(value, visit.say(word)) for value, word in WINDOWS],
    }
    told = {"lines": lines or [], "next": following, "first": first, "filters": typed, **options, **told}
    return show(visit, "journal.html", "journal", status, **told)


async def one(visit: Visit) -> Response:
    """One line, and for a sign-in the story behind it."""
    chain, seq = named(visit, "chain"), named(visit, "seq")
    if not seq.isascii() or not seq.isdecimal():
        raise Missing("There is no such line in the journal.", "line")
    return await _told(visit, await trace.of_line(visit.desk, chain, int(seq)))


async def attempt(visit: Visit) -> Response:
    """The story of an attempt, as the details on a refusal's page name it."""
    return await _told(visit, await trace.of_attempt(visit.desk, named(visit, "attempt")))


async def _told(visit: Visit, story: trace.Trace) -> Response:
    entry = story.line.entry
    lines = (story.line, *story.others)
    names = await visit.desk.store.read(lambda reading: journal.names_of(reading, lines))
    steps = [_step(visit, one) for one in story.steps]
    detail = json.dumps(entry.detail, ensure_ascii=False, indent=2) if entry.detail else ""
    return show(
        visit,
        "journal_line.html",
        "journal",
        line=told_line(visit, story.line, names),
        entry=entry,
        place=f"{story.line.chain}/{story.line.seq}",
        erased=story.line.erased,
        steps=steps,
        others=told_lines(visit, story.others, names),
        detail=detail,
    )


def _step(visit: Visit, step: Step) -> dict[str, object]:
    said = [in_words(visit, one) for one in step.said]
    return {"title": visit.say(TOPICS[step.topic]), "mark": MARKS[step.mark], "said": said}


def in_words(visit: Visit, said: Said) -> str:
    """A sentence of a trace in the person's language; what it names stays as it is."""
    values = {name: visit.say(text) for name, text in said.values.items()}
    if "kind" in values:
        values["kind"] = words.method_word(visit.language, said.values["kind"])
    if said.reason:
        values["reason"] = visit.say(MEANING[said.reason])
    return tidy(visit.say(said.text).format(**values))


# -- what was asked for ----------------------------------------------------------------------------------------------


async def _query(visit: Visit, typed: dict[str, str]) -> Query:
    """The filters as the journal takes them; what is none of ours matches everything. Refused for nobody's name."""
    user_id = ""
    if typed["user"]:
        try:
            user_id = (await people.show(visit.desk, typed["user"])).user.id
        except Missing:
            raise Refused(NOBODY, "user") from None
    hours = next((float(value) for value, _ in WINDOWS if value == typed["window"]), 0.0)
    since = _time(typed["from"], "from") or (visit.desk.clock() - hours * HOUR if hours else 0.0)
    return Query(
        user_id=user_id,
        since=since,
        until=_time(typed["to"], "to"),
        kind=EntryKind(typed["kind"]) if typed["kind"] in tuple(EntryKind) else None,
        reason=Reason(typed["reason"]) if typed["reason"] in tuple(Reason) else None,
        accepted={"accepted": True, "refused": False}.get(typed["result"]),
        client_id=typed["client"],
    )


def _time(text: str, name: str) -> float:
    """A time in UTC as a browser's field has it, 0 for none. Refused for what is no time."""
    if not text:
        return 0.0
    try:
        return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()
    except ValueError:
        raise Refused(NO_TIME, name) from None


ROUTES: list[Route] = [
    looking(PATH, listed),
    looking(f"{PATH}/attempts/{{attempt}}", attempt),
    looking(f"{PATH}/{{chain}}/{{seq}}", one),
]
