"""The LDAP directory and servers that are not at hand: Active Directory in its moods, and servers that misbehave."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from tests.directories.ldap.conftest import BRIEF, Open, soon
from tests.directories.ldap.scripted import GOOD, Said, Script, Scripted, answering, scripted
from vestibule.core.errors import Unavailable
from vestibule.core.people import Ambiguous, PasswordOutcome, Person, Unreadable
from vestibule.core.secret import Secret
from vestibule.directories.ldap.directory import LdapDirectory
from vestibule.directories.ldap.settings import PERSON_FILTER, Bounds, Endpoint, LdapSettings, Security, openldap
from vestibule.wire.ldap.active_directory import IN_CHAIN
from vestibule.wire.ldap.controls import PAGED_RESULTS, Page, paged
from vestibule.wire.ldap.filter_text import filter_text
from vestibule.wire.ldap.filters import And, Equal
from vestibule.wire.ldap.messages import (
    NOTICE_OF_DISCONNECTION,
    START_TLS,
    BindRequest,
    BindResponse,
    ExtendedRequest,
    ExtendedResponse,
    Message,
    Result,
    ResultCode,
    SearchDone,
    SearchEntry,
    SearchReference,
    SearchRequest,
)

GUID = bytes.fromhex("78 56 34 12 34 12 78 56 12 34 56 78 12 34 56 78")
GUID_TEXT = "12345678-1234-5678-1234-567812345678"
ANNA = SearchEntry(
    "CN=Anna Arndt,OU=People,DC=example,DC=org",
    (
        ("objectGUID", (GUID,)),
        ("sAMAccountName", (b"anna",)),
        ("USERPRINCIPALNAME", (b"anna@example.org",)),
        ("givenName", (b"Anna",)),
        ("sn;lang-de", (b"Arndt",)),
        ("description", (b"line one\nline two",)),
        ("userAccountControl", (b"512",)),
    ),
)
PASSWORD = Secret(b"a password")


def settings(*ports: int, bounds: Bounds = BRIEF, security: Security = Security.PLAIN) -> LdapSettings:
    return LdapSettings(
        name="example",
        servers=tuple(Endpoint("127.0.0.1", port, security) for port in ports),
        base="DC=example,DC=org",
        bind_name="cn=searcher",
        bind_secret=Secret(b"searching"),
        bounds=bounds,
    )


@contextlib.asynccontextmanager
async def asking(opened: Open, script: Script) -> AsyncIterator[tuple[LdapDirectory, Scripted]]:
    async with scripted(script) as server:
        directory = opened(settings(server.port))
        yield directory, server
        await directory.close()


# -- Active Directory ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "outcome"),
    [
        ("525", PasswordOutcome.UNKNOWN_PERSON),
        ("52e", PasswordOutcome.WRONG),
        ("52f", PasswordOutcome.NOT_NOW),
        ("530", PasswordOutcome.NOT_NOW),
        ("531", PasswordOutcome.NOT_NOW),
        ("532", PasswordOutcome.EXPIRED),
        ("533", PasswordOutcome.DISABLED),
        ("701", PasswordOutcome.ACCOUNT_EXPIRED),
        ("773", PasswordOutcome.MUST_CHANGE),
        ("775", PasswordOutcome.LOCKED),
        ("1234", PasswordOutcome.WRONG),
    ],
)
async def test_active_directory_tells_why(opened: Open, data: str, outcome: PasswordOutcome) -> None:
    told = f"80090308: LdapErr: DSID-0C09044F, comment: AcceptSecurityContext error, data {data}, v4563\0"
    async with asking(opened, answering(ANNA, bind=Result(49, "", told))) as (directory, server):
        assert await directory.try_password(GUID_TEXT, PASSWORD, soon()) is outcome
        assert server.binds == ["cn=searcher", ANNA.name]


@pytest.mark.parametrize("data", ["51f", "6fb", "6fc", "6fd", "6fe"])
async def test_a_domain_in_trouble_is_no_wrong_password(opened: Open, data: str) -> None:
    told = f"80090308: LdapErr: DSID-0C09044F, comment: AcceptSecurityContext error, data {data}, v4563\0"
    async with asking(opened, answering(ANNA, bind=Result(49, "", told))) as (directory, _):
        with pytest.raises(Unavailable, match="can not check a password"):
            await directory.try_password(GUID_TEXT, PASSWORD, soon())


async def test_a_person_of_active_directory_is_read_by_the_default_map(opened: Open) -> None:
    async with asking(opened, answering(ANNA)) as (directory, server):
        person = await directory.find("ANNA@example.org", soon())
        assert person == Person(
            id=GUID_TEXT,
            name="anna@example.org",
            place=ANNA.name,
            first_name="Anna",
            last_name="Arndt",
            other_names=("anna",),
            left_out=("description",),
        )
        search = server.asked[-1].operation
        assert isinstance(search, SearchRequest)
        assert filter_text(search.filter) == (
            "(&(&(objectCategory=person)(objectClass=user))(|(sAMAccountName=ANNA@example.org)"
            "(userPrincipalName=ANNA@example.org)(mail=ANNA@example.org)))"
        )
        await directory.person(GUID_TEXT, soon())
        search = server.asked[-1].operation
        assert isinstance(search, SearchRequest)
        assert search.filter == And((PERSON_FILTER, Equal("objectGUID", GUID)))


async def test_a_disabled_account_is_told(opened: Open) -> None:
    attributes = (*ANNA.attributes[:-1], ("userAccountControl", (b"514",)))
    async with asking(opened, answering(replace(ANNA, attributes=attributes))) as (directory, _):
        person = await directory.find("anna", soon())
        assert isinstance(person, Person)
        assert not person.enabled


async def test_a_name_that_only_looks_alike_is_nobodys(opened: Open) -> None:
    async with asking(opened, answering(ANNA)) as (directory, _):
        assert await directory.find("ánna", soon()) is None  # Active Directory finds anna by it
        assert isinstance(await directory.find("ANNA", soon()), Person)


async def test_groups_are_asked_for_in_chain(opened: Open) -> None:
    group = SearchEntry("CN=Staff,DC=example,DC=org", (("objectGUID", (GUID,)), ("name", (b"Staff",))))
    person = Person(GUID_TEXT, "anna", "CN=Anna (A),DC=example,DC=org")
    async with asking(opened, answering(group)) as (directory, server):
        assert [found.name for found in await directory.groups(person, soon())] == ["Staff"]
        search = server.asked[-1].operation
        assert isinstance(search, SearchRequest)
        assert rf"(|(member:{IN_CHAIN}:=CN=Anna \28A\29,DC=example,DC=org))" in filter_text(search.filter)


# -- answers that are not whole -----------------------------------------------------------------------------------


@pytest.mark.parametrize("code", [1, 2, 3, 10, 11, 12, 32, 50, 51, 52, 53, 80, 4096])
async def test_a_search_that_failed_is_never_nobody(opened: Open, code: int) -> None:
    async with asking(opened, answering(search=Result(code))) as (directory, _):
        for ask in (directory.find("anna", soon()), directory.try_password(GUID_TEXT, PASSWORD, soon())):
            with pytest.raises(Unavailable):
                await ask
        with pytest.raises(Unavailable):
            await anext(directory.people())


@pytest.mark.parametrize("code", [1, 2, 3, 7, 8, 10, 11, 13, 51, 52, 80, 4096])
async def test_a_bind_that_says_nothing_about_the_password_decides_nothing(opened: Open, code: int) -> None:
    async with asking(opened, answering(ANNA, bind=Result(code))) as (directory, _):
        with pytest.raises(Unavailable):
            await directory.try_password(GUID_TEXT, PASSWORD, soon())


@pytest.mark.parametrize("code", [19, 32, 34, 48, 49, 50, 53])
async def test_a_bind_that_fails_is_never_right(opened: Open, code: int) -> None:
    async with asking(opened, answering(ANNA, bind=Result(code))) as (directory, _):
        assert await directory.try_password(GUID_TEXT, PASSWORD, soon()) is not PasswordOutcome.RIGHT


async def test_a_server_that_refuses_whatever_the_password_is_does_not_say_that_it_was_right(opened: Open) -> None:
    """389 Directory Server, after too many tries: constraint violation."""
    async with asking(opened, answering(ANNA, bind=Result(ResultCode.CONSTRAINT_VIOLATION))) as (directory, _):
        assert await directory.try_password(GUID_TEXT, PASSWORD, soon()) is PasswordOutcome.LOCKED


async def test_who_asks_a_directory_that_is_left_alone_hears_why(opened: Open) -> None:
    async with scripted(answering(bind=Result(ResultCode.INVALID_CREDENTIALS))) as server:
        directory = opened(replace(settings(server.port), bind_name="cn=another"))
        for _ in range(2):
            with pytest.raises(Unavailable, match="refuses the account that searches"):
                await directory.find("anna", soon())


async def test_nothing_is_opened_that_nobody_would_close(opened: Open) -> None:
    async with asking(opened, answering(ANNA)) as (directory, _):
        await directory.close()
        with pytest.raises(Unavailable, match="just changed"):
            await directory.find("anna", soon())


async def test_nobody_is_never_right_even_if_the_server_says_so(opened: Open) -> None:
    async with asking(opened, answering()) as (directory, _):
        for nobody in (None, GUID_TEXT):
            assert await directory.try_password(nobody, PASSWORD, soon()) is PasswordOutcome.UNKNOWN_PERSON
    async with asking(opened, answering(ANNA)) as (directory, _):
        assert await directory.try_password(None, PASSWORD, soon()) is PasswordOutcome.UNKNOWN_PERSON


async def test_a_size_limit_of_the_server_is_no_end(opened: Open) -> None:
    async with asking(opened, answering(ANNA, search=Result(4))) as (directory, _):
        with pytest.raises(Unavailable, match="own limit"):
            await directory.find("anna", soon())


async def test_very_many_namesakes_are_ambiguous(opened: Open) -> None:
    many = [replace(ANNA, name=f"CN={number},DC=example,DC=org") for number in range(11)]
    async with asking(opened, answering(*many, search=Result(4))) as (directory, _):
        answer = await directory.find("anna", soon())
        assert isinstance(answer, Ambiguous)
        assert len(answer.places) == 10


async def test_a_unique_id_that_is_not_unique_decides_nothing(opened: Open) -> None:
    async with asking(opened, answering(ANNA, ANNA)) as (directory, server):
        with pytest.raises(Unavailable, match="not unique"):
            await directory.try_password(GUID_TEXT, PASSWORD, soon())
        assert server.binds == ["cn=searcher"]


async def test_references_to_other_servers_are_passed_over(opened: Open) -> None:
    def script(message: Message) -> list[Said]:
        if isinstance(message.operation, SearchRequest):
            return [ANNA, SearchReference(("ldap://elsewhere.example.org/",)), SearchDone(GOOD)]
        return [BindResponse(GOOD)]

    async with asking(opened, script) as (directory, _):
        assert isinstance(await directory.find("anna", soon()), Person)


async def test_an_entry_without_a_unique_id_is_told_in_a_list_and_no_person(opened: Open) -> None:
    bare = SearchEntry("CN=Bare,DC=example,DC=org", (("sAMAccountName", (b"anna",)),))

    def script(message: Message) -> list[Said]:
        if isinstance(message.operation, SearchRequest):
            return [bare, Message(message.id, SearchDone(GOOD), (paged(Page(0), critical=False),))]
        return [BindResponse(GOOD)]

    async with asking(opened, script) as (directory, _):
        people = [person async for person in directory.people()]
        assert people == [Unreadable(bare.name, people[0].why)] if isinstance(people[0], Unreadable) else False
        with pytest.raises(Unavailable, match="has no objectGUID"):
            await directory.find("anna", soon())


async def test_a_list_without_pages_is_not_taken_for_complete(opened: Open) -> None:
    async with asking(opened, answering(ANNA)) as (directory, _):
        with pytest.raises(Unavailable, match="gives no pages"):
            [person async for person in directory.people()]


async def test_members_that_come_in_parts_are_not_taken_for_all(opened: Open) -> None:
    group = SearchEntry("cn=g", (("member;range=0-1499", (b"cn=a",)),))
    async with scripted(answering(group)) as server:
        directory = opened(openldap(settings(server.port)))
        with pytest.raises(Unavailable, match="come in parts"):
            await anext(directory.people(group="cn=g"))


async def test_pages_are_asked_for_with_the_cookie_of_the_last(opened: Open) -> None:
    def script(message: Message) -> list[Said]:
        if not isinstance(message.operation, SearchRequest):
            return [BindResponse(GOOD)]
        asked = message.control(PAGED_RESULTS)
        cookie = b"next" if asked is not None and b"next" not in (asked.value or b"") else b""
        return [ANNA, Message(message.id, SearchDone(GOOD), (paged(Page(0, cookie)),))]

    async with asking(opened, script) as (directory, _):
        assert len([person async for person in directory.people()]) == 2


# -- servers that misbehave ---------------------------------------------------------------------------------------


def when_searched(*said: Said) -> Script:
    """A script that takes every bind, and says this when it is searched."""
    return lambda message: list(said) if isinstance(message.operation, SearchRequest) else [BindResponse(GOOD)]


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (b"HTTP/1.1 400 Bad Request\r\n", "makes no sense"),
        (b"\x30\x80\x00\x00", "makes no sense"),
        (b"\x30\x84\x7f\xff\xff\xff", "longer than"),
        (b"\x30\x03\x02\x01\x02", "makes no sense"),
        (Message(0, ExtendedResponse(Result(52), NOTICE_OF_DISCONNECTION)), "disconnects: 52 unavailable"),
        (Message(0, SearchDone(GOOD)), "unasked"),
        (BindResponse(GOOD), "another kind"),
        (ExtendedResponse(GOOD), "another kind"),
    ],
    ids=["http", "indefinite", "huge", "cut", "notice", "unasked", "bind", "extended"],
)
async def test_a_server_that_makes_no_sense_is_cut_off(opened: Open, said: Said, why: str) -> None:
    async with asking(opened, when_searched(said)) as (directory, _):
        with pytest.raises(Unavailable, match=why):
            await directory.find("anna", soon())


async def test_a_server_that_sends_more_than_was_asked_for_is_cut_off(opened: Open) -> None:
    async with asking(opened, when_searched(*[ANNA] * 100)) as (directory, _):
        with pytest.raises(Unavailable, match="more entries than were asked for"):
            await directory.find("anna", soon())


async def test_an_answer_to_what_was_given_up_is_nobodys(opened: Open) -> None:
    """The second search is answered by the first one's late answer and then by its own."""
    late: list[int] = []

    def script(message: Message) -> list[Said]:
        if not isinstance(message.operation, SearchRequest):
            return [BindResponse(GOOD)] if isinstance(message.operation, BindRequest) else []
        late.append(message.id)
        if len(late) == 1:
            return [SearchReference(("ldap://slow/",))]  # it is alive, and says no more for now
        return [Message(late[0], ANNA), Message(late[0], SearchDone(GOOD)), SearchDone(GOOD)]

    async with asking(opened, script) as (directory, _):
        with pytest.raises(Unavailable, match="no answer"):
            await directory.find("anna", soon(0.2))
        assert await directory.find("anna", soon()) is None


@pytest.mark.requirement(22)
async def test_a_bind_without_an_answer_is_not_repeated_elsewhere(opened: Open) -> None:
    def mute(message: Message) -> list[Said]:
        match message.operation:
            case BindRequest("cn=searcher"):
                return [BindResponse(GOOD)]
            case SearchRequest():
                return [ANNA, SearchDone(GOOD)]
            case _:
                return []

    async with scripted(mute) as first, scripted(answering(ANNA)) as second:
        directory = opened(settings(first.port, second.port))
        with pytest.raises(Unavailable, match="no answer"):
            await directory.try_password(GUID_TEXT, PASSWORD, soon())
        assert (first.binds, second.binds) == (["cn=searcher", ANNA.name], [])
        assert await directory.try_password(GUID_TEXT, PASSWORD, soon()) is PasswordOutcome.RIGHT
        assert second.binds == ["cn=searcher", ANNA.name]
        await directory.close()


async def test_a_short_deadline_of_one_caller_does_not_close_a_server_for_all(opened: Open) -> None:
    def slow(message: Message) -> list[Said]:
        return [] if isinstance(message.operation, SearchRequest) else [BindResponse(GOOD)]

    bounds = Bounds(first_pause=60.0, longest_pause=60.0)
    async with scripted(slow) as server:
        directory = opened(settings(server.port, bounds=bounds))
        for _ in range(3):
            with pytest.raises(Unavailable, match=r"no (answer|connection) within"):
                await directory.find("anna", soon(0.05))
        server.script = answering(ANNA)
        assert isinstance(await directory.find("anna", soon()), Person)
        await directory.close()


@pytest.mark.parametrize("code", [1, 51, 52, 80])
async def test_what_one_server_can_not_say_another_may(opened: Open, code: int) -> None:
    async with scripted(answering(search=Result(code))) as first, scripted(answering(ANNA)) as second:
        directory = opened(settings(first.port, second.port))
        assert isinstance(await directory.find("anna", soon()), Person)
        assert bool(directory.resting) is (code in {51, 52})
        await directory.close()


async def test_too_many_binds_at_once_wait_no_longer_than_their_deadline(opened: Open) -> None:
    def mute(message: Message) -> list[Said]:
        match message.operation:
            case BindRequest("cn=searcher"):
                return [BindResponse(GOOD)]
            case SearchRequest():
                return [ANNA, SearchDone(GOOD)]
            case _:
                return []

    async with scripted(mute) as server:
        directory = opened(settings(server.port, bounds=replace(BRIEF, bind_seconds=5.0, binds_under_way=2)))
        await directory.find("anna", soon())
        tries = [directory.try_password(GUID_TEXT, PASSWORD, soon(0.3)) for _ in range(5)]
        answers = [str(answer) for answer in await asyncio.gather(*tries, return_exceptions=True)]
        assert sum("too many passwords" in answer for answer in answers) == 3
        assert server.binds.count(ANNA.name) == 2
        await directory.close()


async def test_a_service_account_that_is_refused_is_not_tried_elsewhere(opened: Open) -> None:
    def refusing(message: Message) -> list[Said]:
        return [BindResponse(Result(49))]

    async with scripted(refusing) as first, scripted(answering(ANNA)) as second:
        directory = opened(settings(first.port, second.port))
        with pytest.raises(Unavailable, match="refuses the account that searches"):
            await directory.find("anna", soon())
        assert second.asked == []
        await directory.close()


# -- StartTLS -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ([ExtendedResponse(Result(52), START_TLS)], "does not begin TLS"),
        ([ExtendedResponse(GOOD, START_TLS), Message(2, BindResponse(GOOD))], "before TLS stands"),
        ([ExtendedResponse(GOOD, START_TLS), b"\x30"], "before TLS stands"),
        ([ExtendedResponse(GOOD, START_TLS)], "can not be reached|no connection"),
        ([BindResponse(GOOD)], "another kind"),
    ],
    ids=["refused", "injected", "half injected", "no handshake", "other answer"],
)
async def test_nothing_is_said_where_tls_does_not_stand(opened: Open, said: list[Said], why: str) -> None:
    async with scripted(lambda _: said) as server:
        directory = opened(settings(server.port, security=Security.START_TLS))
        with pytest.raises(Unavailable, match=why):
            await directory.find("anna", soon())
        assert [type(message.operation) for message in server.asked] == [ExtendedRequest]
        await directory.close()


async def test_a_crowd_that_waits_for_a_dead_server_shares_one_connection(opened: Open) -> None:
    connected = 0

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connected
        connected += 1
        await reader.read()
        writer.close()

    async with await asyncio.start_server(silent, "127.0.0.1", 0) as server:
        directory = opened(settings(server.sockets[0].getsockname()[1]))
        asked = [directory.find("anna", soon()) for _ in range(100)]
        answers = await asyncio.gather(*asked, return_exceptions=True)
        assert all(isinstance(answer, Unavailable) for answer in answers)
        assert connected == 1
        await directory.close()
