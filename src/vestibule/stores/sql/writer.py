"""The writer's thread: drains what waits into one transaction; sign-ins first, then one slice of other work.

No timer and no delay when idle: the first decision to arrive is a batch of one, and those that arrive while its
commit is under way are the next batch.
"""

import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Any

from vestibule.core.ports import Writing
from vestibule.stores.sql.batch import Batches, Item, Outcome

BATCH = 64


@dataclass(frozen=True, slots=True)
class Waiting:
    """A decision in the queue, and the event that its caller is told by."""

    event_id: str
    item: Item


Answer = Callable[[list[tuple[Waiting, Outcome]]], None]


class Writer:
    """Owns the thread that owns the writing connection."""

    def __init__(self, open_batches: Callable[[], Batches], close: Callable[[], None], answer: Answer) -> None:
        """Prepare; `open_batches` and `close` run in the thread, `answer` is called from it after each commit."""
        self._open = open_batches
        self._close = close
        self._answer = answer
        self._inbox: SimpleQueue[Waiting | None] = SimpleQueue()  # None wakes the thread for a slice or for the end
        self._slices: deque[tuple[Callable[[Writing], Any], Future[Any]]] = deque()
        self._ended = False
        self._ready: Future[Batches] = Future()
        self._thread = threading.Thread(target=self._run, name="vestibule-writer", daemon=True)

    def start(self) -> Batches:
        """Open the connection; raises what opening raised."""
        self._thread.start()
        return self._ready.result()

    @property
    def waiting(self) -> int:
        """How many decisions wait."""
        return self._inbox.qsize()

    def settle(self, waiting: Waiting) -> None:
        """Queue a decision."""
        self._inbox.put(waiting)

    def change(self, act: Callable[[Writing], Any]) -> Future[Any]:
        """Queue a slice of a change."""
        result: Future[Any] = Future()
        self._slices.append((act, result))
        self._inbox.put(None)
        return result

    def stop(self) -> None:
        """Finish what waits, then close the connection. Blocks."""
        self._ended = True
        self._inbox.put(None)
        self._thread.join()

    def _run(self) -> None:
        try:
            batches = self._open()
        except Exception as error:  # noqa: BLE001 # outermost: whatever opening raises is for the one who starts
            self._ready.set_exception(error)
            return
        self._ready.set_result(batches)
        while not (self._ended and self._inbox.empty() and not self._slices):
            self._settle(batches, self._drain())
            self._one_slice(batches)
        self._close()

    def _drain(self) -> list[Waiting]:
        """Wait for the first, then take what is there."""
        first = self._inbox.get()
        drained = [first] if first else []
        while len(drained) < BATCH:
            try:
                following = self._inbox.get_nowait()
            except Empty:
                break
            if following:
                drained.append(following)
        return drained

    def _settle(self, batches: Batches, drained: list[Waiting]) -> None:
        if drained:
            outcomes = batches.settle([waiting.item for waiting in drained])
            self._answer(list(zip(drained, outcomes, strict=True)))

    def _one_slice(self, batches: Batches) -> None:
        if not self._slices:
            return
        act, result = self._slices.popleft()
        if not result.set_running_or_notify_cancel():
            return
        try:
            result.set_result(batches.change(act))
        except Exception as error:  # noqa: BLE001 # outermost: whatever a slice raises is its caller's
            result.set_exception(error)
        if self._slices:
            self._inbox.put(None)
