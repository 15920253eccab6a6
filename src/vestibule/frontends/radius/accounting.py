"""Accounting-Request ⇄ a report for the journal (RFC 2866)."""

from vestibule.core.clients import Client
from vestibule.flows.account import Accounting
from vestibule.frontends.radius.translation import place_of, user_name_of
from vestibule.wire.names import checked_text
from vestibule.wire.radius.packet import Attribute, Packet

STATUS = {1: "start", 2: "stop", 3: "interim", 7: "accounting on", 8: "accounting off"}
LONGEST_SESSION_ID = 253


def accounted(packet: Packet, client: Client, identity: str, deadline: float) -> Accounting:
    """What the packet reports. Raises Malformed for texts that are none."""
    source, _ = place_of(packet, client)
    number = int.from_bytes(packet.first(Attribute.ACCT_STATUS_TYPE) or b"", "big")
    session = checked_text(packet.first(Attribute.ACCT_SESSION_ID) or b"", "Acct-Session-Id", LONGEST_SESSION_ID)
    status = STATUS.get(number, f"status {number}")
    return Accounting(identity, client.id, user_name_of(packet), source, status, session, deadline)
