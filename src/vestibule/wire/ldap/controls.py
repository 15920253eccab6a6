"""The controls that are asked with and answered to here: paged results, password policy, DirSync, deleted entries."""

from dataclasses import dataclass
from enum import IntEnum, IntFlag
from typing import Final

from vestibule.core.errors import Malformed
from vestibule.wire.ldap import ber
from vestibule.wire.ldap.ber import Reader
from vestibule.wire.ldap.messages import Control

PAGED_RESULTS: Final = "1.2.840.113556.1.4.319"
"""RFC 2696."""

PASSWORD_POLICY: Final = "1.3.6.1.4.1.42.2.27.8.5.1"  # noqa: S105 - an object identifier
"""draft-behera-ldap-password-policy, as OpenLDAP has it."""

DIR_SYNC: Final = "1.2.840.113556.1.4.841"
"""MS-ADTS section 3.1.1.3.4.1.3."""

SHOW_DELETED: Final = "1.2.840.113556.1.4.417"
"""MS-ADTS section 3.1.1.3.4.1.14."""


@dataclass(frozen=True, slots=True)
class Page:
    """A page that was asked for or given: how many entries (0: the server does not say), and where to go on.

    An empty cookie of an answer says that this was the last page.
    """

    size: int
    cookie: bytes = b""


class PolicyError(IntEnum):
    """Why the password policy interferes."""

    PASSWORD_EXPIRED = 0
    ACCOUNT_LOCKED = 1
    CHANGE_AFTER_RESET = 2
    MODIFICATION_NOT_ALLOWED = 3
    OLD_PASSWORD_NEEDED = 4
    INSUFFICIENT_QUALITY = 5
    TOO_SHORT = 6
    TOO_YOUNG = 7
    IN_HISTORY = 8


@dataclass(frozen=True, slots=True)
class PolicyNews:
    """What the password policy says beside the answer: seconds until the end, binds left after it, what is wrong."""

    seconds_left: int | None = None
    grace_binds: int | None = None
    error: PolicyError | None = None


class SyncFlag(IntFlag):
    """What a DirSync search wants (MS-ADTS section 3.1.1.3.4.1.3)."""

    NONE = 0
    OBJECT_SECURITY = 0x1
    ANCESTORS_FIRST = 0x800
    PUBLIC_ONLY = 0x2000
    INCREMENTAL_VALUES = -0x80000000


@dataclass(frozen=True, slots=True)
class Synchronised:
    """The answer to a DirSync search: whether more follows at once, and where to go on next time."""

    more: bool
    cookie: bytes


def paged(page: Page, *, critical: bool = True) -> Control:
    """Ask for a page (RFC 2696 section 2); critical, so that a server that knows no pages says so."""
    return Control(PAGED_RESULTS, critical, ber.sequence(ber.integer(page.size), ber.octets(page.cookie)))


def read_page(control: Control) -> Page:
    """Read the control of either side. Raises `Malformed`."""
    reader, whole = _content(control, "the control of pages")
    page = Page(reader.natural("the size of the page"), reader.octets("the cookie"))
    reader.finish("the control of pages")
    whole.finish("the control of pages")
    return page


def password_policy() -> Control:
    """Ask for news of the password policy; not critical, so that other servers pass over it."""
    return Control(PASSWORD_POLICY)


def read_policy(control: Control) -> PolicyNews:
    """Read what the password policy says. Raises `Malformed`."""
    reader, whole = _content(control, "the control of the password policy")
    seconds = binds = error = None
    if reader.next_tag() == 0xA0:
        warning = reader.enter(0xA0, "the warning")
        if warning.next_tag() == 0x80:
            seconds = warning.natural("the seconds left", 0x80)
        else:
            binds = warning.natural("the binds left", 0x81)
        warning.finish("the warning")
    if reader.next_tag() == 0x81:
        error = _policy_error(reader)
    reader.finish("the control of the password policy")
    whole.finish("the control of the password policy")
    return PolicyNews(seconds, binds, error)


def policy_news(news: PolicyNews) -> Control:
    """Write what the password policy says."""
    warning = error = b""
    if news.seconds_left is not None:
        warning = ber.sequence(ber.integer(news.seconds_left, 0x80), tag=0xA0)
    elif news.grace_binds is not None:
        warning = ber.sequence(ber.integer(news.grace_binds, 0x81), tag=0xA0)
    if news.error is not None:
        error = ber.integer(news.error, 0x81)
    return Control(PASSWORD_POLICY, value=ber.sequence(warning, error))


def dir_sync(cookie: bytes, flags: SyncFlag = SyncFlag.NONE, most_octets: int = ber.LARGEST_INTEGER) -> Control:
    """Ask for what has changed since `cookie`, which is empty the first time."""
    value = ber.sequence(ber.integer(flags), ber.integer(most_octets), ber.octets(cookie))
    return Control(DIR_SYNC, critical=True, value=value)


def read_dir_sync(control: Control) -> Synchronised:
    """Read the server's answer to it. Raises `Malformed`."""
    reader, whole = _content(control, "the control of DirSync")
    more = reader.integer("whether more follows")
    reader.integer("the size")
    cookie = reader.octets("the cookie")
    reader.finish("the control of DirSync")
    whole.finish("the control of DirSync")
    return Synchronised(more != 0, cookie)


def show_deleted() -> Control:
    """Ask for deleted entries too."""
    return Control(SHOW_DELETED, critical=True)


def _policy_error(reader: Reader) -> PolicyError:
    try:
        return PolicyError(reader.natural("the error", 0x81))
    except ValueError:
        raise reader.fault("before this stands an unknown error of the password policy") from None


def _content(control: Control, what: str) -> tuple[Reader, Reader]:
    """The readers of the control's sequence and of its whole value."""
    if control.value is None:
        raise Malformed(f"{what} has no value")
    whole = Reader(control.value)
    return whole.enter(ber.SEQUENCE, what), whole
