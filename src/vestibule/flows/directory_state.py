"""Directories as an administrator looks at them: whether their servers answer, and who stands behind a name.

Nothing here writes. A question to a directory takes so many seconds and no more (`TRY_SECONDS`), and what a directory
does not answer is told in its own words.
"""

import asyncio
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from vestibule.core.decisions import Account
from vestibule.core.directories import AccountDirectory
from vestibule.core.errors import Malformed, Unavailable
from vestibule.core.people import Ambiguous, PeopleGroup, Person
from vestibule.core.ports import Reading
from vestibule.core.secret import Secret
from vestibule.core.users import User
from vestibule.flows.desk import Desk, required
from vestibule.flows.directories import TRY_SECONDS, takeover_of
from vestibule.flows.kinds import Finding
from vestibule.flows.refused import Missing, Refused
from vestibule.wire.names import name_key

NOBODY = "vestibule-connection-test"
"""A name that nobody has: asking for it shows whether the directory answers."""

AWAY = "The directory could not be asked: {}."
NOT_FOUND_BY_NAME = "This kind of directory finds nobody without a password; type one."


@runtime_checkable
class Resting(Protocol):
    """An ability of a directory: it knows which of its servers it leaves alone."""

    @property
    def resting(self) -> tuple[str, ...]:
        """The servers that failed and are not asked for a while."""


@runtime_checkable
class Grouping(Protocol):
    """An ability of a directory: it knows the groups of a person."""

    async def groups(self, person: Person, deadline: float) -> tuple[PeopleGroup, ...]:
        """All groups that the person is in. Raises Unavailable."""


@dataclass(frozen=True, slots=True)
class State:
    """How a directory stands on this node: its servers that are left alone, or why it can not even be opened."""

    resting: tuple[str, ...] = ()
    broken: str = ""
    lists_people: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """That a directory answered, and after how many seconds."""

    seconds: float


@dataclass(frozen=True, slots=True)
class LookedUp:
    """Who stands behind a name: one person, several (their `places`), or nobody.

    `by` are the forms of the name that fit, of those that the person signs in with; `user` is the person here, if the
    directory's people were taken over. `groups` is None where the directory does not tell them.
    """

    seconds: float
    person: Person | None = None
    places: tuple[str, ...] = ()
    by: tuple[str, ...] = ()
    groups: tuple[PeopleGroup, ...] | None = None
    user: User | None = None


def state(desk: Desk, id: str) -> State:
    """How it stands, as far as this node has seen; nothing is asked."""
    try:
        live = desk.directories.directory_of(id)
        lists = takeover_of(desk, id) is not None
    except Malformed as malformed:
        return State(broken=str(malformed))
    if live is None:
        return State(broken="this program does not know this kind of directory")
    return State(live.resting if isinstance(live, Resting) else (), lists_people=lists)


async def reach(desk: Desk, *, id: str) -> Answer:
    """Ask for somebody whom nobody is, as a sign-in would. Refused, in words, where no answer comes."""
    live, loop = _live(desk, id), asyncio.get_running_loop()
    began = loop.time()
    try:
        if isinstance(live, Finding):
            await live.find(NOBODY, began + TRY_SECONDS)
        else:  # an empty password is asked as that of somebody who is made up
            await live.check(Account(id, "", NOBODY), Secret(b""), NOBODY, began + TRY_SECONDS)
    except Unavailable as unavailable:
        raise Refused(AWAY.format(unavailable), "id") from None
    return Answer(loop.time() - began)


async def look_up(desk: Desk, *, id: str, name: str) -> LookedUp:
    """Find a person by a name that they sign in with. Refused where the directory can not tell."""
    wanted, live, loop = required(name, "name"), _live(desk, id), asyncio.get_running_loop()
    if not isinstance(live, Finding):
        raise Refused(NOT_FOUND_BY_NAME, "name")
    began = loop.time()
    try:
        found = await live.find(wanted, began + TRY_SECONDS)
        groups = await _groups(live, found, began + TRY_SECONDS)
    except Unavailable as unavailable:
        raise Refused(AWAY.format(unavailable), "id") from None
    seconds = loop.time() - began
    if found is None:
        return LookedUp(seconds)
    if isinstance(found, Ambiguous):
        return LookedUp(seconds, places=found.places)
    user = await desk.store.read(lambda reading: _user_of(reading, id, found))
    return LookedUp(seconds, found, by=_forms(found, wanted), groups=groups, user=user)


async def _groups(live: Finding, found: Person | Ambiguous | None, deadline: float) -> tuple[PeopleGroup, ...] | None:
    if isinstance(found, Person) and isinstance(live, Grouping):
        return await live.groups(found, deadline)
    return None


def _forms(person: Person, name: str) -> tuple[str, ...]:
    """The names of the person that are the typed one."""
    key = name_key(name)
    return tuple(one for one in (person.name, *person.other_names) if name_key(one) == key)


def _user_of(reading: Reading, directory: str, person: Person) -> User | None:
    """Who this person is here, by the directory's own id."""
    same = reading.find(User, "external_id", person.id)
    return next((user for user in same if user.directory == directory), None)


def _live(desk: Desk, id: str) -> AccountDirectory:
    """The directory, opened. Refused where its settings do not work here."""
    try:
        live = desk.directories.directory_of(id)
    except Malformed as malformed:
        raise Refused(f"{malformed}.", "id") from None
    if live is None:
        raise Missing(f"There is no directory {id}. See them with: vestibule directory list", "id")
    return live
