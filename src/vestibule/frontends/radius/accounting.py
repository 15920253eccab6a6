"""Accounting-Request → a report for the journal (RFC 2866).

A report is never refused for its texts: a client that gets no answer sends it for ever, or keeps its people out.
"""

from vestibule.core.clients import Client
from vestibule.core.errors import Malformed
from vestibule.flows.account import Accounting
from vestibule.frontends.radius.translation import LONGEST_TEXT, place_of, user_name_of
from vestibule.wire.names import checked_text
from vestibule.wire.radius.packet import Attribute, Packet

STATUS = {1: "start", 2: "stop", 3: "interim", 7: "accounting on", 8: "accounting off"}


def accounted(packet: Packet, client: Client, identity: str, deadline: float) -> Accounting:
    """What the packet reports; octets that are no text are told in hex."""
    place = place_of(packet, client)
    number = int.from_bytes((packet.first(Attribute.ACCT_STATUS_TYPE) or b"")[:4], "big")
    session = _text_or_hex(packet.first(Attribute.ACCT_SESSION_ID) or b"")
    status = STATUS.get(number, f"status {number}")
    return Accounting(identity, client.id, user_name_of(packet), place.source, status, session, deadline)


def _text_or_hex(octets: bytes) -> str:
    try:
        return checked_text(octets, "", LONGEST_TEXT)
    except Malformed:
        return f"0x{octets.hex()}"
