"""A telephone for trying things out: calls ring and texts arrive on a page of the demonstration, and leave no machine.

Only the demonstration opens it. It speaks as Asterisk does: under our id, key by key, with a clock of its own.
"""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import partial
from itertools import count
from typing import Any, Final

from vestibule.core.call_sounds import words
from vestibule.core.delivery import (
    Abilities,
    CallCause,
    CallEvent,
    Medium,
    Outcome,
    Outgoing,
    Over,
    Picked,
    Pressed,
    Report,
    ReportKind,
    Say,
    Sent,
    Silence,
    Tell,
)
from vestibule.core.errors import Unavailable
from vestibule.core.secret import Secret

RING_SECONDS: Final = 25.0
LONGEST_SECONDS: Final = 90.0
SIGNS_A_SECOND: Final = 15.0
KEPT: Final = 30
KEYS: Final = "0123456789*#"

Act = Callable[[], Coroutine[Any, Any, None]]


class State(StrEnum):
    """How a call or a message stands."""

    RINGING = "ringing"
    TALKING = "talking"
    OVER = "over"
    ARRIVED = "arrived"


@dataclass(frozen=True, slots=True)
class Item:
    """One call or message on the page. `said` is what the voice has said, `dialled` what it has keyed."""

    id: str
    medium: Medium
    to: str
    sender: str
    state: State
    text: str = field(default="", repr=False)
    said: tuple[str, ...] = ()
    dialled: str = field(default="", repr=False)
    answers: bool = False
    replied: bool = False


class Handset:
    """Has the shapes `Provider`, `Talking`, `Cancelling`, `Listening`, and what the page asks for; one event loop's."""

    def __init__(self, signs_a_second: float = SIGNS_A_SECOND) -> None:
        """Nothing has come yet; the voice says so many signs in a second."""
        self._pace = signs_a_second
        self._items: dict[str, Item] = {}
        self._clocks: dict[str, asyncio.TimerHandle] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._tell: Tell | None = None
        self._answered: dict[str, float] = {}
        self._numbers = count(1)
        self._changed = asyncio.Condition()
        self.version = 0

    @property
    def abilities(self) -> Abilities:
        """See `Provider`."""
        return Abilities(frozenset(Medium), idempotent=True, receipts=True, replies=True)

    @property
    def items(self) -> tuple[Item, ...]:
        """What has come, the newest first."""
        return tuple(reversed(self._items.values()))

    async def changes(self, version: int, seconds: float) -> int:
        """The version when something has changed since `version`, or when so many seconds are over."""
        try:
            async with asyncio.timeout(seconds), self._changed:
                await self._changed.wait_for(lambda: self.version != version)
        except TimeoutError:
            pass
        return self.version

    # -- as a provider ----------------------------------------------------------------------------------------------

    async def send(self, outgoing: Outgoing, deadline: float) -> Sent:  # noqa: ARG002 - it takes no time
        """See `Provider`."""
        if outgoing.id not in self._items:
            call = outgoing.medium is Medium.CALL
            state = State.RINGING if call else State.ARRIVED
            text = outgoing.text.reveal().decode()
            item = Item(
                outgoing.id,
                outgoing.medium,
                outgoing.to.address,
                outgoing.sender,
                state,
                text,
                answers=outgoing.answers,
            )
            await self._put(item)
            if call:
                ringing = min(RING_SECONDS, outgoing.seconds)
                self._after(outgoing.id, ringing, partial(self._end, outgoing.id, CallCause.NO_ANSWER))
            else:
                self._spawn(partial(self._report, outgoing.id, ReportKind.DELIVERED))
        return Sent(Outcome.ACCEPTED, outgoing.id)

    async def say(self, send_id: str, reference: str, say: Say, locale: str, deadline: float) -> None:  # noqa: ARG002 - as above
        """See `Talking`."""
        item = self._items.get(send_id)
        if item is None or item.state is not State.TALKING:
            raise Unavailable("the call is gone")
        said = " ".join(words(name, locale) for name in say.prompts)
        spoken = (*item.said, said) if said else item.said
        await self._put(replace(item, said=spoken, dialled=item.dialled + say.dial))
        speaking = len(said) / self._pace
        if say.hang_up:
            self._after(send_id, speaking, partial(self._end, send_id, CallCause.DONE))
        elif say.listen > 0:
            self._after(send_id, speaking + say.listen, partial(self._tell_of, send_id, Silence()))

    async def cancel(self, send_id: str, reference: str, deadline: float) -> None:  # noqa: ARG002 - as above
        """See `Cancelling`."""
        item = self._items.get(send_id)
        if item is not None and item.medium is Medium.CALL:
            await self._end(send_id, CallCause.DONE)

    async def listen(self, tell: Tell) -> None:
        """See `Listening`."""
        self._tell = tell
        try:
            await asyncio.Event().wait()
        finally:
            self._tell = None

    async def close(self) -> None:
        """See `Provider`."""
        for clock in self._clocks.values():
            clock.cancel()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    # -- as a telephone ----------------------------------------------------------------------------------------------

    async def pick_up(self, id: str) -> None:
        """Answer a call that rings."""
        item = self._items.get(id)
        if item is not None and item.state is State.RINGING:
            self._answered[id] = self._now()
            await self._put(replace(item, state=State.TALKING))
            self._after(id, LONGEST_SECONDS, partial(self._end, id, CallCause.DONE))
            await self._tell_of(id, Picked())

    async def press(self, id: str, key: str) -> None:
        """Press a key in a call."""
        item = self._items.get(id)
        if item is not None and item.state is State.TALKING and len(key) == 1 and key in KEYS:
            self._after(id, LONGEST_SECONDS, partial(self._end, id, CallCause.DONE))
            await self._tell_of(id, Pressed(key, self._now() - self._answered[id]))

    async def hang_up(self, id: str) -> None:
        """Hang up, or refuse a call that rings."""
        item = self._items.get(id)
        if item is not None:
            await self._end(id, CallCause.REJECTED if item.state is State.RINGING else CallCause.HUNG_UP)

    async def reply(self, id: str, text: str) -> None:
        """Write back to where a text came from."""
        item = self._items.get(id)
        if item is not None and item.medium is Medium.TEXT and self._tell is not None:
            await self._put(replace(item, replied=True))
            number = f"{id}/reply/{next(self._numbers)}"
            report = Report(number, ReportKind.REPLY, sender=item.to, recipient=item.sender, text=Secret.of(text))
            await self._tell(report)

    # -- inside -----------------------------------------------------------------------------------------------------

    async def _end(self, id: str, cause: CallCause) -> None:
        item = self._items.get(id)
        if item is None or item.state not in {State.RINGING, State.TALKING}:
            return
        self._quiet(id)
        await self._put(replace(item, state=State.OVER))
        await self._tell_of(id, Over(cause))

    async def _tell_of(self, id: str, event: CallEvent) -> None:
        await self._report(id, ReportKind.CALL, event)

    async def _report(self, id: str, kind: ReportKind, event: CallEvent | None = None) -> None:
        if self._tell is not None:
            await self._tell(Report(f"{id}/{next(self._numbers)}", kind, id, id, event=event))

    async def _put(self, item: Item) -> None:
        self._items[item.id] = item
        while len(self._items) > KEPT:
            del self._items[next(iter(self._items))]
        self.version += 1
        async with self._changed:
            self._changed.notify_all()

    def _after(self, id: str, seconds: float, what: Act) -> None:
        """Do this later, in the place of what was going to be done for the same call."""
        self._quiet(id)
        self._clocks[id] = asyncio.get_running_loop().call_later(seconds, self._spawn, what)

    def _quiet(self, id: str) -> None:
        clock = self._clocks.pop(id, None)
        if clock is not None:
            clock.cancel()

    def _spawn(self, what: Act) -> None:
        task = asyncio.get_running_loop().create_task(what())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()
