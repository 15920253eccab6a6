"""The LDAP directory against a real OpenLDAP server."""

import asyncio
import contextlib
from dataclasses import replace

import pytest

from tests.directories.ldap.conftest import BRIEF, Open, settings_for, soon
from tests.directories.ldap.slapd import (
    ANNA,
    BASE,
    BERT,
    CARL,
    CROWD,
    PEOPLE,
    SEARCHER,
    STAR,
    Slapd,
    certificates,
    everybody,
)
from vestibule.core.decisions import Account
from vestibule.core.directories import AccountDirectory, PeopleDirectory
from vestibule.core.errors import Malformed, Unavailable
from vestibule.core.people import Ambiguous, PasswordOutcome, Person, PhoneKind
from vestibule.core.reasons import Reason
from vestibule.core.secret import Secret
from vestibule.directories.ldap.directory import REFUSAL, LdapDirectory
from vestibule.directories.ldap.settings import Endpoint, Security

pytestmark = pytest.mark.directories
PASSWORD = Secret(b"annas password")


async def found(directory: LdapDirectory, name: str) -> Person:
    person = await directory.find(name, soon())
    assert isinstance(person, Person)
    return person


# -- passwords ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "password", "outcome"),
    [
        ("anna", b"annas password", PasswordOutcome.RIGHT),
        ("anna", b"annas passwort", PasswordOutcome.WRONG),
        ("anna", b"\xff\xfe", PasswordOutcome.WRONG),
        ("anna", b"", PasswordOutcome.WRONG),
        ("anna", b"\0annas password", PasswordOutcome.WRONG),
        ("anna", b"annas password\0", PasswordOutcome.WRONG),
        ("anna", b"x" * 1025, PasswordOutcome.WRONG),
        ("star*(name)", b"stars password", PasswordOutcome.RIGHT),
        ("expired", b"old password", PasswordOutcome.EXPIRED),
        ("expired", b"wrong password", PasswordOutcome.WRONG),
        ("reset", b"first password", PasswordOutcome.MUST_CHANGE),
        ("locked", b"locked password", PasswordOutcome.LOCKED),
    ],
)
async def test_a_password_is_tried_by_a_bind(
    directory: LdapDirectory, name: str, password: bytes, outcome: PasswordOutcome
) -> None:
    person = await found(directory, name)
    assert await directory.try_password(person.id, Secret(password), soon()) is outcome
    for account in (Account("example", person.id, "whoever"), Account("example", "", name)):
        verdict = await directory.check(account, Secret(password), "a source", soon())
        assert verdict.right is (outcome is PasswordOutcome.RIGHT)
        assert verdict.right or verdict.refusal is REFUSAL[outcome]
        assert verdict.external_id == person.id or not verdict.right


async def test_nobody_has_a_password(directory: LdapDirectory) -> None:
    for nobody in (None, "00000000-1111-2222-3333-444444444444"):
        assert await directory.try_password(nobody, PASSWORD, soon()) is PasswordOutcome.UNKNOWN_PERSON
    for name in ("", "nobody", "shared@example.org", "anna*"):
        verdict = await directory.check(Account("example", "", name), PASSWORD, "a source", soon())
        assert (verdict.right, verdict.refusal, verdict.external_id) == (False, Reason.UNKNOWN_USER, "")
        assert ("several people" in verdict.detail) is (name == "shared@example.org")


@pytest.mark.requirement(22)
async def test_one_attempt_is_one_bind(own_slapd: Slapd, opened: Open) -> None:
    directory = opened(settings_for(own_slapd))
    person = await found(directory, "anna")
    for password in (b"annas password", b"wrong"):
        await directory.try_password(person.id, Secret(password), soon())
    assert own_slapd.said(f'BIND dn="{ANNA.place}" method=128') == 2
    await directory.try_password(None, PASSWORD, soon())
    await directory.check(Account("example", "", "nobody"), PASSWORD, "a source", soon())
    assert own_slapd.said('BIND dn="cn=00000000-0000-0000-0000-000000000000,') == 2
    assert own_slapd.said(f'BIND dn="{SEARCHER}" method=128') == 1


async def test_a_password_that_proves_nothing_stays_here(own_slapd: Slapd, opened: Open) -> None:
    directory = opened(settings_for(own_slapd))
    person = await found(directory, "anna")
    before = own_slapd.said("conn=")
    for password in (b"", b"\0", b"a\0b"):
        assert await directory.try_password(person.id, Secret(password), soon()) is PasswordOutcome.WRONG
    assert own_slapd.said("conn=") == before


async def test_many_try_at_once(directory: LdapDirectory) -> None:
    person = await found(directory, "anna")
    tries = [directory.try_password(person.id, PASSWORD, soon(20)) for _ in range(60)]
    assert set(await asyncio.gather(*tries)) == {PasswordOutcome.RIGHT}


# -- the way there ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("security", list(Security))
async def test_every_way_there_works(slapd: Slapd, opened: Open, security: Security) -> None:
    directory = opened(settings_for(slapd, security=security))
    person = await found(directory, "anna")
    assert await directory.try_password(person.id, PASSWORD, soon()) is PasswordOutcome.RIGHT


@pytest.mark.parametrize("security", [Security.TLS, Security.START_TLS])
async def test_a_certificate_of_another_authority_is_refused(slapd: Slapd, opened: Open, security: Security) -> None:
    foreign = replace(settings_for(slapd, security=security), ca_file=certificates("two").authority)
    with pytest.raises(Unavailable, match="certificate is not trusted"):
        await opened(foreign).find("anna", soon())


@pytest.mark.parametrize("security", [Security.TLS, Security.START_TLS])
async def test_a_certificate_of_another_host_is_refused(slapd: Slapd, opened: Open, security: Security) -> None:
    settings = settings_for(slapd, security=security)
    elsewhere = replace(settings, servers=(Endpoint("127.0.0.1", settings.servers[0].port, security),))
    with pytest.raises(Unavailable, match="certificate is not trusted"):
        await opened(elsewhere).find("anna", soon())


async def test_an_account_that_is_refused_is_not_tried_again_and_again(own_slapd: Slapd, opened: Open) -> None:
    directory = opened(replace(settings_for(own_slapd), bind_secret=Secret(b"an old one")))
    with pytest.raises(Unavailable, match="refuses the account that searches"):
        await directory.find("anna", soon())
    for _ in range(5):
        with pytest.raises(Unavailable, match="the next look is in 300 s"):
            await directory.find("anna", soon())
    assert own_slapd.said(f'BIND dn="{SEARCHER}" method=128') == 1


async def test_searches_share_few_connections(own_slapd: Slapd, opened: Open) -> None:
    directory = opened(settings_for(own_slapd))
    await asyncio.gather(*(directory.find("anna", soon()) for _ in range(50)))
    for _ in range(20):
        await directory.find("anna", soon())
    assert 1 <= own_slapd.said(" ACCEPT ") <= 1 + BRIEF.service_connections  # one more: the look whether it runs


# -- people -------------------------------------------------------------------------------------------------------


async def test_a_person_has_what_the_map_says(directory: LdapDirectory) -> None:
    person = await found(directory, "anna")
    assert (person.name, person.place, person.first_name, person.last_name) == ("anna", ANNA.place, "Anna", "Anna")
    assert (person.email, person.phones, person.enabled) == (
        "anna@example.org",
        ((PhoneKind.MOBILE, "+49 170 1"),),
        True,
    )
    assert len(person.id) == 36
    assert "170" not in repr(person)
    assert await directory.person(person.id, soon()) == person
    assert await directory.person("00000000-1111-2222-3333-444444444444", soon()) is None


@pytest.mark.parametrize(
    "name", ["anna", "ANNA", " anna ", "anna@example.org", "Anna@Example.ORG", "alt-77", r"example\Anna"]
)
async def test_a_person_is_found_by_every_name(directory: LdapDirectory, name: str) -> None:
    assert (await found(directory, name)).place == ANNA.place


@pytest.mark.parametrize(
    "name",
    [
        "",
        " ",
        "ann",
        "*",
        "a*",
        "anna*",
        "anna)(uid=*",
        "*)(|(uid=*",
        "anna)(|(objectClass=*",
        r"\2a",
        r"EXAMPLE\*",
        r"EXAMPLE\anna@example.org",
        r"ELSEWHERE\anna",
        "EXAMPLE\\",
        r"\anna",
        r"EXAMPLE\EXAMPLE\anna",
        "anna\0",
        "anna\n",
        "an na",
        "\ud800",
        "x" * 300,
        ANNA.place,
    ],
    ids=ascii,
)
async def test_nobody_is_found_by_what_is_no_name(directory: LdapDirectory, name: str) -> None:
    assert await directory.find(name, soon()) is None


async def test_brackets_and_stars_in_a_real_name_are_found(directory: LdapDirectory) -> None:
    assert (await found(directory, "star*(name)")).place == STAR.place


async def test_a_name_of_two_people_is_refused_and_told(directory: LdapDirectory) -> None:
    answer = await directory.find("shared@example.org", soon())
    assert isinstance(answer, Ambiguous)
    assert set(answer.places) == {BERT.place, CARL.place}


async def test_everybody_is_listed_page_by_page(directory: LdapDirectory) -> None:
    names = set()
    async for person in directory.people():
        assert isinstance(person, Person)
        names.add(person.name)
    assert len(names) == CROWD + len(PEOPLE)


async def listed(directory: LdapDirectory, *limits: str) -> set[str]:
    return {person.name async for person in directory.people(*limits) if isinstance(person, Person)}


async def test_a_list_keeps_to_its_limits(directory: LdapDirectory) -> None:
    assert await listed(directory, ANNA.place) == {"anna"}
    assert await listed(directory, "", "(mail=shared@*)") == {"bert", "carl"}
    assert await listed(directory, "", "(uid=crowd0001*)") == {f"crowd{number:05}" for number in range(10, 20)}
    assert await listed(directory, "", "", f"cn=outer,{BASE}") == {"anna", "bert"}  # by way of a circle
    assert await listed(directory, "", "(uid=b*)", f"cn=outer,{BASE}") == {"bert"}
    assert await listed(directory, ANNA.place, "", f"cn=outer,{BASE}") == {"anna"}
    assert await listed(directory, "", "", f"cn=unique,{BASE}") == {"anna"}


async def test_a_list_of_a_place_or_group_that_is_not_there_is_not_empty(directory: LdapDirectory) -> None:
    for limits in ((f"ou=gone,{BASE}",), ("", "", f"cn=gone,{BASE}"), ("", "", ANNA.place), ("", "", "no name")):
        with pytest.raises(Unavailable, match=r"no such object|there is no group"):
            await listed(directory, *limits)
    with pytest.raises(Malformed, match="column"):
        await listed(directory, "", "uid=anna")


async def test_two_lists_at_once_are_both_complete(directory: LdapDirectory) -> None:
    async def counted() -> int:
        return len([person async for person in directory.people()])

    assert set(await asyncio.gather(counted(), counted())) == {CROWD + len(PEOPLE)}


async def test_a_list_that_is_cut_off_never_ends_as_if_it_were_complete(own_slapd: Slapd, opened: Open) -> None:
    directory = opened(replace(settings_for(own_slapd), page_size=2))
    async with contextlib.aclosing(directory.people()) as people:
        await anext(people)
        own_slapd.kill()
        with pytest.raises(Unavailable):
            async for _ in people:
                pass


async def test_groups_are_found_through_groups_and_circles(directory: LdapDirectory) -> None:
    person = await found(directory, "anna")
    assert [group.name for group in await directory.groups(person, soon())] == ["inner", "middle", "outer", "unique"]
    crowded = await found(directory, "crowd00001")
    assert await directory.groups(crowded, soon()) == ()


# -- outages ------------------------------------------------------------------------------------------------------


async def recovered(directory: LdapDirectory) -> Person:
    """Ask until there is an answer; pytest's time-out ends a test that never gets one."""
    while True:
        with contextlib.suppress(Unavailable):
            return await found(directory, "anna")
        await asyncio.sleep(0)


@pytest.mark.requirement(53)
@pytest.mark.parametrize("security", list(Security))
async def test_a_frozen_server_is_an_outage_within_the_bound(
    own_slapd: Slapd, opened: Open, security: Security
) -> None:
    directory = opened(settings_for(own_slapd, security=security, bounds=BRIEF))
    person = await found(directory, "anna")
    own_slapd.freeze()
    loop = asyncio.get_running_loop()
    for ask in (directory.try_password(person.id, PASSWORD, soon()), directory.find("anna", soon())):
        began = loop.time()
        with pytest.raises(Unavailable):
            await ask
        assert loop.time() - began < BRIEF.connect_seconds + BRIEF.answer_seconds + 0.3
    own_slapd.thaw()
    assert (await recovered(directory)).id == person.id
    assert await directory.try_password(person.id, PASSWORD, soon()) is PasswordOutcome.RIGHT


@pytest.mark.requirement(53)
async def test_while_a_server_is_out_nobody_waits_for_it(own_slapd: Slapd, opened: Open) -> None:
    directory = opened(settings_for(own_slapd, bounds=replace(BRIEF, first_pause=30.0, longest_pause=30.0)))
    await found(directory, "anna")
    own_slapd.freeze()
    with pytest.raises(Unavailable):
        await directory.find("anna", soon())
    began = asyncio.get_running_loop().time()
    for _ in range(200):
        with pytest.raises(Unavailable, match="the next look is in"):
            await directory.find("anna", soon())
    assert directory.resting == (f"ldaps://localhost:{own_slapd.tls_port}",)
    assert asyncio.get_running_loop().time() - began < BRIEF.answer_seconds


@pytest.mark.requirement(53)
async def test_the_second_server_takes_over_and_the_first_takes_back(slapd: Slapd, opened: Open) -> None:
    first, second = Slapd.made(everybody()), Slapd.made(everybody())
    directory = opened(settings_for(first, second, bounds=BRIEF))
    person = await found(directory, "anna")
    assert second.said(" SRCH base=") == 0
    first.freeze()
    began = asyncio.get_running_loop().time()
    assert (await found(directory, "anna")).name == "anna"
    assert asyncio.get_running_loop().time() - began < BRIEF.connect_seconds + BRIEF.answer_seconds + 0.3
    first.thaw()
    first.kill()
    began = asyncio.get_running_loop().time()
    for _ in range(20):
        assert (await found(directory, "anna")).name == "anna"
    assert asyncio.get_running_loop().time() - began < BRIEF.connect_seconds
    first.start()
    searches = first.said(" SRCH base=")
    while first.said(" SRCH base=") == searches:
        await found(directory, "anna")
    assert person.place == ANNA.place
    first.remove()
    second.remove()


async def test_when_all_are_gone_the_answer_is_unavailable(own_slapd: Slapd, opened: Open) -> None:
    directory = opened(settings_for(own_slapd, bounds=BRIEF))
    person = await found(directory, "anna")
    own_slapd.kill()
    asks = (
        lambda: directory.try_password(person.id, PASSWORD, soon()),
        lambda: directory.check(Account("example", person.id, "anna"), PASSWORD, "a source", soon()),
        lambda: directory.check(Account("example", "", "anna"), PASSWORD, "a source", soon()),
        lambda: directory.find("anna", soon()),
        lambda: directory.person(person.id, soon()),
        lambda: directory.groups(person, soon()),
    )
    for ask in asks:
        with pytest.raises(Unavailable):
            await ask()
    with pytest.raises(Unavailable):
        await anext(directory.people())


async def test_a_connection_that_broke_while_nobody_looked_costs_nobody_a_sign_in(
    own_slapd: Slapd, opened: Open
) -> None:
    directory = opened(settings_for(own_slapd))
    await found(directory, "anna")
    own_slapd.kill()
    own_slapd.start()
    assert (await found(directory, "anna")).name == "anna"


async def test_a_deadline_that_has_passed_asks_nobody(directory: LdapDirectory) -> None:
    with pytest.raises(Unavailable, match="no time is left"):
        await directory.find("anna", soon(-1.0))


async def test_it_has_the_shapes_of_the_ports(directory: LdapDirectory) -> None:
    people: PeopleDirectory = directory
    account: AccountDirectory = directory
    assert (people.name, callable(account.check)) == ("example", True)
