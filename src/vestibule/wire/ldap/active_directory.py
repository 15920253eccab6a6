"""What is peculiar to Active Directory: why a bind failed, unique ids, and groups within groups.

A bind that fails has the same result code for every cause; the true one stands as a Windows error number in the text
for people. It is read here in one place and nowhere taken for anything but a number.
"""

import re
import uuid
from enum import IntEnum
from typing import Final

from vestibule.core.errors import Malformed
from vestibule.wire.ldap.filters import Rule

IN_CHAIN: Final = "1.2.840.113556.1.4.1941"
"""The matching rule that follows links over any number of steps (MS-ADTS section 3.1.1.3.4.4.3)."""

GUID_OCTETS: Final = 16

_DATA: Final = re.compile(r"\bdata ([0-9A-Fa-f]{1,8})\b")


class LogonError(IntEnum):
    """Windows error numbers (MS-ERREF section 2.2) that a bind's diagnostic message carries."""

    NO_LOGON_SERVERS = 0x51F
    NO_SUCH_USER = 0x525
    LOGON_FAILURE = 0x52E
    ACCOUNT_RESTRICTION = 0x52F
    INVALID_LOGON_HOURS = 0x530
    INVALID_WORKSTATION = 0x531
    PASSWORD_EXPIRED = 0x532
    ACCOUNT_DISABLED = 0x533
    NO_TRUST_SAM_ACCOUNT = 0x6FB
    TRUSTED_DOMAIN_FAILURE = 0x6FC
    TRUSTED_RELATIONSHIP_FAILURE = 0x6FD
    TRUST_FAILURE = 0x6FE
    ACCOUNT_EXPIRED = 0x701
    PASSWORD_MUST_CHANGE = 0x773
    ACCOUNT_LOCKED_OUT = 0x775


def logon_error(diagnostic: str) -> LogonError | None:
    """Find the number in a diagnostic message; None if there is none, or one that says nothing more."""
    found = _DATA.search(diagnostic)
    if found is None:
        return None
    try:
        return LogonError(int(found[1], 16))
    except ValueError:
        return None


def guid_text(octets: bytes) -> str:
    """Write an objectGUID as people do; its first three fields have their octets in reverse (MS-DTYP 2.3.4.2).

    Raises `Malformed` unless it has 16 octets.
    """
    if len(octets) != GUID_OCTETS:
        raise Malformed(f"objectGUID: {len(octets)} octets, not {GUID_OCTETS}")
    return str(uuid.UUID(bytes_le=octets))


def guid_octets(text: str) -> bytes:
    """Read such a text back. Raises `Malformed`."""
    try:
        return uuid.UUID(text).bytes_le
    except ValueError:
        raise Malformed("objectGUID: not 32 hexadecimal digits") from None


def linked(attribute: str, name: str) -> Rule:
    """Ask for entries whose `attribute` leads to the entry `name`, also by way of others."""
    return Rule(name.encode(), rule=IN_CHAIN, attribute=attribute)
