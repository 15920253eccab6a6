"""Deliver: perform the order to carry a message, and strike its row out when it is known what became of it."""

import asyncio
from collections.abc import Callable, Mapping

from vestibule.core.errors import Unavailable
from vestibule.core.events import NotDelivered
from vestibule.core.messages import Delivery, Message, Missed
from vestibule.core.outbox import OutboxRow
from vestibule.core.ports import Channel, Store
from vestibule.core.reasons import Result


class Carrying:
    """The flow. It knows channels by name, and not what they carry."""

    def __init__(
        self,
        store: Store,
        channels: Mapping[str, Channel],
        clock: Callable[[], float],
        monotonic: Callable[[], float],
    ) -> None:
        """Take the pieces; `clock` gives seconds since the epoch."""
        self._store = store
        self._channels = channels
        self._clock = clock
        self._monotonic = monotonic

    async def carry(self, message: Message) -> NotDelivered | None:
        """Send; gives the event for the engine when it surely did not reach the person. Raises Unavailable.

        The row stays until `strike`, so that a crash between the two tells the engine once more, to no effect.
        """
        delivery = await self._send(message)
        match delivery:
            case Missed(result):
                return NotDelivered(message.attempt_id, message.id, result)
            case Delivery.FAILED:
                return NotDelivered(message.attempt_id, message.id, Result.NOT_DELIVERED)
            case Delivery.UNKNOWN:
                row = OutboxRow(message.id, message, "", message.deadline, unknown=True)
                await self._store.change(lambda writing: writing.put(row))
            case Delivery.SENT:
                await self.strike(message)
            case _:
                pass
        return None

    async def strike(self, message: Message) -> None:
        """Forget the message. Raises Unavailable."""
        await self._store.change(lambda writing: writing.remove(OutboxRow, message.id))

    async def _send(self, message: Message) -> Delivery | Missed:
        """Hand the message to its channel; one that has not answered by the deadline may or may not have sent it."""
        channel = self._channels.get(message.channel)
        if channel is None:
            return Delivery.FAILED
        deadline = self._monotonic() + message.deadline - self._clock()
        try:
            async with asyncio.timeout_at(deadline):
                return await channel.send(message, deadline)
        except Unavailable:
            return Delivery.FAILED
        except TimeoutError:
            return Delivery.UNKNOWN
