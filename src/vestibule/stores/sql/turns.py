"""Events under way: who asks for the same event while it is being decided gets the same answer."""

import asyncio

from vestibule.core.case import Step
from vestibule.core.errors import Unavailable
from vestibule.stores.sql.batch import Item, Outcome

Answer = asyncio.Future[Step]


class Turns:
    """The answers that are still owed, by event. It belongs to one event loop."""

    def __init__(self) -> None:
        """Owe nothing."""
        self._loop = asyncio.get_running_loop()
        self._owed: dict[str, tuple[Item, Answer]] = {}

    def __len__(self) -> int:
        """How many answers are owed."""
        return len(self._owed)

    def find(self, event_id: str) -> Answer | None:
        """The answer that is owed for this event already."""
        owed = self._owed.get(event_id)
        return owed[1] if owed else None

    def begin(self, item: Item) -> Answer:
        """Owe an answer."""
        answer = self._loop.create_future()
        self._owed[item.event_id] = item, answer
        return answer

    def answer(self, item: Item, outcome: Outcome) -> None:
        """Give the answer, if it is still owed. A committed step is everybody's, a failure only its own item's."""
        owed = self._owed.get(item.event_id)
        if owed is None or not (owed[0] is item or isinstance(outcome, Step)):
            return
        del self._owed[item.event_id]
        if isinstance(outcome, Step):
            owed[1].set_result(outcome)
        else:
            owed[1].set_exception(outcome)
            owed[1].exception()  # mark as seen: its caller may have left

    def expire(self, now: float) -> None:
        """Tell those whose deadline has passed that there is no answer; what is decided later is for who asks again."""
        late = Unavailable("the deadline passed before the decision was made")
        for item in [item for item, _ in self._owed.values() if item.deadline <= now]:
            self.answer(item, late)
