"""Everything at a glance: how many people and tokens there are, how sign-ins ended, what wants to be looked at."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from vestibule.core.figures import Figures
from vestibule.core.journal import EntryKind, Line, Query
from vestibule.core.ports import Reading
from vestibule.core.reasons import Reason
from vestibule.flows import roles
from vestibule.flows.client_rules import warnings_among
from vestibule.flows.desk import Desk
from vestibule.flows.journal import names_of

DAY = 86400.0
LATELY = 30 * DAY
LINES = 8
READ_AT_ONCE = 100
MOST_READ = 1_000
NO_CHANGES = frozenset({"session.begin", "session.end"})


class Hint(StrEnum):
    """What an administrator should look at."""

    NO_OWNER = "no_owner"
    ONE_OWNER = "one_owner"
    WEAK_CLIENTS = "weak_clients"
    NO_CLIENT = "no_client"


@dataclass(frozen=True, slots=True)
class Glance:
    """What was counted at `at`; `reasons` are those of refusals, the most frequent first.

    `lines` are the newest changes, `names` those of who made them, by actor.
    """

    at: float
    figures: Figures
    accepted: int
    refused: int
    reasons: tuple[tuple[Reason, int], ...]
    hints: tuple[tuple[Hint, int], ...]
    lines: tuple[Line, ...]
    names: Mapping[str, str]


async def look(desk: Desk) -> Glance:
    """Count. Over a million people and a busy day this takes a while, so it is kept by whoever asks often."""
    now = desk.clock()

    def question(reading: Reading) -> Glance:
        tallies = reading.tallies(now - DAY, now + 1.0)
        refusals = Counter[Reason]()
        for tally in tallies:
            if tally.reason is not None:
                refusals[tally.reason] += tally.count
        accepted = sum(tally.count for tally in tallies if tally.accepted)
        hints = tuple(_hints(desk, reading, now))
        reasons = tuple(refusals.most_common())
        lines = _changes(reading, now)
        names = names_of(reading, lines)
        return Glance(now, reading.figures(now), accepted, refusals.total(), reasons, hints, lines, names)

    return await desk.store.read(question)


def _changes(reading: Reading, now: float) -> tuple[Line, ...]:
    """The newest changes, among the newest lines: where many people sign in, most of these are no changes."""
    query, before, read = Query(kind=EntryKind.ADMINISTRATION, since=now - LATELY), None, 0
    kept: list[Line] = []
    while len(kept) < LINES and read < MOST_READ and (page := reading.newest(query, before, READ_AT_ONCE)):
        kept += [line for line in page if line.entry.action not in NO_CHANGES]
        before, read = (page[-1].entry.at, page[-1].chain, page[-1].seq), read + len(page)
    return tuple(kept[:LINES])


def _hints(desk: Desk, reading: Reading, now: float) -> list[tuple[Hint, int]]:
    """What wants to be looked at, with how many of it there are."""
    owners, clients = len(roles.owners(reading, now)), desk.store.snapshot.clients.values()
    asking = [one for one in clients if one.networks]
    weak = sum(bool(warnings_among(clients, one, now)) for one in asking)
    found = [
        (Hint.NO_OWNER, owners == 0, 0),
        (Hint.ONE_OWNER, owners == 1, 1),
        (Hint.NO_CLIENT, not asking, 0),
        (Hint.WEAK_CLIENTS, weak > 0, weak),
    ]
    return [(hint, count) for hint, so, count in found if so]
