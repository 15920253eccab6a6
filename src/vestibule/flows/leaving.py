"""What goes with a user who is removed, reset or registered anew: credentials, counters of failures, traces.

Each function is one slice, or part of one; slices are small, so that sign-ins wait for none of them.
"""

from dataclasses import replace

from vestibule.core.credentials import Credential
from vestibule.core.failures import Failures
from vestibule.core.ports import Writing
from vestibule.core.sends import Send
from vestibule.core.users import User
from vestibule.flows import inventory
from vestibule.flows.desk import SLICE, Desk
from vestibule.flows.sessions import end_all


def release_credentials(writing: Writing, user: User) -> list[str]:
    """Take tokens back, let everything else go; the serial numbers that are free again."""
    returned = []
    for one in writing.find(Credential, "user_id", user.id):
        if one.serial:
            returned.append(inventory.take_back(writing, one).serial)
        else:
            inventory.let_go(writing, one)
    return returned


def drop_failures(desk: Desk, actor: str, writing: Writing, user: User) -> int:
    """Remove one slice of all that counts; how many rows."""
    rows = writing.find(Failures, "user_id", user.id)[:SLICE]
    for row in rows:
        writing.remove(Failures, f"{row.user_id}/{row.kind}/{row.name}")
    if rows:
        writing.note(desk.entry("user.remove_failures", actor, user, rows=len(rows)))
    return len(rows)


def sign_out(desk: Desk, actor: str, writing: Writing, user: User) -> None:
    """End the sessions, with a line where there were any."""
    ended = end_all(writing, user.id)
    if ended:
        writing.note(desk.entry("session.end_others", actor, user, ended=ended))


def clear_failures(desk: Desk, actor: str, writing: Writing, user: User) -> int:
    """Clear one slice of rows that count something; how many."""
    rows = [row for row in writing.find(Failures, "user_id", user.id) if row.count or row.shares][:SLICE]
    for row in rows:
        if row.accepted_at:
            writing.put(replace(row, count=0, last_at=0.0, shares=()))
        else:
            writing.remove(Failures, f"{row.user_id}/{row.kind}/{row.name}")
    if rows:
        writing.note(desk.entry("user.reset", actor, user, rows=len(rows)))
    return len(rows)


async def erase(desk: Desk, actor: str, user_id: str) -> int:
    """Erase slice by slice; the lines about it name nobody."""
    while await desk.store.change(lambda writing: _forget_sends(writing, user_id)):
        pass
    erased = 0
    while lines := await desk.store.change(lambda writing: writing.erase(user_id, SLICE)):
        erased += lines
    await desk.store.change(lambda writing: writing.note(desk.entry("user.erase", actor, lines=erased)))
    return erased


def _forget_sends(writing: Writing, user_id: str) -> int:
    """Forget one slice of what was sent to somebody: the first digits of their numbers stand there."""
    rows = writing.find(Send, "user_id", user_id)[:SLICE]
    for row in rows:
        writing.remove(Send, row.id)
    return len(rows)
