"""Which shared secret a packet proves to know, and when it is dropped because it proves none."""

from vestibule.core.clients import Client
from vestibule.wire.radius.authenticity import MessageAuthenticator, accounting_authentic, verify_request
from vestibule.wire.radius.packet import Attribute, Code, Packet
from vestibule.wire.radius.password import reveal


def proven_secret(packet: Packet, client: Client) -> bytes | None:
    """The client's shared secret that the packet was made with; None when it must be dropped."""
    if packet.first(Attribute.MESSAGE_AUTHENTICATOR) is None and packet.code != Code.ACCOUNTING_REQUEST:
        return _believed_secret(packet, client)
    for secret in client.secrets:
        known = secret.reveal()
        if _proves(packet, known):
            return known
    return None


def _proves(packet: Packet, secret: bytes) -> bool:
    if packet.code == Code.ACCOUNTING_REQUEST:
        return accounting_authentic(packet, secret)
    return verify_request(packet, secret) is MessageAuthenticator.VALID


def _believed_secret(packet: Packet, client: Client) -> bytes | None:
    """Without Message-Authenticator nothing proves a secret: of two, the one under which the password is text."""
    if not client.secrets or not _may_lack_authenticator(packet, client):
        return None
    known = [secret.reveal() for secret in client.secrets]
    return next((secret for secret in known[:-1] if _reads(packet, secret)), known[-1])


def _may_lack_authenticator(packet: Packet, client: Client) -> bool:
    """Only an Access-Request of an excepted client, without EAP (RFC 3579 section 3.1) and, if limited, Proxy-State."""
    if packet.code != Code.ACCESS_REQUEST or client.require_message_authenticator:
        return False
    proxied = client.limit_proxy_state and packet.first(Attribute.PROXY_STATE) is not None
    return not proxied and packet.first(Attribute.EAP_MESSAGE) is None


def _reads(packet: Packet, secret: bytes) -> bool:
    hidden = packet.first(Attribute.USER_PASSWORD)
    if hidden is None:
        return True
    try:
        return reveal(hidden, secret, packet.authenticator).decode().isprintable()
    except UnicodeDecodeError:
        return False
