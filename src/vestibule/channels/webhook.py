"""Our own webhook: a signed JSON message by POST to a program of the operator's, which tells us things alike.

The protocol is written for who makes such a program in `docs/channels/webhook.md`.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

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
from vestibule.core.errors import Malformed
from vestibule.core.secret import Secret
from vestibule.wire.exchange import (
    Answer,
    Exchange,
    Request,
    by_status,
    code_of,
    harmless,
    json_object,
    retry_after,
    without_answer,
)
from vestibule.wire.hooks.signed import demand_signed, signature_headers

VERSION: Final = 1
KINDS: Final = {kind.value: kind for kind in ReportKind if kind is not ReportKind.CALL}
LONGEST_ID: Final = 128
MOST_COST: Final = 1_000_000_000


@dataclass(frozen=True, slots=True)
class WebhookSettings:
    """Where it listens, what it is asked to carry, who sends when nobody else is said, and the secret of both sides."""

    url: str
    secret: Secret
    media: frozenset[Medium] = frozenset({Medium.TEXT})
    sender: str = ""


class Webhook:
    """Has the shapes `Provider` and `Hooked`."""

    def __init__(self, settings: WebhookSettings, exchange: Exchange, hook: str, clock: Callable[[], float]) -> None:
        """Take our URL for what it tells us ("" for none), and the clock (Unix seconds) of signatures."""
        self._settings = settings
        self._exchange = exchange
        self._hook = hook
        self._clock = clock

    @property
    def abilities(self) -> Abilities:
        """See `Provider`; a receiver takes the same id once."""
        heard = bool(self._hook)
        return Abilities(self._settings.media, idempotent=True, receipts=heard, replies=heard)

    async def send(self, outgoing: Outgoing, deadline: float) -> Sent:
        """See `Provider`."""
        body = self._message(outgoing)
        signed = signature_headers(self._settings.secret, body, self._clock())
        headers = (("content-type", "application/json"), ("idempotency-key", outgoing.id), *signed)
        found = await self._exchange(Request("POST", self._settings.url, headers, body), deadline)
        return _sent(found, outgoing) if isinstance(found, Answer) else without_answer(found)

    def _message(self, outgoing: Outgoing) -> bytes:
        message = {
            "v": VERSION,
            "id": outgoing.id,
            "medium": outgoing.medium.value,
            "to": outgoing.to.address,
            "from": outgoing.sender or self._settings.sender,
            "subject": outgoing.subject,
            "text": outgoing.text.reveal().decode(),
            "locale": outgoing.locale,
            "seconds": int(outgoing.seconds),
            "answers": outgoing.answers,
            "hook": self._hook,
        }
        return json.dumps(message, ensure_ascii=False).encode()

    def understand(self, hook: Hook, now: float) -> tuple[Report, ...]:
        """See `Hooked`."""
        demand_signed(self._settings.secret, hook.headers, hook.body, now)
        told = json_object(hook.body)
        kind = KINDS.get(str(told.get("kind")))
        id = told.get("id")
        if kind is None or not isinstance(id, str) or not 0 < len(id) <= LONGEST_ID:
            raise Malformed(f"the body needs an id (text) and a kind ({', '.join(KINDS)})")
        text = told.get("text")
        return (
            Report(
                id,
                kind,
                send_id=_text(told.get("send")),
                reference=_text(told.get("reference")),
                code=code_of(told.get("code")),
                sender=_text(told.get("from")),
                recipient=_text(told.get("to")),
                text=Secret.of(text) if isinstance(text, str) else None,
                cost=_cost(told.get("cost")),
                currency=code_of(told.get("currency")),
            ),
        )

    def answer(self, hook: Hook, says: tuple[Say, ...], locale: str) -> HookAnswer:  # noqa: ARG002 - no calls
        """See `Hooked`."""
        return HookAnswer(204)

    async def close(self) -> None:
        """See `Provider`."""
        await self._exchange.close()


def _text(value: object) -> str:
    return value[:LONGEST_ID] if isinstance(value, str) else ""


def _cost(value: object) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MOST_COST else 0


def _sent(answer: Answer, outgoing: Outgoing) -> Sent:
    said = answer.json()
    code = code_of(said.get("code"))
    if 200 <= answer.status < 300 and not said and answer.body.strip() != b"{}":  # somebody between has answered
        return Sent(Outcome.UNKNOWN, code="no_json")
    if 200 <= answer.status < 300 or answer.status == 409:  # 409: this id was taken on before
        cost = _cost(said.get("cost"))
        parts = said.get("parts")
        return Sent(
            Outcome.ACCEPTED,
            _text(said.get("reference")),
            code=code,
            parts=parts if isinstance(parts, int) and 0 < parts < 256 else 1,
            cost=cost,
            currency=code_of(said.get("currency")) if cost else "",
        )
    word = said.get("error")
    if word not in tuple(Fault):
        return by_status(answer)
    fault = Fault(word)
    patience = (retry_after(answer) or 1.0) if fault is Fault.SAME else 0.0
    return Sent(
        Outcome.REJECTED, fault=fault, code=code, text=harmless(said.get("text", ""), outgoing), retry_after=patience
    )
