"""The calls that this process carries: what each waits for, and the clock that ends its waiting."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Final

LONGEST_SECONDS: Final = 90.0
"""Ours is the last clock: the conversation ends its calls after a minute."""


@dataclass(slots=True)
class Live:
    """One call. `answered_at` is in event-loop seconds, 0 before; `playback` names what is being said."""

    id: str
    rang: bool = False
    answered_at: float = 0.0
    closing: bool = False
    playback: str = ""
    spoken: int = 0
    listen: float = 0.0
    hang_up: bool = False
    timer: asyncio.TimerHandle | None = None
    limit: asyncio.TimerHandle | None = None

    def quiet(self) -> None:
        """Wait for nothing."""
        if self.timer:
            self.timer.cancel()
        self.timer = None

    def end(self) -> None:
        """Let go of all clocks."""
        self.quiet()
        if self.limit:
            self.limit.cancel()


class Later:
    """Runs things later, and lets none of them outlive the provider."""

    def __init__(self) -> None:
        """Nothing is under way."""
        self._tasks: set[asyncio.Task[None]] = set()

    def after(self, seconds: float, act: Callable[[], Coroutine[Any, Any, None]]) -> asyncio.TimerHandle:
        """Run `act` after so many seconds, unless the handle is cancelled."""
        return asyncio.get_running_loop().call_later(seconds, self._start, act)

    def _start(self, act: Callable[[], Coroutine[Any, Any, None]]) -> None:
        task = asyncio.get_running_loop().create_task(act())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """Stop what is under way."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
