"""Failed tries: who is delayed, who is stopped, and what an accept clears.

Two kinds of row. A *source* row (one user, one place that asks) delays that place first and remembers which
factors it failed. A *factor* row (one user, one credential or the password) adds the failures of all places: it
delays places that never signed in, and at the hard stop the factor is off until it is bound anew (NIST SP
800-63B-4 section 3.2.2). A place from which the user signed in before is not delayed by what other places do, and
the last fifth of the tries before the hard stop is kept for such places, so that a stranger locks nobody out of
their own device. An accept clears only what its own source caused, and only for the factors that it proved.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from vestibule.core.reasons import Reason

PASSWORD = "password"  # noqa: S105 - the name of a factor
KNOWN_SOURCE_SECONDS = 30 * 86400.0
REFRESH_KNOWN_SECONDS = 86400.0


class FailureKind(StrEnum):
    """What a row counts for."""

    FACTOR = "factor"
    SOURCE = "source"


@dataclass(frozen=True, slots=True)
class Failures:
    """One row. `shares` (source rows only) says how many failures of which factor this source caused."""

    user_id: str
    kind: FailureKind
    name: str
    count: int = 0
    last_at: float = 0.0
    shares: tuple[tuple[str, int], ...] = ()
    accepted_at: float = 0.0
    accepted_proof: str = ""


FailureKey = tuple[FailureKind, str]
Rows = Mapping[FailureKey, Failures]


@dataclass(frozen=True, slots=True)
class Limits:
    """After `source_tries` (or `factor_tries`) failures each further one doubles the delay up to `longest_delay`."""

    source_tries: int = 5
    factor_tries: int = 20
    hard_stop: int = 100
    first_delay: float = 30.0
    longest_delay: float = 3600.0
    forget_source_after: float = 86400.0

    @property
    def strangers_stop(self) -> int:
        """Where places that never signed in are stopped; the rest up to `hard_stop` is kept for known ones."""
        return self.hard_stop - self.hard_stop // 5

    def delay(self, count: int, tries: int) -> float:
        """Seconds to wait after the `count`th failure."""
        if count < tries:
            return 0.0
        return min(self.first_delay * 2.0 ** min(count - tries, 30), self.longest_delay)

    def waits(self, last_at: float, delay: float, now: float) -> bool:
        """Whether `delay` is still running; a `last_at` far ahead of `now` was written by a wrong clock."""
        return delay > 0 and -self.longest_delay < now - last_at < delay


def source_delayed(rows: Rows, source: str, limits: Limits, now: float) -> bool:
    """Whether this place has to wait before the next try of this user."""
    row = rows.get((FailureKind.SOURCE, source))
    if row is None:
        return False
    return limits.waits(row.last_at, limits.delay(_fresh(row, limits, now), limits.source_tries), now)


def factor_stopped(rows: Rows, factor: str, source: str, limits: Limits, now: float) -> bool:
    """Whether the factor is off: for everyone until it is bound anew, or for places that never signed in."""
    row = rows.get((FailureKind.FACTOR, factor))
    if row is None or row.count < limits.strangers_stop:
        return False
    return row.count >= limits.hard_stop or not known_source(rows, source, now)


def factor_delayed(rows: Rows, factor: str, source: str, limits: Limits, now: float) -> bool:
    """Whether the factor makes places wait that never signed in."""
    row = rows.get((FailureKind.FACTOR, factor))
    if row is None or known_source(rows, source, now):
        return False
    return limits.waits(row.last_at, limits.delay(row.count, limits.factor_tries), now)


def why_not_tried(rows: Rows, factor: str, source: str, limits: Limits, now: float) -> Reason | None:
    """What keeps `factor` from being tried from this place now, or None."""
    if factor_stopped(rows, factor, source, limits, now):
        return Reason.TOO_MANY_FAILURES
    if factor_delayed(rows, factor, source, limits, now):
        return Reason.THROTTLED
    return None


def known_source(rows: Rows, source: str, now: float) -> bool:
    """Whether the user signed in from this place within the last 30 days."""
    row = rows.get((FailureKind.SOURCE, source))
    return row is not None and row.accepted_at > 0 and now < row.accepted_at + KNOWN_SOURCE_SECONDS


def failed(rows: Rows, user_id: str, source: str, factors: Iterable[str], *, limits: Limits, now: float) -> Rows:
    """Count one failed try of `factors` from `source`; only a stranger's makes other strangers wait."""
    updated = dict(rows)
    known = known_source(rows, source, now)
    row = rows.get((FailureKind.SOURCE, source)) or Failures(user_id, FailureKind.SOURCE, source)
    shares = dict(row.shares)
    for factor in factors:
        factor_row = rows.get((FailureKind.FACTOR, factor)) or Failures(user_id, FailureKind.FACTOR, factor)
        last_at = factor_row.last_at if known else now
        updated[FailureKind.FACTOR, factor] = replace(factor_row, count=factor_row.count + 1, last_at=last_at)
        shares[factor] = shares.get(factor, 0) + 1
    count = _fresh(row, limits, now) + 1
    updated[FailureKind.SOURCE, source] = replace(row, count=count, last_at=now, shares=tuple(shares.items()))
    return updated


def given_back(rows: Rows, source: str, factor: str, *, limits: Limits, now: float) -> Rows:
    """Take back the one try that was counted when the check of `factor` was ordered, if it still counts.

    The delay that was served before that try stays served: a right answer makes nobody wait.
    """
    row = rows.get((FailureKind.SOURCE, source))
    shares = dict(row.shares) if row else {}
    if row is None or not shares.get(factor):
        return rows
    shares[factor] -= 1
    kept = tuple(share for share in shares.items() if share[1])
    count = max(row.count - 1, 0)
    served = limits.delay(count, limits.source_tries)
    updated = dict(rows)
    updated[FailureKind.SOURCE, source] = replace(row, count=count, last_at=row.last_at - served, shares=kept)
    _lower(updated, factor, 1)
    factor_row = updated.get((FailureKind.FACTOR, factor))
    if factor_row is not None and not known_source(rows, source, now):
        served = limits.delay(factor_row.count, limits.factor_tries)
        updated[FailureKind.FACTOR, factor] = replace(factor_row, last_at=factor_row.last_at - served)
    return updated


def accepted(rows: Rows, user_id: str, source: str, *, password: bool, code: bool, now: float, proof: str = "") -> Rows:
    """Clear what this source caused with the factors that it proved now, and remember it as known.

    A password alone clears no wrong codes: else it would buy ever new guesses at them. Returns `rows` itself when
    nothing changes.
    """
    row = rows.get((FailureKind.SOURCE, source)) or Failures(user_id, FailureKind.SOURCE, source)
    cleared = {name: n for name, n in row.shares if (password if name == PASSWORD else code)}
    kept = tuple(share for share in row.shares if share[0] not in cleared)
    count = min(row.count, max((n for _, n in kept), default=0))
    remembered = bool(row.accepted_at) and now < row.accepted_at + REFRESH_KNOWN_SECONDS
    if remembered and count == row.count and not (cleared or proof or row.accepted_proof):
        return rows
    updated = dict(rows)
    for factor, n in cleared.items():
        _lower(updated, factor, n)
    updated[FailureKind.SOURCE, source] = replace(row, count=count, shares=kept, accepted_at=now, accepted_proof=proof)
    return updated


def _lower(updated: dict[FailureKey, Failures], factor: str, count: int) -> None:
    row = updated.get((FailureKind.FACTOR, factor))
    if row is not None:
        updated[FailureKind.FACTOR, factor] = replace(row, count=max(row.count - count, 0))


def _fresh(row: Failures, limits: Limits, now: float) -> int:
    return 0 if now >= row.last_at + limits.forget_source_after else row.count
