"""A provider that does what the test says, and keeps what it was handed."""

import asyncio
import re
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from vestibule.core.delivery import Abilities, Medium, Outcome, Outgoing, Provider, Say, Sent
from vestibule.core.providers import ProviderRecord
from vestibule.core.secret import Secret

EVERYTHING = frozenset(Medium)


@dataclass
class Scripted:
    """Accepts everything unless `outcomes` says else, in order; an exception there is raised."""

    abilities: Abilities = field(default_factory=lambda: Abilities(EVERYTHING))
    outcomes: deque[Sent | Exception] = field(default_factory=deque)
    sent: list[Outgoing] = field(default_factory=list)
    said: list[tuple[str, Say, str]] = field(default_factory=list)
    cancelled: list[str] = field(default_factory=list)
    held: asyncio.Event | None = None
    arrived: asyncio.Queue[Outgoing] = field(default_factory=asyncio.Queue)

    async def send(self, outgoing: Outgoing, deadline: float) -> Sent:
        self.sent.append(outgoing)
        self.arrived.put_nowait(outgoing)
        if self.held is not None:
            await self.held.wait()
        outcome = self.outcomes.popleft() if self.outcomes else Sent(Outcome.ACCEPTED, f"ref-{outgoing.id}")
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    async def close(self) -> None:
        """Nothing is open."""

    def codes(self) -> list[str]:
        return [code_in(one) for one in self.sent]

    async def code(self) -> str:
        """The code in the next message."""
        return code_in(await self.arrived.get())


class Talker(Scripted):
    """One that carries calls, is told what to say, and can hang up."""

    async def say(self, send_id: str, reference: str, say: Say, locale: str, deadline: float) -> None:
        self.said.append((send_id, say, locale))

    async def cancel(self, send_id: str, reference: str, deadline: float) -> None:
        self.cancelled.append(send_id)


def code_in(outgoing: Outgoing) -> str:
    found = re.search(r"\b(\d{6})\b", outgoing.text.reveal().decode())
    return found.group(1) if found else ""


@dataclass
class ScriptedKind:
    """The kind of these; each record opens the one that the test put there under its id."""

    live: dict[str, Provider]
    media: frozenset[Medium] = EVERYTHING

    def checked(self, id: str, settings: Mapping[str, Any], secret: Secret) -> Mapping[str, Any]:
        return settings

    def open(self, record: ProviderRecord, hook: str) -> Provider:
        return self.live[record.id]
