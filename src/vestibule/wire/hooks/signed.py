"""The signature of our own webhooks, in both directions: HMAC-SHA256 over time and body, with a secret of both sides.

    Vestibule-Timestamp: 1795212000
    Vestibule-Signature: v1=<hex HMAC-SHA256(secret, "1795212000." + body)>

Several signatures stand with commas between them while a secret changes; one that is right is enough.
"""

import hmac
from collections.abc import Mapping
from typing import Final

from vestibule.core.delivery import Forged
from vestibule.core.secret import Secret
from vestibule.wire.hooks.freshness import demand_fresh

TIMESTAMP: Final = "vestibule-timestamp"
SIGNATURE: Final = "vestibule-signature"
VERSION: Final = "v1="


def signature_headers(secret: Secret, body: bytes, now: float) -> tuple[tuple[str, str], ...]:
    """The two headers of a request with this body."""
    timestamp = str(int(now))
    return (TIMESTAMP, timestamp), (SIGNATURE, VERSION + _mac(secret, timestamp, body))


def demand_signed(secret: Secret, headers: Mapping[str, str], body: bytes, now: float) -> None:
    """Raises Forged unless the body is signed with the secret, within five minutes of `now`."""
    timestamp = headers.get(TIMESTAMP, "")
    demand_fresh(timestamp, now)
    right = VERSION + _mac(secret, timestamp, body)
    found = [one.strip() for one in headers.get(SIGNATURE, "").split(",")[:4]]
    if not any(hmac.compare_digest(one.encode(), right.encode()) for one in found):
        raise Forged("the signature is not right")


def _mac(secret: Secret, timestamp: str, body: bytes) -> str:
    return hmac.new(secret.reveal(), timestamp.encode() + b"." + body, "sha256").hexdigest()
