"""People as a directory elsewhere tells of them, and what it says about a password. Plain values.

A directory that can not be asked raises `Unavailable`; nothing here means "I do not know".
"""

from dataclasses import dataclass, field
from enum import StrEnum


class PasswordOutcome(StrEnum):
    """What a directory says about a password. Only `RIGHT` lets somebody in."""

    RIGHT = "right"
    WRONG = "wrong"
    UNKNOWN_PERSON = "unknown_person"
    EXPIRED = "expired"  # the password was right once and is too old
    MUST_CHANGE = "must_change"  # it is right, and is to be changed before anything else
    LOCKED = "locked"
    DISABLED = "disabled"
    NOT_NOW = "not_now"  # not at this hour, not from here, or not in this way
    ACCOUNT_EXPIRED = "account_expired"


class PhoneKind(StrEnum):
    """The numbers that a directory may have of a person."""

    BUSINESS = "business"
    HOME = "home"
    MOBILE = "mobile"
    PAGER = "pager"
    FAX = "fax"
    IP = "ip"
    CUSTOM = "custom"
    EXTENSION = "extension"


class LanguageKind(StrEnum):
    """What a person may want in a language of its own."""

    CALL = "call"
    TEXT = "text"
    APP = "app"
    TOKEN = "token"  # noqa: S105 - a kind, not a token


@dataclass(frozen=True, slots=True)
class Person:
    """A person of a directory. `id` never changes there; `place` is the name of the entry and may change.

    `left_out` names the attributes that are there and could not be taken over, as a text with control characters.
    """

    id: str
    name: str
    place: str
    first_name: str = ""
    last_name: str = ""
    email: str = ""
    description: str = ""
    group: str = ""
    phones: tuple[tuple[PhoneKind, str], ...] = field(default=(), repr=False)
    languages: tuple[tuple[LanguageKind, str], ...] = ()
    enabled: bool = True
    other_names: tuple[str, ...] = ()  # by which they may sign in as well
    left_out: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Ambiguous:
    """Several people answer to one name; nobody is let in by it. `places` are some of their entries."""

    places: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Unreadable:
    """An entry that ought to be a person and is none; whoever compares lists must not take it for a person gone."""

    place: str
    why: str


@dataclass(frozen=True, slots=True)
class PeopleGroup:
    """A group of a directory; `id` and `place` as of a person."""

    id: str
    name: str
    place: str
