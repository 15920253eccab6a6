"""Calls by Asterisk: placed under our own id, told key by key, ended by us.

Rules of this file:
- The id of the send is the id of the channel; a second call of that id is refused by Asterisk itself (409).
- Only the process that hears a call carries it. A call that nobody carries is hung up, never called again.
- What is pressed is in no log, no exception and no id.
"""

import asyncio
import re
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final

from vestibule.channels.asterisk.causes import cause_of
from vestibule.channels.asterisk.events import Told, events
from vestibule.channels.asterisk.live import LONGEST_SECONDS, Later, Live
from vestibule.channels.asterisk.requests import Ari, dialled
from vestibule.core.call_sounds import Sound
from vestibule.core.delivery import (
    Abilities,
    CallCause,
    CallEvent,
    Fault,
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
from vestibule.wire.exchange import Answer, Exchange, Request, by_status, without_answer

ABILITIES: Final = Abilities(frozenset({Medium.CALL}), idempotent=True, receipts=True)
NAMED: Final = re.compile(r"[^\w .,'&()-]")
NUMBERED: Final = re.compile(r"[^0-9+]")


@dataclass(frozen=True, slots=True)
class Trunk:
    """How numbers are called: `endpoint` has `{number}` in it; `caller_id` is shown. Seconds are for ringing.

    With `context` the dialplan takes an answered call first (to tell machines from people) and hands it to our
    application with what it found: `Stasis(application,MACHINE)`.
    """

    endpoint: str
    caller_id: str = ""
    caller_name: str = ""
    plus: bool = False
    ring_seconds: int = 25
    context: str = ""


class Asterisk:
    """Has the shapes `Provider`, `Talking`, `Cancelling`, `Askable` and `Listening`."""

    def __init__(
        self,
        ari: Ari,
        trunk: Trunk,
        exchange: Exchange,
        recording: Callable[[tuple[str, ...], str], str],
        trust: ssl.SSLContext,
    ) -> None:
        """Take where Asterisk is, how it calls, and the URL of recorded messages (names, locale), "" for none."""
        self._ari = ari
        self._trunk = trunk
        self._exchange = exchange
        self._recording = recording
        self._trust = trust
        self._calls: dict[str, Live] = {}
        self._tell: Tell | None = None
        self.hearing = asyncio.Event()
        self._later = Later()

    @property
    def abilities(self) -> Abilities:
        """See `Provider`."""
        return ABILITIES

    async def send(self, outgoing: Outgoing, deadline: float) -> Sent:
        """See `Provider`. Without ears no call is placed: nobody would hear the answer."""
        if not self.hearing.is_set():
            return Sent(Outcome.REJECTED, fault=Fault.OTHER, code="not_heard", text="the events are not heard")
        if not self._recording((Sound.GREETING,), outgoing.locale):
            text = "there are no recordings that Asterisk could fetch"
            return Sent(Outcome.REJECTED, fault=Fault.CONFIGURATION, code="no_recordings", text=text)
        live = self._calls.setdefault(outgoing.id, Live(outgoing.id))
        found = await self._exchange(self._placed(outgoing), deadline)
        sent = _sent(found, outgoing) if isinstance(found, Answer) else without_answer(found)
        if sent.outcome is Outcome.REJECTED:
            self._forget(live)
        elif self._trunk.context:
            await self._exchange(self._ari.subscribe(outgoing.id), deadline)
        return sent

    async def ask(self, send_id: str, reference: str, deadline: float) -> Sent | None:  # noqa: ARG002 - it is called by our id
        """See `Askable`: whether the call is there. One that is over has told so itself."""
        found = await self._exchange(self._ari.channel(send_id), deadline)
        if not isinstance(found, Answer) or found.status not in {200, 404}:
            raise Unavailable("Asterisk does not say whether the call is there")
        return Sent(Outcome.ACCEPTED, send_id) if found.status == 200 else None

    async def cancel(self, send_id: str, reference: str, deadline: float) -> None:  # noqa: ARG002 - as above
        """See `Cancelling`: hang up."""
        live = self._calls.get(send_id)
        if live:
            live.closing = True
        found = await self._exchange(self._ari.hang_up(send_id), deadline)
        if not isinstance(found, Answer) or found.status >= 500:
            raise Unavailable("Asterisk did not hang up")

    async def say(self, send_id: str, reference: str, say: Say, locale: str, deadline: float) -> None:  # noqa: ARG002 - as above
        """See `Talking`."""
        live = self._calls.get(send_id)
        if live is None:
            raise Unavailable("the call is gone")
        live.quiet()
        await self._fall_silent(live, deadline)
        live.listen, live.hang_up = say.listen, say.hang_up
        for keys, before in dialled(say.dial):
            await self._done(self._ari.dial(send_id, keys, before), deadline)
        url = self._recording(say.prompts, locale) if say.prompts else ""
        if url:
            live.spoken += 1
            live.playback = f"{send_id}-{live.spoken}"
            await self._done(self._ari.play(send_id, live.playback, f"sound:{url}"), deadline)
        else:
            await self._said(live)

    async def listen(self, tell: Tell) -> None:
        """See `Listening`. Raises Unavailable when the connection breaks."""
        try:
            async with events(self._ari, self._trust) as heard:
                self._tell = tell
                await self._take_up()
                self.hearing.set()
                async for one in heard:
                    await self._hear(one)
        finally:
            self._tell = None
            self.hearing.clear()

    async def close(self) -> None:
        """See `Provider`. Calls that are under way are hung up: nobody would carry them on."""
        until = asyncio.get_running_loop().time() + 2.0
        for live in tuple(self._calls.values()):
            await self._exchange(self._ari.hang_up(live.id), until)
            self._forget(live)
        await self._later.close()
        await self._exchange.close()

    # -- requests -----------------------------------------------------------------------------------------------

    def _placed(self, outgoing: Outgoing) -> Request:
        trunk = self._trunk
        number = outgoing.to.address if trunk.plus else outgoing.to.address.removeprefix("+")
        shown = NUMBERED.sub("", outgoing.sender or trunk.caller_id)
        name = NAMED.sub("", trunk.caller_name or outgoing.organisation)
        caller = f'"{name}" <{shown}>' if shown else ""
        seconds = max(1, min(trunk.ring_seconds, int(outgoing.seconds)))
        return self._ari.originate(
            outgoing.id, trunk.endpoint.format(number=number), caller, seconds, self._trunk.context
        )

    async def _done(self, request: Request, deadline: float) -> None:
        found = await self._exchange(request, deadline)
        if not isinstance(found, Answer) or found.status >= 400:
            raise Unavailable("the call is gone")

    async def _fall_silent(self, live: Live, deadline: float) -> None:
        if live.playback:
            playback, live.playback = live.playback, ""
            await self._exchange(self._ari.stop(playback), deadline)

    async def _hang_up(self, live: Live) -> None:
        live.closing = True
        live.quiet()
        await self._exchange(self._ari.hang_up(live.id), _soon())

    # -- events -------------------------------------------------------------------------------------------------

    async def _hear(self, told: Told) -> None:
        live = self._calls.get(told.channel)
        if told.kind == "ApplicationReplaced":
            raise Unavailable("another program has taken the name of our application; give each node its own")
        if live is None:
            if told.kind == "StasisStart":
                await self._disown(told.channel)
            return
        match told.kind:
            case "Dial":
                live.rang = live.rang or told.status in {"RINGING", "PROGRESS"}
            case "StasisStart":
                await self._answered(live, told)
            case "PlaybackFinished" if told.playback == live.playback:
                live.playback = ""
                await self._said(live)
            case "ChannelDtmfReceived":
                await self._pressed(live, told)
            case "ChannelDestroyed":
                await self._ended(live, told)
            case _:
                pass  # Asterisk tells much more

    async def _answered(self, live: Live, told: Told) -> None:
        if live.answered_at:
            return
        live.answered_at = _now()
        live.limit = self._later.after(LONGEST_SECONDS, partial(self._hang_up, live))
        await self._report(live, told.at, Picked(machine=told.status == "MACHINE"))

    async def _pressed(self, live: Live, told: Told) -> None:
        """The voice stops before anybody is told, so that it never talks over what comes next."""
        live.quiet()
        await self._fall_silent(live, _soon())
        await self._report(live, told.at, Pressed(told.digit, _now() - live.answered_at))

    async def _said(self, live: Live) -> None:
        """All that was to be said has been said: hang up, or wait for a key."""
        if live.hang_up:
            await self._hang_up(live)
        elif live.listen > 0:
            live.timer = self._later.after(live.listen, partial(self._silent, live))

    async def _silent(self, live: Live) -> None:
        live.timer = None
        await self._report(live, f"{_now():.3f}", Silence())

    async def _ended(self, live: Live, told: Told) -> None:
        self._forget(live)
        cause = cause_of(told.cause, answered=live.answered_at > 0, rang=live.rang, ours=live.closing)
        await self._report(live, "over", Over(cause))

    async def _report(self, live: Live, at: str, event: CallEvent) -> None:
        if self._tell is not None:
            id = f"{live.id}/{type(event).__name__.lower()}/{at}"
            await self._tell(Report(id, ReportKind.CALL, live.id, live.id, event=event))

    # -- after a break ------------------------------------------------------------------------------------------

    async def _take_up(self) -> None:
        """Go on with the calls that are still there; end those of ours that nobody carries, and tell what has gone."""
        entered = await self._exchange(self._ari.ours(), _soon())
        if not isinstance(entered, Answer) or entered.status not in {200, 404}:
            raise Unavailable("Asterisk does not say which calls there are")
        ours = [str(id) for id in entered.json().get("channel_ids", [])]
        for id in ours:
            if id not in self._calls:
                await self._disown(id)
        for live in tuple(self._calls.values()):
            if live.id in ours:
                await self._resume(live)
            elif await self.ask(live.id, live.id, _soon()) is None:
                await self._ended(live, Told("ChannelDestroyed", live.id))

    async def _resume(self, live: Live) -> None:
        """What was pressed meanwhile is lost, so the question is put again."""
        if not live.answered_at:
            await self._answered(live, Told("StasisStart", live.id))
        elif not live.closing:
            live.quiet()
            await self._silent(live)

    async def _disown(self, id: str) -> None:
        """A call of an earlier process: nobody knows how far it had come."""
        live = Live(id, answered_at=_now())
        await self._hang_up(live)
        await self._report(live, "over", Over(CallCause.FAILED))

    def _forget(self, live: Live) -> None:
        live.end()
        self._calls.pop(live.id, None)


def _sent(answer: Answer, outgoing: Outgoing) -> Sent:
    """What the answer to a call means; 500 is said by an Asterisk that is stopping, which calls nobody any more."""
    match answer.status:
        case 200 | 409:
            return Sent(Outcome.ACCEPTED, outgoing.id)
        case 500:
            return Sent(Outcome.REJECTED, fault=Fault.OTHER, code="http_500", text="Asterisk takes no calls")
        case _:
            return by_status(answer)


def _now() -> float:
    return asyncio.get_running_loop().time()


def _soon() -> float:
    return _now() + 5.0
