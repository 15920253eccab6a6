"""Waivers: keys under 112 bits count only until a date that an administrator has named."""

from datetime import UTC, date, datetime

from vestibule.core.credentials import SHORTEST_KEY_BITS
from vestibule.flows.refused import Refused

DAY = 86400.0


def waiver_end(until: str | None, now: float) -> float:
    """The end of the day `until` (ISO 8601, UTC) in seconds since the epoch, 0 for no waiver; refused in the past."""
    if until is None:
        return 0.0
    try:
        day = date.fromisoformat(until)
    except ValueError:
        raise Refused("waiver_until must be a date as 2027-01-31.", "waiver_until") from None
    end = datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp() + DAY
    if end <= now:
        raise Refused("waiver_until is over; name a day by which the tokens will be replaced.", "waiver_until")
    return end


def too_short(bits: int) -> str:
    """Why a key of so many bits is not taken, and what to do."""
    return (
        f"has {bits} bits and must have at least {SHORTEST_KEY_BITS}; replace the token, or import it until a date "
        "with --waiver-until"
    )
