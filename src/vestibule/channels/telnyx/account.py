"""One account at Telnyx: how it is asked, how it proves its webhooks, and what its error codes mean."""

from base64 import b64decode
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from vestibule.core.delivery import Fault, Forged, Hook, Outcome, Outgoing, Sent
from vestibule.core.errors import Malformed
from vestibule.core.secret import Secret
from vestibule.wire.exchange import (
    Answer,
    Request,
    by_status,
    code_of,
    harmless,
    json_object,
    json_request,
    retry_after,
)
from vestibule.wire.hooks.freshness import demand_fresh

SIGNATURE: Final = "telnyx-signature-ed25519"
TIMESTAMP: Final = "telnyx-timestamp"

DESTINATIONS: Final = ("10016", "40001", "40012", "40300", "40310")
POLICIES: Final = ("40002", "40003", "40009", "40015", "40017", "40309", "40322")
CREDENTIALS: Final = ("10009", "10010", "20002", "20006", "20012", "20013", "20014", "20015", "20016", "20017", "20100")
SENDERS: Final = ("10001", "40010", "40013", "40305", "40306", "40308", "40311", "40312", "40313", "40329", "40333")
LATER: Final = ("10011", "40011", "40016", "40018", "40318")
ELSEWHERE: Final = ("10007", "10008", "40004", "40005", "40006", "40008", "40014", "40320")
FAULTS: Final[Mapping[str, Fault]] = {
    **dict.fromkeys(DESTINATIONS, Fault.DESTINATION),
    **dict.fromkeys(POLICIES, Fault.POLICY),
    **dict.fromkeys((*CREDENTIALS, *SENDERS), Fault.CONFIGURATION),
    **dict.fromkeys(LATER, Fault.SAME),
    **dict.fromkeys(ELSEWHERE, Fault.OTHER),
}
"""What the codes of https://developers.telnyx.com/docs/messaging/messages/error-codes mean for us."""

DUPLICATE: Final = "10012"
"""The same Idempotency-Key once more: it was taken on before."""


@dataclass(frozen=True, slots=True)
class Account:
    """Its API key, the public key (base64) of its webhooks, and where the API is."""

    key: Secret
    public_key: str
    url: str = "https://api.telnyx.com"

    def asked(self, path: str, value: Mapping[str, Any], *headers: tuple[str, str]) -> Request:
        """A request by POST: "messages", "calls"."""
        return json_request(f"{self.url}/v2/{path}", value, self._authorization(), *headers)

    def looked_up(self, path: str) -> Request:
        """A request that only looks."""
        return Request("GET", f"{self.url}/v2/{path}", (self._authorization(),))

    def event(self, hook: Hook, now: float) -> Mapping[str, Any]:
        """The `data` of a webhook: `id`, `event_type`, `payload`. Raises Forged or Malformed."""
        self._demand_signed(hook, now)
        data = json_object(hook.body).get("data")
        if not isinstance(data, dict) or not data.get("id") or not isinstance(data.get("payload"), dict):
            raise Malformed("the event has no data")
        return data

    def _demand_signed(self, hook: Hook, now: float) -> None:
        """The signature is over time and body; the URL is not in it."""
        timestamp = hook.headers.get(TIMESTAMP, "")
        demand_fresh(timestamp, now)
        try:
            signature = b64decode(hook.headers.get(SIGNATURE, ""), validate=True)
            read_key(self.public_key).verify(signature, timestamp.encode() + b"|" + hook.body)
        except (ValueError, InvalidSignature):
            raise Forged("the signature is not right") from None

    def _authorization(self) -> tuple[str, str]:
        return "authorization", f"Bearer {self.key.reveal().decode()}"


def read_key(text: str) -> Ed25519PublicKey:
    """The public key from the portal: 32 octets in base64. Raises ValueError."""
    return Ed25519PublicKey.from_public_bytes(b64decode(text, validate=True))


def refusal(answer: Answer, outgoing: Outgoing) -> Sent:
    """What an answer means that is not 2xx; codes that are not known are another provider's turn."""
    errors = answer.json().get("errors")
    problem = errors[0] if isinstance(errors, list) and errors and isinstance(errors[0], dict) else {}
    code = code_of(problem.get("code"))
    if not code:
        return by_status(answer)
    if code == DUPLICATE:
        return Sent(Outcome.ACCEPTED, code=code)
    fault = fault_of(code, answer.status)
    patience = (retry_after(answer) or 1.0) if fault is Fault.SAME else 0.0
    text = harmless(problem.get("detail") or problem.get("title") or "", outgoing)
    return Sent(Outcome.REJECTED, fault=fault, code=code, text=text, retry_after=patience)


def fault_of(code: str, status: int) -> Fault:
    """The fault of an error code, or else of the status that it came with."""
    if code in FAULTS:
        return FAULTS[code]
    if status == 429:
        return Fault.SAME
    return Fault.CONFIGURATION if status in (401, 402, 403, 404) else Fault.OTHER
