"""Who is calling? Before the helpdesk resets anything it checks that, and the journal keeps how.

Whoever has no right to set things up (`Right.SETUP`) resets only after a check of the last ten minutes, of that very
caller, by that very helper: by a code of a factor that the caller still has, or, where the setting
`caller_check_by_note` allows it, by a note on how the caller was known. The journal's line is the check: there is no
other record that could be written without it. A code is counted and spent as at any door.
"""

from dataclasses import dataclass

from vestibule.core import codes, failures
from vestibule.core.case import Case
from vestibule.core.codes import REPLAYS, Candidate, Wrong, check_code
from vestibule.core.credentials import ACCESS_PASS, BYPASS, Credential, Seed
from vestibule.core.failures import FailureKey, Failures
from vestibule.core.journal import EntryKind, Query
from vestibule.core.places import place_of
from vestibule.core.ports import Reading, Writing
from vestibule.core.reasons import Reason
from vestibule.core.users import User
from vestibule.flows.desk import SLICE, Desk, Told, checked, required, the_user
from vestibule.flows.refused import Refused
from vestibule.flows.rights import Right

ACTION = "caller.check"
SECONDS = 600.0
SHORTEST_NOTE = 10
LONGEST_CODE = 64
NOT_PROOF = frozenset({ACCESS_PASS, BYPASS})  # the helpdesk gave these out itself

ONE_OF_BOTH = "Say how you know who is calling: a code that they tell you, or a note."
NOTE_TOO_SHORT = f"Write at least {SHORTEST_NOTE} characters about how you know who is calling."
NO_NOTES = "Here only a code of the caller counts. Who has none is helped by an administrator."
NOT_YOURSELF = "Nobody checks themselves. Let a colleague do it."
WRONG = "The code is not right. Let the caller read it anew."
SPENT = "This code was used already. Let the caller wait for the next one."
SLOW_DOWN = "There were too many wrong codes. Wait a while, or check the caller in another way."
NO_CODES = "The caller has no factor whose code could be told. Check them in another way, and write a note."
NOT_CHECKED = "Check who is calling first: {name} was not checked by you in the last ten minutes."


@dataclass(frozen=True, slots=True)
class Check:
    """One check: when, until when it counts, and how (`code` or `note`)."""

    at: float
    until: float
    way: str
    note: str


async def record(desk: Desk, actor: str, *, user: str, code: str | None = None, note: str | None = None) -> Told:
    """Note that `actor` knows that this user is calling: {"check": {user, at, until, way, note}}.

    By a `code` of a factor that they have, which is spent; or by a `note` of 10 characters or more. Refused for a wrong
    code, which counts as at any door.
    """
    written = checked(note or "", "note")
    if not code:
        _refuse_note(desk, written)

    def act(writing: Writing) -> Told | Refused:
        caller = the_user(writing, user)
        if desk.acting.user_id == caller.id:
            raise Refused(NOT_YOURSELF, "user")
        credential_id, detail = "", {"way": "code" if code else "note", "note": written}
        if code:
            found = _verified(desk, writing, actor, caller, code)
            if isinstance(found, Refused):
                return found
            credential_id, detail = found.id, {**detail, "method": found.method}
        writing.note(desk.entry(ACTION, actor, caller, credential_id, **detail))
        now = desk.clock()
        return {
            "check": {"user": caller.name, "at": now, "until": now + SECONDS, "way": detail["way"], "note": written}
        }

    told = await desk.store.change(act)
    if isinstance(told, Refused):
        raise told
    return told


async def shown(desk: Desk, actor: str, *, user: str) -> Told:
    """The check of this user by `actor` that counts now, and whether one is asked for at all.

    {"needed": bool, "check": null | {user, at, until, way, note}}
    """

    def question(reading: Reading) -> Told:
        caller = the_user(reading, user)
        one = held(desk, reading, actor, caller)
        told = (
            None
            if one is None
            else {"user": caller.name, "at": one.at, "until": one.until, "way": one.way, "note": one.note}
        )
        return {"needed": needed(desk, reading), "check": told}

    return await desk.store.read(question)


def needed(desk: Desk, reading: Reading) -> bool:
    """Whether whoever acts resets only after a check."""
    return Right.SETUP not in desk.acting.rights_in(reading)


def held(desk: Desk, reading: Reading, actor: str, caller: User) -> Check | None:
    """The newest check of this caller by this helper that still counts, or None."""
    now = desk.clock()
    query = Query(user_id=caller.id, since=now - SECONDS, kind=EntryKind.ADMINISTRATION)
    after, newest = (0.0, "", 0), None
    while page := reading.lines(query, after, SLICE):
        after = page[-1].entry.at, page[-1].chain, page[-1].seq
        for entry in (line.entry for line in page):
            if entry.action == ACTION and entry.actor == actor and now - SECONDS < entry.at <= now:
                newest = Check(entry.at, entry.at + SECONDS, str(entry.detail["way"]), str(entry.detail["note"]))
    return newest


def require(desk: Desk, reading: Reading, actor: str, caller: User) -> None:
    """Refuse a reset by somebody who has to check callers, and has not checked this one."""
    if needed(desk, reading) and held(desk, reading, actor, caller) is None:
        raise Refused(NOT_CHECKED.format(name=caller.name), "caller")


def _refuse_note(desk: Desk, note: str) -> None:
    if not note:
        raise Refused(ONE_OF_BOTH, "code", "note")
    if not desk.store.snapshot.settings.caller_check_by_note:
        raise Refused(NO_NOTES, "note")
    if len(note) < SHORTEST_NOTE:
        raise Refused(NOTE_TOO_SHORT, "note")


# -- a code that the caller tells ------------------------------------------------------------------------------------


def _verified(desk: Desk, writing: Writing, actor: str, caller: User, code: str) -> Credential | Refused:
    """The factor that the code opened, which is spent; or a refusal, given back so that its count is committed."""
    now, source = desk.clock(), place_of(desk.address).source
    case = _case(desk, writing, caller)
    if failures.source_delayed(case.failures, source, case.snapshot.settings.limits, now):
        return Refused(SLOW_DOWN, "code")
    candidates = tuple(
        Candidate(one, desk.typed[one.method])
        for one in case.credentials
        if one.method in desk.typed and one.method not in NOT_PROOF and one.usable(now)
    )
    if not candidates:
        return Refused(NO_CODES, "code")
    typed = required(code, "code", LONGEST_CODE).replace(" ", "").replace("-", "")
    found = check_code(case, candidates, typed, source=source, moment=desk.moment())
    if isinstance(found, codes.Right):
        writing.put(found.passed.credential)
        if found.passed.seed is not None:
            writing.put(found.passed.seed)
        return found.passed.credential
    if found.counts:
        limits = case.snapshot.settings.limits
        after = failures.failed(case.failures, caller.id, source, found.tried, limits=limits, now=now)
        for key, row in after.items():
            if case.failures.get(key) is not row:
                writing.put(row)
        writing.note(desk.entry("caller.wrong_code", actor, caller, *found.tried[:1], factors=len(found.tried)))
    return _why_wrong(found)


def _why_wrong(found: Wrong) -> Refused:
    if found.reason in REPLAYS:
        return Refused(SPENT, "code")
    held_back = found.reason in {Reason.THROTTLED, Reason.TOO_MANY_FAILURES}
    return Refused(SLOW_DOWN if held_back else WRONG, "code")


def _case(desk: Desk, reading: Reading, caller: User) -> Case:
    """All that a check of a code looks at."""
    credentials = tuple(reading.find(Credential, "user_id", caller.id))
    seeds = {one.seed_id: reading.get(Seed, one.seed_id) for one in credentials if one.seed_id}
    rows: dict[FailureKey, Failures] = {
        (row.kind, row.name): row for row in reading.find(Failures, "user_id", caller.id)
    }
    return Case(
        desk.store.snapshot,
        user=caller,
        credentials=credentials,
        seeds={id: seed for id, seed in seeds.items() if seed is not None},
        failures=rows,
    )
