"""The policy: its rules in order and in words, what a change would do, and what it says about somebody."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from starlette.responses import Response
from starlette.routing import Route

from vestibule.core.policy import Outcome, Rule
from vestibule.flows import policy, policy_preview
from vestibule.flows.clients import network
from vestibule.flows.policy_preview import Danger, Harm, Reorder
from vestibule.flows.refused import Missing, Refused
from vestibule.flows.roles import Right
from vestibule.portals.administration.entry import address, asked, form, looking, show
from vestibule.portals.administration.filled import Values, chosen, filled, lines, whole
from vestibule.portals.administration.saying import said
from vestibule.portals.languages import Language, marked
from vestibule.portals.visit import Visit
from vestibule.portals.words import method_word

PATH = "/admin/policy"
NEW = "/admin/new-rule"
ONE = "/admin/rule"
LONGEST = 256
NAMED_AT_ONCE = 5
MOST_BOXES = 12  # of one list: a form has up to 40 fields
LISTS = ("clients", "groups", "methods")

EMPTY: Values = {
    "name": "",
    "outcome": Outcome.REQUIRE.value,
    "networks": "",
    "position": "",
    "clients": "",
    "groups": "",
    "methods": "",
}
NOTICES = {
    "added": marked("The rule is in force."),
    "changed": marked("The change is in force."),
    "moved": marked("The new order is in force."),
    "removed": marked("The rule is removed."),
}
OUTCOMES = {
    Outcome.REQUIRE.value: marked("A second factor is asked"),
    Outcome.ALLOW.value: marked("The first factor is enough"),
    Outcome.DENY.value: marked("Sign-in is refused"),
}
HARMS = {
    Harm.SHUT: marked("Nobody could sign in at {} any more."),
    Harm.OPEN: marked("Nobody would be asked for a second factor at {} any more."),
    Harm.NO_OWNER: marked(
        "No owner could sign in to these pages any more from where you are; then only a command on the server helps."
    ),
    Harm.NOT_YOU: marked("You yourself could not sign in to these pages any more from where you are."),
}
MISSES = {
    "clients": marked("another client"),
    "groups": marked("in none of its groups"),
    "networks": marked("from elsewhere"),
}
AT, OF, FROM = marked("at {}"), marked("people of {}"), marked("from {}")
EVERYBODY = marked("everybody, everywhere")
DEFAULT_RULE = marked("Whoever is left: a second factor is asked")


# -- looking ---------------------------------------------------------------------------------------------------------


async def list_rules(visit: Visit) -> Response:
    """All rules in order; and, once somebody is named, which of them speaks."""
    found = await policy.listed(visit.desk, visit.who.actor)
    user = asked(visit, "user")
    refused, explained = "", None
    wrong: tuple[str, ...] = ()
    if user:
        try:
            explained = await policy_preview.explain(
                visit.desk, user=user, client=asked(visit, "client", 64), address=asked(visit, "address", 64)
            )
        except Refused as refusal:
            refused, wrong = said(visit.language, refusal.text), refusal.fields
    return show(
        visit,
        "policy.html",
        "policy",
        422 if refused else 200,
        rules=[
            {**rule, "words": condition(visit.language, rule), "then": _then(visit, rule)} for rule in found["rules"]
        ],
        explained=explained,
        misses={name: visit.say(text) for name, text in MISSES.items()},
        outcomes=OUTCOMES,
        method=lambda name: method_word(visit.language, name),
        clients=sorted(visit.desk.store.snapshot.clients),
        who={"user": user, "client": asked(visit, "client", 64), "address": asked(visit, "address", 64)},
        link=_link,
        default=visit.say(DEFAULT_RULE),
        notice=visit.say(NOTICES.get(asked(visit, "done"), "")),
        refused=refused,
        wrong=wrong,
    )


def condition(language: Language, rule: Mapping[str, Any]) -> str:
    """When a rule speaks, in words."""
    parts = [
        language(text).format(", ".join(rule[name]))
        for name, text in (("clients", AT), ("groups", OF), ("networks", FROM))
        if rule[name]
    ]
    return " · ".join(parts) or language(EVERYBODY)


def _then(visit: Visit, rule: Mapping[str, Any]) -> str:
    """What a rule asks for, in words."""
    text = visit.say(OUTCOMES[rule["outcome"]])
    methods = ", ".join(method_word(visit.language, one) for one in rule["methods"])
    return f"{text}: {methods}" if methods and rule["outcome"] == Outcome.REQUIRE.value else text


# -- adding and changing -----------------------------------------------------------------------------------------------


async def ask_new(visit: Visit) -> Response:
    """The page for a new rule."""
    return _form(visit, EMPTY)


async def add(visit: Visit) -> Response:
    """A new rule was typed; one that would shut people out is asked about first."""
    values = filled(visit, EMPTY)
    position = None
    try:
        position = whole(visit, "position") if values["position"].strip() else None
        given = _given(visit, values)
        held = await _held(visit, _placed(_draft(values["name"], given), position))
        if held:
            return _form(visit, EMPTY, dangers=held)
        await policy.add(visit.desk, visit.who.actor, name=values["name"], position=position, **given)
    except Refused as refused:
        return _form(visit, EMPTY, refused=refused)
    return visit.go(PATH, done="added")


async def ask_change(visit: Visit) -> Response:
    """The page with what is kept."""
    rule = await _rule(visit)
    return _form(visit, _kept(rule), rule=rule)


async def change(visit: Visit) -> Response:
    """Other values were typed."""
    rule = await _rule(visit)
    values = filled(visit, _kept(rule))
    try:
        given = _given(visit, values)
        held = await _held(visit, policy_preview.changed(rule["name"], _draft(values["name"], given)))
        if held:
            return _form(visit, _kept(rule), rule=rule, dangers=held)
        await policy.change(visit.desk, visit.who.actor, name=rule["name"], new_name=values["name"], **given)
    except Refused as refused:
        return _form(visit, _kept(rule), rule=rule, refused=refused)
    return visit.go(PATH, done="changed")


def _form(
    visit: Visit,
    kept: Values,
    *,
    rule: Mapping[str, Any] | None = None,
    refused: Refused | None = None,
    dangers: Sequence[str] = (),
) -> Response:
    snapshot = visit.desk.store.snapshot
    return show(
        visit,
        "rule_form.html",
        "policy",
        422 if refused else 409 if dangers else 200,
        values=filled(visit, kept),
        rule=rule,
        clients=sorted(snapshot.clients),
        groups=sorted(snapshot.groups),
        methods=[(one, method_word(visit.language, one)) for one in visit.desk.methods],
        outcomes=[(name, visit.say(text)) for name, text in OUTCOMES.items()],
        most=MOST_BOXES,
        dangers=dangers,
        refused=said(visit.language, refused.text) if refused else "",
        wrong=refused.fields if refused else (),
    )


def _given(visit: Visit, values: Values) -> dict[str, Any]:
    """What both adding and changing take."""
    snapshot = visit.desk.store.snapshot
    return {
        "outcome": values["outcome"],
        "clients": _named(visit, "clients", snapshot.clients),
        "groups": _named(visit, "groups", snapshot.groups),
        "networks": lines(values["networks"]),
        "methods": _named(visit, "methods", visit.desk.methods),
    }


def _named(visit: Visit, name: str, of: Collection[str]) -> list[str]:
    """What was ticked; of a list too long for boxes, what was typed."""
    if len(of) > MOST_BOXES:
        return list(dict.fromkeys(line.strip() for line in visit.form.get(name, "").splitlines() if line.strip()))
    return chosen(visit, name[:-1], of)


def _kept(rule: Mapping[str, Any]) -> Values:
    """A rule as its form shows it."""
    ticks = {f"{name[:-1]}.{one}": "yes" for name in LISTS for one in rule[name]}
    texts = {name: "\n".join(rule[name]) for name in ("networks", *LISTS)}
    return {**EMPTY, "name": rule["name"], "outcome": rule["outcome"], **texts, **ticks}


def _draft(name: str, given: Mapping[str, Any]) -> Rule:
    """The rule as it would be, to be looked at. Refused for an outcome or a network that is none."""
    parts = {part: tuple(given[part]) for part in ("clients", "groups", "methods")}
    around = tuple(network(text) for text in given["networks"])
    return Rule("", 0, name.strip(), policy.outcome_of(given["outcome"]), networks=around, **parts)


def _placed(draft: Rule, position: int | None) -> Reorder:
    def reorder(rules: list[Rule]) -> list[Rule]:
        place = len(rules) if position is None else max(0, position - 1)
        return [*rules[:place], draft, *rules[place:]]

    return reorder


# -- moving and removing -----------------------------------------------------------------------------------------------


async def to_the_rules(visit: Visit) -> Response:
    """Behind this address something is moved; who comes back to it after signing in is asked again."""
    return await move(visit) if visit.form.get("name") else visit.go(PATH)


async def move(visit: Visit) -> Response:
    """A rule is to stand elsewhere; asked about first where that would shut people out."""
    name = visit.form.get("name", "")[:LONGEST]
    try:
        position = whole(visit, "position")
        held = await _held(visit, policy_preview.moved(name, position))
        if held or visit.request.method == "GET":
            return show(visit, "rule_move.html", "policy", 409, name=name, position=position, dangers=held)
        await policy.move(visit.desk, visit.who.actor, name=name, position=position)
    except Missing:
        raise
    except Refused:
        return visit.go(PATH)  # the rules are others by now: the page shows them
    return visit.go(PATH, done="moved")


async def ask_removal(visit: Visit) -> Response:
    """The page that says what the removal means, and whom it would shut out."""
    rule = await _rule(visit)
    dangers = await _dangers(visit, policy_preview.without(rule["name"]))
    then = {**rule, "words": condition(visit.language, rule), "then": _then(visit, rule)}
    return show(visit, "rule_removal.html", "policy", rule=then, dangers=dangers)


async def remove(visit: Visit) -> Response:
    """It was confirmed."""
    rule = await _rule(visit)
    if await _held(visit, policy_preview.without(rule["name"])):
        return await ask_removal(visit)
    await policy.remove(visit.desk, visit.who.actor, name=rule["name"])
    return visit.go(PATH, done="removed")


# -- small questions ---------------------------------------------------------------------------------------------------


async def _held(visit: Visit, reorder: Reorder) -> list[str]:
    """What is to be confirmed first, in words; nothing once it was."""
    return [] if visit.form.get("sure") == "yes" else await _dangers(visit, reorder)


async def _dangers(visit: Visit, reorder: Reorder) -> list[str]:
    found = await policy_preview.dangers(visit.desk, visit.who.user.id, reorder)
    return [_danger(visit, one) for one in found]


def _danger(visit: Visit, danger: Danger) -> str:
    named = ", ".join(danger.where[:NAMED_AT_ONCE])
    more = " …" if len(danger.where) > NAMED_AT_ONCE else ""
    return visit.say(HARMS[danger.harm]).format(named + more)


async def _rule(visit: Visit) -> Mapping[str, Any]:
    name = visit.form.get("rule") or visit.request.query_params.get("name", "")
    told = await policy.show(visit.desk, visit.who.actor, name=name[:LONGEST])
    rule: Mapping[str, Any] = told["rule"]
    return rule


def _link(name: str, what: str) -> str:
    """The address of one rule: its name may have any characters, so it stands behind the question mark."""
    return address(f"{ONE}/{what}", {"name": name})


ROUTES: list[Route] = [
    looking(PATH, list_rules),
    *form(NEW, ask_new, add, Right.SETUP),
    *form(f"{ONE}/change", ask_change, change, Right.SETUP),
    *form(f"{ONE}/move", to_the_rules, move, Right.SETUP),
    *form(f"{ONE}/removal", ask_removal, remove, Right.SETUP),
]
