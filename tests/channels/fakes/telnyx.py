"""A Telnyx of one's own: messages by their key, its error bodies, events signed with Ed25519."""

import base64
import json
import secrets
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.channels.fakes.http_server import Asked, FakeHttp, Said, throttled
from tests.conformance.provider_suite import Act, Carried
from vestibule.core.delivery import Hook

KEY = "KEY0199CANARY-telnyx-271828"
SIGNER = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC = base64.b64encode(SIGNER.public_key().public_bytes_raw()).decode()
PROBLEMS = {
    Act.DESTINATION: (400, "40310", "Invalid 'to' address", "The address {to} is invalid."),
    Act.POLICY: (403, "40309", "Invalid destination region", "The region of {to} is not in the profile."),
    Act.CONFIGURATION: (401, "10009", "Authentication failed", "Could not find any usable credentials."),
    Act.OTHER: (500, "10007", "Unexpected error", "An unexpected error occured."),
    Act.SAME: (429, "10011", "Too many requests", "You have exceeded the maximum number of allowed requests."),
}


class FakeTelnyx(FakeHttp):
    """Takes messages as `https://api.telnyx.com` does; the same key gives the same answer."""

    def __init__(self) -> None:
        super().__init__()
        self.keys: list[str] = []
        self.answered: dict[str, Said] = {}
        self.once = False

    def accept(self, asked: Asked) -> Said:
        if asked.headers.get("authorization") != f"Bearer {KEY}" or asked.path != "/v2/messages":
            return self.refuse(asked, Act.CONFIGURATION)
        key = asked.headers["idempotency-key"]
        self.keys.append(key)
        if self.once and key in self.answered:
            return self.answered[key]
        value = asked.json()
        id = secrets.token_hex(16)
        self.carried.append(Carried(value["to"], value["text"], value["from"], None, key, id, value["webhook_url"]))
        data = {"id": id, "parts": 1, "to": [{"phone_number": value["to"], "status": "queued"}], "errors": []}
        self.answered[key] = Said.json(200, {"data": data | {"cost": {"amount": "0.0040", "currency": "USD"}}})
        return self.answered[key]

    def refuse(self, asked: Asked, act: Act) -> Said:
        status, code, title, detail = PROBLEMS[act]
        to = asked.json().get("to", "")
        problem = {
            "errors": [{"code": code, "title": title, "detail": detail.format(to=to), "source": {"pointer": "/to"}}]
        }
        return throttled(problem) if status == 429 else Said.json(status, problem)


HOOK = "https://mfa.example.org/hooks/tx/0123"


def event(kind: str, payload: dict[str, Any], now: float, signer: Ed25519PrivateKey = SIGNER, id: str = "") -> Hook:
    """A request as Telnyx makes it."""
    data = {"event_type": kind, "id": id or secrets.token_hex(16), "occurred_at": "2026-11-20T21:00:00Z"}
    return signed({"data": data | {"payload": payload, "record_type": "event"}, "meta": {"attempt": 1}}, now, signer)


def signed(value: object, now: float, signer: Ed25519PrivateKey = SIGNER) -> Hook:
    """Any body with a good signature of that time."""
    body = json.dumps(value).encode()
    timestamp = str(int(now))
    headers = {"telnyx-timestamp": timestamp, "telnyx-signature-ed25519": sign(timestamp, body, signer)}
    return Hook("POST", HOOK, (), headers, body, "192.0.2.9")


def sign(timestamp: str, body: bytes, signer: Ed25519PrivateKey = SIGNER) -> str:
    """What stands in the header."""
    return base64.b64encode(signer.sign(f"{timestamp}|".encode() + body)).decode()


def finalized(reference: str, to: str, status: str, error: str = "") -> dict[str, Any]:
    """The payload of a message.finalized."""
    return {
        "id": reference,
        "to": [{"phone_number": to, "status": status, "carrier": "", "line_type": "Wireless"}],
        "errors": [{"code": error, "title": "Undeliverable"}] if error else [],
        "parts": 1,
    }


def received(sender: str, recipient: str, text: str) -> dict[str, Any]:
    """The payload of a message.received."""
    return {
        "id": secrets.token_hex(16),
        "from": {"phone_number": sender, "status": "webhook_delivered"},
        "to": [{"phone_number": recipient, "status": "webhook_delivered"}],
        "text": text,
        "type": "SMS",
    }
