"""The decision trace: why somebody was let in or refused, told step by step from what the journal keeps.

Rules of this file:
- What is told is what was written down, or what can be worked out from it. What is only known as it is now is told as
  that, and what was not recorded is told as not recorded: nothing is guessed.
- A sentence is a text of `trace_texts` with its values beside it, so that pages put it into other languages.
- No secret is in the journal, so none can be told.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from vestibule.core import failures
from vestibule.core.clients import Client, SignIn
from vestibule.core.credentials import Credential
from vestibule.core.failures import FailureKind, Failures
from vestibule.core.journal import EntryKind, Line, Query
from vestibule.core.pins import PIN
from vestibule.core.ports import Reading
from vestibule.core.reasons import Reason, Result
from vestibule.core.snapshot import Snapshot
from vestibule.core.steps import PASSED, PASSED_UNKNOWN
from vestibule.core.users import User
from vestibule.flows import trace_policy
from vestibule.flows import trace_texts as texts
from vestibule.flows.client_rules import is_portal
from vestibule.flows.desk import Desk, Told
from vestibule.flows.refused import Missing
from vestibule.flows.trace_policy import Said
from vestibule.flows.views import line_told

AROUND_SECONDS = 3600.0
MOST_LINES = 50
DAY = 86400.0
WINDOWS = (3600.0, DAY, 30 * DAY, 366 * DAY)  # seconds; an attempt's id says nothing of its time

BEFORE_ALL = frozenset({Reason.UNKNOWN_USER, Reason.BLOCKED, Reason.UNKNOWN_ATTEMPT})
"""What is found before any factor is looked at."""

OF_PASSWORD = frozenset(
    {
        Reason.WRONG_PASSWORD,
        Reason.PASSWORD_EXPIRED,
        Reason.PASSWORD_MUST_CHANGE,
        Reason.ACCOUNT_LOCKED,
        Reason.ACCOUNT_DISABLED,
        Reason.ACCOUNT_EXPIRED,
        Reason.NOT_ALLOWED_NOW,
    }
)
UNCLEAR = frozenset({Reason.THROTTLED, Reason.TOO_MANY_FAILURES})
"""A delay of the place comes before everything, one of the password or a factor later; the journal names none."""

BEFORE_PASSWORD = BEFORE_ALL | UNCLEAR | {Reason.DENIED_BY_POLICY}


class Topic(StrEnum):
    """What a step is about."""

    WHO = "who"
    POLICY = "policy"
    FIRST = "first"
    SECOND = "second"
    OUTCOME = "outcome"
    SAW = "saw"
    NEXT = "next"


class Mark(StrEnum):
    """How a step went."""

    GOOD = "good"
    BAD = "bad"
    CARE = "care"
    UNKNOWN = "unknown"  # not recorded
    PLAIN = "plain"


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the story."""

    topic: Topic
    mark: Mark
    said: tuple[Said, ...]


@dataclass(frozen=True, slots=True)
class Trace:
    """The story of one line; `others` are the other lines of the same attempt, in order of time."""

    line: Line
    steps: tuple[Step, ...]
    others: tuple[Line, ...] = ()


@dataclass(frozen=True, slots=True)
class _Scene:
    """What the story is told from: the line, and what is known of its people and things now."""

    line: Line
    others: tuple[Line, ...]
    user: User | None
    held: tuple[Credential, ...]
    rows: Mapping[tuple[FailureKind, str], Failures]
    snapshot: Snapshot
    now: float
    policy_changed: bool
    client_changed: bool
    named: Mapping[str, str] = field(default_factory=dict)

    @property
    def client(self) -> Client | None:
        return self.snapshot.clients.get(self.line.entry.client_id)

    @property
    def client_name(self) -> str:
        return self.client.name if self.client else self.line.entry.client_id


async def of_line(desk: Desk, chain: str, seq: int) -> Trace:
    """The story of the line at this place of the journal. Refused where there is none of a sign-in."""

    def question(reading: Reading) -> Trace:
        lines = reading.chain(chain, seq - 1, 1)
        if not lines or lines[0].seq != seq:
            raise Missing("There is no such line in the journal.", "line")
        return told(desk, reading, lines[0])

    return await desk.store.read(question)


async def of_attempt(desk: Desk, attempt: str) -> Trace:
    """The story of the last line of an attempt, as the details on a refusal's page name it. Refused where none is."""
    now = desk.clock()
    for window in WINDOWS:
        query = Query(attempt_id=attempt, since=now - window, kind=EntryKind.SIGN_IN)
        found = await desk.store.read(lambda reading, query=query: _newest(desk, reading, query))  # type: ignore[misc]  # bound now
        if attempt and found is not None:
            return found
    raise Missing(f"The journal has no line of an attempt {attempt}.", "attempt")


async def explained(desk: Desk, actor: str, *, attempt: str) -> Told:  # noqa: ARG001 - every flow is told who asks
    """The story of an attempt: {"line": LINE, "steps": [{topic, mark, said: [text]}], "others": [LINE]}.

    A sign-in in one request has no attempt; it is named by its place in the journal, as chain/seq.
    """
    chain, _, seq = attempt.rpartition("/")
    placed = bool(chain) and seq.isascii() and seq.isdecimal()
    story = await (of_line(desk, chain, int(seq)) if placed else of_attempt(desk, attempt))
    steps = [
        {"topic": step.topic.value, "mark": step.mark.value, "said": [said.plain for said in step.said]}
        for step in story.steps
    ]
    others = [line_told(one, "", "") for one in story.others]
    return {"line": line_told(story.line, "", ""), "steps": steps, "others": others}


def told(desk: Desk, reading: Reading, line: Line) -> Trace:
    """The story of this line, in one view of the database."""
    scene = _scene(desk, reading, line)
    if line.entry.kind is not EntryKind.SIGN_IN:
        return Trace(line, (), scene.others)
    steps = (_who(scene), _policy(scene), _first(scene), _second(scene), _outcome(scene), _saw(scene), _next(scene))
    return Trace(line, steps, scene.others)


def _newest(desk: Desk, reading: Reading, query: Query) -> Trace | None:
    lines = reading.newest(query, None, 1)
    return told(desk, reading, lines[0]) if lines else None


# -- what is known ---------------------------------------------------------------------------------------------------


def _scene(desk: Desk, reading: Reading, line: Line) -> _Scene:
    entry, since = line.entry, line.entry.at
    user = reading.get(User, entry.user_id) if entry.user_id else None
    held = reading.find(Credential, "user_id", user.id) if user else []
    rows = reading.find(Failures, "user_id", user.id) if user else []
    return _Scene(
        line,
        _others(reading, line),
        user,
        tuple(one for one in held if one.method != PIN),
        {(row.kind, row.name): row for row in rows},
        desk.store.snapshot,
        desk.clock(),
        _changed(reading, since, trace_policy.ACTIONS)
        or bool(user and _changed(reading, since, ("user.set",), user.id)),
        _changed(reading, since, ("client.set",), client_id=entry.client_id),
    )


def _others(reading: Reading, line: Line) -> tuple[Line, ...]:
    """The other lines of the attempt; they lie near this one."""
    entry = line.entry
    if not entry.attempt_id:
        return ()
    near = Query(attempt_id=entry.attempt_id, since=entry.at - AROUND_SECONDS, until=entry.at + AROUND_SECONDS)
    found = reading.lines(near, (0.0, "", 0), MOST_LINES)
    return tuple(one for one in found if (one.chain, one.seq) != (line.chain, line.seq))


def _changed(
    reading: Reading, since: float, actions: tuple[str, ...], user_id: str = "", *, client_id: str = ""
) -> bool:
    """Whether one of these acts was done since."""
    query = Query(user_id=user_id, since=since, kind=EntryKind.ADMINISTRATION, client_id=client_id, actions=actions)
    return bool(reading.newest(query, None, 1))


# -- the story -------------------------------------------------------------------------------------------------------


def _who(scene: _Scene) -> Step:
    entry = scene.line.entry
    names = {"user": entry.user_name, "client": scene.client_name}
    if scene.line.erased:
        said = [Said(texts.ASKED_ERASED, names)]
    elif entry.reason is Reason.UNKNOWN_ATTEMPT:
        said = [Said(texts.STRAY, names)]
    else:
        said = [Said(texts.ASKED if entry.user_id else texts.ASKED_UNKNOWN, names)]
    if entry.client_address:
        seen = scene.client is not None and is_portal(scene.client)
        said.append(Said(texts.FROM_SEEN if seen else texts.FROM, {"address": entry.client_address}))
    elif entry.source and not entry.source.startswith("client:"):
        said.append(Said(texts.FROM_PLACE, {"source": entry.source}))
    elif not scene.line.erased:
        said.append(Said(texts.FROM_NOWHERE))
    if scene.client is None and entry.client_id:
        said.append(Said(texts.CLIENT_GONE, {"client": entry.client_id}))
    elif scene.client_changed:
        said.append(Said(texts.CLIENT_CHANGED))
    return Step(Topic.WHO, Mark.PLAIN, tuple(said))


def _policy(scene: _Scene) -> Step:
    entry = scene.line.entry
    mark = Mark.BAD if entry.reason is Reason.DENIED_BY_POLICY else Mark.PLAIN
    if not entry.rule:
        return Step(Topic.POLICY, mark, (Said(texts.RULE_NOT_ASKED),))
    if entry.rule in (PASSED, PASSED_UNKNOWN):
        return Step(Topic.POLICY, Mark.CARE, (Said(texts.PASSED if entry.rule == PASSED else texts.PASSED_UNKNOWN),))
    groups = scene.user.groups if scene.user else ()
    said = list(trace_policy.explained(scene.snapshot, entry, groups, scene.client_name))
    if scene.policy_changed:
        said.append(Said(texts.POLICY_CHANGED))
    return Step(Topic.POLICY, mark, tuple(said))


def _first(scene: _Scene) -> Step:
    entry, client = scene.line.entry, scene.client
    if client is not None and client.sign_in is SignIn.CODE_ONLY:
        return Step(Topic.FIRST, Mark.PLAIN, (Said(texts.FIRST_BY_CLIENT),))
    if entry.reason in OF_PASSWORD:
        return _password_refused(scene)
    if entry.attempt_id and entry.reason is not Reason.UNKNOWN_ATTEMPT:
        return Step(Topic.FIRST, Mark.GOOD, (Said(texts.FIRST_BEFORE),))
    if entry.reason in BEFORE_PASSWORD:
        return Step(Topic.FIRST, Mark.PLAIN, (Said(texts.FIRST_NOT_ASKED),))
    if client is not None and client.one_field and entry.accepted is False:
        return Step(Topic.FIRST, Mark.UNKNOWN, (Said(texts.FIRST_ONE_FIELD),))
    directory = _directory(scene)
    text = texts.FIRST_RIGHT_DIRECTORY if directory else texts.FIRST_RIGHT
    return Step(Topic.FIRST, Mark.GOOD, (Said(text, {"directory": directory}),))


def _password_refused(scene: _Scene) -> Step:
    """The refusal, in the directory's own words where it had some."""
    directory, words = _directory(scene), str(scene.line.entry.detail.get("directory", ""))
    said = [Said(texts.FIRST_WRONG_DIRECTORY if directory else texts.FIRST_WRONG, {"directory": directory})]
    said += [Said(texts.FIRST_WORDS, {"words": words})] if words else []
    return Step(Topic.FIRST, Mark.BAD, tuple(said))


def _directory(scene: _Scene) -> str:
    """The directory that is asked for this person's password at this client, "" for none."""
    return (scene.client.first_factor if scene.client else "") or (scene.user.directory if scene.user else "")


def _second(scene: _Scene) -> Step:
    entry = scene.line.entry
    if entry.reason in BEFORE_ALL | OF_PASSWORD or entry.reason is Reason.DENIED_BY_POLICY:
        return Step(Topic.SECOND, Mark.PLAIN, (Said(texts.SECOND_NOT_ASKED),))
    if entry.accepted and not entry.credential_id and not entry.method:
        off = scene.user is not None and scene.user.mfa == "off"
        return Step(Topic.SECOND, Mark.CARE, (Said(texts.SECOND_OFF if off else texts.SECOND_NOT_ASKED),))
    said = [*_asked(scene), *_factors(scene)]
    mark = Mark.GOOD if entry.accepted else Mark.BAD
    return Step(Topic.SECOND, mark, tuple(said))


def _asked(scene: _Scene) -> Iterator[Said]:
    entry = scene.line.entry
    yield Said(texts.SECOND_ASKED if entry.attempt_id else texts.SECOND_AT_ONCE)
    for other in (one.entry for one in scene.others if one.entry.at <= entry.at):
        if other.action == "question.missed":
            yield Said(texts.SECOND_MISSED, {"result": other.result.value})
        elif other.kind is EntryKind.SIGN_IN and other.accepted is False:
            yield Said(texts.SECOND_AGAIN)
    if entry.reason in UNCLEAR:
        yield Said(texts.DELAY_UNKNOWN)
    yield from _place(scene)


def _place(scene: _Scene) -> Iterator[Said]:
    """What counts for and against the place, as it is now."""
    source = scene.line.entry.source
    if scene.user is None or not source or scene.line.entry.reason not in UNCLEAR | {Reason.WRONG_CODE}:
        return
    row = scene.rows.get((FailureKind.SOURCE, source))
    count = row.count if row else 0
    yield Said(texts.DELAY_PLACE if count else texts.DELAY_PLACE_NONE, {"source": source, "count": str(count)})
    if row and 0 < row.accepted_at < scene.line.entry.at and failures.known_source(scene.rows, source, scene.now):
        yield Said(texts.KNOWN_PLACE)


def _factors(scene: _Scene) -> Iterator[Said]:
    """The factors of the person: the one that counted, and what kept each of the others back."""
    if scene.user is None:
        return
    if not scene.held:
        yield Said(texts.SECOND_NONE)
        return
    taken = trace_policy.methods_of(scene.snapshot, scene.line.entry.rule)
    for one in sorted(scene.held, key=lambda one: one.id != scene.line.entry.credential_id):
        yield _factor(scene, one, taken)
    if scene.line.entry.reason is Reason.WRONG_CODE and not scene.line.entry.credential_id and len(scene.held) > 1:
        yield Said(texts.NOT_RECORDED_TRIED)
    yield Said(texts.FACTORS_NOW)


def _factor(scene: _Scene, one: Credential, taken: tuple[str, ...]) -> Said:
    """One factor: the first of these that is so."""
    entry, row = scene.line.entry, scene.rows.get((FailureKind.FACTOR, one.id))
    count, limits = row.count if row else 0, scene.snapshot.settings.limits
    values = {"factor": _called(one), "kind": one.method, "count": str(count)}
    used = texts.FACTOR_USED if entry.accepted else texts.FACTOR_TRIED
    over = not one.usable(entry.at)
    found = (
        (one.id == entry.credential_id, used),
        (one.created_at > entry.at, texts.FACTOR_LATER),
        (bool(taken) and one.method not in taken, texts.FACTOR_NOT_TAKEN),
        (one.state == "pending", texts.FACTOR_PENDING),
        (one.state == "disabled", texts.FACTOR_DISABLED),
        (over, texts.FACTOR_OVER),
        (count >= limits.strangers_stop, texts.FACTOR_STOPPED),
        (count > 0, texts.FACTOR_WRONG),
    )
    return Said(next((text for so, text in found if so), texts.FACTOR_COUNTED), values)


def _called(one: Credential) -> str:
    """What tells it from others of its kind, which stands beside it."""
    return " ".join(part for part in (one.serial, one.label) if part)


def _outcome(scene: _Scene) -> Step:
    entry = scene.line.entry
    if entry.reason is not None:
        return Step(Topic.OUTCOME, Mark.BAD, (Said(texts.REFUSED, reason=entry.reason),))
    names = {"user": entry.user_name, "kind": entry.method}
    said = [Said(texts.LET_IN_BY if entry.method else texts.LET_IN, names)]
    if entry.result is Result.USED_CACHE:
        said.append(Said(texts.LET_IN_AGAIN))
    return Step(Topic.OUTCOME, Mark.GOOD, tuple(said))


def _saw(scene: _Scene) -> Step:
    """What was told to the outside, where nobody learns the reason."""
    entry, client = scene.line.entry, scene.client
    mark = Mark.GOOD if entry.accepted else Mark.PLAIN
    later = [one for one in scene.others if one.entry.kind is EntryKind.SIGN_IN and one.entry.at > entry.at]
    if entry.accepted is False and later:
        return Step(Topic.SAW, mark, (Said(texts.SAW_AGAIN),))
    if client is None:
        return Step(Topic.SAW, mark, (Said(texts.CLIENT_GONE, {"client": entry.client_id}),))
    if is_portal(client):
        return Step(Topic.SAW, mark, (Said(texts.SAW_IN_PAGE if entry.accepted else texts.SAW_PAGE),))
    if entry.accepted:
        return Step(Topic.SAW, mark, (Said(texts.SAW_IN),))
    text = {"text": scene.snapshot.settings.text_refused}
    return Step(Topic.SAW, mark, (Said(texts.SAW_REJECT, text) if client.networks else Said(texts.SAW_API),))


def _next(scene: _Scene) -> Step:
    reason = scene.line.entry.reason
    if reason is Reason.NO_ANSWER and any(one.entry.reason is Reason.WRONG_PIN for one in scene.others):
        reason = Reason.WRONG_PIN  # who hung up on the second asking has no need of more time
    said = Said(texts.NEXT[reason]) if reason else Said(texts.NEXT_NOTHING)
    return Step(Topic.NEXT, Mark.PLAIN, (said,))
