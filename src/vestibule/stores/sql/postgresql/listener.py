"""What other nodes say, over a connection of its own: which awaited attempts went on, and that settings changed.

Whatever was said while the connection was away is made good by looking: at each connection, and every few seconds.
"""

import asyncio
import contextlib
import json
from typing import Protocol

import asyncpg

from vestibule.stores.sql.postgresql.connecting import Address
from vestibule.stores.sql.postgresql.statements import CHANNEL
from vestibule.stores.sql.reading import SETTINGS_VERSION

POLL_SECONDS = 5.0
PAUSE_SECONDS = 0.5
VERSION = "SELECT value FROM state WHERE name = $1"


class Hearer(Protocol):
    """Who wants to know."""

    def attempts_went_on(self, attempt_ids: list[str] | None) -> None:
        """Look at these attempts again, or at all that somebody waits for."""

    def settings_changed(self, version: int | None) -> None:
        """Settings of this version are in force; None says only that they may have changed."""


class Listener:
    """Owns the task that owns the listening connection."""

    def __init__(self, address: Address, hearer: Hearer, poll_seconds: float = POLL_SECONDS) -> None:
        """Prepare."""
        self._address = address
        self._hearer = hearer
        self._poll_seconds = poll_seconds
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to listen."""
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def stop(self) -> None:
        """Listen no more."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def _run(self) -> None:
        while True:
            with contextlib.suppress(Exception):  # outermost: whatever it was, listening begins anew
                await self._listen(await self._address.connect())
            await asyncio.sleep(PAUSE_SECONDS)

    async def _listen(self, connection: asyncpg.Connection) -> None:
        """Listen until the connection is lost."""
        lost = asyncio.Event()
        connection.add_termination_listener(lambda _connection: lost.set())
        try:
            async with asyncio.timeout(self._address.bounds.statement_seconds):
                await connection.add_listener(CHANNEL, self._heard)
            self._hearer.attempts_went_on(None)
            while not lost.is_set():
                await self._look(connection)
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(lost.wait(), self._poll_seconds)
        finally:
            connection.terminate()

    async def _look(self, connection: asyncpg.Connection) -> None:
        """Ask what would have been said; a connection that is dead without saying so is found out by this."""
        async with asyncio.timeout(self._address.bounds.statement_seconds):
            version = await connection.fetchval(VERSION, SETTINGS_VERSION)
        self._hearer.settings_changed(int(version or 0))

    def _heard(self, _connection: object, _pid: int, _channel: str, text: object) -> None:
        if text == "settings":
            self._hearer.settings_changed(None)
        else:
            self._hearer.attempts_went_on(None if text == "all" else json.loads(str(text)))
