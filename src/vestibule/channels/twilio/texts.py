"""Texts by Twilio's Messages API: sent, reported and replied to."""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, Final
from urllib.parse import quote

from vestibule.channels.twilio.account import Account, fault_of, refusal
from vestibule.core.delivery import (
    Abilities,
    Hook,
    HookAnswer,
    Medium,
    Outcome,
    Outgoing,
    Report,
    ReportKind,
    Say,
    Sent,
)
from vestibule.core.errors import Malformed, Unavailable
from vestibule.core.secret import Secret
from vestibule.wire.exchange import Answer, Exchange, by_status, code_of, readable, whole_seconds, without_answer
from vestibule.wire.hooks.twilio import form_fields

LONGEST_HOLD: Final = 36_000
ABILITIES: Final = Abilities(frozenset({Medium.TEXT}), receipts=True, replies=True)
WITHOUT_HOOK: Final = Abilities(frozenset({Medium.TEXT}))
DELIVERED: Final = ("delivered", "read")
UNDELIVERED: Final = ("undelivered", "failed", "canceled")


class TwilioTexts:
    """Has the shapes `Provider`, `Hooked`, `Askable` and `Cancelling`."""

    def __init__(self, account: Account, sender: str, exchange: Exchange, hook: str) -> None:
        """Take the account, the usual sender (a number or name, or the sid of a messaging service), and our URL."""
        self._account = account
        self._sender = sender
        self._exchange = exchange
        self._hook = hook

    @property
    def abilities(self) -> Abilities:
        """See `Provider`."""
        return ABILITIES if self._hook else WITHOUT_HOOK

    async def send(self, outgoing: Outgoing, deadline: float) -> Sent:
        """See `Provider`."""
        found = await self._exchange(self._account.asked("Messages", self._fields(outgoing)), deadline)
        if not isinstance(found, Answer):
            return without_answer(found)
        return _accepted(found, outgoing) if 200 <= found.status < 300 else refusal(found, outgoing)

    def _fields(self, outgoing: Outgoing) -> dict[str, str]:
        sender = outgoing.sender or self._sender
        fields = {
            "To": outgoing.to.address,
            "MessagingServiceSid" if sender.startswith("MG") else "From": sender,
            "Body": outgoing.text.reveal().decode(),
            "ValidityPeriod": str(whole_seconds(outgoing.seconds, 1, LONGEST_HOLD)),
        }
        if self._hook:
            fields["StatusCallback"] = f"{self._hook}?send={quote(outgoing.id, safe='')}"
        return fields

    async def ask(self, send_id: str, reference: str, deadline: float) -> Sent | None:  # noqa: ARG002 - Twilio does not know our ids
        """See `Askable`; a message is known to Twilio by its reference alone."""
        if not reference:
            return None
        found = await self._exchange(self._account.looked_up(f"Messages/{quote(reference, safe='')}"), deadline)
        if not isinstance(found, Answer):
            raise Unavailable(f"Twilio did not answer: {found.why}")
        if found.status == 404:
            return None
        if found.status != 200:
            raise Unavailable(f"Twilio answered {found.status}")
        return _state(found.json())

    async def cancel(self, send_id: str, reference: str, deadline: float) -> None:  # noqa: ARG002 - see ask
        """See `Cancelling`; what has left Twilio's queue stays sent."""
        if not reference:
            return
        asked = self._account.asked(f"Messages/{quote(reference, safe='')}", {"Status": "canceled"})
        found = await self._exchange(asked, deadline)
        if not isinstance(found, Answer) or found.status >= 500:
            raise Unavailable("Twilio did not take the message back")

    def understand(self, hook: Hook, now: float) -> tuple[Report, ...]:  # noqa: ARG002 - Twilio signs no time
        """See `Hooked`. A request that is played again is the same report with the same id."""
        self._account.demand_signed(hook)
        fields = {name: readable(value) for name, value in form_fields(hook.body)}
        sid = fields.get("MessageSid") or fields.get("SmsSid") or ""
        if not sid:
            raise Malformed("the form has no MessageSid")
        if "MessageStatus" not in fields and "Body" in fields:
            return (_reply(sid, fields),)
        return _receipt(sid, fields, dict(hook.query).get("send", ""))

    def answer(self, hook: Hook, says: tuple[Say, ...], locale: str) -> HookAnswer:  # noqa: ARG002 - texts are not talked to
        """See `Hooked`: no text goes back."""
        return HookAnswer(200, "text/xml", b"<Response/>")

    async def close(self) -> None:
        """See `Provider`."""
        await self._exchange.close()


def _accepted(answer: Answer, outgoing: Outgoing) -> Sent:
    message = answer.json()
    if not message.get("sid"):
        return by_status(Answer(502))  # 2xx by somebody between: who knows
    code = code_of(message.get("error_code"))
    if message.get("status") in UNDELIVERED:
        return Sent(
            Outcome.REJECTED, fault=fault_of(code, 400), code=code, text=f"{outgoing.medium} {message['status']}"
        )
    return _state(message)


def _state(message: Mapping[str, Any]) -> Sent:
    cost = _millionths(message.get("price"))
    return Sent(
        Outcome.ACCEPTED if message.get("status") not in UNDELIVERED else Outcome.REJECTED,
        str(message.get("sid", "")),
        code=code_of(message.get("error_code")),
        parts=_count(message.get("num_segments")),
        cost=cost,
        currency=code_of(message.get("price_unit")) if cost else "",
    )


def _millionths(price: object) -> int:
    """Twilio writes what it takes as a negative number."""
    try:
        return int(abs(Decimal(str(price))) * 1_000_000)
    except (InvalidOperation, OverflowError, ValueError):
        return 0


def _count(segments: object) -> int:
    text = str(segments)
    return max(1, int(text)) if text.isascii() and text.isdigit() and len(text) < 4 else 1


def _receipt(sid: str, fields: Mapping[str, str], send_id: str) -> tuple[Report, ...]:
    status = fields.get("MessageStatus") or fields.get("SmsStatus") or ""
    if status in DELIVERED:
        return (Report(f"{sid}/{status}", ReportKind.DELIVERED, send_id, sid),)
    if status in UNDELIVERED:
        code = code_of(fields.get("ErrorCode"))
        return (Report(f"{sid}/{status}", ReportKind.UNDELIVERED, send_id, sid, code),)
    return ()


def _reply(sid: str, fields: Mapping[str, str]) -> Report:
    return Report(
        f"{sid}/received",
        ReportKind.OPT_OUT if fields.get("OptOutType") == "STOP" else ReportKind.REPLY,
        reference="",
        sender=fields.get("From", ""),
        recipient=fields.get("To", ""),
        text=Secret.of(fields["Body"]),
    )
