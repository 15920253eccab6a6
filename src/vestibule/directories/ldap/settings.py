"""Where a directory is and how it is laid out: one frozen value.

The defaults of attributes and filters are those of Active Directory, which most have; `OPENLDAP` has others.
"""

import ssl
import stat
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from vestibule.core.errors import Malformed
from vestibule.core.people import LanguageKind, PhoneKind
from vestibule.core.secret import Secret
from vestibule.wire.ldap.distinguished import parse_name
from vestibule.wire.ldap.filter_text import parse_filter
from vestibule.wire.ldap.filters import Filter

_LDAP_PORT: Final = 389
_LDAPS_PORT: Final = 636
LARGEST_CA_FILE: Final = 4 << 20


class Security(StrEnum):
    """How the words are kept from others on their way."""

    TLS = "tls"  # from the first octet: ldaps
    START_TLS = "start_tls"  # before anything else is said
    PLAIN = "plain"  # not at all: passwords are readable on the network


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One server of a directory."""

    host: str
    port: int
    security: Security = Security.TLS

    def __str__(self) -> str:
        """Write it as people do."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'ldaps' if self.security is Security.TLS else 'ldap'}://{host}:{self.port}"


def endpoint(address: str, *, plain: bool = False) -> Endpoint:
    """Read `ldaps://host[:port]`, or `ldap://host[:port]`, which begins with StartTLS unless `plain` is said.

    Raises `Malformed`, saying what to write.
    """
    try:
        parts = urlsplit(address)
        host, port = parts.hostname, parts.port
    except ValueError:
        host = port = parts = None
    if parts is None or not host or parts.scheme not in {"ldap", "ldaps"} or parts.path.strip("/") or parts.query:
        raise Malformed("server: write ldaps://host or ldap://host, with :port if it is another than usual")
    if parts.scheme == "ldaps":
        if plain:
            raise Malformed("server: ldaps and plain contradict each other; leave one out")
        return Endpoint(host, port or _LDAPS_PORT)
    return Endpoint(host, port or _LDAP_PORT, Security.PLAIN if plain else Security.START_TLS)


@dataclass(frozen=True, slots=True)
class Bounds:
    """What one server may take (seconds, octets), and how much is under way at once.

    After a failure a server is left alone for `first_pause` seconds, twice as long each time up to `longest_pause`;
    one that refuses the service account for `refused_pause`, lest our own tries lock that account.
    """

    connect_seconds: float = 2.0
    answer_seconds: float = 3.0
    bind_seconds: float = 5.0
    page_seconds: float = 30.0
    idle_seconds: float = 120.0
    first_pause: float = 1.0
    longest_pause: float = 15.0
    refused_pause: float = 300.0
    kept_seconds: float = 2.0  # that a connection waits for the next bind
    kept_connections: int = 8
    look_seconds: float = 5.0  # between two looks at the CA file
    message_octets: int = 8 << 20
    answers_under_way: int = 4096
    service_connections: int = 2
    binds_under_way: int = 32


class IdentifierKind(StrEnum):
    """How the unique id is written in the directory."""

    GUID = "guid"  # 16 octets, as objectGUID
    OCTETS = "octets"  # any octets, told in hexadecimal
    TEXT = "text"  # as entryUUID


class Nesting(StrEnum):
    """How groups within groups are found."""

    IN_CHAIN = "in_chain"  # the server follows the links (Active Directory, Samba)
    STEP_BY_STEP = "step_by_step"  # we ask for the groups of the groups


@dataclass(frozen=True, slots=True)
class AttributeMap:
    """Which attribute of an entry is what; "" is none. The first of `names` that an entry has is its name."""

    unique_id: str = "objectGUID"
    unique_id_kind: IdentifierKind = IdentifierKind.GUID
    names: tuple[str, ...] = ("userPrincipalName", "sAMAccountName")
    first_name: str = "givenName"
    last_name: str = "sn"
    email: str = "mail"
    description: str = "description"
    group: str = ""
    group_name: str = "name"
    phones: tuple[tuple[PhoneKind, str], ...] = (
        (PhoneKind.BUSINESS, "telephoneNumber"),
        (PhoneKind.HOME, "homePhone"),
        (PhoneKind.MOBILE, "mobile"),
        (PhoneKind.PAGER, "pager"),
        (PhoneKind.FAX, "facsimileTelephoneNumber"),
        (PhoneKind.IP, "ipPhone"),
    )
    languages: tuple[tuple[LanguageKind, str], ...] = ()
    account_control: str = "userAccountControl"


@dataclass(frozen=True, slots=True)
class SignInNames:
    """By which attributes people are found; "" is none. `domains` are the ones that may stand before a backslash.

    Without `domains` any may, and is dropped.
    """

    short: str = "sAMAccountName"
    principal: str = "userPrincipalName"
    mail: str = "mail"
    alternate: str = ""
    domains: tuple[str, ...] = ()


PERSON_FILTER: Final = parse_filter("(&(objectCategory=person)(objectClass=user))")
SECURITY_GROUP_FILTER: Final = parse_filter("(&(objectCategory=group)(groupType:1.2.840.113556.1.4.804:=-2147483648))")


@dataclass(frozen=True, slots=True)
class LdapSettings:
    """A directory: its servers in the order of preference, who asks, and how it is laid out.

    Raises `Malformed` if no server is named, a name is none, or only half of the service account is there.
    """

    name: str
    servers: tuple[Endpoint, ...]
    base: str
    bind_name: str = ""
    bind_secret: Secret = field(default_factory=lambda: Secret(b""))
    ca_file: Path | None = None
    attributes: AttributeMap = AttributeMap()
    sign_in: SignInNames = SignInNames()
    person_filter: Filter = PERSON_FILTER
    group_filter: Filter = SECURITY_GROUP_FILTER
    member_attributes: tuple[str, ...] = ("member",)
    nesting: Nesting = Nesting.IN_CHAIN
    page_size: int = 500
    ntlm_domain: str = ""  # as NTLM has it (CORP); "" where no responses are checked
    bounds: Bounds = Bounds()

    def __post_init__(self) -> None:
        """Refuse what can not work, before the first sign-in finds out."""
        if not self.servers:
            raise Malformed(f"directory {self.name}: name at least one server")
        if bool(self.bind_name) != bool(self.bind_secret):
            raise Malformed(f"directory {self.name}: give both the name and the password of the account that searches")
        if not parse_name(self.base).relative:
            raise Malformed(f"directory {self.name}: name the base below which people are, as dc=example,dc=org")

    def tls(self) -> ssl.SSLContext:
        """Make what TLS connections share: certificates are checked, and whether they are the host's.

        Raises `Malformed` when the CA file can not be read.
        """
        self._refuse_no_file()
        try:
            context = ssl.create_default_context(cafile=self.ca_file)
        except ssl.SSLError:
            raise Malformed(
                f"directory {self.name}: ca_file: {self.ca_file} can not be read as certificates in PEM form"
            ) from None
        except OSError as error:
            raise Malformed(
                f"directory {self.name}: ca_file: {self.ca_file} can not be read: {error.strerror}"
            ) from None
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        return context

    def _refuse_no_file(self) -> None:
        """A pipe or a device is never read, since that might not end and everybody would wait."""
        if self.ca_file is None:
            return
        try:
            found = self.ca_file.stat()
        except OSError as error:
            raise Malformed(
                f"directory {self.name}: ca_file: {self.ca_file} can not be read: {error.strerror}"
            ) from None
        if not stat.S_ISREG(found.st_mode) or found.st_size > LARGEST_CA_FILE:
            raise Malformed(f"directory {self.name}: ca_file: {self.ca_file} is no file of at most 4 MiB")


OPENLDAP_ATTRIBUTES: Final = replace(
    AttributeMap(),
    unique_id="entryUUID",
    unique_id_kind=IdentifierKind.TEXT,
    names=("uid",),
    group_name="cn",
    account_control="",
)
OPENLDAP_NAMES: Final = SignInNames(short="uid", principal="")
OPENLDAP_PERSONS: Final = parse_filter("(objectClass=inetOrgPerson)")
OPENLDAP_GROUPS: Final = parse_filter("(|(objectClass=groupOfNames)(objectClass=groupOfUniqueNames))")


def openldap(settings: LdapSettings) -> LdapSettings:
    """Give the same directory laid out as OpenLDAP usually is."""
    return replace(
        settings,
        attributes=OPENLDAP_ATTRIBUTES,
        sign_in=OPENLDAP_NAMES,
        person_filter=OPENLDAP_PERSONS,
        group_filter=OPENLDAP_GROUPS,
        member_attributes=("member", "uniqueMember"),
        nesting=Nesting.STEP_BY_STEP,
    )
