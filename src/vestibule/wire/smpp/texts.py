"""What is written in short messages over SMPP: addresses, codings, parts, how long they hold, and receipts."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from vestibule.core.delivery import Fault
from vestibule.core.errors import Malformed
from vestibule.wire.smpp.pdu import (
    HEADED,
    KIND_MASK,
    MESSAGE_PAYLOAD,
    MESSAGE_STATE,
    NETWORK_ERROR,
    RECEIPT,
    RECEIPTED_ID,
    Address,
    ShortMessage,
)
from vestibule.wire.sms_text import Alphabet, alphabet_of, concatenation, decoded, encoded, parts

DEFAULT, ASCII, LATIN1, UCS2 = 0x00, 0x01, 0x03, 0x08
"""data_coding, section 5.2.19."""

INTERNATIONAL, ALPHANUMERIC, UNKNOWN_TYPE = 1, 5, 0
ISDN, UNKNOWN_PLAN = 1, 0

STATES: Final[Mapping[int, str]] = {
    1: "ENROUTE",
    2: "DELIVRD",
    3: "EXPIRED",
    4: "DELETED",
    5: "UNDELIV",
    6: "ACCEPTD",
    7: "UNKNOWN",
    8: "REJECTD",
}
DELIVERED: Final = ("DELIVRD",)
UNDELIVERED: Final = ("EXPIRED", "DELETED", "UNDELIV", "REJECTD")

FAULTS: Final[Mapping[int, Fault]] = {
    0x05: Fault.OTHER,  # already bound
    0x08: Fault.OTHER,  # system error
    0x0A: Fault.CONFIGURATION,  # source address
    0x0B: Fault.DESTINATION,
    0x0D: Fault.CONFIGURATION,  # bind failed
    0x0E: Fault.CONFIGURATION,  # password
    0x0F: Fault.CONFIGURATION,  # system id
    0x14: Fault.SAME,  # queue full
    0x15: Fault.CONFIGURATION,  # service type
    0x33: Fault.DESTINATION,  # number of destinations
    0x45: Fault.OTHER,  # submit failed
    0x48: Fault.CONFIGURATION,  # type of source
    0x49: Fault.CONFIGURATION,  # plan of source
    0x50: Fault.DESTINATION,  # type of destination
    0x51: Fault.DESTINATION,  # plan of destination
    0x53: Fault.CONFIGURATION,  # system type
    0x58: Fault.SAME,  # throttled
    0x61: Fault.CONFIGURATION,  # schedule
    0x62: Fault.CONFIGURATION,  # validity
    0x66: Fault.POLICY,  # refused for good by the receiving side
}
"""command_status, section 5.1.3."""

RECEIPT_WORDS: Final = re.compile(r"\b(id|stat|err):([^\s:]{1,64})", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of a message: its id, its state in seven letters, the network's error."""

    id: str
    state: str
    error: str = ""


def number_address(number: str) -> Address:
    """Whom it goes to: an international number (E.164), written without its plus."""
    return Address(INTERNATIONAL, ISDN, number.removeprefix("+"))


def sender_address(sender: str) -> Address:
    """Who sends: an international number, a short code, or a name of up to 11 signs; "" leaves it to the centre."""
    if sender.startswith("+"):
        return number_address(sender)
    if sender.isdigit() or not sender:
        return Address(UNKNOWN_TYPE, ISDN if sender else UNKNOWN_PLAN, sender)
    return Address(ALPHANUMERIC, UNKNOWN_PLAN, sender)


def address_number(address: Address) -> str:
    """The number as we write it: international ones with a plus."""
    text = address.text
    return f"+{text}" if address.type == INTERNATIONAL and text.isdigit() else text


def held(seconds: float) -> str:
    """A relative validity_period (section 7.1.1.2): years, months, days, hours, minutes, seconds."""
    whole = max(1, min(int(seconds), 7 * 86_400))
    days, rest = divmod(whole, 86_400)
    hours, rest = divmod(rest, 3_600)
    minutes, left = divmod(rest, 60)
    return f"0000{days:02}{hours:02}{minutes:02}{left:02}000R"


def submissions(text: str, source: Address, to: Address, seconds: float, mark: int) -> Iterator[ShortMessage]:
    """The text as messages; `mark` is common to its parts. The last one asks for a receipt, for all of them."""
    alphabet = alphabet_of(text)
    coding = DEFAULT if alphabet is Alphabet.GSM else UCS2
    pieces = parts(text)
    for number, piece in enumerate(pieces, 1):
        header = concatenation(mark, len(pieces), number) if len(pieces) > 1 else b""
        yield ShortMessage(
            source,
            to,
            header + encoded(piece, alphabet),
            coding,
            HEADED if header else 0,
            held(seconds),
            registered=int(number == len(pieces)),
        )


def message_text(message: ShortMessage) -> str:
    """What somebody has written, without a header. Raises Malformed for a header that is not whole."""
    octets = message.octets or message.option(MESSAGE_PAYLOAD) or b""
    if message.esm_class & HEADED:
        if not octets or len(octets) <= octets[0]:
            raise Malformed("the user data header is longer than the message")
        octets = octets[1 + octets[0] :]
    match message.coding:
        case 0x08:
            return decoded(octets, Alphabet.UCS2)
        case 0x01 | 0x03:
            return octets.decode("latin-1")
        case _:
            return decoded(octets, Alphabet.GSM)


def receipt(message: ShortMessage) -> Receipt | None:
    """The receipt that a message is: by its optional parameters, or else by the text of Appendix B."""
    if message.esm_class & KIND_MASK != RECEIPT:
        return None
    octets = message.octets or message.option(MESSAGE_PAYLOAD) or b""
    said = {name.lower(): word for name, word in RECEIPT_WORDS.findall(octets.decode("latin-1"))}
    id = (message.option(RECEIPTED_ID) or b"").rstrip(b"\0").decode("latin-1")[:64]
    state = message.option(MESSAGE_STATE)
    return Receipt(
        id or said.get("id", ""),
        STATES.get(state[0], "UNKNOWN") if state else said.get("stat", "UNKNOWN").upper(),
        _network_error(message.option(NETWORK_ERROR)) or said.get("err", ""),
    )


def _network_error(value: bytes | None) -> str:
    """The type of network and its error (section 5.3.2.31)."""
    return str(int.from_bytes(value[1:], "big")) if value and len(value) == 3 else ""


def fault_of(status: int) -> Fault:
    """What a command_status means; those of vendors (0x400 and up) are another provider's turn."""
    return FAULTS.get(status, Fault.OTHER)


def other_notation(id: str, notation: str) -> str:
    """A message id in the notation of submit responses: `notation` is how receipts write it."""
    try:
        match notation:
            case "decimal":
                return f"{int(id, 10):x}"
            case "hexadecimal":
                return str(int(id, 16))
            case _:
                return id
    except ValueError:
        return id
