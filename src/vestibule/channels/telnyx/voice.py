"""Calls by Telnyx's Call Control: told key by key, and told what to do by commands.

Rules of this file:
- The id of the send is the `command_id` of the call, so that the same send is one call.
- Keys are believed from `call.dtmf.received` alone. A gather of one key is but the clock that ends a silence.
- What is said last before hanging up is marked, and its end is told as `Played`.
"""

import json
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, Final
from urllib.parse import quote

from vestibule.channels.telnyx.account import Account, refusal
from vestibule.core.call_sounds import spoken_language, words
from vestibule.core.delivery import (
    Abilities,
    CallCause,
    CallEvent,
    Fault,
    Hook,
    HookAnswer,
    Medium,
    Outcome,
    Outgoing,
    Over,
    Picked,
    Played,
    Pressed,
    Report,
    ReportKind,
    Say,
    Sent,
    Silence,
)
from vestibule.core.errors import Unavailable
from vestibule.wire.exchange import Answer, Exchange, by_status, code_of, without_answer

LONGEST_SECONDS: Final = 90
KEYS: Final = "0123456789*#"
SPOKEN: Final[Mapping[str, str]] = {"en": "en-US", "nl": "nl-NL"}
VOICE: Final = "female"
MACHINES: Final = ("machine", "fax_detected")
ENDED: Final[Mapping[str, CallCause]] = {
    "call_rejected": CallCause.REJECTED,
    "normal_clearing": CallCause.HUNG_UP,
    "originator_cancel": CallCause.DONE,
    "timeout": CallCause.NO_ANSWER,
    "time_limit": CallCause.DONE,
    "user_busy": CallCause.BUSY,
    "not_found": CallCause.INVALID_NUMBER,
    "invalid_number_format": CallCause.INVALID_NUMBER,
    "unallocated_number": CallCause.INVALID_NUMBER,
    "no_answer": CallCause.NO_ANSWER,
    "no_user_responding": CallCause.UNREACHABLE,
    "subscriber_absent": CallCause.UNREACHABLE,
    "normal_temporary_failure": CallCause.CONGESTION,
    "service_unavailable": CallCause.CONGESTION,
}


@dataclass(frozen=True, slots=True)
class CallManners:
    """Who calls by which connection, for how long it rings, and whether Telnyx listens for machines."""

    connection: str
    sender: str
    ring_seconds: int = 25
    detects_machines: bool = False


class TelnyxCalls:
    """Has the shapes `Provider`, `Talking`, `Hooked`, `Askable` and `Cancelling`."""

    def __init__(
        self,
        account: Account,
        manners: CallManners,
        exchange: Exchange,
        hook: str,
        recording: Callable[[tuple[str, ...], str], str],
    ) -> None:
        """Take the account, our URL, and where messages (names, locale) are recorded; "": Telnyx is to speak."""
        self._account = account
        self._manners = manners
        self._exchange = exchange
        self._hook = hook
        self._recording = recording

    @property
    def abilities(self) -> Abilities:
        """See `Provider`."""
        return Abilities(frozenset({Medium.CALL}), idempotent=True, receipts=True)

    async def send(self, outgoing: Outgoing, deadline: float) -> Sent:
        """See `Provider`."""
        if not self._hook:
            return Sent(Outcome.REJECTED, fault=Fault.CONFIGURATION, code="no_hook", text="there is no public address")
        found = await self._exchange(self._account.asked("calls", self._fields(outgoing)), deadline)
        if not isinstance(found, Answer):
            return without_answer(found)
        if not 200 <= found.status < 300:
            return refusal(found, outgoing)
        data = found.json().get("data")
        reference = str(data.get("call_control_id", "")) if isinstance(data, dict) else ""
        return Sent(Outcome.ACCEPTED, reference) if reference else by_status(Answer(502))

    def _fields(self, outgoing: Outgoing) -> dict[str, Any]:
        manners = self._manners
        fields: dict[str, Any] = {
            "connection_id": manners.connection,
            "to": outgoing.to.address,
            "from": outgoing.sender or manners.sender,
            "command_id": outgoing.id,
            "client_state": _state(outgoing.id),
            "timeout_secs": max(5, min(manners.ring_seconds, int(outgoing.seconds))),
            "time_limit_secs": LONGEST_SECONDS,
            "webhook_url": self._hook,
        }
        return fields | ({"answering_machine_detection": "detect"} if manners.detects_machines else {})

    async def say(self, send_id: str, reference: str, say: Say, locale: str, deadline: float) -> None:
        """See `Talking`."""
        if say.dial:
            await self._command(reference, "send_dtmf", {"digits": say.dial.replace(",", "ww")}, deadline)
        if say.hang_up and not say.prompts:
            await self._command(reference, "hangup", {}, deadline)
        elif say.prompts:
            name, said = self._voice(say, locale)
            state = _state(send_id, last=say.hang_up)
            await self._command(reference, name, said | {"client_state": state}, deadline)
        elif say.listen > 0:
            waits = {"initial_timeout_millis": _millis(say.listen), "timeout_millis": _millis(say.listen)}
            await self._command(reference, "gather", _ONE_KEY | waits | {"client_state": _state(send_id)}, deadline)

    def _voice(self, say: Say, locale: str) -> tuple[str, dict[str, Any]]:
        """The command that says it: with a key awaited behind it, or with nothing behind."""
        awaited = {} if say.hang_up else _ONE_KEY | {"timeout_millis": _millis(say.listen), "maximum_tries": 1}
        url = self._recording(say.prompts, locale)
        if url:
            return ("gather_using_audio" if awaited else "playback_start"), {"audio_url": url} | awaited
        language = spoken_language(locale)
        language = language if language in SPOKEN else "en"
        text = " ".join(words(prompt, language) for prompt in say.prompts)
        said = {"payload": text, "language": SPOKEN[language], "voice": VOICE}
        return ("gather_using_speak" if awaited else "speak"), said | awaited

    async def _command(self, reference: str, name: str, value: Mapping[str, Any], deadline: float) -> None:
        path = f"calls/{quote(reference, safe='')}/actions/{name}"
        found = await self._exchange(self._account.asked(path, value), deadline)
        if not isinstance(found, Answer) or found.status >= 300:
            raise Unavailable("the call is gone")

    async def ask(self, send_id: str, reference: str, deadline: float) -> Sent | None:  # noqa: ARG002 - Telnyx does not know our ids
        """See `Askable`."""
        if not reference:
            return None
        found = await self._exchange(self._account.looked_up(f"calls/{quote(reference, safe='')}"), deadline)
        if not isinstance(found, Answer) or found.status not in {200, 404, 422}:
            raise Unavailable("Telnyx does not say what became of the call")
        return Sent(Outcome.ACCEPTED, reference) if found.status == 200 else None

    async def cancel(self, send_id: str, reference: str, deadline: float) -> None:  # noqa: ARG002 - see ask
        """See `Cancelling`: hang up. A call that has ended by itself is no fault."""
        if not reference:
            return
        path = f"calls/{quote(reference, safe='')}/actions/hangup"
        found = await self._exchange(self._account.asked(path, {}), deadline)
        if not isinstance(found, Answer) or found.status >= 500:
            raise Unavailable("Telnyx did not hang up")

    def understand(self, hook: Hook, now: float) -> tuple[Report, ...]:
        """See `Hooked`."""
        data = self._account.event(hook, now)
        kind, payload, id = str(data.get("event_type", "")), data["payload"], str(data["id"])
        send_id, last = _known(payload.get("client_state"))
        if not send_id:
            return ()
        reference = str(payload.get("call_control_id", ""))
        if kind == "call.cost":
            return _cost(id, send_id, reference, payload)
        event = _event(kind, payload, last=last)
        if event is None:
            return ()
        code = code_of(payload.get("hangup_cause")) if isinstance(event, Over) else ""
        return (Report(id, ReportKind.CALL, send_id, reference, code, event=event),)

    def answer(self, hook: Hook, says: tuple[Say, ...], locale: str) -> HookAnswer:  # noqa: ARG002 - it is told by commands
        """See `Hooked`."""
        return HookAnswer(200)

    async def close(self) -> None:
        """See `Provider`."""
        await self._exchange.close()


_ONE_KEY: Final[dict[str, Any]] = {"minimum_digits": 1, "maximum_digits": 1, "valid_digits": KEYS}


def _millis(seconds: float) -> int:
    return max(1, int(seconds * 1000))


def _state(send_id: str, *, last: bool = False) -> str:
    return b64encode(json.dumps({"send": send_id, **({"last": True} if last else {})}).encode()).decode()


def _known(state: object) -> tuple[str, bool]:
    """The send that a `client_state` of ours names, and whether the last words were said."""
    try:
        value = json.loads(b64decode(str(state), validate=True))
    except ValueError:
        return "", False
    if not isinstance(value, dict):
        return "", False
    return str(value.get("send", "")), bool(value.get("last"))


def _event(kind: str, payload: Mapping[str, Any], *, last: bool) -> CallEvent | None:
    match kind:
        case "call.answered":
            return Picked()
        case "call.machine.detection.ended":
            return Picked(machine=True) if payload.get("result") in MACHINES else None
        case "call.dtmf.received":
            digit = str(payload.get("digit", ""))
            return Pressed(digit) if len(digit) == 1 and digit in KEYS else None
        case "call.gather.ended":
            return Silence() if payload.get("status") == "timeout" else None
        case "call.playback.ended" | "call.speak.ended":
            return Played() if last else None
        case "call.hangup":
            return Over(ENDED.get(str(payload.get("hangup_cause", "")), CallCause.FAILED))
        case _:
            return None


def _cost(id: str, send_id: str, reference: str, payload: Mapping[str, Any]) -> tuple[Report, ...]:
    try:
        cost = int(abs(Decimal(str(payload.get("total_cost")))) * 1_000_000)
    except (InvalidOperation, OverflowError, ValueError):
        return ()
    currency = code_of(payload.get("currency")) or "USD"
    return (Report(id, ReportKind.COST, send_id, reference, cost=cost, currency=currency),)
