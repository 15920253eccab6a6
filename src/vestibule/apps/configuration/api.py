"""The keys of the HTTP API."""

import re
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Annotated
from urllib.parse import SplitResult, urlsplit

from pydantic import AfterValidator, BeforeValidator, Field

from vestibule.apps.configuration.kinds import AbsolutePath, Kind, OneListener, Section, as_tuple
from vestibule.apps.configuration.listener import Listener
from vestibule.apps.configuration.problems import Refused

_HOST = re.compile(r"[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*", re.ASCII)


def _host(text: str) -> str:
    """A host name or address in the form in which it stands in the header Host."""
    lowered = text.lower().rstrip(".")
    try:
        address = ip_address(lowered)
    except ValueError:
        if len(lowered) <= 253 and _HOST.fullmatch(lowered):
            return lowered
        raise Refused("This is neither a host name nor an IP address; write no port, and no * either.") from None
    return f"[{address}]" if address.version == 6 else str(address)


def _proxy(text: str) -> str:
    try:
        return str(ip_network(text))
    except ValueError:
        raise Refused("This is neither an IP address nor a network; names are not looked up here.") from None


def _url(text: str | None) -> str | None:
    """An address without a path, so that ours can stand behind it."""
    if text is None:
        return None
    parts = _parts(text.rstrip("/"))
    if parts is None or not text.isascii() or not text.isprintable():
        raise Refused("This is not an address such as https://mfa.example.org, without a path.") from None
    return f"{parts.scheme}://{parts.netloc.lower()}"


def _parts(text: str) -> SplitResult | None:
    """Scheme, host and port, or None where there is less or more."""
    try:
        parts = urlsplit(text)
        known = bool(parts.hostname) and parts.port != 0
    except ValueError:
        return None
    more = parts.path or parts.query or parts.fragment or parts.username
    return parts if known and not more and parts.scheme in {"http", "https"} else None


def _domain(text: str | None) -> str | None:
    if text is None:
        return None
    host = _host(text)
    if host.startswith("[") or host.replace(".", "").isdigit():
        raise Refused("This is not a host name; passkeys are never made for IP addresses.")
    return host


def _one_or_two(files: tuple[Path, ...]) -> tuple[Path, ...]:
    if len(files) > 2:
        raise Refused("These are more than two files.")
    return files


Pem = Annotated[
    tuple[AbsolutePath, ...],
    BeforeValidator(as_tuple),
    AfterValidator(_one_or_two),
    Kind("a list of one or two absolute paths"),
]
Hosts = Annotated[
    tuple[Annotated[str, AfterValidator(_host)], ...], BeforeValidator(as_tuple), Kind("a list of host names")
]
Proxies = Annotated[
    tuple[Annotated[str, AfterValidator(_proxy)], ...],
    BeforeValidator(as_tuple),
    Kind("a list of IP addresses or networks"),
]
Url = Annotated[str | None, AfterValidator(_url), Kind("an address such as https://mfa.example.org")]
Domain = Annotated[str | None, AfterValidator(_domain), Kind("a host name")]
Listeners = Annotated[
    tuple[OneListener, ...], BeforeValidator(as_tuple), Kind("a list of IP addresses with ports, 0 = a free one")
]


class Api(Section):
    """The HTTP API and the pages for people. Beyond loopback they speak TLS only."""

    listen: Listeners = Field(
        default=(Listener("127.0.0.1", 9465),),
        description="TCP addresses of the API and the portal; an empty list turns both off.",
        examples=[["0.0.0.0:443"]],
    )
    certificate_files: Pem = Field(
        default=(),
        description="PEM files with the certificate chain and its key: one file with both, or two. Without them a "
        "certificate is made in the data directory. Files that are replaced are taken without a restart.",
        examples=[["/etc/vestibule/api.pem", "/etc/vestibule/api.key"]],
    )
    allowed_hosts: Hosts = Field(
        default=(),
        description="Host names under which the API may be asked, besides localhost, server.name, server.address, that "
        "of public_url and the addresses that it listens on.",
        examples=[["mfa.example.org"]],
    )
    public_url: Url = Field(
        default=None,
        description="Address under which people reach the portal, for links that are handed out. Without it, the first "
        "of listen under the first of allowed_hosts, server.address or server.name.",
        examples=["https://mfa.example.org"],
    )
    passkey_domain: Domain = Field(
        default=None,
        description="Domain that passkeys are made for: the host of public_url, which is the default, or a parent of "
        "it. Passkeys of one domain do not work for another, so choose it once.",
        examples=["example.org"],
    )
    trusted_proxies: Proxies = Field(
        default=(),
        description="Reverse proxies whose X-Forwarded-For is believed; from anyone else it is ignored.",
        examples=[["192.0.2.20"]],
    )
    reject_delay_seconds: float = Field(
        default=1.0,
        ge=1,
        le=10,
        description="Seconds for which a refused sign-in is held back; without this delay guessing would be cheap.",
    )
    requests_per_second: int = Field(
        default=10_000,
        ge=1,
        le=1_000_000,
        description="Requests of one API key in a second; more are refused with 429.",
    )
    failures_per_minute: int = Field(
        default=60,
        ge=1,
        le=1_000_000,
        description="Requests without a valid key from one address in a minute; more are refused with 429.",
    )
    in_flight_limit: int = Field(
        default=2_000,
        ge=1,
        le=1_000_000,
        description="Requests that may be under way at once; more are answered with 503.",
    )
    upload_mib: int = Field(
        default=32,
        ge=1,
        le=1024,
        description="The largest file that can be imported over the API, in MiB.",
    )
