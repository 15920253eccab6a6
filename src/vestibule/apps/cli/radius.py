"""A RADIUS client for the terminal: it sends, waits, checks every authenticator, and shows what it got."""

import secrets
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from vestibule.apps.cli.exits import Code as Exit
from vestibule.apps.cli.exits import Stop
from vestibule.apps.cli.output import say
from vestibule.core.errors import Malformed
from vestibule.wire.radius.client import decode_reply, encode_access_request, encode_status_server
from vestibule.wire.radius.dictionary import standard
from vestibule.wire.radius.naming import named
from vestibule.wire.radius.packet import LONGEST, Attribute, Code, Packet
from vestibule.wire.radius.password import hide

USUAL_PORT = 1812
PATIENCE = 3.0  # seconds until the same packet is sent again, as a NAS does

Attributes = list[tuple[int, bytes]]


@dataclass(frozen=True, slots=True)
class Asker:
    """One client of one server; `timeout` in seconds, for one question."""

    host: str
    port: int
    secret: bytes
    timeout: float
    nas_identifier: str | None = None
    calling_station: str | None = None

    def attributes(self) -> Attributes:
        """What every request of this client carries."""
        said = ((Attribute.NAS_IDENTIFIER, self.nas_identifier), (Attribute.CALLING_STATION_ID, self.calling_station))
        return [(int(kind), text.encode()) for kind, text in said if text]


def address(text: str) -> tuple[str, int]:
    """HOST, HOST:PORT or [IPv6]:PORT, taken apart."""
    host, colon, port = text.rpartition(":")
    if not colon or text.endswith("]") or (":" in host and not host.startswith("[")):
        host, port = text, str(USUAL_PORT)
    if not (port.isascii() and port.isdigit() and 0 < int(port) < 65536):
        raise Stop(f"{text} has no port from 1 to 65535. Write for example 192.0.2.10:1812", Exit.USAGE)
    return host.strip("[]"), int(port)


def ask_status(asker: Asker) -> bool:
    """Send Status-Server (RFC 5997) and show the answer."""
    request = encode_status_server(secrets.randbelow(256), secrets.token_bytes(16), asker.secret, asker.attributes())
    reply = _exchange(asker, request)
    _show(reply)
    return True


def ask_access(asker: Asker, user: str, password: str, answer: Callable[[], str]) -> Packet:
    """Send Access-Request, and after each challenge the answer to it; the last reply."""
    state: bytes | None = None
    field = password
    while True:
        reply = _exchange(asker, _access_request(asker, user, field, state))
        _show(reply)
        if reply.code != Code.ACCESS_CHALLENGE:
            return reply
        state = reply.first(Attribute.STATE)
        field = answer()


def accepted(reply: Packet) -> bool:
    """Whether the server let the user in."""
    return reply.code == Code.ACCESS_ACCEPT


def _access_request(asker: Asker, user: str, field: str, state: bytes | None) -> bytes:
    authenticator = secrets.token_bytes(16)
    try:
        attributes: Attributes = [
            (int(Attribute.USER_NAME), user.encode()),
            (int(Attribute.USER_PASSWORD), hide(field.encode(), asker.secret, authenticator)),
            *asker.attributes(),
        ]
        if state is not None:
            attributes.append((int(Attribute.STATE), state))
        return encode_access_request(secrets.randbelow(256), authenticator, attributes, asker.secret)
    except ValueError as error:
        raise Stop(f"This cannot be sent over RADIUS: {error}.", Exit.USAGE) from None


def _exchange(asker: Asker, request: bytes) -> Packet:
    """Send until something believable comes back. Raises Stop when nothing does."""
    try:
        with _socket(asker) as opened:
            return _wait(opened, asker, request)
    except ConnectionRefusedError:
        raise Stop(f"Nothing listens on {asker.host} port {asker.port}.", Exit.UNAVAILABLE) from None
    except OSError as error:
        raise Stop(f"{asker.host} cannot be asked: {error.strerror or error}.", Exit.UNAVAILABLE) from None


def _wait(opened: socket.socket, asker: Asker, request: bytes) -> Packet:
    end = time.monotonic() + asker.timeout
    doubt = ""
    while (left := end - time.monotonic()) > 0:
        opened.send(request)
        opened.settimeout(min(left, PATIENCE))
        try:
            return decode_reply(opened.recv(LONGEST), request, asker.secret)
        except TimeoutError:
            continue
        except Malformed as malformed:
            doubt = str(malformed)
            break
    if doubt:
        raise Stop(f"The reply is not to be believed. {doubt[0].upper()}{doubt[1:]}.")
    raise Stop(
        f"No answer within {asker.timeout:g} s. A server stays silent when it does not know this address as a client, "
        "or when the shared secret is another one: compare both, and look into its log.",
        Exit.UNAVAILABLE,
    )


def _socket(asker: Asker) -> socket.socket:
    family, kind, protocol, _, where = socket.getaddrinfo(asker.host, asker.port, type=socket.SOCK_DGRAM)[0]
    opened = socket.socket(family, kind, protocol)
    opened.connect(where)
    return opened


# -- what it looks like -----------------------------------------------------------------------------------------------


def _show(reply: Packet) -> None:
    names = {code.value: code.name.title().replace("_", "-") for code in Code}
    say(f"{names.get(reply.code, f'code {reply.code}')}  (both authenticators are right)")
    for line in _lines(reply):
        say(f"  {line}")


def _lines(reply: Packet) -> Iterator[str]:
    """All attributes but the one that was looked at already."""
    shown = ((kind, value) for kind, value in reply.attributes if kind != Attribute.MESSAGE_AUTHENTICATOR)
    for name, text in named(shown, standard()):
        yield f"{name} = {text}"
