"""Reports on sign-ins: what was let in and what was refused, in numbers without names.

A month is counted day by day (UTC), so that no question to the database takes long and memory stays flat.
"""

import re
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from functools import partial

from vestibule.core.journal import Tally
from vestibule.core.ports import Reading
from vestibule.flows.desk import Desk, Progress, Told, quiet
from vestibule.flows.refused import Refused

_MONTH = re.compile(r"(19[7-9][0-9]|[2-8][0-9]{3})-(0[1-9]|1[0-2])", re.ASCII)
_DAY = timedelta(days=1)

Group = tuple[str, Tally]
"""What sign-ins are counted under, and how many ended alike."""


async def monthly(
    desk: Desk,
    actor: str,  # noqa: ARG001 - every flow is told who asks
    *,
    month: str,
    progress: Progress = quiet,
) -> Told:
    """Count the sign-ins of a month by day, method, client and reason; days that are yet to come are left out.

    `month` is a text such as "2027-01". Raises Refused.
    """
    days = [day for day in _days(month) if day.timestamp() <= desk.clock()]
    found: list[Group] = []
    for done, day in enumerate(days, 1):
        tallies = await desk.store.read(partial(_of_day, day=day))
        found += [(f"{day:%Y-%m-%d}", tally) for tally in tallies]
        progress(done, len(days))
    return _report(month, [f"{day:%Y-%m-%d}" for day in days], found)


def _days(month: str) -> list[datetime]:
    """The beginnings of all days of the month."""
    parts = _MONTH.fullmatch(month)
    if parts is None:
        raise Refused("month must be a month such as 2027-01.", "month")
    first = datetime(int(parts[1]), int(parts[2]), 1, tzinfo=UTC)
    return [day for number in range(31) if (day := first + number * _DAY).month == first.month]


def _of_day(reading: Reading, day: datetime) -> list[Tally]:
    return reading.tallies(day.timestamp(), (day + _DAY).timestamp())


def _report(month: str, days: Iterable[str], found: list[Group]) -> Told:
    tallies = [tally for _, tally in found]
    by_day = _counted(found)
    nothing = {"accepted": 0, "refused": 0}
    refusals = Counter[str]()
    for tally in tallies:
        if not tally.accepted:
            refusals[tally.reason or ""] += tally.count
    return {
        "month": month,
        "accepted": sum(tally.count for tally in tallies if tally.accepted),
        "refused": refusals.total(),
        "days": [{"day": day, **by_day.get(day, nothing)} for day in days],
        "methods": _rows("method", ((tally.method, tally) for tally in tallies)),
        "clients": _rows("client", ((tally.client_id, tally) for tally in tallies)),
        "reasons": [{"reason": reason, "refused": count} for reason, count in refusals.most_common()],
    }


def _counted(groups: Iterable[Group]) -> dict[str, dict[str, int]]:
    """How many were accepted and refused under each name, in order of the names."""
    counted: dict[str, dict[str, int]] = {}
    for name, tally in groups:
        ends = counted.setdefault(name, {"accepted": 0, "refused": 0})
        ends["accepted" if tally.accepted else "refused"] += tally.count
    return dict(sorted(counted.items()))


def _rows(field: str, groups: Iterable[Group]) -> list[dict[str, object]]:
    return [{field: name, **ends} for name, ends in _counted(groups).items()]
