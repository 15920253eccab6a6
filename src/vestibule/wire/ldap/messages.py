"""What LDAP says, as values (RFC 4511 section 4): the operations of signing in and searching, and the result codes.

Rules of this file:
- Strings of the protocol are text, values of attributes are octets; a diagnostic message is for people only.
- A password is a `Secret`; nothing here prints one.
"""

from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from vestibule.core.secret import Secret
from vestibule.wire.ldap.filters import Filter

START_TLS: Final = "1.3.6.1.4.1.1466.20037"
"""RFC 4511 section 4.14."""

NOTICE_OF_DISCONNECTION: Final = "1.3.6.1.4.1.1466.20036"
"""RFC 4511 section 4.4.1; it comes with message id 0."""

NO_ATTRIBUTES: Final = "1.1"
"""Asks a search for names only (RFC 4511 section 4.5.1.8)."""


class ResultCode(IntEnum):
    """The result codes that decide something here (RFC 4511 appendix A); others stay numbers."""

    SUCCESS = 0
    OPERATIONS_ERROR = 1
    PROTOCOL_ERROR = 2
    TIME_LIMIT_EXCEEDED = 3
    SIZE_LIMIT_EXCEEDED = 4
    AUTH_METHOD_NOT_SUPPORTED = 7
    STRONGER_AUTH_REQUIRED = 8
    REFERRAL = 10
    ADMIN_LIMIT_EXCEEDED = 11
    UNAVAILABLE_CRITICAL_EXTENSION = 12
    CONFIDENTIALITY_REQUIRED = 13
    CONSTRAINT_VIOLATION = 19
    NO_SUCH_OBJECT = 32
    INVALID_DN_SYNTAX = 34
    INAPPROPRIATE_AUTHENTICATION = 48
    INVALID_CREDENTIALS = 49
    INSUFFICIENT_ACCESS_RIGHTS = 50
    BUSY = 51
    UNAVAILABLE = 52
    UNWILLING_TO_PERFORM = 53
    OTHER = 80


class Scope(IntEnum):
    """How far below its base a search looks (RFC 4511 section 4.5.1.2)."""

    THIS = 0
    CHILDREN = 1
    SUBTREE = 2


class Aliases(IntEnum):
    """When a search follows aliases (RFC 4511 section 4.5.1.3)."""

    NEVER = 0
    IN_SEARCHING = 1
    FINDING_BASE = 2
    ALWAYS = 3


@dataclass(frozen=True, slots=True)
class Control:
    """An extension of a request or a response (RFC 4511 section 4.1.11)."""

    kind: str  # its object identifier
    critical: bool = False
    value: bytes | None = None


@dataclass(frozen=True, slots=True)
class Result:
    """How an operation ended (RFC 4511 section 4.1.9); `code` is a `ResultCode` where it has a name there."""

    code: int
    matched: str = ""
    diagnostic: str = ""
    referrals: tuple[str, ...] = ()

    @property
    def named(self) -> str:
        """The code with its name, for logs."""
        try:
            return f"{self.code} {ResultCode(self.code).name.lower().replace('_', ' ')}"
        except ValueError:
            return str(self.code)


@dataclass(frozen=True, slots=True)
class Simple:
    """A name and a password (RFC 4513 section 5.1.3); with an empty one nobody proves anything (section 5.1.2)."""

    password: Secret


@dataclass(frozen=True, slots=True)
class Sasl:
    """A SASL mechanism and what it says first (RFC 4513 section 5.2)."""

    mechanism: str
    credentials: Secret | None = None


@dataclass(frozen=True, slots=True)
class BindRequest:
    """Ask to be somebody from now on (RFC 4511 section 4.2)."""

    name: str
    authentication: Simple | Sasl
    version: int = 3


@dataclass(frozen=True, slots=True)
class BindResponse:
    """How the bind ended; `credentials` are those of SASL."""

    result: Result
    credentials: bytes | None = None


@dataclass(frozen=True, slots=True)
class UnbindRequest:
    """The client goes; nothing answers it (RFC 4511 section 4.3)."""


@dataclass(frozen=True, slots=True)
class SearchRequest:
    """Ask for entries (RFC 4511 section 4.5.1); limits are entries and seconds, 0 for none."""

    base: str
    scope: Scope
    filter: Filter
    attributes: tuple[str, ...] = ()
    size_limit: int = 0
    time_limit: int = 0
    aliases: Aliases = Aliases.NEVER
    types_only: bool = False


@dataclass(frozen=True, slots=True)
class SearchEntry:
    """One entry that was found; attributes in the server's order and spelling."""

    name: str
    attributes: tuple[tuple[str, tuple[bytes, ...]], ...] = ()


@dataclass(frozen=True, slots=True)
class SearchReference:
    """Other servers that may know more (RFC 4511 section 4.5.3)."""

    addresses: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SearchDone:
    """The end of a search, and how it went."""

    result: Result


@dataclass(frozen=True, slots=True)
class AbandonRequest:
    """Ask the server to forget an operation (RFC 4511 section 4.11)."""

    message_id: int


@dataclass(frozen=True, slots=True)
class ExtendedRequest:
    """An operation by its object identifier (RFC 4511 section 4.12)."""

    kind: str
    value: bytes | None = None


@dataclass(frozen=True, slots=True)
class ExtendedResponse:
    """The answer to it, or with message id 0 something that the server says unasked."""

    result: Result
    kind: str = ""
    value: bytes | None = None


Request = BindRequest | UnbindRequest | SearchRequest | AbandonRequest | ExtendedRequest
Response = BindResponse | SearchEntry | SearchReference | SearchDone | ExtendedResponse
Operation = Request | Response


@dataclass(frozen=True, slots=True)
class Message:
    """One message of either side (RFC 4511 section 4.1.1)."""

    id: int
    operation: Operation
    controls: tuple[Control, ...] = ()

    def control(self, kind: str) -> Control | None:
        """The first control of this kind."""
        return next((control for control in self.controls if control.kind == kind), None)
