"""One check of a password for one event, though the event reaches several nodes or comes again and again.

The node whose step ordered the check makes it; the others wait for what it settles under the same event id. Only when
it has not said anything for a while, as after a crash, another one checks as well; what is settled first counts.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from vestibule.core.case import Case, Key, Step
from vestibule.core.decisions import CheckPassword
from vestibule.core.events import Began
from vestibule.core.ports import Store

TAKE_OVER_SECONDS = 5.0  # longer than a check takes where the node and the directory are well
FIRST_PAUSE = 0.05
LONGEST_PAUSE = 0.5


class NotYet(Exception):
    """The event is not settled; nothing was decided."""


@dataclass(frozen=True, slots=True)
class Check:
    """A password to check; `event_id` is what its outcome is settled under, `deadline` in monotonic seconds."""

    key: Key
    began: Began
    order: CheckPassword
    event_id: str
    deadline: float


async def found_elsewhere(store: Store, check: Check, monotonic: Callable[[], float]) -> Step | None:
    """Wait for the outcome of the node that was ordered to check; None when it does not come. Raises Unavailable."""
    left, pause = min(TAKE_OVER_SECONDS, (check.deadline - monotonic()) / 2), FIRST_PAUSE
    while (step := await _settled(store, check)) is None and left > 0:
        await asyncio.sleep(min(pause, left))
        left, pause = left - pause, min(2 * pause, LONGEST_PAUSE)
    return step


async def _settled(store: Store, check: Check) -> Step | None:
    """The committed step of the outcome, if there is one by now."""

    def not_yet(_case: Case) -> Step:
        raise NotYet

    try:
        return await store.settle(check.key, check.event_id, not_yet, check.deadline)
    except NotYet:
        return None
