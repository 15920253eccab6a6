"""What is told of roles, passes, bypasses, checks of callers and changes of settings; as `shown` for all else."""

from typing import Literal

from pydantic import Field, JsonValue

from vestibule.frontends.http.fields import Shown
from vestibule.frontends.http.shown import User


class RoleHolders(Shown):
    """Everybody who has a role."""

    users: list[User]


class Ended(Shown):
    """How many sessions ended."""

    ended: int


class Reregistered(Shown):
    """A user who is to register anew, the tokens that are free again, and how many factors went."""

    user: User
    returned: list[str]
    removed: int


class AccessPass(Shown):
    """A temporary access pass, without its letters."""

    id: str
    user: str
    once: bool
    used: bool
    starts_at: float | None
    expires_at: float
    usable: bool
    created_at: float


class AccessPassMade(Shown):
    """A new pass with its letters, shown once."""

    made: AccessPass = Field(alias="pass")
    code: str


class AccessPasses(Shown):
    """The passes of a user, one at most."""

    passes: list[AccessPass]


class Revoked(Shown):
    """Whose pass was ended."""

    revoked: str


class Bypass(Shown):
    """A one-time bypass that is open."""

    user: str
    reason: str
    until: float
    created_at: float


class BypassMade(Shown):
    """One bypass."""

    bypass: Bypass


class Bypasses(Shown):
    """The bypasses of a user, one at most."""

    bypasses: list[Bypass]


class Cancelled(Shown):
    """Whose bypass was ended."""

    cancelled: str


class CallerCheck(Shown):
    """A check of who calls, and until when it counts."""

    user: str
    at: float
    until: float
    way: Literal["code", "note"]
    note: str


class CallerChecked(Shown):
    """One check."""

    check: CallerCheck


class CallerShown(Shown):
    """Whether resets take a check here, and the one that counts now."""

    needed: bool
    check: CallerCheck | None


class SettingChange(Shown):
    """A change of a setting; `old` is null where the journal does not know it."""

    change: str
    at: float
    actor: str
    name: str
    old: JsonValue
    new: JsonValue
    reason: str
    undoes: str | None
    undoable: bool


class SettingChanges(Shown):
    """The last changes, the newest first."""

    changes: list[SettingChange]
