"""Whom to ask."""

from dataclasses import dataclass

from vestibule.core.secret import Secret


@dataclass(frozen=True, slots=True)
class Server:
    """One upstream server; `host` is an IP address, since what a name resolves to can change between two packets.

    Without `require_message_authenticator` unsigned replies of old servers are believed too: whoever can change
    packets on the way can then turn a refusal into an accept (CVE-2024-3596). `patience` is how long (seconds) it is
    waited for before the next one is asked.
    """

    name: str
    host: str
    port: int
    secret: Secret
    require_message_authenticator: bool = True
    patience: float = 5.0
