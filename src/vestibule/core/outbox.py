"""A message on its way: committed with the step that asked for it, struck out when it was sent."""

from dataclasses import dataclass

from vestibule.core.messages import Message


@dataclass(frozen=True, slots=True)
class OutboxRow:
    """One message and who is sending it. After a crash a row is resent only where that is surely harmless.

    `fence` is raised by whoever takes it over: what an earlier one still has to say about it does not count.
    """

    id: str
    message: Message
    leased_by: str
    leased_until: float
    unknown: bool = False
    fence: int = 0
