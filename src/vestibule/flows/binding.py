"""Binding a factor: the proof by a code, the count of wrong ones, and the end of those that were never proven.

A wrong code is counted as at any door, so a refusal is given back as a value: raised, it would take its count along.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from vestibule.core import failures
from vestibule.core.credentials import BYPASS, Credential, CredentialState, Seed
from vestibule.core.failures import FailureKey, Failures
from vestibule.core.places import place_of
from vestibule.core.ports import Failed, Passed, Reading, Writing
from vestibule.core.reasons import Reason
from vestibule.core.users import Mfa, User
from vestibule.flows import inventory
from vestibule.flows.desk import SLICE, Desk
from vestibule.flows.owners import taken_up
from vestibule.flows.refused import Refused

WRONG = "The code is not right. Look at it anew, and type the one that is shown now."
SPENT = "This code was used already. Wait for the next one, and type that."
SLOW_DOWN = "There were too many wrong codes. Wait a while, then try again."


@dataclass(frozen=True, slots=True)
class Proven:
    """The factor that was bound just now."""

    id: str
    method: str


def prove(desk: Desk, writing: Writing, user: User, one: Credential, code: str) -> Proven | Refused:
    """Bind the factor if the code is its own, else count the guess; a refusal is given back, to be committed."""
    if _held_back(desk, writing, user, one) is not None:
        return Refused(SLOW_DOWN)
    found = desk.oath[one.method].check(_bare(code), one, writing.get(Seed, one.seed_id), desk.moment())
    if isinstance(found, Failed):
        if found.reason is not Reason.WRONG_CODE:
            return Refused(SPENT)
        counted(desk, writing, user, (one.id,))
        return Refused(WRONG)
    _bind(desk, writing, user, found)
    return Proven(one.id, one.method)


def _bind(desk: Desk, writing: Writing, user: User, passed: Passed) -> None:
    """Store the factor as one that counts, with its spent code."""
    if passed.seed is not None:
        writing.put(passed.seed)
    one = replace(passed.credential, state=CredentialState.ACTIVE, version=passed.credential.version + 1)
    writing.put(one)
    if user.mfa is Mfa.ENABLED:
        user = replace(user, mfa=Mfa.ENFORCED, version=user.version + 1)
        writing.put(user)
    entry = desk.entry("factor.add", f"user {user.id}", user, one.id, method=one.method, serial=one.serial)
    writing.note(entry)
    taken_up(desk, writing, user.id)


def _held_back(desk: Desk, writing: Writing, user: User, one: Credential) -> Reason | None:
    """What keeps this person's next code from being looked at, by the rules of every door."""
    rows, limits, now = _rows(writing, user.id), desk.store.snapshot.settings.limits, desk.clock()
    source = _source(desk)
    if failures.source_delayed(rows, source, limits, now):
        return Reason.THROTTLED
    return failures.why_not_tried(rows, one.id, source, limits, now)


def counted(desk: Desk, writing: Writing, user: User, factors: tuple[str, ...]) -> bool:
    """Count a wrong guess, unless this place has to wait; whether it has to."""
    rows, limits, now = _rows(writing, user.id), desk.store.snapshot.settings.limits, desk.clock()
    if failures.source_delayed(rows, _source(desk), limits, now):
        return True
    after = failures.failed(rows, user.id, _source(desk), factors, limits=limits, now=now)
    for key, row in after.items():
        if rows.get(key) is not row:
            writing.put(row)
    detail = {"factors": len(factors)}
    writing.note(desk.entry("factor.wrong_code", f"user {user.id}", user, *factors[:1], **detail))
    return False


def _rows(reading: Reading, user_id: str) -> Mapping[FailureKey, Failures]:
    return {(row.kind, row.name): row for row in reading.find(Failures, "user_id", user_id)}


def _source(desk: Desk) -> str:
    return place_of(desk.address).source


def _bare(code: str) -> str:
    return code.replace(" ", "").replace("-", "")


# -- half-made ones -----------------------------------------------------------------------------------------------


async def sweep(desk: Desk) -> int:
    """Forget apps that were begun here and not proven in time; how many. Raises Unavailable."""
    forgotten, after = 0, ""
    while rows := await desk.store.read(lambda reading, after=after: reading.page(Credential, after, SLICE)):  # type: ignore[misc]  # bound now
        now = desk.clock()
        if any(_over(one, now) for one in rows):
            ids = [one.id for one in rows if _over(one, now)]
            forgotten += await desk.store.change(lambda writing, ids=ids, now=now: _forget(desk, writing, ids, now))  # type: ignore[misc]  # bound now
        after = rows[-1].id
    return forgotten


def half_made(one: Credential) -> bool:
    """Whether it was begun at the portal and not proven: that is what has an end and no serial number."""
    pending = one.state is CredentialState.PENDING and bool(one.expires_at)
    return pending and not one.serial and one.method != BYPASS


def _over(one: Credential, now: float) -> bool:
    return (half_made(one) or one.method == BYPASS) and now >= one.expires_at


def _forget(desk: Desk, writing: Writing, ids: list[str], now: float) -> int:
    """Forget those that are still half made."""
    forgotten = 0
    for id in ids:
        one = writing.get(Credential, id)
        if one is not None and _over(one, now):
            inventory.let_go(writing, one)
            writing.note(desk.entry("factor.expire", "vestibule", writing.get(User, one.user_id), one.id))
            forgotten += 1
    return forgotten


def forget_half_made(writing: Writing, user_id: str) -> None:
    """Who begins anew has given up what they had begun."""
    for one in writing.find(Credential, "user_id", user_id):
        if half_made(one):
            inventory.let_go(writing, one)
