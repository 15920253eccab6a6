"""Who carries calls on, for tests: takes a provider's reports, asks the conversation, tells the provider what to do."""

import asyncio
from dataclasses import dataclass, field

from tests.voice.conversation import Conversation, Engine, Judge
from vestibule.core.call_script import begin
from vestibule.core.delivery import Destination, Medium, Outgoing, Provider, Report, Say, Sent, Talking
from vestibule.core.errors import Unavailable
from vestibule.core.secret import Secret

UNTIL = 60.0


def outgoing(id: str, number: str = "+14255550100", *, extension: str = "", seconds: float = 60.0) -> Outgoing:
    to = Destination(number, "US", extension)
    return Outgoing(id, Medium.CALL, to, "", Secret(b""), seconds, organisation='Exa"mple <Corp>')


@dataclass
class Carrier:
    """Calls of one provider, by the ids of their sends."""

    provider: Provider
    calls: dict[str, Conversation] = field(default_factory=dict)
    reports: list[Report] = field(default_factory=list)
    ended: dict[str, asyncio.Event] = field(default_factory=dict)
    spoke: dict[str, asyncio.Event] = field(default_factory=dict)

    async def place(self, what: Outgoing, judge: Judge | None = None, *, stage: str = "", fraud: bool = True) -> Sent:
        now = self._now()
        turn = begin(now + what.seconds, stage=stage, fraud=fraud, extension=what.to.extension)
        self.calls[what.id] = Conversation(turn, judge or Engine(), now)
        self.ended[what.id], self.spoke[what.id] = asyncio.Event(), asyncio.Event()
        return await self.provider.send(what, now + 10)

    async def speaking(self, id: str, seconds: float = 20.0) -> None:
        """Until something has been said."""
        async with asyncio.timeout(seconds):
            await self.spoke[id].wait()

    async def over(self, id: str, seconds: float = 40.0) -> Conversation:
        """The call, when its end has been told."""
        async with asyncio.timeout(seconds):
            await self.ended[id].wait()
        return self.calls[id]

    async def tell(self, report: Report) -> None:
        """As a provider with a connection of its own tells it."""
        for say in self.take(report):
            if isinstance(self.provider, Talking):
                try:
                    await self.provider.say(report.send_id, report.reference, say, "en", self._now() + 5)
                    self.spoke[report.send_id].set()
                except Unavailable:
                    return

    def take(self, report: Report, late: float = 0.0) -> list[Say]:
        """What is to be said now, `late` seconds after it really is: for fakes that do not wait."""
        self.reports.append(report)
        call = self.calls.get(report.send_id)
        if call is None or report.event is None:
            return []
        before = len(call.said)
        call.hears(report.event, late or self._now() - call.now)
        if type(report.event).__name__ == "Over":
            self.ended[report.send_id].set()
        return call.said[before:]

    def _now(self) -> float:
        return asyncio.get_running_loop().time()
