"""The directory that is ourselves: passwords whose hashes stand in our own store."""

from collections.abc import Awaitable, Callable
from typing import Protocol

from vestibule.core.secret import Secret


class Pool(Protocol):
    """Checks one password against one hash; see `vestibule.directories.passwords.PasswordPool.check`."""

    async def check(self, stored: str | None, password: Secret, source: str, deadline: float) -> bool:
        """Tell whether they match; without a hash, work as hard and say no."""


class LocalDirectory:
    """Checks local passwords; people without one, and nobody at all, take as long as everyone else."""

    name = "local"

    def __init__(self, hash_of: Callable[[str], Awaitable[str | None]], pool: Pool) -> None:
        """Take the store's question "hash of this user id" (None: has no local password) and the hashing pool."""
        self._hash_of = hash_of
        self._pool = pool

    async def check_password(self, user_id: str | None, password: Secret, source: str, deadline: float) -> bool:
        """Tell whether this is the user's password; `user_id` None is an unknown person and always False.

        `source` is whom the work is booked to, `deadline` is in seconds of the event loop's clock.
        Raises `Unavailable` when no worker is free in time, `Malformed` when the stored hash cannot be read.
        """
        stored = None if user_id is None else await self._hash_of(user_id)
        return await self._pool.check(stored, password, source, deadline)

    async def knows(self, user_id: str) -> bool:
        """Tell whether the user has a local password."""
        return await self._hash_of(user_id) is not None
