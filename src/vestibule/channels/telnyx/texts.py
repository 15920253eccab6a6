"""Texts by Telnyx's Messages API: sent once by their key, reported with their cost, and replied to."""

from collections.abc import Iterator, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from vestibule.channels.telnyx.account import Account, fault_of, refusal
from vestibule.core.delivery import (
    Abilities,
    Fault,
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
from vestibule.core.secret import Secret
from vestibule.wire.exchange import Answer, Exchange, by_status, code_of, without_answer
from vestibule.wire.hooks.marked import marked_send, marked_url

MEDIA: Final = frozenset({Medium.TEXT})
DELIVERED: Final = ("delivered", "read")
UNDELIVERED: Final = ("sending_failed", "delivery_failed", "expired")


class TelnyxTexts:
    """Has the shapes `Provider` and `Hooked`."""

    def __init__(self, account: Account, sender: str, profile: str, exchange: Exchange, hook: str) -> None:
        """Take the account, the usual sender, the id of the messaging profile ("" for none), and our URL."""
        self._account = account
        self._sender = sender
        self._profile = profile
        self._exchange = exchange
        self._hook = hook

    @property
    def abilities(self) -> Abilities:
        """See `Provider`."""
        return Abilities(MEDIA, idempotent=True, receipts=bool(self._hook), replies=bool(self._hook))

    async def send(self, outgoing: Outgoing, deadline: float) -> Sent:
        """See `Provider`."""
        key = ("idempotency-key", outgoing.id)
        found = await self._exchange(self._account.asked("messages", self._message(outgoing), key), deadline)
        if not isinstance(found, Answer):
            return without_answer(found)
        return _accepted(found) if 200 <= found.status < 300 else refusal(found, outgoing)

    def _message(self, outgoing: Outgoing) -> dict[str, Any]:
        message: dict[str, Any] = {
            "to": outgoing.to.address,
            "text": outgoing.text.reveal().decode(),
            "type": "SMS",
        }
        if sender := outgoing.sender or self._sender:
            message["from"] = sender
        if self._profile:
            message["messaging_profile_id"] = self._profile
        if self._hook:
            url = marked_url(self._hook, self._account.key, outgoing.id)
            message |= {"webhook_url": url, "use_profile_webhooks": False}
        return message

    def understand(self, hook: Hook, now: float) -> tuple[Report, ...]:
        """See `Hooked`."""
        data = self._account.event(hook, now)
        send_id = marked_send(self._account.key, hook.query)
        event_id, payload = str(data["id"]), data["payload"]
        match data.get("event_type"):
            case "message.received":
                return (_reply(event_id, payload),)
            case "message.sent" | "message.finalized":
                return tuple(_receipts(event_id, send_id, payload))
            case _:
                return ()

    def answer(self, hook: Hook, says: tuple[Say, ...], locale: str) -> HookAnswer:  # noqa: ARG002 - texts are not talked to
        """See `Hooked`."""
        return HookAnswer(204)

    async def close(self) -> None:
        """See `Provider`."""
        await self._exchange.close()


def _accepted(answer: Answer) -> Sent:
    message = answer.json().get("data")
    if not isinstance(message, dict) or not message.get("id"):
        return by_status(Answer(502))  # 2xx by somebody between: who knows
    failed = _status(message) in UNDELIVERED
    code = _first_error(message)
    cost, currency = _cost(message)
    parts = message.get("parts")
    return Sent(
        Outcome.REJECTED if failed else Outcome.ACCEPTED,
        str(message["id"]),
        fault=(fault_of(code, 400) if code else Fault.OTHER) if failed else None,
        code=code,
        parts=parts if isinstance(parts, int) and 0 < parts < 256 else 1,
        cost=cost,
        currency=currency,
    )


def _first(payload: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = payload.get(name)
    return found[0] if isinstance(found, list) and found and isinstance(found[0], dict) else {}


def _status(payload: Mapping[str, Any]) -> str:
    return str(_first(payload, "to").get("status", ""))


def _first_error(payload: Mapping[str, Any]) -> str:
    return code_of(_first(payload, "errors").get("code"))


def _cost(payload: Mapping[str, Any]) -> tuple[int, str]:
    """In millionths, and of which currency; (0, "") where it is not said."""
    cost = payload.get("cost")
    if not isinstance(cost, dict):
        return 0, ""
    try:
        amount = int(abs(Decimal(str(cost.get("amount")))) * 1_000_000)
    except (InvalidOperation, OverflowError, ValueError):
        return 0, ""
    return (amount, code_of(cost.get("currency"))) if amount else (0, "")


def _receipts(event_id: str, send_id: str, payload: Mapping[str, Any]) -> Iterator[Report]:
    """Telnyx's signature does not cover the URL, so the URL has a mark of ours."""
    reference = str(payload.get("id", ""))
    status = _status(payload)
    if status in DELIVERED:
        yield Report(event_id, ReportKind.DELIVERED, send_id, reference)
    elif status in UNDELIVERED:
        yield Report(event_id, ReportKind.UNDELIVERED, send_id, reference, _first_error(payload) or status)
    cost, currency = _cost(payload)
    if cost:
        yield Report(f"{event_id}/cost", ReportKind.COST, send_id, reference, cost=cost, currency=currency)


def _reply(event_id: str, payload: Mapping[str, Any]) -> Report:
    sender = payload.get("from")
    return Report(
        event_id,
        ReportKind.REPLY,
        sender=str(sender.get("phone_number", "")) if isinstance(sender, dict) else "",
        recipient=str(_first(payload, "to").get("phone_number", "")),
        text=Secret.of(str(payload.get("text") or "")),
    )
