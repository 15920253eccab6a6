"""Acts: one page each, with a few fields and a button, which does one thing to one person or token.

An act is described, not programmed: what it is called, what it asks, which right it takes, and the flow behind it.
After it the browser is back at what it was done to; what is shown a single time is shown at once, and not again.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace

from starlette.responses import Response
from starlette.routing import Route

from vestibule.flows.refused import Missing, Refused
from vestibule.flows.roles import Right
from vestibule.portals.administration.entry import address, form, named, show
from vestibule.portals.administration.saying import said
from vestibule.portals.languages import marked
from vestibule.portals.visit import Answer, Visit

CALLER = "caller"
"""What a flow's refusal names when the helpdesk has to check first who is calling."""

IN_THE_ADDRESS = frozenset({"user", "token", "name"})
"""What is missing is the thing itself when one of these is; it is not there any more."""

FIELD_OF: Mapping[tuple[str, ...], tuple[str, ...]] = {("token",): ("serial",)}
"""Fields of a flow that a form calls otherwise."""

DRAFT_OCTETS = 16
NOT_A_NUMBER = marked("{} must be a whole number.")


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a form. `kind` is text, area, number, choose, check, code, password or moment (a time in UTC)."""

    name: str
    label: str
    kind: str = "text"
    hint: str = ""
    required: bool = True
    options: tuple[tuple[str, str], ...] = ()
    default: str = ""
    longest: int = 256


@dataclass(frozen=True, slots=True)
class Subject:
    """What an act is done to; `values` are what its fields have now, `user_id` whose it is ("" for nobody)."""

    id: str
    name: str
    path: str
    user_id: str = ""
    values: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ShownOnce:
    """What an act shows this one time: a name and a text each, and what to do with them."""

    text: str
    secrets: tuple[tuple[str, str], ...]

    def __repr__(self) -> str:
        """Print what it is for, never what it shows."""
        return f"ShownOnce({self.text!r})"


Run = Callable[[Visit, Subject], Awaitable[ShownOnce | None]]


@dataclass(frozen=True, slots=True)
class Act:
    """One act; `done` is said afterwards."""

    name: str
    title: str
    text: str
    button: str
    done: str
    right: Right
    run: Run
    fields: tuple[Field, ...] = ()
    danger: bool = False


@dataclass(frozen=True, slots=True)
class Place:
    """Where acts stand: the section, the address that they hang on, and how what the address names is found."""

    section: str
    path: str
    find: Callable[[Visit, str], Awaitable[Subject]]

    def routes(self, acts: Iterable[Act]) -> list[Route]:
        """The pages of all acts."""
        return [
            route for act in acts for route in form(f"{self.path}/{act.name}", self._ask(act), self._do(act), act.right)
        ]

    def _ask(self, act: Act) -> Answer:
        async def ask(visit: Visit) -> Response:
            return _page(visit, self, act, await self.find(visit, named(visit)))

        return ask

    def _do(self, act: Act) -> Answer:
        async def do(visit: Visit) -> Response:
            subject = await self.find(visit, named(visit))
            try:
                once = await act.run(visit, subject)
            except Refused as refused:
                return _refused(visit, self, act, subject, refused)
            if once is not None:
                return show(visit, "shown_once.html", self.section, subject=subject, act=act, once=once)
            return visit.go(subject.path, done=act.name)

        return do


def typed(visit: Visit, name: str, longest: int = 4000) -> str:
    """What was typed into a field."""
    return visit.form.get(name, "").strip()[:longest]


def whole(visit: Visit, name: str, label: str) -> int:
    """The whole number of a field. Refused for anything else."""
    text = typed(visit, name, 12)
    if not text.isascii() or not text.isdecimal():
        raise Refused(visit.say(NOT_A_NUMBER).format(visit.say(label)), name)
    return int(text)


def notice(visit: Visit, acts: Iterable[Act]) -> str:
    """What to say about the act that the address names as just done."""
    done = visit.request.query_params.get("done", "")
    return next((visit.say(act.done) for act in acts if act.name == done), "")


def to_the_check(visit: Visit, user_id: str, back: str) -> Response:
    """Lead to the page where the helpdesk says how it knows who is calling; what was typed waits."""
    draft = visit.desk.chance(DRAFT_OCTETS).hex()
    kept = visit.behind.drafts.keep(draft, visit.who.user.id, visit.form, visit.desk.clock())
    onward = address(back, {"draft": draft}) if kept else back
    return visit.go(f"/admin/people/{user_id}/{CALLER}", next=onward)


def _refused(visit: Visit, place: Place, act: Act, subject: Subject, refused: Refused) -> Response:
    typed_ones = {one.name for one in act.fields}
    if isinstance(refused, Missing) and (IN_THE_ADDRESS - typed_ones).issuperset(refused.fields):
        raise refused
    if CALLER in refused.fields and subject.user_id:
        return to_the_check(visit, subject.user_id, visit.request.url.path)
    wrong = FIELD_OF.get(refused.fields, refused.fields)
    return _page(visit, place, act, subject, 422, refused=said(visit.language, refused.text), wrong=wrong)


def _page(visit: Visit, place: Place, act: Act, subject: Subject, status: int = 200, /, **told: object) -> Response:
    values = {one.name: visit.form.get(one.name, subject.values.get(one.name, one.default)) for one in act.fields}
    if visit.form:  # a box that was not ticked is not sent
        values |= {one.name: visit.form.get(one.name, "") for one in act.fields if one.kind == "check"}
    kept = [replace(one, default=values[one.name]) for one in act.fields]
    return show(visit, "act.html", place.section, status, act=act, subject=subject, fields=kept, **told)
