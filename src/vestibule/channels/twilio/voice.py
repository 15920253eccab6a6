"""Calls by Twilio's Calls API: every key comes as a webhook of its own, and is answered with what to say next (TwiML).

Rules of this file:
- One key a `Gather`, and no key that finishes it: a lone `#` would otherwise never be told.
- Our URLs count the webhooks of a call, so that one which comes twice, or is played again, is the same report.
- What was pressed stands in the body of a request, never in a URL.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import ceil
from typing import Final
from urllib.parse import quote, urlencode
from xml.sax.saxutils import escape, quoteattr

from vestibule.channels.twilio.account import Account, refusal
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
    Pressed,
    Report,
    ReportKind,
    Say,
    Sent,
    Silence,
)
from vestibule.core.errors import Malformed, Unavailable
from vestibule.wire.exchange import Answer, Exchange, by_status, code_of, without_answer
from vestibule.wire.hooks.twilio import form_fields

LONGEST_SECONDS: Final = 90
IDLE: Final = Say(listen=5.0)
"""What is done while the conversation has nothing to say."""

SPOKEN: Final[Mapping[str, str]] = {"en": "en-US", "nl": "nl-NL"}
"""The languages that Twilio speaks without a voice being named."""

ENDED: Final[Mapping[str, CallCause]] = {
    "completed": CallCause.HUNG_UP,
    "busy": CallCause.BUSY,
    "no-answer": CallCause.NO_ANSWER,
    "canceled": CallCause.DONE,
    "failed": CallCause.UNREACHABLE,
}
NO_SUCH_NUMBER: Final = ("404", "484", "604")  # SIP
REJECTED: Final = ("403", "603")


@dataclass(frozen=True, slots=True)
class CallManners:
    """Who calls, for how long it rings, and whether Twilio listens for machines (it asks a price for that)."""

    sender: str
    ring_seconds: int = 25
    detects_machines: bool = False


class TwilioCalls:
    """Has the shapes `Provider`, `Hooked`, `Askable` and `Cancelling`."""

    def __init__(
        self,
        account: Account,
        manners: CallManners,
        exchange: Exchange,
        hook: str,
        recording: Callable[[tuple[str, ...], str], str],
    ) -> None:
        """Take the account, our URL, and where messages (names, locale) are recorded; "": Twilio is to speak."""
        self._account = account
        self._manners = manners
        self._exchange = exchange
        self._hook = hook
        self._recording = recording

    @property
    def abilities(self) -> Abilities:
        """See `Provider`."""
        return Abilities(frozenset({Medium.CALL}), receipts=True)

    async def send(self, outgoing: Outgoing, deadline: float) -> Sent:
        """See `Provider`. Without a public address of ours Twilio could not ask what to say."""
        if not self._hook:
            return Sent(Outcome.REJECTED, fault=Fault.CONFIGURATION, code="no_hook", text="there is no public address")
        found = await self._exchange(self._account.asked("Calls", self._fields(outgoing)), deadline)
        if not isinstance(found, Answer):
            return without_answer(found)
        if not 200 <= found.status < 300:
            return refusal(found, outgoing)
        sid = str(found.json().get("sid", ""))
        return Sent(Outcome.ACCEPTED, sid) if sid else by_status(Answer(502))

    def _fields(self, outgoing: Outgoing) -> dict[str, str]:
        manners = self._manners
        fields = {
            "To": outgoing.to.address,
            "From": outgoing.sender or manners.sender,
            "Url": self._at("answer", outgoing.id, 0),
            "Timeout": str(max(5, min(manners.ring_seconds, int(outgoing.seconds)))),
            "TimeLimit": str(LONGEST_SECONDS),
            "StatusCallback": self._at("status", outgoing.id, 0),
        }
        return fields | ({"MachineDetection": "Enable"} if manners.detects_machines else {})

    def _at(self, when: str, send_id: str, count: int) -> str:
        """Our URL for one webhook of this call."""
        return f"{self._hook}?{urlencode({'send': send_id, 'call': when, 'n': count})}"

    async def ask(self, send_id: str, reference: str, deadline: float) -> Sent | None:  # noqa: ARG002 - Twilio does not know our ids
        """See `Askable`."""
        if not reference:
            return None
        found = await self._exchange(self._account.looked_up(f"Calls/{quote(reference, safe='')}"), deadline)
        if not isinstance(found, Answer) or found.status not in {200, 404}:
            raise Unavailable("Twilio does not say what became of the call")
        if found.status == 404:
            return None
        status = str(found.json().get("status", ""))
        failed = status in ENDED and status != "completed"
        return Sent(Outcome.REJECTED if failed else Outcome.ACCEPTED, reference, code=code_of(status if failed else ""))

    async def cancel(self, send_id: str, reference: str, deadline: float) -> None:  # noqa: ARG002 - see ask
        """See `Cancelling`: hang up."""
        if not reference:
            return
        asked = self._account.asked(f"Calls/{quote(reference, safe='')}", {"Status": "completed"})
        found = await self._exchange(asked, deadline)
        if not isinstance(found, Answer) or found.status >= 500:
            raise Unavailable("Twilio did not hang up")

    def understand(self, hook: Hook, now: float) -> tuple[Report, ...]:  # noqa: ARG002 - Twilio signs no time
        """See `Hooked`."""
        self._account.demand_signed(hook)
        fields, asked = dict(form_fields(hook.body)), dict(hook.query)
        sid, send_id = fields.get("CallSid", ""), asked.get("send", "")
        if not sid or not send_id:
            raise Malformed("the form has no CallSid, or our URL no send")
        event = _event(asked.get("call", ""), fields)
        if event is None:
            return ()
        id = f"{sid}/{asked.get('call')}/{_count(hook)}"
        return (Report(id, ReportKind.CALL, send_id, sid, code_of(fields.get("ErrorCode")), event=event),)

    def answer(self, hook: Hook, says: tuple[Say, ...], locale: str) -> HookAnswer:
        """See `Hooked`."""
        asked = dict(hook.query)
        if asked.get("call") == "status":
            return HookAnswer(204)
        body = "".join(self._said(say, asked.get("send", ""), _count(hook) + 1, locale) for say in says or (IDLE,))
        return HookAnswer(200, "text/xml", f"<Response>{body}</Response>".encode())

    def _said(self, say: Say, send_id: str, count: int, locale: str) -> str:
        dialled = f"<Play digits={quoteattr(say.dial.replace(',', 'ww'))}/>" if say.dial else ""
        voice = self._voice(say.prompts, locale) if say.prompts else ""
        if say.hang_up:
            return f"{dialled}{voice}<Hangup/>"
        pressed, silent = self._at("key", send_id, count), self._at("silence", send_id, count)
        seconds = max(1, ceil(say.listen))
        return (
            f'{dialled}<Gather input="dtmf" numDigits="1" finishOnKey="" timeout="{seconds}" '
            f"action={quoteattr(pressed)}>{voice}</Gather><Redirect>{escape(silent)}</Redirect>"
        )

    def _voice(self, prompts: tuple[str, ...], locale: str) -> str:
        url = self._recording(prompts, locale)
        if url:
            return f"<Play>{escape(url)}</Play>"
        language = spoken_language(locale)
        language = language if language in SPOKEN else "en"
        text = " ".join(words(prompt, language) for prompt in prompts)
        return f'<Say language="{SPOKEN[language]}">{escape(text)}</Say>'

    async def close(self) -> None:
        """See `Provider`."""
        await self._exchange.close()


def _count(hook: Hook) -> int:
    text = dict(hook.query).get("n", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 6 else 0


def _event(when: str, fields: Mapping[str, str]) -> CallEvent | None:
    match when:
        case "answer":
            return Picked(machine=fields.get("AnsweredBy", "").startswith(("machine", "fax")))
        case "key":
            return Pressed(fields["Digits"]) if fields.get("Digits", "") in set("0123456789*#") else None
        case "silence":
            return Silence()
        case "status":
            return _over(fields)
        case _:
            return None


def _over(fields: Mapping[str, str]) -> Over | None:
    cause = ENDED.get(fields.get("CallStatus", ""))
    sip = fields.get("SipResponseCode", "")
    if cause is CallCause.UNREACHABLE and sip in NO_SUCH_NUMBER:
        cause = CallCause.INVALID_NUMBER
    elif cause is CallCause.UNREACHABLE and sip in REJECTED:
        cause = CallCause.REJECTED
    return Over(cause) if cause else None
