"""How many browsers may listen for news at one time, so that those who wait leave room for those who act."""

from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass

MOST = 500


@dataclass(slots=True)
class Streams:
    """Those that are open."""

    open: int = 0
    most: int = MOST

    @property
    def full(self) -> bool:
        """Whether one more would be too many."""
        return self.open >= self.most

    async def counted(self, told: AsyncIterator[bytes]) -> AsyncGenerator[bytes, None]:
        """The same, counted as long as it lasts."""
        self.open += 1
        try:
            async for one in told:
                yield one
        finally:
            self.open -= 1
