"""What kinds of providers have in common in their settings; see `apps/directories/forms.py` for how they are read."""

import json
import ssl
from ipaddress import ip_address
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from vestibule.apps.directories.forms import Form, Texts, as_tuple, kept, read
from vestibule.core.errors import Malformed
from vestibule.core.providers import ProviderRecord
from vestibule.core.secret import Secret

__all__ = [
    "Digits",
    "Form",
    "Host",
    "Texts",
    "Url",
    "as_tuple",
    "demand_encrypted",
    "demand_secret",
    "kept",
    "read",
    "stored",
    "tls_context",
]

LOCAL_NAMES = ("localhost", "ip6-localhost")


def _url(text: str) -> str:
    pieces = urlsplit(text)
    if pieces.scheme not in ("https", "http") or not pieces.hostname:
        raise ValueError("is no URL that begins with https://")
    if pieces.username or pieces.password or pieces.fragment:
        raise ValueError("has a name, a password or a fragment in it; there are settings for these")
    if "{" in pieces.netloc:
        raise ValueError("has a place in its host; only what follows the host is filled in")
    try:
        _ = pieces.port
    except ValueError:
        raise ValueError("has no port from 1 to 65535") from None
    return text


def _host(text: str) -> str:
    if not text or len(text) > 253 or (any(sign in text for sign in "/:@ ") and not _is_address(text)):
        raise ValueError("is no name of a host and no IP address")
    return text


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


Url = Annotated[str, Field(max_length=2000), AfterValidator(_url)]
Host = Annotated[str, AfterValidator(_host)]
Digits = Annotated[str, Field(pattern=r"^\+?[0-9A-Za-z ._-]{0,20}$")]
"""A sender: a number, a short code or a name."""


def stored(record: ProviderRecord) -> dict[str, Any]:
    """The settings of a provider as they were kept."""
    return dict(json.loads(record.settings))


def is_local(host: str) -> bool:
    """Whether a host is this machine, where nobody listens in."""
    return host in LOCAL_NAMES or (_is_address(host) and ip_address(host).is_loopback)


def demand_encrypted(field: str, url: str, *, plain: bool) -> None:
    """Raises Malformed for plain HTTP to another machine, unless `plain` says that this is meant."""
    pieces = urlsplit(url)
    if pieces.scheme == "http" and not plain and not is_local(pieces.hostname or ""):
        raise Malformed(f"{field}: plain HTTP shows codes and numbers to the network; use https, or say plain = true")


def demand_secret(id: str, secret: Secret, what: str) -> None:
    """Raises Malformed for a provider without a secret, or with one that no header can hold."""
    if not secret:
        raise Malformed(f"provider {id}: give {what}")
    if not all(0x20 <= octet < 0x7F for octet in secret.reveal()):
        raise Malformed(f"provider {id}: {what} has signs that are not printable ASCII")


def tls_context(ca_file: str) -> ssl.SSLContext:
    """By which certificates others are known. Raises Malformed."""
    try:
        return ssl.create_default_context(cafile=ca_file or None)
    except OSError:  # SSLError is one
        raise Malformed(f"ca_file: {ca_file} can not be read, or holds no certificates") from None
