"""An address and port to listen on. Names are refused: what a name resolves to can change between two starts."""

import re
from dataclasses import dataclass
from ipaddress import ip_address

from vestibule.apps.configuration.problems import Refused

_FORM = re.compile(r"(?:\[(?P<six>[^\]]*)\]|(?P<four>[^:]*)):(?P<port>[0-9]{1,5})", re.ASCII)
_EXAMPLES = "Write an IP address, a colon and a port, such as 0.0.0.0:1812 or [::]:1812."


@dataclass(frozen=True)
class Listener:
    """Where a door listens: an IP address without brackets, and a port (0 = a free one)."""

    host: str
    port: int

    def __str__(self) -> str:
        """Give the form that `listener` reads."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def loopback(self) -> bool:
        """True if only this machine can reach it."""
        return ip_address(self.host).is_loopback


def listener(text: str) -> Listener:
    """Read `address:port`, IPv6 in brackets; raise `Refused`."""
    form = _FORM.fullmatch(text)
    if form is None:
        raise Refused("This is not an address with a port.", _EXAMPLES)
    port = int(form["port"])
    if port > 65535:
        raise Refused("The port is above 65535.", _EXAMPLES)
    return Listener(_host(form["six"], form["four"]), port)


def _host(six: str | None, four: str | None) -> str:
    host = six if four is None else four
    try:
        address = ip_address(host or "")
    except ValueError:
        raise Refused("This is not an IP address; names are not looked up here.", _EXAMPLES) from None
    if (address.version == 6) is (six is None):
        raise Refused("Only an IPv6 address stands in brackets.", _EXAMPLES)
    return str(address)
