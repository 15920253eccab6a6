"""A value that takes long to find, kept for a while: whoever asks meanwhile has it at once, a little old."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

KEPT_SECONDS = 60.0
PATIENCE = 0.25  # seconds that a page waits for a new value, before it is given the old one

V = TypeVar("V")


@dataclass(slots=True)
class Kept(Generic[V]):
    """The newest value, and the search for the next one if it is under way."""

    value: V | None = None
    at: float = 0.0
    search: asyncio.Task[V] | None = field(default=None, repr=False)
    patience: float = PATIENCE

    async def fresh(self, now: float, find: Callable[[], Awaitable[V]]) -> V | None:
        """The value. One that is old is given once more only while the next takes long; None before there is any."""
        self._take()
        old = self.value is None or not 0 <= now - self.at < KEPT_SECONDS
        if old and self.search is None:
            self.at, self.search = now, asyncio.ensure_future(_found(find))
        if self.search is not None:
            await asyncio.wait({self.search}, timeout=self.patience)
            self._take()
        return self.value

    def _take(self) -> None:
        """Take what was found; a search that failed is begun anew by whoever asks next."""
        if self.search is None or not self.search.done():
            return
        search, self.search = self.search, None
        if search.exception() is None:
            self.value = search.result()
        else:
            self.at = 0.0


async def _found(find: Callable[[], Awaitable[V]]) -> V:
    return await find()
