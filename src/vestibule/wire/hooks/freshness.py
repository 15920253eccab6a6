"""Whether a signed request is from now: what was recorded can not be played again after five minutes."""

from typing import Final

from vestibule.core.delivery import Forged

SECONDS: Final = 300.0
"""How far the sender's clock may be from ours, either way."""


def demand_fresh(timestamp: str, now: float) -> None:
    """Raises Forged unless `timestamp` (whole Unix seconds) is within five minutes of `now`."""
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 12):
        raise Forged("the request has no time")
    if abs(now - int(timestamp)) > SECONDS:
        raise Forged("the request is not from now; look at both clocks")
