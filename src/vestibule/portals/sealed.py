"""What a browser keeps for us and brings back unchanged: sealed by a MAC, good for this browser and one purpose alone.

It is readable by the person, so nothing secret is put in; and it is worth nothing in another browser.
"""

import hmac
import json
from collections.abc import Mapping

from vestibule.portals.visit import Visit

MAC_DIGITS = 64
LONGEST = 4096


def sealed(visit: Visit, purpose: str, values: Mapping[str, str]) -> str:
    """The values as one text."""
    text = json.dumps(values, ensure_ascii=True, sort_keys=True)
    return f"{_mac(visit, purpose, text)}{text}"


def opened(visit: Visit, purpose: str, text: str) -> dict[str, str] | None:
    """The values, or None for what we did not seal for this browser."""
    mac, plain = text[:MAC_DIGITS], text[MAC_DIGITS:]
    if len(text) > LONGEST or not hmac.compare_digest(mac.encode(), _mac(visit, purpose, plain).encode()):
        return None
    found: dict[str, str] = json.loads(plain)
    return found


def _mac(visit: Visit, purpose: str, text: str) -> str:
    return visit.desk.mac(b"sealed " + json.dumps([purpose, visit.token, text]).encode()).hex()[:MAC_DIGITS]
