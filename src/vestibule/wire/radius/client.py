"""The asking side, for upstream servers, the connection test, the benches and the tests.

Rules of this file:
- Chance is a parameter: the caller draws the identifier and the Request Authenticator.
- A reply is believed only after every authenticator it carries, and every one we demand, is right.
"""

from collections.abc import Iterable
from typing import Final

from vestibule.core.errors import Malformed
from vestibule.wire.radius.authenticity import (
    SIGNATURE_SIZE,
    ZEROS,
    MessageAuthenticator,
    digest,
    reply_authentic,
    sign,
    verify,
)
from vestibule.wire.radius.packet import (
    HEADER,
    Attribute,
    Code,
    Packet,
    decode,
    encode_attributes,
    encode_start,
)

_ANSWERED_UNSIGNED: Final = frozenset({int(Code.ACCOUNTING_REQUEST)})


def encode_access_request(
    identifier: int,
    authenticator: bytes,
    attributes: Iterable[tuple[int, bytes]],
    secret: bytes,
    *,
    message_authenticator: bool = True,
) -> bytes:
    """Ask for access (RFC 2865 section 4.1); `authenticator` is 16 random octets, User-Password already hidden.

    Message-Authenticator comes first; without it the request is what old clients send.
    Raises ValueError for what no packet can carry.
    """
    if message_authenticator:
        return _signed(Code.ACCESS_REQUEST, identifier, authenticator, attributes, secret)
    body = encode_attributes(attributes)
    return encode_start(Code.ACCESS_REQUEST, identifier, len(body)) + _whole(authenticator) + body


def encode_status_server(
    identifier: int, authenticator: bytes, secret: bytes, attributes: Iterable[tuple[int, bytes]] = ()
) -> bytes:
    """Ask whether the server is alive (RFC 5997 section 3); `authenticator` is 16 random octets.

    Raises ValueError for what no packet can carry.
    """
    return _signed(Code.STATUS_SERVER, identifier, authenticator, attributes, secret)


def encode_accounting_request(identifier: int, attributes: Iterable[tuple[int, bytes]], secret: bytes) -> bytes:
    """Report use (RFC 2866 section 4.1); the Request Authenticator follows from content and secret.

    Raises ValueError for what no packet can carry.
    """
    body = encode_attributes(attributes)
    start = encode_start(Code.ACCOUNTING_REQUEST, identifier, len(body))
    return start + digest(start, ZEROS, body, secret) + body


def decode_reply(
    octets: bytes,
    request_octets: bytes,
    secret: bytes,
    *,
    require_message_authenticator: bool = True,
    require_it_first: bool = True,
) -> Packet:
    """Read the reply to the request whose octets we sent (RFC 2865 section 3, RFC 3579 section 3.2).

    `require_message_authenticator` demands one in every reply but that to an Accounting-Request; a reply that carries
    EAP is never believed without. It proves the reply wherever it stands; `require_it_first` demands the place where
    it also protects askers that do not look at it.
    Raises `Malformed` for a wrong frame, identifier, Response Authenticator or Message-Authenticator.
    """
    request = decode(request_octets)
    reply = decode(octets)
    if reply.identifier != request.identifier:
        raise Malformed("offset 1: the reply answers another request")
    if not reply_authentic(reply, request.authenticator, secret):
        raise Malformed("offset 4: the Response Authenticator is wrong; compare the shared secret on both sides")
    required = require_message_authenticator or reply.first(Attribute.EAP_MESSAGE) is not None  # RFC 3579 section 3.1
    _demand_signature(reply, request, secret, required=required, first=require_it_first)
    return reply


def _demand_signature(reply: Packet, request: Packet, secret: bytes, *, required: bool, first: bool) -> None:
    signature = verify(reply, _signing_authenticator(reply, request), secret)
    if signature is MessageAuthenticator.WRONG:
        raise Malformed("Message-Authenticator: it is wrong; compare the shared secret on both sides")
    if not required or request.code in _ANSWERED_UNSIGNED:
        return
    if signature is MessageAuthenticator.MISSING:
        raise Malformed("Message-Authenticator: the reply carries none; update the server")
    if first and reply.attributes[0][0] != Attribute.MESSAGE_AUTHENTICATOR:
        raise Malformed("Message-Authenticator: it is not the first attribute; update the server")


def _signing_authenticator(reply: Packet, request: Packet) -> bytes:
    """Follow common practice where no RFC speaks: an answer to accounting is signed over zeros."""
    if reply.code == Code.ACCOUNTING_RESPONSE and request.code == Code.ACCOUNTING_REQUEST:
        return ZEROS
    return request.authenticator


def _signed(
    code: int, identifier: int, authenticator: bytes, attributes: Iterable[tuple[int, bytes]], secret: bytes
) -> bytes:
    body = encode_attributes(attributes)
    start = encode_start(code, identifier, SIGNATURE_SIZE + len(body))
    return start + _whole(authenticator) + sign(start, authenticator, body, secret)


def _whole(authenticator: bytes) -> bytes:
    if len(authenticator) != HEADER - 4:
        raise ValueError("a Request Authenticator has 16 octets")
    return authenticator
