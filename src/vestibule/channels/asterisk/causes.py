"""How a call ended, from the cause that Asterisk gives (ITU-T Q.850, SIP answers mapped by it)."""

from collections.abc import Mapping
from typing import Final

from vestibule.core.delivery import CallCause

CAUSES: Final[Mapping[int, CallCause]] = {
    0: CallCause.FAILED,
    1: CallCause.INVALID_NUMBER,  # unallocated; SIP 404
    2: CallCause.UNREACHABLE,
    3: CallCause.UNREACHABLE,  # no route to destination
    16: CallCause.HUNG_UP,
    17: CallCause.BUSY,  # SIP 486
    18: CallCause.NO_ANSWER,
    19: CallCause.NO_ANSWER,  # SIP 480, and our own time to ring
    20: CallCause.UNREACHABLE,
    21: CallCause.REJECTED,  # SIP 603
    22: CallCause.INVALID_NUMBER,
    27: CallCause.UNREACHABLE,
    28: CallCause.INVALID_NUMBER,
    34: CallCause.CONGESTION,  # SIP 503
    38: CallCause.CONGESTION,
    41: CallCause.CONGESTION,
    42: CallCause.CONGESTION,
    44: CallCause.CONGESTION,
    102: CallCause.UNREACHABLE,
}


def cause_of(number: int, *, answered: bool, rang: bool, ours: bool) -> CallCause:
    """What the end of a call means.

    Whoever hangs up after the answer comes with 0 or 16. A telephone that never rang was unreachable.
    """
    if ours:
        return CallCause.DONE
    if answered:
        return CallCause.HUNG_UP if number in {0, 16, 31} else CallCause.FAILED
    cause = CAUSES.get(number, CallCause.FAILED)
    return CallCause.UNREACHABLE if cause is CallCause.NO_ANSWER and not rang else cause
