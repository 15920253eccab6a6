"""SMPP 3.4: what goes between a message centre and us, as octets and values.

Rules of this file:
- A PDU has a bounded size and is read whole; what does not fit raises `Malformed` with the octet's place.
- Texts are octets of ASCII with a zero at their end; one that is longer than its field allows is refused both ways.
"""

import struct
from dataclasses import dataclass, field
from typing import Final

from vestibule.core.errors import Malformed
from vestibule.core.secret import Secret

GENERIC_NACK: Final = 0x80000000
BIND_TRANSCEIVER: Final = 0x00000009
SUBMIT_SM: Final = 0x00000004
DELIVER_SM: Final = 0x00000005
UNBIND: Final = 0x00000006
ENQUIRE_LINK: Final = 0x00000015
RESPONSE: Final = 0x80000000
VERSION: Final = 0x34
HEADER: Final = struct.Struct(">IIII")
LONGEST: Final = 70_000
"""A message_payload has at most 64 KiB."""

OK: Final = 0x00
RECEIVER_BUSY: Final = 0x64
"""ESME_RX_T_APPN: we can not take it now; it comes again."""

RECEIPTED_ID: Final = 0x001E
MESSAGE_STATE: Final = 0x0427
NETWORK_ERROR: Final = 0x0423
MESSAGE_PAYLOAD: Final = 0x0424

RECEIPT: Final = 0x04
KIND_MASK: Final = 0x3C
HEADED: Final = 0x40
"""esm_class: a user data header stands before the text."""

LONGEST_SHORT: Final = 254


@dataclass(frozen=True, slots=True)
class Pdu:
    """One PDU: its command, how it was taken (0 in requests), its number, and what is in it."""

    command: int
    status: int
    sequence: int
    body: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class Address:
    """A number or name, with its type and plan (sections 5.2.5 and 5.2.6)."""

    type: int
    plan: int
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Bind:
    """Who we are (section 4.1.5)."""

    system_id: str
    password: Secret
    system_type: str = ""


@dataclass(frozen=True, slots=True)
class ShortMessage:
    """submit_sm and deliver_sm have the same fields (sections 4.4.1 and 4.6.1); `octets` may begin with a header."""

    source: Address
    destination: Address
    octets: bytes = field(repr=False)
    coding: int = 0
    esm_class: int = 0
    validity: str = ""
    registered: int = 0
    service: str = ""
    options: tuple[tuple[int, bytes], ...] = field(default=(), repr=False)

    def option(self, tag: int) -> bytes | None:
        """The value of an optional parameter."""
        return next((value for found, value in self.options if found == tag), None)


def encode(pdu: Pdu) -> bytes:
    """The PDU with its length before it."""
    return HEADER.pack(16 + len(pdu.body), pdu.command, pdu.status, pdu.sequence) + pdu.body


def size(octets: bytes) -> int:
    """How long the PDU is that begins with these four octets. Raises Malformed."""
    length = int.from_bytes(octets[:4], "big")
    if len(octets) < 4 or not HEADER.size <= length <= LONGEST:
        raise Malformed(f"octet 1: a PDU has {HEADER.size} to {LONGEST} octets")
    return length


def decode(octets: bytes) -> Pdu:
    """One whole PDU. Raises Malformed."""
    if len(octets) < HEADER.size or size(octets) != len(octets):
        raise Malformed("octet 1: the length is not the PDU's")
    _length, command, status, sequence = HEADER.unpack_from(octets)
    return Pdu(command, status, sequence, octets[HEADER.size :])


def bind_body(bind: Bind) -> bytes:
    """Raises Malformed for names that are too long."""
    password = bind.password.reveal()
    if len(password) > 8 or b"\0" in password:
        raise Malformed("the password has more than 8 octets; SMPP allows no more")
    system = _text(bind.system_id, 15, "system_id") + password + b"\0" + _text(bind.system_type, 12, "system_type")
    return system + bytes((VERSION, 0, 0)) + b"\0"


def read_bind(body: bytes) -> Bind:
    """See `bind_body`; for those who play a message centre."""
    reader = _Reader(body)
    system_id, password, system_type = reader.text(15), reader.text(8), reader.text(12)
    reader.skip(3)
    reader.text(40)
    return Bind(system_id, Secret.of(password), system_type)


def id_body(id: str, longest: int = 64) -> bytes:
    """A message_id or system_id, as responses have it."""
    return _text(id, longest, "id")


def read_id(body: bytes, longest: int = 64) -> str:
    """The id in a response; a refused one may have no body."""
    return _Reader(body).text(longest) if body else ""


def message_body(message: ShortMessage) -> bytes:
    """Raises Malformed for what does not fit."""
    if len(message.octets) > LONGEST_SHORT:
        raise Malformed(f"a short message has at most {LONGEST_SHORT} octets")
    fixed = (
        _text(message.service, 5, "service_type"),
        _address(message.source, "source_addr"),
        _address(message.destination, "destination_addr"),
        bytes((message.esm_class, 0, 0)),
        b"\0",
        _text(message.validity, 16, "validity_period"),
        bytes((message.registered, 0, message.coding, 0, len(message.octets))),
        message.octets,
    )
    options = (struct.pack(">HH", tag, len(value)) + value for tag, value in message.options)
    return b"".join(fixed) + b"".join(options)


def read_message(body: bytes) -> ShortMessage:
    """See `message_body`."""
    reader = _Reader(body)
    service = reader.text(5)
    source, destination = reader.address(), reader.address()
    esm_class, _protocol, _priority = reader.take(3)
    reader.text(16)  # schedule_delivery_time
    validity = reader.text(16)
    registered, _replace, coding, _default, length = reader.take(5)
    octets = reader.take(length)
    options = reader.options()
    return ShortMessage(source, destination, octets, coding, esm_class, validity, registered, service, options)


def _text(text: str, longest: int, name: str) -> bytes:
    if len(text) > longest or not text.isascii() or "\0" in text:
        raise Malformed(f"{name} has at most {longest} signs of ASCII")
    return text.encode("ascii") + b"\0"


def _address(address: Address, name: str) -> bytes:
    return bytes((address.type, address.plan)) + _text(address.text, 20, name)


class _Reader:
    """Reads a body from its beginning."""

    def __init__(self, octets: bytes) -> None:
        self._octets = octets
        self._place = 0

    def take(self, count: int) -> bytes:
        """So many octets."""
        found = self._octets[self._place : self._place + count]
        if len(found) < count:
            raise Malformed(f"octet {HEADER.size + self._place + 1}: the PDU ends too early")
        self._place += count
        return found

    def skip(self, count: int) -> None:
        """Pass over octets that tell nothing."""
        self.take(count)

    def text(self, longest: int) -> str:
        """A text with its zero. Octets beyond ASCII are kept as Latin-1: some centres name senders so."""
        end = self._octets.find(b"\0", self._place, self._place + longest + 1)
        if end < 0:
            raise Malformed(f"octet {HEADER.size + self._place + 1}: a text has no end within {longest} octets")
        found = self._octets[self._place : end]
        self._place = end + 1
        return found.decode("latin-1")

    def address(self) -> Address:
        """Type, plan and text."""
        kind, plan = self.take(2)
        return Address(kind, plan, self.text(20))

    def options(self) -> tuple[tuple[int, bytes], ...]:
        """All optional parameters to the end."""
        found = []
        while self._place < len(self._octets):
            tag, length = struct.unpack(">HH", self.take(4))
            found.append((tag, self.take(length)))
        return tuple(found)
