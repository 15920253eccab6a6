"""A call, event by event: what is remembered of it goes from one slice to the next, so that any node can go on.

What is keyed goes to the engine as an answer that came in through another door; what the engine says of it is said in
the call. A provider may tell the same thing twice: it is told the same again, and nothing happens twice.
"""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace

from vestibule.core import call_script
from vestibule.core.decisions import Decision
from vestibule.core.delivery import Over, Picked, Report, Say
from vestibule.core.errors import Unavailable
from vestibule.core.events import NotDelivered
from vestibule.core.ports import Reading, Store, Writing
from vestibule.core.secret import Secret
from vestibule.core.sends import FINAL, Send, SendState
from vestibule.core.users import User
from vestibule.flows.authenticate import Authenticate

REMEMBERED = 40  # events of one call


@dataclass(frozen=True, slots=True)
class Said:
    """What is to be said next in which call, and in which language."""

    send: Send
    say: Say | None
    locale: str


@dataclass(frozen=True, slots=True)
class _Step:
    """What one slice found."""

    send: Send
    turn: call_script.Turn
    locale: str
    again: bool = False


class Conversing:
    """The flow."""

    def __init__(self, store: Store, authenticate: Authenticate, clock: Callable[[], float]) -> None:
        """Take the pieces; `clock` gives seconds since the epoch."""
        self._store = store
        self._authenticate = authenticate
        self._clock = clock

    async def heard(self, send_id: str, report: Report) -> Said | None:
        """Go on with a call; None for one that is not known. Raises Unavailable."""
        step = await self._store.change(lambda writing: self._heard(writing, send_id, report))
        if step is None:
            return None
        said = step.turn.say
        while not step.again and (step.turn.entered or step.turn.ended):
            following = await self._followed(step, report)
            if following is None:
                break
            step, said = following, following.turn.say or said
        return Said(step.send, said, step.locale)

    async def _followed(self, step: _Step, report: Report) -> _Step | None:
        """Let the engine know, and go on with what it says."""
        send, turn = step.send, step.turn
        if turn.entered is not None:
            decision = await self._decided(send, turn.entered, report.id)
            return await self._store.change(lambda writing: self._told(writing, send.id, decision, report.id))
        if turn.ended is not None and send.attempt_id:
            await self._end(send, turn.ended)
        return None

    async def _decided(self, send: Send, entered: call_script.Entered, report_id: str) -> Decision | None:
        try:
            event_id = f"{send.id}/{report_id}/entered"
            return await self._authenticate.answer(send.attempt_id, send.message_id, Secret.of(entered.keys), event_id)
        except Unavailable:
            return None

    async def _end(self, send: Send, ended: call_script.Ended) -> None:
        """Whom nobody answered may be reached in another way; who answered and hung up has decided."""
        if ended.answered:
            await self._authenticate.expire(send.attempt_id, send.message_id, ended.result)
        else:
            await self._authenticate.lost(NotDelivered(send.attempt_id, send.message_id, ended.result))

    # -- slices -----------------------------------------------------------------------------------------------------

    def _heard(self, writing: Writing, send_id: str, report: Report) -> _Step | None:
        send = writing.get(Send, send_id)
        if send is None or report.event is None or not send.memory:
            return None
        memory = json.loads(send.memory.reveal())
        locale = _locale(writing, send)
        if report.id in memory.get("seen", []):
            said = memory.get("said", {}) if memory.get("said_to") == report.id else {}
            turn = call_script.Turn(call_script.read(_state(memory)), _say_of(said))
            return _Step(send, turn, locale, again=True)
        turn = call_script.happens(call_script.read(_state(memory)), report.event, self._clock())
        if isinstance(report.event, Picked) and send.state not in FINAL:
            send = replace(send, state=SendState.DELIVERED)
        if isinstance(report.event, Over):
            state = send.state if send.state in FINAL else SendState.UNDELIVERED
            send = replace(send, state=state, ended_at=self._clock())
        return self._kept(writing, _Step(send, turn, locale), memory, report.id)

    def _told(self, writing: Writing, send_id: str, decision: Decision | None, report_id: str) -> _Step | None:
        send = writing.get(Send, send_id)
        if send is None:
            return None
        memory = json.loads(send.memory.reveal())
        turn = call_script.told(call_script.read(_state(memory)), decision, self._clock())
        return self._kept(writing, _Step(send, turn, _locale(writing, send)), memory, report_id)

    @staticmethod
    def _kept(writing: Writing, step: _Step, memory: dict[str, object], report_id: str) -> _Step:
        seen = memory.get("seen", [])
        before = [one for one in seen if one != report_id] if isinstance(seen, list) else []
        new = {
            "state": call_script.written(step.turn.state),
            "seen": [*before[-REMEMBERED:], report_id],
            "said": asdict(step.turn.say) if step.turn.say else {},
            "said_to": report_id,
        }
        send = replace(step.send, memory=Secret.of(json.dumps(new)))
        writing.put(send)
        return replace(step, send=send)


def _state(memory: dict[str, object]) -> str:
    """The script's own state; before the first event it stands alone."""
    return str(memory["state"]) if "state" in memory else json.dumps(memory)


def _say_of(said: dict[str, object]) -> Say | None:
    return Say(**{**said, "prompts": tuple(said["prompts"])}) if said else None  # type: ignore[arg-type]  # by `asdict`


def _locale(reading: Reading, send: Send) -> str:
    user = reading.get(User, send.user_id)
    return user.locale if user else "en"
