"""What a person is told by another channel: that a factor, a code list, a password or a number of theirs has changed.

The journal is read from where it was read last, chain by chain, so that no line is missed however the clocks of nodes
stand, and none is told of twice: whoever takes notices writes what is to be sent in the slice that moves the mark.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from vestibule.core.journal import Line
from vestibule.core.ports import ChainHead, Reading, Store, Writing
from vestibule.core.reasons import Reason

MARK = "notices"
READ_AT_ONCE = 200
NOTICED = frozenset(
    {
        "factor.add",
        "factor.remove",
        "recovery.issue",
        "user.password",
        "user.reregister",
        "token.add",
        "token.assign",
        "token.unassign",
        "token.remove",
        "token.disable",
        "pass.issue",
        "bypass.grant",
        "phone.add",
        "phone.set",
        "phone.remove",
        "pin.set",
        "pin.remove",
        "session.not_me",
    }
)
"""Acts that their person hears of, whoever did them; names of the journal."""

ALARMS = frozenset({Reason.PASSKEY_COPIED, Reason.FRAUD_REPORTED})
"""Refusals that their person hears of."""


@dataclass(frozen=True, slots=True)
class Notice:
    """One thing to tell: to whom, what happened and when (seconds since the epoch), from which address.

    `id` is the same for the same line of the journal, and for nothing else.
    """

    id: str
    user_id: str
    at: float
    what: str
    method: str
    address: str


Take = Callable[[Writing, Notice], None]
"""Writes what is to be sent, in the slice that it is handed."""


async def collect(store: Store, take: Take) -> int:
    """Hand on all notices since the last time, a slice at a time; how many. The first time of all only sets the mark.

    Raises Unavailable.
    """
    taken = 0
    while True:
        found, more = await store.change(lambda writing: _slice(writing, take))
        taken += found
        if not more:
            return taken


def _slice(writing: Writing, take: Take) -> tuple[int, bool]:
    """How many were handed on, and whether there may be more."""
    heads, mark = writing.chains(), _mark(writing)
    if mark is None:
        writing.set_state(MARK, json.dumps({head.chain: head.seq for head in heads}))
        return 0, False
    lines = _new_lines(writing, heads, mark)
    found = [notice for line in lines if (notice := _notice(line)) is not None]
    for one in found:
        take(writing, one)
    if lines:
        there = {head.chain: mark.get(head.chain, 0) for head in heads}
        writing.set_state(MARK, json.dumps({**there, **{line.chain: line.seq for line in lines}}))
    return len(found), len(lines) == READ_AT_ONCE


def _new_lines(reading: Reading, heads: list[ChainHead], mark: Mapping[str, int]) -> list[Line]:
    """The next lines of all chains, in order within each; no more than one slice takes."""
    lines: list[Line] = []
    for head in heads:
        read = max(mark.get(head.chain, 0), head.first_seq - 1)
        if read < head.seq and len(lines) < READ_AT_ONCE:
            lines += reading.chain(head.chain, read, READ_AT_ONCE - len(lines))
    return lines


def _notice(line: Line) -> Notice | None:
    entry = line.entry
    alarm = entry.reason in ALARMS
    if not entry.user_id or line.erased or not (alarm or entry.action in NOTICED):
        return None
    what = entry.reason.value if alarm and entry.reason else entry.action
    method = entry.method or str(entry.detail.get("method", ""))
    return Notice(f"{line.chain}/{line.seq}", entry.user_id, entry.at, what, method, entry.client_address)


def _mark(reading: Reading) -> dict[str, int] | None:
    text = reading.state(MARK)
    found: dict[str, int] | None = json.loads(text) if text else None
    return found
