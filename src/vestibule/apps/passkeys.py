"""For which domain passkeys are made, and from which origins they are used, as the configuration tells."""

from ipaddress import ip_address
from urllib.parse import urlsplit

from vestibule.apps.configuration import Configuration
from vestibule.apps.public import portal_url
from vestibule.methods.passkey import Passkey
from vestibule.methods.passkey.method import HERE

PARTY = "Vestibule"


def passkey_of(configuration: Configuration) -> Passkey | None:
    """The method, or None where the portal is off, or has no host name: no browser makes passkeys for an IP address.

    A portal on loopback, as that of a demonstration, has them under the name localhost.
    """
    api = configuration.api
    if not api.listen:
        return None
    parts = urlsplit(portal_url(configuration))
    host = parts.hostname or ""
    if (not host and api.listen[0].loopback) or (_is_address(host) and ip_address(host).is_loopback):
        return Passkey("localhost", (HERE,), PARTY)
    if not host or _is_address(host):
        return None
    if host == "localhost" and parts.scheme == "http":
        return Passkey("localhost", (HERE,), PARTY)
    domain = api.passkey_domain or host
    port = f":{parts.port}" if parts.port else ""
    hosts = [host, *(one for one in api.allowed_hosts if one != host)]
    within = [one for one in hosts if one == domain or one.endswith(f".{domain}")]
    return Passkey(domain, tuple(f"https://{one}{port}" for one in within), PARTY)


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
