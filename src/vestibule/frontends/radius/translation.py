"""RADIUS ⇄ sign-ins, pure: packets to what a flow is asked, decisions to codes and attributes.

State is printable (some clients treat it as text): the attempt's id and the question's nonce, 32 hex digits each.
"""

import re
from collections.abc import Iterable
from functools import lru_cache

from vestibule.core.clients import Client
from vestibule.core.decisions import Accept, Ask, Decision
from vestibule.core.errors import Malformed
from vestibule.core.policy import is_address
from vestibule.core.prompts import Approve, TypeCode
from vestibule.core.reasons import Reason
from vestibule.core.secret import Secret
from vestibule.core.snapshot import Snapshot
from vestibule.flows.authenticate import Beginning, Reply
from vestibule.wire.names import checked_text
from vestibule.wire.radius.dictionary import Dictionary
from vestibule.wire.radius.packet import Attribute, Code, Packet
from vestibule.wire.radius.password import reveal
from vestibule.wire.radius.reply import text_attributes

Attributes = tuple[tuple[int, bytes], ...]

STATE = re.compile(rb"([0-9a-f]{32})([0-9a-f]{32})")
LONGEST_NAME = 253

# Every reason looks the same outside: Access-Reject and one text. The table is here so that a new reason that needs
# another answer has a place, and a test sees that none is forgotten.
CODE_OF_REASON: dict[Reason, Code] = {
    Reason.UNKNOWN_USER: Code.ACCESS_REJECT,
    Reason.BLOCKED: Code.ACCESS_REJECT,
    Reason.WRONG_PASSWORD: Code.ACCESS_REJECT,
    Reason.WRONG_CODE: Code.ACCESS_REJECT,
    Reason.CODE_REUSED: Code.ACCESS_REJECT,
    Reason.CODE_OLD: Code.ACCESS_REJECT,
    Reason.CLOCK: Code.ACCESS_REJECT,
    Reason.THROTTLED: Code.ACCESS_REJECT,
    Reason.TOO_MANY_FAILURES: Code.ACCESS_REJECT,
    Reason.DENIED_BY_POLICY: Code.ACCESS_REJECT,
    Reason.NOT_ENROLLED: Code.ACCESS_REJECT,
    Reason.NO_USABLE_PROMPT: Code.ACCESS_REJECT,
    Reason.NOT_DELIVERED: Code.ACCESS_REJECT,
    Reason.NO_ANSWER: Code.ACCESS_REJECT,
    Reason.DECLINED: Code.ACCESS_REJECT,
    Reason.UNKNOWN_ATTEMPT: Code.ACCESS_REJECT,
}


def password_of(packet: Packet, secret: bytes) -> Secret | None:
    """The password field, or None when the client uses a protocol that carries none (CHAP, EAP)."""
    hidden = packet.first(Attribute.USER_PASSWORD)
    return None if hidden is None else Secret(reveal(hidden, secret, packet.authenticator))


def user_name_of(packet: Packet) -> str:
    """The User-Name as text; raises Malformed for one that is none."""
    return checked_text(packet.first(Attribute.USER_NAME) or b"", "User-Name", LONGEST_NAME)


def place_of(packet: Packet, client: Client) -> tuple[str, str]:
    """The place that failures are counted for, and the person's IP address or ""."""
    calling = packet.first(Attribute.CALLING_STATION_ID)
    if not calling:
        return f"client:{client.id}", ""
    source = checked_text(calling, "Calling-Station-Id", LONGEST_NAME)
    return source, source if is_address(source) else ""


def question(
    packet: Packet, client: Client, password: Secret, identity: str, deadline: float
) -> Beginning | Reply:
    """What the flow is asked: an answer when the packet carries a State, else a new attempt. Raises Malformed."""
    user_name = user_name_of(packet)
    state = packet.first(Attribute.STATE)
    if state is None:
        source, address = place_of(packet, client)
        return Beginning(identity, client.id, user_name, password, source, address, deadline)
    named = STATE.fullmatch(state)
    attempt_id, nonce = (part.decode() for part in named.groups()) if named else ("", "")
    return Reply(identity, client.id, user_name, attempt_id, nonce, password, deadline)


def code_of(decision: Decision) -> Code:
    """The packet code of a decision that ends the waiting."""
    match decision:
        case Accept():
            return Code.ACCESS_ACCEPT
        case Ask():
            return Code.ACCESS_CHALLENGE
        case _:
            return CODE_OF_REASON[getattr(decision, "reason", Reason.NO_ANSWER)]


class Replies:
    """Attributes of replies under one snapshot; those of groups are encoded once."""

    def __init__(self, snapshot: Snapshot, dictionary: Dictionary) -> None:
        """Take texts and groups from `snapshot`."""
        self._snapshot = snapshot
        self._dictionary = dictionary
        self._of_groups = lru_cache(maxsize=4096)(self._encode_groups)
        self.refusal: Attributes = tuple(text_attributes(Attribute.REPLY_MESSAGE, snapshot.settings.text_refused))

    def attributes(self, decision: Decision) -> Attributes:
        """The attributes that go with the code of `decision`."""
        match decision:
            case Accept(groups=groups):
                return self._of_groups(groups)
            case Ask(attempt_id=attempt_id, nonce=nonce, prompt=prompt):
                state = (int(Attribute.STATE), f"{attempt_id}{nonce}".encode())
                return state, *text_attributes(Attribute.REPLY_MESSAGE, self._prompt(prompt))
            case _:
                return self.refusal

    def _prompt(self, prompt: TypeCode | Approve) -> str:
        settings = self._snapshot.settings
        return settings.text_enter_code if isinstance(prompt, TypeCode) else settings.text_wait

    def _encode_groups(self, groups: tuple[str, ...]) -> Attributes:
        known = [self._snapshot.groups[name] for name in groups if name in self._snapshot.groups]
        pairs = dict.fromkeys(pair for group in known for pair in group.reply_attributes)
        return tuple(self._encoded(pairs))

    def _encoded(self, pairs: Iterable[tuple[str, str]]) -> Iterable[tuple[int, bytes]]:
        for name, value in pairs:
            try:
                yield self._dictionary.encode(name, value)
            except (Malformed, ValueError, LookupError):
                continue  # refused when it was set; only a dictionary that shrank since can bring us here
