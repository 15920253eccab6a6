"""Reading attempts for many who wait: those that are asked for while one look is under way share the next."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping

from vestibule.core.attempts import Attempt
from vestibule.core.errors import Unavailable

ReadMany = Callable[[Collection[str]], Awaitable[Mapping[str, Attempt]]]


class Looks:
    """Gives attempts as they are at some time after they were asked for."""

    def __init__(self, read_many: ReadMany) -> None:
        """Begin idle; `read_many` gives those of the ids that exist."""
        self._read_many = read_many
        self._asked: dict[str, asyncio.Future[Attempt | None]] = {}
        self._task: asyncio.Task[None] | None = None

    async def look(self, attempt_id: str) -> Attempt | None:
        """The attempt, or None when there is none. Raises Unavailable."""
        asked = self._asked.get(attempt_id)
        if asked is None:
            asked = self._asked[attempt_id] = asyncio.get_running_loop().create_future()
        if self._task is None:
            self._task = asyncio.create_task(self._run())
        return await asyncio.shield(asked)

    async def close(self) -> None:
        """Finish the look that is under way."""
        if self._task is not None:
            await self._task

    async def _run(self) -> None:
        while self._asked:
            asked, self._asked = self._asked, {}
            try:
                found = await self._read_many(asked)
            except Unavailable as away:
                for answer in asked.values():
                    answer.set_exception(away)
                    answer.exception()  # mark as seen: its caller may have left
            else:
                for attempt_id, answer in asked.items():
                    answer.set_result(found.get(attempt_id))
        self._task = None
