"""Who waits for an attempt to go on. It belongs to one event loop."""

import asyncio
from collections.abc import Awaitable, Callable

from vestibule.core.attempts import Attempt
from vestibule.core.errors import Unavailable

Watcher = asyncio.Future[Attempt | None]


class Watchers:
    """The parties that wait, by attempt."""

    def __init__(self) -> None:
        """Begin with nobody."""
        self._loop = asyncio.get_running_loop()
        self._waiting: dict[str, set[Watcher]] = {}

    @property
    def awaited(self) -> set[str]:
        """The attempts that somebody waits for."""
        return set(self._waiting)

    async def watch(
        self, attempt_id: str, until: float, read: Callable[[], Awaitable[Attempt | None]]
    ) -> Attempt | None:
        """Wait until the attempt is not awaited any more, at most until `until`; `read` gives it as it is now.

        Whoever watches is entered before the attempt is read, so that nothing that happens between is missed.
        """
        watcher: Watcher = self._loop.create_future()
        watchers = self._waiting.setdefault(attempt_id, set())
        watchers.add(watcher)
        timer = self._loop.call_at(until, _tell, watcher, None)
        try:
            attempt = await read()
            return attempt if attempt is None or not attempt.awaited else await watcher
        finally:
            timer.cancel()
            watchers.discard(watcher)
            if not watchers:
                self._waiting.pop(attempt_id, None)

    def tell(self, attempt_id: str, attempt: Attempt | None) -> None:
        """The attempt as it is now: wake who waits for it if it went on, or is gone."""
        if attempt is not None and attempt.awaited:
            return
        for watcher in self._waiting.pop(attempt_id, ()):
            _tell(watcher, attempt)

    def close(self) -> None:
        """Send everybody away."""
        for watcher in [one for watchers in self._waiting.values() for one in watchers]:
            if not watcher.done():
                watcher.set_exception(Unavailable("the store is closing"))


def _tell(watcher: Watcher, attempt: Attempt | None) -> None:
    if not watcher.done():
        watcher.set_result(attempt)
