"""What administration asks of directories, whatever kind they are of."""

from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

from vestibule.core.directories import AccountDirectory, DirectoryRecord
from vestibule.core.people import Ambiguous, Person
from vestibule.core.secret import Secret
from vestibule.flows.sync_plan import Found, Manners, Roll


@runtime_checkable
class Finding(Protocol):
    """An ability of a directory: it finds people by the names that they sign in with."""

    async def find(self, name: str, deadline: float) -> Person | Ambiguous | None:
        """The one person of this name; `deadline` in seconds of the event loop's clock. Raises Unavailable."""


@dataclass(frozen=True, slots=True)
class Takeover:
    """How the people of a directory are taken over: each `every` seconds (0 for only when told to).

    `found` gives everybody, or, for a time other than 0, those who changed since then and maybe others. `roll`, for
    such a time, tells who is there at all; a directory without one is always taken over as a whole.
    """

    manners: Manners
    every: float
    found: Callable[[float], AsyncIterator[Found]]
    roll: Callable[[float], Roll] | None = None


class Kind(Protocol):
    """A kind of directory: what its settings mean."""

    def checked(self, id: str, settings: Mapping[str, Any], secret: Secret) -> Mapping[str, Any]:
        """The settings as they are kept, without what is at its default. Raises Malformed: which field, what to do."""

    def takeover(self, record: DirectoryRecord, live: AccountDirectory) -> Takeover | None:
        """How its people are taken over, if they can be listed and the settings say which of them."""

    def groups(self, record: DirectoryRecord) -> tuple[str, ...]:
        """The groups of ours that the settings name."""


class Directories(Protocol):
    """The directories of this process: all kinds, and those that are set up, opened."""

    @property
    def kinds(self) -> Mapping[str, Kind]:
        """What can be set up."""

    def directory_of(self, id: str) -> AccountDirectory | None:
        """The directory with this id, or None."""


@dataclass(frozen=True, slots=True)
class NoDirectories:
    """No directory, and no kind of them."""

    kinds: Mapping[str, Kind] = field(default_factory=dict)

    def directory_of(self, id: str) -> AccountDirectory | None:  # noqa: ARG002 - none has any
        """None."""
        return None


NO_DIRECTORIES = NoDirectories()
