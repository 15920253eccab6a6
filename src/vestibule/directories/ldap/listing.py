"""Everybody in a group, also by way of other groups, where the server does not follow the links itself."""

from collections.abc import AsyncGenerator

from vestibule.core.errors import Malformed, Unavailable
from vestibule.directories.ldap.client import checked
from vestibule.directories.ldap.connection import Connection
from vestibule.directories.ldap.reading import Attributes, place_key
from vestibule.directories.ldap.settings import LdapSettings
from vestibule.wire.ldap.distinguished import Name, parse_name
from vestibule.wire.ldap.filters import Filter
from vestibule.wire.ldap.messages import NO_ATTRIBUTES, ResultCode, Scope, SearchEntry, SearchRequest


class Members:
    """Walks the members of groups on one connection, each entry once, so that circles end."""

    def __init__(self, connection: Connection, settings: LdapSettings, seconds: float) -> None:
        """Take a connection of the account that searches; each answer may take so many seconds."""
        self._connection = connection
        self._settings = settings
        self._seconds = seconds

    async def walk(
        self, group: str, base: str, wanted: Filter, attributes: tuple[str, ...]
    ) -> AsyncGenerator[SearchEntry, None]:
        """The entries below `base` that are `wanted` and in the group. Raises `Unavailable`, also without the group."""
        await self.require(group)
        below, seen, waiting = parse_name(base), {place_key(group)}, [group]
        while waiting:
            for place in await self._held(waiting.pop()):
                if place_key(place) in seen:
                    continue
                seen.add(place_key(place))
                found = await self._entry(place, wanted, attributes)
                if found is None:
                    waiting.append(place)
                elif _within(place, below):
                    yield found

    async def require(self, group: str) -> None:
        """See that the group is there: one that is not is no empty one."""
        if await self._entry(group, self._settings.group_filter, (NO_ATTRIBUTES,)) is None:
            raise Unavailable(f"directory {self._settings.name}: there is no group {group}; correct its name")

    async def _held(self, place: str) -> list[str]:
        """The names of its members; an entry that is no group holds nobody."""
        names = self._settings.member_attributes
        entry = await self._entry(place, self._settings.group_filter, names)
        if entry is None:
            return []
        if any(";range=" in kind.lower() for kind, _values in entry.attributes):  # MS-ADTS section 3.1.1.3.1.3.3
            raise Unavailable(
                f"directory {self._settings.name}: the members of {place} come in parts, as from Active Directory; "
                "leave layout out"
            )
        held = Attributes(entry)
        return [value.decode(errors="replace") for name in names for value in held.all(name)]

    async def _entry(self, place: str, condition: Filter, attributes: tuple[str, ...]) -> SearchEntry | None:
        """This one entry, if it is there and fits."""
        request = SearchRequest(place, Scope.THIS, condition, attributes, size_limit=1)
        answer = await self._connection.ask(request, seconds=self._seconds, most_entries=1)
        gone = (ResultCode.SUCCESS, ResultCode.NO_SUCH_OBJECT, ResultCode.INVALID_DN_SYNTAX)
        checked(self._connection.endpoint, answer, gone)
        return next(iter(answer.entries), None)


def _within(place: str, base: Name) -> bool:
    try:
        return parse_name(place).within(base)
    except Malformed:
        return False
