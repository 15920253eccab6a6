"""PINs of people: a second secret beside the telephone. What is kept is a keyed digest; the rules for a new one.

Four digits can be guessed by whoever has the database and the key; so the key is sealed, tries are counted, and a PIN
is never the only factor.
"""

import hmac
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from itertools import pairwise

from vestibule.core.credentials import Credential
from vestibule.core.phones import earlier

Mac = Callable[[bytes], bytes]

PIN = "pin"
"""The method of a credential that proves nothing by itself."""

LONGEST = 16
DAY = 86400.0
RUN = 4  # digits of a telephone number


@dataclass(frozen=True, slots=True)
class PinRules:
    """What a new PIN must be beside the rules that always hold. `numbers` are the person's telephone numbers."""

    digits: int
    fraud_code: str
    numbers: tuple[str, ...]
    history: int = 0


def pin_of(held: Iterable[Credential]) -> Credential | None:
    """The PIN among what a person has."""
    return next((one for one in held if one.method == PIN and one.memory), None)


def pin_mac(mac: Mac, user_id: str, pin: str) -> str:
    """What is kept of a PIN."""
    return mac(f"pin {user_id}/{pin}".encode()).hex()


def proves(one: Credential) -> bool:
    """Whether it is a factor at all: a PIN stands beside one, and a number of earlier only waits for its notice."""
    return one.method != PIN and not earlier(one)


def right_pin(mac: Mac, credential: Credential, typed: str) -> bool:
    """Whether this is the PIN."""
    kept: str = json.loads(credential.memory)["mac"]
    return hmac.compare_digest(pin_mac(mac, credential.user_id, typed), kept)


def expired(credential: Credential, days: int, now: float) -> bool:
    """Whether it must be changed before it lets in again: it is too old, or somebody else has set it."""
    kept = json.loads(credential.memory)
    return bool(kept["must_change"]) or bool(days and now - kept["changed_at"] >= days * DAY)


def with_pin(
    mac: Mac, credential: Credential, pin: str, now: float, history: int, *, must_change: bool = False
) -> Credential:
    """The credential with a new PIN; the digests of earlier ones stay as far as the settings want them."""
    kept = json.loads(credential.memory or "{}")
    before = [*([kept["mac"]] if kept else []), *kept.get("history", [])][:history]
    fresh = {
        "mac": pin_mac(mac, credential.user_id, pin),
        "changed_at": now,
        "must_change": must_change,
        "history": before,
    }
    return replace(credential, memory=json.dumps(fresh), version=credential.version + 1)


def to_be_changed(credential: Credential) -> Credential:
    """The credential whose PIN must be changed before it lets in again."""
    kept = json.loads(credential.memory) | {"must_change": True}
    return replace(credential, memory=json.dumps(kept), version=credential.version + 1)


def pin_fault(mac: Mac, credential: Credential, pin: str, rules: PinRules) -> str:
    """What is wrong with a new PIN, in words, "" for nothing."""
    if not (pin.isascii() and pin.isdigit() and rules.digits <= len(pin) <= LONGEST):
        return f"it must have {rules.digits} to {LONGEST} digits and nothing else"
    if pin == rules.fraud_code:
        return "it is what reports a fraud in a call"
    if _repeats(pin):
        return "the same digit stands three times in a row"
    if _counts(pin):
        return "three digits count up or down"
    if any(pin[i : i + RUN] in number for number in rules.numbers for i in range(len(pin) - RUN + 1)):
        return "four of its digits stand together in a telephone number of the same person"
    kept = json.loads(credential.memory or "{}")
    known = [*([kept["mac"]] if kept else []), *kept.get("history", [])[: rules.history]]
    if pin_mac(mac, credential.user_id, pin) in known:
        return "it was the PIN before"
    return ""


def _repeats(pin: str) -> bool:
    return any(a == b == c for a, b, c in zip(pin, pin[1:], pin[2:], strict=False))


def _counts(pin: str) -> bool:
    steps = [int(b) - int(a) for a, b in pairwise(pin)]
    return any(a == b and abs(a) == 1 for a, b in pairwise(steps))
