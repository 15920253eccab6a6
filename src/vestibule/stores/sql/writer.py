"""SQLite's writer, a task: drains what waits into one transaction; sign-ins first, then one slice of other work.

No timer and no delay when idle: the first decision to arrive is a batch of one, and those that arrive while its
commit is under way are the next batch. Decisions run in the event loop's own thread, and only the wait for the disk
in another one: two threads that both compute would spend their time on taking the interpreter's lock from each other.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any

from sqlalchemy.util import greenlet_spawn

from vestibule.core.ports import Writing
from vestibule.stores.sql.batch import Batches, Item, Outcome

BATCH = 64
Answer = Callable[[list[tuple[Item, Outcome]]], None]
Slice = tuple[Callable[[Writing], Any], "asyncio.Future[Any]"]


class Writer:
    """Owns the task that uses the writing connection."""

    def __init__(self, batches: Batches, answer: Answer) -> None:
        """Begin to write; `answer` is called after each commit."""
        self._loop = asyncio.get_running_loop()
        self._batches = batches
        self._answer = answer
        self._inbox: deque[Item] = deque()
        self._slices: deque[Slice] = deque()
        self._work = asyncio.Event()
        self._ended = False
        self._task = self._loop.create_task(self._run())

    @property
    def waiting(self) -> int:
        """How many decisions wait."""
        return len(self._inbox)

    def settle(self, item: Item) -> None:
        """Queue a decision."""
        self._inbox.append(item)
        self._work.set()

    def change(self, act: Callable[[Writing], Any]) -> "asyncio.Future[Any]":
        """Queue a slice of a change."""
        result = self._loop.create_future()
        self._slices.append((act, result))
        self._work.set()
        return result

    async def stop(self) -> None:
        """Finish what waits."""
        self._ended = True
        self._work.set()
        await self._task

    async def _run(self) -> None:
        while not (self._ended and not self._inbox and not self._slices):
            if not (self._inbox or self._slices):
                self._work.clear()
                await self._work.wait()
            await self._batch([self._inbox.popleft() for _ in range(min(BATCH, len(self._inbox)))])
            await self._one_slice()

    async def _batch(self, items: list[Item]) -> None:
        if not items:
            return
        try:
            outcomes: list[Outcome] = await greenlet_spawn(self._batches.settle, items)
        except Exception as error:  # noqa: BLE001 # outermost: a bug here must not end the task that writes
            outcomes = [error] * len(items)
        self._answer(list(zip(items, outcomes, strict=True)))

    async def _one_slice(self) -> None:
        if not self._slices:
            return
        act, result = self._slices.popleft()
        if result.cancelled():
            return
        try:
            value = await greenlet_spawn(self._batches.change, act)
        except Exception as error:  # noqa: BLE001 # outermost: whatever a slice raises is its caller's
            if not result.done():
                result.set_exception(error)
            return
        if not result.done():
            result.set_result(value)
