"""What operations on directories tell: what is set up, how a synchronisation went, whom a directory has."""

from typing import Any, Literal

from vestibule.frontends.http.fields import Shown


class Directory(Shown):
    """A directory of others; whether it has a secret, never which."""

    id: str
    kind: str
    settings: dict[str, Any]
    secret: bool
    created_at: float


class Directories(Shown):
    """All directories."""

    directories: list[Directory]


class LastSync(Shown):
    """How the last synchronisation ended: what was counted, and how many are gone and wait for approval."""

    at: float
    counts: dict[str, int]
    held: int
    held_as: str = ""


class SyncRemark(Shown):
    """Something about one entry, or about the whole run."""

    place: str
    what: str


class SyncReport(Shown):
    """What a run found and did; who is held goes on signing in, and `held_as` is the number of their list."""

    directory: str
    dry_run: bool
    partial: bool
    created: int
    changed: int
    unchanged: int
    gone: int
    disabled: int
    back: int
    refused: int
    unreadable: int
    held: list[str]
    held_count: int
    held_as: str
    nobody_listed: bool
    notes: list[SyncRemark]


class SyncRun(Shown):
    """One run; `why` says what stopped it."""

    state: Literal["running", "done", "failed"]
    began_at: float
    dry_run: bool
    done: int
    why: str
    report: SyncReport | None


class SyncBegun(Shown):
    """A run that has begun."""

    run: SyncRun


class SyncTold(Shown):
    """The newest run of this node, whether one is under way on any, and how the last one ended."""

    run: SyncRun | None
    under_way: bool
    last: LastSync | None


class DirectoryTried(Shown):
    """Whom the directory has by a name, and what it says of a password that was tried."""

    directory: str
    found: dict[str, Any] | None
    password: dict[str, Any] | None


class DirectoryMade(Shown):
    """A directory that was set up."""

    directory: Directory


class DirectoryTold(DirectoryMade):
    """One directory, and its last synchronisation."""

    last_sync: LastSync | None


class DirectoryChanged(DirectoryMade):
    """One directory, and which settings were given."""

    changed: list[str]


class DirectoryRemoved(Shown):
    """A directory that is gone, and how many of its people are local users now."""

    removed: str
    released: int
