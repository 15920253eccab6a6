"""A receiver of our webhook, written as docs/channels/webhook.md tells everybody to: it knows nothing of our code."""

import hashlib
import hmac
import json
import secrets

from tests.channels.fakes.http_server import Asked, FakeHttp, Said, throttled
from tests.conformance.provider_suite import Act, Carried
from vestibule.core.delivery import Hook

SECRET = "webhook-canary-secret-57721566"
HOOK = "https://mfa.example.org/hooks/own/0123456789abcdef"
WORDS = {Act.DESTINATION: 422, Act.POLICY: 403, Act.CONFIGURATION: 401, Act.OTHER: 503, Act.SAME: 429}


def signature(timestamp: str, body: bytes, secret: str = SECRET) -> str:
    """What stands in Vestibule-Signature."""
    return "v1=" + hmac.new(secret.encode(), f"{timestamp}.".encode() + body, hashlib.sha256).hexdigest()


class Receiver(FakeHttp):
    """Carries each id once."""

    def __init__(self) -> None:
        super().__init__()
        self.once = False
        self.taken: dict[str, str] = {}

    def accept(self, asked: Asked) -> Said:
        timestamp = asked.headers.get("vestibule-timestamp", "")
        if not hmac.compare_digest(asked.headers.get("vestibule-signature", ""), signature(timestamp, asked.body)):
            return Said.json(401, {"error": "configuration", "code": "signature"})
        message = asked.json()
        if self.once and message["id"] in self.taken:
            return Said.json(409, {"reference": self.taken[message["id"]]})
        reference = self.taken[message["id"]] = secrets.token_hex(8)
        self.carried.append(
            Carried(
                message["to"],
                message["text"],
                message["from"],
                float(message["seconds"]),
                message["id"],
                reference,
                message["hook"],
            )
        )
        return Said.json(202, {"reference": reference, "parts": 1})

    def refuse(self, asked: Asked, act: Act) -> Said:
        to = asked.json()["to"]
        value = {"error": act.value, "code": f"c-{act.value}", "text": f"no route to {to}"}
        return throttled(value) if act is Act.SAME else Said.json(WORDS[act], value)


def told(value: object, now: float, secret: str = SECRET) -> Hook:
    """What a receiver tells us."""
    body = json.dumps(value).encode()
    timestamp = str(int(now))
    headers = {"vestibule-timestamp": timestamp, "vestibule-signature": signature(timestamp, body, secret)}
    return Hook("POST", HOOK, (), headers, body, "192.0.2.9")
