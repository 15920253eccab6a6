"""The directory that an organisation already has: people, their groups and their passwords, over LDAP.

Rules of this file:
- A password is tried by one bind, once, on a connection that nobody else uses then; what was sent is never sent to a
  second server.
- Nobody is found by a name that only looks alike: what the server finds by its own rules is compared here again.
- An answer is complete or `Unavailable`; an outage is never a wrong password, and never a person who is gone.
"""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Iterable
from dataclasses import replace
from typing import Final, Protocol

from vestibule.core.decisions import Account
from vestibule.core.directories import ResponseVerdict, Verdict
from vestibule.core.errors import Malformed, Unavailable
from vestibule.core.password_policy import LONGEST_OCTETS
from vestibule.core.people import Ambiguous, PasswordOutcome, PeopleGroup, Person, Unreadable
from vestibule.core.reasons import Reason
from vestibule.core.secret import Secret
from vestibule.directories.ldap.client import bind, entries_of, pages, provable, sized_out
from vestibule.directories.ldap.connection import Connection, Lost
from vestibule.directories.ldap.groups import groups_in_chain, groups_step_by_step
from vestibule.directories.ldap.listing import Members
from vestibule.directories.ldap.names import answers_to, asked_names
from vestibule.directories.ldap.outcomes import outcome_of
from vestibule.directories.ldap.reading import (
    NOBODY,
    Attributes,
    id_octets,
    person_attributes,
    read_group,
    read_id,
    read_person,
)
from vestibule.directories.ldap.server import Server
from vestibule.directories.ldap.servers import Servers
from vestibule.directories.ldap.settings import LdapSettings, Nesting
from vestibule.directories.ldap.trust import Log
from vestibule.wire.ldap.active_directory import linked
from vestibule.wire.ldap.filter_text import parse_filter
from vestibule.wire.ldap.filters import And, Equal, Filter, Or
from vestibule.wire.ldap.messages import NO_ATTRIBUTES, Scope, SearchEntry, SearchRequest

MOST_NAMESAKES: Final = 10
"""Entries that a server may find by one name before nobody is told apart any more."""

MOST_AT_ONCE: Final = 50
"""People whom one search asks for by their ids."""

MOST_GROUPS: Final = 1000
"""Groups of one person; Active Directory gives no more at once."""


NOBODYS_NAME: Final = "00000000-0000-0000-0000-000000000000"

REFUSAL: Final = {
    PasswordOutcome.WRONG: Reason.WRONG_PASSWORD,
    PasswordOutcome.UNKNOWN_PERSON: Reason.UNKNOWN_USER,
    PasswordOutcome.EXPIRED: Reason.PASSWORD_EXPIRED,
    PasswordOutcome.MUST_CHANGE: Reason.PASSWORD_MUST_CHANGE,
    PasswordOutcome.LOCKED: Reason.ACCOUNT_LOCKED,
    PasswordOutcome.DISABLED: Reason.ACCOUNT_DISABLED,
    PasswordOutcome.NOT_NOW: Reason.NOT_ALLOWED_NOW,
    PasswordOutcome.ACCOUNT_EXPIRED: Reason.ACCOUNT_EXPIRED,
}


class Responses(Protocol):
    """Who checks responses of people of a domain."""

    async def check(
        self, user: str, domain: str, challenge: bytes, response: bytes, deadline: float
    ) -> ResponseVerdict:
        """What the domain says. Raises Unavailable."""


class LdapDirectory:
    """Has the shapes `AccountDirectory`, `PeopleDirectory` and `ResponseDirectory`; belongs to one event loop."""

    def __init__(self, settings: LdapSettings, responses: Responses | None = None, log: Log | None = None) -> None:
        """Take the settings. Raises `Malformed` when the CA file can not be read. Nothing is connected yet."""
        self.name = settings.name
        self._settings = settings
        self._responses = responses
        self._servers = Servers(settings, log)
        self._wanted = person_attributes(settings.attributes, settings.sign_in)
        self._binds = asyncio.Semaphore(settings.bounds.binds_under_way)

    @property
    def resting(self) -> tuple[str, ...]:
        """The servers that are left alone because they did not answer."""
        return self._servers.resting

    @property
    def rests(self) -> dict[str, tuple[bool, int]]:
        """By server: whether it is left alone now, and how often it has been since the start."""
        return self._servers.rests

    async def close(self) -> None:
        """Hang up everywhere."""
        await self._servers.close()

    # -- passwords ----------------------------------------------------------------------------------------------

    async def check(self, account: Account, password: Secret, source: str, deadline: float) -> Verdict:  # noqa: ARG002 - a try is booked to nobody: the work is the server's
        """What the directory says of this person's password, found by id or else by name. Raises `Unavailable`.

        A name of nobody and one of several people are refused as `UNKNOWN_USER`, after as much work as any other.
        """
        if account.external_id:
            outcome, detail = await self.try_password(account.external_id, password, deadline), ""
            return _verdict(outcome, account.external_id, detail)
        if not _triable(password):
            return _verdict(PasswordOutcome.WRONG, "", "")
        found = await self.find(account.user_name, deadline)
        person = found if isinstance(found, Person) else None
        outcome = await self._tried(person.place if person else None, password, deadline)
        detail = "several people of the directory have this name" if isinstance(found, Ambiguous) else ""
        return _verdict(outcome, person.id if person else "", detail)

    async def try_password(self, unique_id: str | None, password: Secret, deadline: float) -> PasswordOutcome:
        """Try the password by at most one bind; None is nobody, takes as long, and is never right.

        A password that can prove nothing (empty, with an octet 0, over 1024 octets) is wrong and stays here.
        """
        if not _triable(password):
            return PasswordOutcome.WRONG
        return await self._tried(await self._place(unique_id, deadline), password, deadline)

    async def _place(self, unique_id: str | None, deadline: float) -> str | None:
        """The name to bind by; None for nobody, who is searched for as well."""
        layout = self._settings.attributes
        value = NOBODY[layout.unique_id_kind] if unique_id is None else id_octets(unique_id, layout)
        found = await self._search(Equal(layout.unique_id, value), (NO_ATTRIBUTES,), 2, deadline)
        if len(found) > 1:
            raise Unavailable(f"directory {self.name}: {layout.unique_id} is not unique")
        return found[0].name if found and unique_id is not None else None

    async def _tried(self, place: str | None, password: Secret, deadline: float) -> PasswordOutcome:
        """Bind by this name; for nobody by a name that nobody has, whatever the server says to that."""
        nowhere = f"cn=00000000-0000-0000-0000-000000000000,{self._settings.base}"
        await self._turn(deadline)
        try:
            server, connection = await self._servers.connect(deadline)
            answered = False
            try:
                tried = await self._bound(server, connection, place or nowhere, password, deadline)
                answered = True
            finally:
                if answered:
                    server.give_back(connection)
                else:
                    connection.close()
        finally:
            self._binds.release()
        return tried if place else PasswordOutcome.UNKNOWN_PERSON

    async def _turn(self, deadline: float) -> None:
        """Wait until there are few enough binds under way."""
        try:
            async with asyncio.timeout_at(deadline):
                await self._binds.acquire()
        except TimeoutError:
            raise Unavailable(f"directory {self.name}: too many passwords are being tried") from None

    async def _bound(
        self, server: Server, connection: Connection, place: str, password: Secret, deadline: float
    ) -> PasswordOutcome:
        """The one bind of this attempt: whatever becomes of it, nobody repeats it."""
        loop, bound = asyncio.get_running_loop(), self._settings.bounds.bind_seconds
        began = loop.time()
        try:
            answer = await bind(connection, place, password, seconds=min(bound, deadline - began))
        except Lost as lost:
            self._servers.failed(server, lost, loop.time() - began, bound)
            raise
        return outcome_of(answer)

    # -- responses ----------------------------------------------------------------------------------------------

    @property
    def checks_responses(self) -> bool:
        """Whether a domain is named that they belong to."""
        return self._responses is not None and bool(self._settings.ntlm_domain)

    async def check_response(
        self, account: Account, challenge: bytes, response: bytes, deadline: float
    ) -> ResponseVerdict:
        """What the domain says of this person's response, found by id or else by name. Raises `Unavailable`.

        Nobody, and several people of one name, are asked for by a name that nobody has.
        """
        if self._responses is None or not self._settings.ntlm_domain:
            raise Unavailable(f"directory {self.name}: no ntlm_domain is set, so no MS-CHAP is checked")
        found = await self._holder(account, deadline)
        short = "" if found is None else self._short(found)
        said = await self._responses.check(
            short or NOBODYS_NAME, self._settings.ntlm_domain, challenge, response, deadline
        )
        if found is None or not short:
            return ResponseVerdict(Verdict(right=False, refusal=Reason.UNKNOWN_USER))
        unique_id = read_id(Attributes(found).first(self._settings.attributes.unique_id), self._settings.attributes)
        return replace(said, verdict=replace(said.verdict, external_id=unique_id))

    async def _holder(self, account: Account, deadline: float) -> SearchEntry | None:
        """The one entry of this account."""
        layout = self._settings.attributes
        if account.external_id:
            by_id = And((self._settings.person_filter, Equal(layout.unique_id, id_octets(account.external_id, layout))))
            found = await self._search(by_id, self._wanted, 2, deadline)
        else:
            found = await self._answering(account.user_name, deadline)
        return found[0] if len(found) == 1 else None

    def _short(self, entry: SearchEntry) -> str:
        """The name that NTLM knows somebody by."""
        return Attributes(entry).text(self._settings.sign_in.short)

    # -- people -------------------------------------------------------------------------------------------------

    async def find(self, name: str, deadline: float) -> Person | Ambiguous | None:
        r"""The one person who signs in by `DOMAIN\name`, a principal name, a short name, an address or another id."""
        found = await self._answering(name, deadline)
        if len(found) > 1:
            return Ambiguous(tuple(entry.name for entry in found)[:MOST_NAMESAKES])
        return self._person(found[0]) if found else None

    async def _answering(self, name: str, deadline: float) -> list[SearchEntry]:
        """All who answer to a name; too many to look at are all of them."""
        asked = asked_names(name, self._settings.sign_in)
        if not asked:
            return []
        by_name = Or(tuple(Equal(attribute, value.encode()) for attribute, value in asked))
        entries = await self._search(
            And((self._settings.person_filter, by_name)), self._wanted, MOST_NAMESAKES, deadline
        )
        found = [entry for entry in entries if answers_to(entry, asked)]
        return entries if len(entries) > MOST_NAMESAKES and len(found) < 2 else found

    async def person(self, unique_id: str, deadline: float) -> Person | None:
        """The person with this id. Raises `Malformed` for a text that is no id of this directory."""
        layout = self._settings.attributes
        condition = And((self._settings.person_filter, Equal(layout.unique_id, id_octets(unique_id, layout))))
        found = await self._search(condition, self._wanted, 2, deadline)
        if len(found) > 1:
            raise Unavailable(f"directory {self.name}: {layout.unique_id} is not unique")
        return self._person(found[0]) if found else None

    async def people(
        self, base: str = "", condition: str = "", group: str = ""
    ) -> AsyncGenerator[Person | Unreadable, None]:
        """Everybody below `base` (a name) who fits `condition` (a filter) and is in `group` (a name); "" is no limit.

        It goes page by page, on a connection of its own; an end without an exception says: complete. Raises
        `Malformed` for a condition that is none, and `Unavailable`, also where there is no such base or group.
        """
        async with contextlib.aclosing(self._entries(base, condition, group, self._wanted)) as entries:
            async for entry in entries:
                yield self._readable(entry)

    async def ids(self, base: str = "", condition: str = "", group: str = "") -> AsyncGenerator[str | Unreadable, None]:
        """The ids of the same people as `people` gives, and nothing else of them; the rest as there."""
        layout = self._settings.attributes
        async with contextlib.aclosing(self._entries(base, condition, group, (layout.unique_id,))) as entries:
            async for entry in entries:
                try:
                    yield read_id(Attributes(entry).first(layout.unique_id), layout)
                except Malformed as malformed:
                    yield Unreadable(entry.name, str(malformed))

    async def by_ids(self, ids: Iterable[str]) -> AsyncGenerator[Person | Unreadable, None]:
        """Those of these people who are there, some at a time. Raises as `people`."""
        layout, waiting = self._settings.attributes, list(ids)
        seconds = self._settings.bounds.page_seconds
        while waiting:
            some, waiting = waiting[:MOST_AT_ONCE], waiting[MOST_AT_ONCE:]
            condition = Or(tuple(Equal(layout.unique_id, id_octets(one, layout)) for one in some))
            wanted = And((self._settings.person_filter, condition))
            deadline = asyncio.get_running_loop().time() + seconds
            for entry in await self._search(wanted, self._wanted, len(some), deadline):
                yield self._readable(entry)

    async def any_group(self, condition: str) -> bool:
        """Whether any group fits the condition; one page tells, since not every server keeps a size limit."""
        wanted = And((self._settings.group_filter, parse_filter(condition)))
        request = SearchRequest(self._settings.base, Scope.SUBTREE, wanted, (NO_ATTRIBUTES,))
        seconds = self._settings.bounds.page_seconds
        connection = await self._servers.connect_service(asyncio.get_running_loop().time() + seconds)
        try:
            async with contextlib.aclosing(pages(connection, request, 1, seconds=seconds)) as answers:
                first = await anext(answers)
                return bool(first.entries)
        finally:
            connection.close()

    async def _entries(
        self, base: str, condition: str, group: str, attributes: tuple[str, ...]
    ) -> AsyncGenerator[SearchEntry, None]:
        loop, settings = asyncio.get_running_loop(), self._settings
        base, wanted = base or settings.base, settings.person_filter
        if condition:
            wanted = And((wanted, parse_filter(condition)))
        seconds = settings.bounds.page_seconds
        connection = await self._servers.connect_service(loop.time() + seconds)
        try:
            members = Members(connection, settings, seconds)
            if group and settings.nesting is Nesting.STEP_BY_STEP:
                walk = members.walk(group, base, wanted, attributes)
            else:
                if group:
                    await members.require(group)
                    wanted = And((wanted, linked("memberOf", group)))
                request = SearchRequest(base, Scope.SUBTREE, wanted, attributes)
                walk = entries_of(pages(connection, request, settings.page_size, seconds=seconds))
            async with contextlib.aclosing(walk):
                async for entry in walk:
                    yield entry
        finally:
            connection.close()

    def _readable(self, entry: SearchEntry) -> Person | Unreadable:
        try:
            return read_person(entry, self._settings.attributes, self._settings.sign_in)
        except Malformed as malformed:
            return Unreadable(entry.name, str(malformed))

    def _person(self, entry: SearchEntry) -> Person:
        try:
            return read_person(entry, self._settings.attributes, self._settings.sign_in)
        except Malformed as malformed:
            raise Unavailable(f"directory {self.name}: {entry.name} {malformed}") from None

    # -- groups -------------------------------------------------------------------------------------------------

    async def groups(self, person: Person, deadline: float) -> tuple[PeopleGroup, ...]:
        """All groups that the person is in, also by way of other groups, in order of their names."""
        settings = self._settings

        async def search(condition: Filter) -> list[SearchEntry]:
            attributes = (settings.attributes.unique_id, settings.attributes.group_name)
            found = await self._search(And((settings.group_filter, condition)), attributes, MOST_GROUPS, deadline)
            if len(found) > MOST_GROUPS:
                raise Unavailable(f"directory {self.name}: more than {MOST_GROUPS} groups; narrow the group filter")
            return found

        by = groups_in_chain if settings.nesting is Nesting.IN_CHAIN else groups_step_by_step
        entries = await by(person.place, settings.member_attributes, search)
        try:
            groups = [read_group(entry, settings.attributes) for entry in entries]
        except Malformed as malformed:
            raise Unavailable(f"directory {self.name}: a group of {person.place} {malformed}") from None
        return tuple(sorted(groups, key=lambda group: (group.name, group.id)))

    # -- searching ----------------------------------------------------------------------------------------------

    async def _search(
        self, condition: Filter, attributes: tuple[str, ...], most: int, deadline: float
    ) -> list[SearchEntry]:
        """Up to `most` entries and one more, which says that there are others."""
        answer = await self._servers.search(self._request(condition, attributes, most + 1), deadline)
        if sized_out(answer) and len(answer.entries) <= most:
            raise Unavailable(f"directory {self.name}: the server's own limit is below {most + 1} entries")
        return answer.entries

    def _request(self, condition: Filter, attributes: tuple[str, ...], size_limit: int) -> SearchRequest:
        return SearchRequest(self._settings.base, Scope.SUBTREE, condition, attributes, size_limit)


def _triable(password: Secret) -> bool:
    """Whether to ask the directory at all; what is empty, has an octet 0 or is very long proves nothing there."""
    return provable(password) and len(password) <= LONGEST_OCTETS


def _verdict(outcome: PasswordOutcome, unique_id: str, detail: str) -> Verdict:
    if outcome is PasswordOutcome.RIGHT:
        return Verdict(right=True, external_id=unique_id)
    return Verdict(right=False, refusal=REFUSAL[outcome], detail=detail, external_id=unique_id)
