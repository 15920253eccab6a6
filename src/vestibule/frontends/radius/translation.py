"""RADIUS ⇄ sign-ins, pure: packets to what a flow is asked, decisions to codes and attributes.

State is printable (some clients treat it as text): the attempt's id and the question's nonce, 32 hex digits each.
"""

import re
from collections.abc import Iterable
from functools import lru_cache

from vestibule.core import places
from vestibule.core.asking import in_words
from vestibule.core.clients import Client
from vestibule.core.decisions import Accept, Ask, Decision, Reject, Wait
from vestibule.core.errors import Malformed
from vestibule.core.places import Place
from vestibule.core.reasons import Reason
from vestibule.core.secret import Secret
from vestibule.core.snapshot import Snapshot
from vestibule.core.users import Group
from vestibule.flows.authenticate import Beginning, Reply
from vestibule.wire.names import checked_text
from vestibule.wire.radius.dictionary import Dictionary
from vestibule.wire.radius.packet import Attribute, Code, Packet
from vestibule.wire.radius.password import reveal
from vestibule.wire.radius.reply import text_attributes

Attributes = tuple[tuple[int, bytes], ...]

STATE = re.compile(rb"([0-9a-f]{32})([0-9a-f]{32})")
STATION_PORT = re.compile(r"\[\d{1,5}\]\Z")  # strongSwan writes 192.0.2.1[4500]
LONGEST_TEXT = 253

# Every reason looks the same outside: Access-Reject and one text. The table is here so that a new reason that needs
# another answer has a place, and a test sees that none is forgotten.
CODE_OF_REASON: dict[Reason, Code] = {
    Reason.UNKNOWN_USER: Code.ACCESS_REJECT,
    Reason.BLOCKED: Code.ACCESS_REJECT,
    Reason.WRONG_PASSWORD: Code.ACCESS_REJECT,
    Reason.PASSWORD_EXPIRED: Code.ACCESS_REJECT,
    Reason.PASSWORD_MUST_CHANGE: Code.ACCESS_REJECT,
    Reason.ACCOUNT_LOCKED: Code.ACCESS_REJECT,
    Reason.ACCOUNT_DISABLED: Code.ACCESS_REJECT,
    Reason.ACCOUNT_EXPIRED: Code.ACCESS_REJECT,
    Reason.NOT_ALLOWED_NOW: Code.ACCESS_REJECT,
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
    Reason.WRONG_PIN: Code.ACCESS_REJECT,
    Reason.FRAUD_REPORTED: Code.ACCESS_REJECT,
    Reason.LIMIT_REACHED: Code.ACCESS_REJECT,
    Reason.PASSKEY_REFUSED: Code.ACCESS_REJECT,
    Reason.PASSKEY_COPIED: Code.ACCESS_REJECT,
    Reason.UNKNOWN_ATTEMPT: Code.ACCESS_REJECT,
}


def password_of(packet: Packet, secret: bytes) -> Secret | None:
    """The password field, or None when the client uses a protocol that carries none (CHAP, EAP)."""
    hidden = packet.first(Attribute.USER_PASSWORD)
    return None if hidden is None else Secret(reveal(hidden, secret, packet.authenticator))


def user_name_of(packet: Packet) -> str:
    """The User-Name. What is no text is nobody's name, like an empty one: it is refused, and no client waits for it."""
    try:
        return checked_text(packet.first(Attribute.USER_NAME) or b"", "User-Name", LONGEST_TEXT)
    except Malformed:
        return ""


def place_of(packet: Packet, client: Client) -> Place:
    """The place that Calling-Station-Id names; the client itself when it names none, or in octets that are no text."""
    try:
        calling = checked_text(packet.first(Attribute.CALLING_STATION_ID) or b"", "Calling-Station-Id", LONGEST_TEXT)
    except Malformed:
        calling = ""
    if not calling:
        return Place(f"client:{client.id}")
    place = places.place_of(STATION_PORT.sub("", calling))
    return place if place.address else Place(calling)


def question(packet: Packet, client: Client, password: Secret, identity: str, deadline: float) -> Beginning | Reply:
    """What the flow is asked: an answer when the packet carries a State, else a new attempt."""
    user_name = user_name_of(packet)
    state = packet.first(Attribute.STATE)
    if state is None:
        place = place_of(packet, client)
        return Beginning(identity, client.id, user_name, password, place.source, place.address, deadline)
    named = STATE.fullmatch(state)
    attempt_id, nonce = (part.decode() for part in named.groups()) if named else ("", "")
    return Reply(identity, client.id, user_name, attempt_id, nonce, password, deadline)


def code_of(decision: Decision) -> Code:
    """The packet code of a decision; one that still waits when its time is over is a refusal."""
    match decision:
        case Accept():
            return Code.ACCESS_ACCEPT
        case Ask():
            return Code.ACCESS_CHALLENGE
        case Reject(reason):
            return CODE_OF_REASON[reason]
        case Wait():
            return CODE_OF_REASON[Reason.NO_ANSWER]


def merged(ours: Attributes, theirs: Iterable[tuple[int, bytes]]) -> Attributes:
    """What groups say, then what a directory says of other attributes; of a vendor's the one inside is compared."""
    said = {_named(pair) for pair in ours}
    return *ours, *(pair for pair in theirs if _named(pair) not in said)


def _named(pair: tuple[int, bytes]) -> tuple[int, bytes]:
    """Which attribute it is: its number, and for a vendor's the vendor's and its own (RFC 2865 section 5.26)."""
    kind, value = pair
    return kind, value[:5] if kind == Attribute.VENDOR_SPECIFIC else b""


class Unsayable(Exception):
    """A group's reply attribute can not be written, so its members are not let in without it."""


class Replies:
    """Attributes of replies under one snapshot; those of groups are encoded once."""

    def __init__(self, snapshot: Snapshot, dictionary: Dictionary) -> None:
        """Take texts and groups from `snapshot`."""
        self._snapshot = snapshot
        self._dictionary = dictionary
        self._of_groups = lru_cache(maxsize=4096)(self._encode_groups)
        self.refusal: Attributes = tuple(text_attributes(Attribute.REPLY_MESSAGE, snapshot.settings.text_refused))

    def attributes(self, decision: Decision) -> Attributes:
        """The attributes that go with the code of `decision`. Raises Unsayable."""
        match decision:
            case Accept(groups=groups, attributes=attributes):
                return self._of_groups(groups) if not attributes else self._with_directory(groups, attributes)
            case Ask(attempt_id=attempt_id, nonce=nonce, prompt=prompt, ways=ways):
                state = (int(Attribute.STATE), f"{attempt_id}{nonce}".encode())
                return state, *text_attributes(Attribute.REPLY_MESSAGE, in_words(prompt, self._snapshot.settings, ways))
            case _:
                return self.refusal

    def _with_directory(self, groups: tuple[str, ...], attributes: tuple[tuple[str, str], ...]) -> Attributes:
        """What groups say goes before what the directory says of the same attribute."""
        return merged(self._of_groups(groups), map(self._from_directory, attributes))

    def _from_directory(self, attribute: tuple[str, str]) -> tuple[int, bytes]:
        """One attribute by its name, or by "#" and its number with its octets in hexadecimal."""
        name, value = attribute
        if name.startswith("#"):
            return int(name[1:]), bytes.fromhex(value)
        try:
            return self._dictionary.encode(name, value)
        except Malformed as malformed:
            raise Unsayable(f"an attribute of the directory: {malformed}") from malformed

    def _encode_groups(self, groups: tuple[str, ...]) -> Attributes:
        known = [self._snapshot.groups[name] for name in groups if name in self._snapshot.groups]
        return tuple(dict.fromkeys(pair for group in known for pair in self._encoded(group)))

    def _encoded(self, group: Group) -> Attributes:
        """Encode what was checked when it was set; only a dictionary that has shrunk since then can fail here."""
        try:
            return tuple(self._dictionary.encode(name, value) for name, value in group.reply_attributes)
        except Malformed as malformed:
            raise Unsayable(f"group {group.id}: {malformed}") from malformed
