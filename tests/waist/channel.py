"""A channel that ends at the test: it keeps what it is given and says of it what it was told to say."""

import asyncio

from vestibule.core.messages import Delivery, Message


class Postbox:
    """`outcome` is how every send ends; an exception is raised, with the message kept out of `messages`."""

    name = "test"

    def __init__(self, outcome: Delivery | Exception = Delivery.SENT) -> None:
        self.outcome = outcome
        self.messages: list[Message] = []
        self._arrived: asyncio.Queue[Message] = asyncio.Queue()

    async def send(self, message: Message, deadline: float) -> Delivery:
        """Keep the message."""
        if isinstance(self.outcome, Exception):
            raise self.outcome
        self.messages.append(message)
        self._arrived.put_nowait(message)
        return self.outcome

    async def next(self) -> Message:
        """Wait for the next message that has not been taken out."""
        return await self._arrived.get()
