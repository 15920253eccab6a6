"""Groups within groups: asked of the server in one search, or followed here step by step."""

from collections.abc import Awaitable, Callable
from typing import Final

from vestibule.core.errors import Unavailable
from vestibule.directories.ldap.reading import place_key
from vestibule.wire.ldap.active_directory import linked
from vestibule.wire.ldap.filters import Equal, Filter, Or
from vestibule.wire.ldap.messages import SearchEntry

DEEPEST_GROUP: Final = 16
"""Groups within each other."""

MOST_AT_ONCE: Final = 50
"""Names that one search asks for."""

MOST_FOLLOWED: Final = 1000
"""Groups of one person."""

Search = Callable[[Filter], Awaitable[list[SearchEntry]]]


async def groups_in_chain(place: str, member_attributes: tuple[str, ...], search: Search) -> list[SearchEntry]:
    """One search; the server follows the links. Raises what `search` raises."""
    return await search(Or(tuple(linked(attribute, place) for attribute in member_attributes)))


async def groups_step_by_step(place: str, member_attributes: tuple[str, ...], search: Search) -> list[SearchEntry]:
    """Ask for the groups of the person, then for theirs; a circle ends where it began.

    Raises `Unavailable` beyond 16 groups within each other or 1000 in all: a part of them would be a wrong answer.
    """
    found: dict[object, SearchEntry] = {}
    places = [place]
    for _ in range(DEEPEST_GROUP + 1):
        entries = await _holding(places, member_attributes, search)
        fresh = {key: entry for entry in entries if (key := place_key(entry.name)) not in found}
        if not fresh:
            return list(found.values())
        found |= fresh
        if len(found) > MOST_FOLLOWED:
            raise Unavailable(f"{place} is in more than {MOST_FOLLOWED} groups; narrow the group filter")
        places = [entry.name for entry in fresh.values()]
    raise Unavailable(f"{place} is in groups that lie more than {DEEPEST_GROUP} deep within each other")


async def _holding(places: list[str], member_attributes: tuple[str, ...], search: Search) -> list[SearchEntry]:
    """The groups that hold one of these entries directly."""
    found = []
    for start in range(0, len(places), MOST_AT_ONCE):
        some = places[start : start + MOST_AT_ONCE]
        conditions = tuple(Equal(attribute, place.encode()) for place in some for attribute in member_attributes)
        found += await search(Or(conditions))
    return found
