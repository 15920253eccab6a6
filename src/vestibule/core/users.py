"""People and the groups they are in."""

from dataclasses import dataclass, field
from enum import StrEnum


class Mfa(StrEnum):
    """What is asked of a user beside the first factor."""

    OFF = "off"  # no second factor is asked
    ENABLED = "enabled"  # asked, not registered yet
    ENFORCED = "enforced"  # asked and registered


class Role(StrEnum):
    """What a person may do in administration; nothing is included in anything else but by `owner`."""

    NONE = ""
    HELPDESK = "helpdesk"  # people and their factors, after a check of who calls
    AUDITOR = "auditor"  # sees all, changes nothing
    ADMINISTRATOR = "administrator"  # everything but roles
    OWNER = "owner"  # everything


@dataclass(frozen=True, slots=True)
class Block:
    """Every attempt of a blocked user is refused until `until` (seconds since the epoch) or until unblocked."""

    since: float
    until: float
    by: str
    reason: str


@dataclass(frozen=True, slots=True)
class User:
    """A person. `key` is the form of the name that look-ups compare (`wire.names.name_key`), unique.

    `directory` is the id of the directory that the person comes from and whose password is theirs, "" for none;
    `external_id` is what that directory never changes (objectGUID, entryUUID), so that a rename keeps the person.
    `preferred` is the id of the way (`core.prompts.Way`) that they are asked in first, "" for the strongest.
    """

    id: str
    name: str
    key: str
    first_name: str = ""
    last_name: str = ""
    email: str = ""
    phone: str = field(default="", repr=False)
    locale: str = "en"
    groups: tuple[str, ...] = ()
    mfa: Mfa = Mfa.ENABLED
    block: Block | None = None
    created_at: float = 0.0
    version: int = 1
    directory: str = ""
    external_id: str = ""
    role: Role = Role.NONE
    preferred: str = ""

    def blocked(self, now: float) -> bool:
        """Whether a block is in force at `now`."""
        return self.block is not None and now < self.block.until


@dataclass(frozen=True, slots=True)
class Alias:
    """Another name that a person signs in by; `id` is its compared form. A user's own name goes before an alias."""

    id: str
    user_id: str


@dataclass(frozen=True, slots=True)
class Password:
    """The argon2id hash of a local password, apart from the user so that lists never load it."""

    id: str  # the user's id
    hash: str
    changed_at: float

    def __repr__(self) -> str:
        """Print whose it is, never the hash."""
        return f"Password(id={self.id!r})"


@dataclass(frozen=True, slots=True)
class Group:
    """A named set of users; `reply_attributes` are (dictionary name, value) pairs for Access-Accept."""

    id: str  # the group's name
    description: str = ""
    reply_attributes: tuple[tuple[str, str], ...] = ()
