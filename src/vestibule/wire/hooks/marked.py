"""A URL of ours that names a send, for gateways that sign nothing: whoever calls it was given it by us.

The mark binds the URL to one send. What is told there (delivered or not) is not covered, for the gateway adds it.
"""

import hmac
from collections.abc import Iterable
from typing import Final
from urllib.parse import quote

from vestibule.core.delivery import Forged
from vestibule.core.secret import Secret

CONTEXT: Final = b"vestibule hook "


def marked_url(hook: str, secret: Secret, send_id: str) -> str:
    """Our URL for what becomes of this send."""
    return f"{hook}?send={quote(send_id, safe='')}&mark={_mark(secret, send_id)}"


def marked_send(secret: Secret, query: Iterable[tuple[str, str]]) -> str:
    """The send that a URL of ours names, "" for one that names none. Raises Forged for one that we did not make."""
    fields = dict(query)
    send_id = fields.get("send", "")
    if not send_id and "mark" not in fields:
        return ""
    if not hmac.compare_digest(_mark(secret, send_id).encode(), fields.get("mark", "").encode(errors="replace")):
        raise Forged("this URL is not one that we gave away")
    return send_id


def _mark(secret: Secret, send_id: str) -> str:
    return hmac.new(secret.reveal(), CONTEXT + send_id.encode(errors="replace"), "sha256").hexdigest()[:32]
