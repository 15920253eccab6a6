"""Requests of ours that come back to us: told in the journal, once a minute for each directory."""

import asyncio
import contextlib
from collections.abc import Callable

from vestibule.core.errors import Unavailable
from vestibule.flows.desk import Desk
from vestibule.wire.radius.packet import Packet

ACTOR = "radius"
PAUSE_SECONDS = 60.0
WHAT = "the upstream server sends what we ask it back to us; let it authenticate requests of this client itself"


class Loops:
    """Sees them for the door; belongs to one event loop."""

    def __init__(self, desk: Desk, looped: Callable[[Packet], tuple[str, ...]], monotonic: Callable[[], float]) -> None:
        """Take the question by which directories we asked a request ourselves."""
        self._desk = desk
        self._looped = looped
        self._monotonic = monotonic
        self._told: dict[str, float] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def came_back(self, packet: Packet) -> bool:
        """Whether we asked this ourselves."""
        found = self._looped(packet)
        for directory in found:
            self._tell(directory)
        return bool(found)

    async def close(self) -> None:
        """Let what is being written be written."""
        await asyncio.gather(*self._tasks)

    def _tell(self, directory: str) -> None:
        now = self._monotonic()
        if now < self._told.get(directory, -PAUSE_SECONDS) + PAUSE_SECONDS:
            return
        self._told[directory] = now
        task = asyncio.get_running_loop().create_task(self._note(directory))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _note(self, directory: str) -> None:
        """The log has it as well, so a store that is away loses nothing that nobody else says."""
        entry = self._desk.entry("directory.loop", ACTOR, directory=directory, what=WHAT)
        with contextlib.suppress(Unavailable):
            await self._desk.store.change(lambda writing: writing.note(entry))
