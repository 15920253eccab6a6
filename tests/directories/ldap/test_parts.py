"""The parts of the LDAP directory that wait for nothing: breaker, settings, entries as people, groups within groups."""

import asyncio
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import uvloop

from tests.directories.ldap.conftest import settings_for, soon
from tests.directories.ldap.slapd import ANNA, BASE, Slapd
from vestibule.core.errors import Malformed, Unavailable
from vestibule.core.people import LanguageKind, PasswordOutcome, Person
from vestibule.core.secret import Secret
from vestibule.directories.ldap.breaker import Breaker
from vestibule.directories.ldap.client import bind, provable
from vestibule.directories.ldap.connection import Connection
from vestibule.directories.ldap.directory import LdapDirectory
from vestibule.directories.ldap.groups import DEEPEST_GROUP, MOST_FOLLOWED, groups_step_by_step
from vestibule.directories.ldap.names import asked_names
from vestibule.directories.ldap.reading import NOBODY, id_octets, person_attributes, read_group, read_id, read_person
from vestibule.directories.ldap.settings import (
    LARGEST_CA_FILE,
    OPENLDAP_ATTRIBUTES,
    AttributeMap,
    Bounds,
    Endpoint,
    IdentifierKind,
    LdapSettings,
    Security,
    SignInNames,
    endpoint,
)
from vestibule.wire.ldap.filters import Equal, Filter, Or
from vestibule.wire.ldap.messages import SearchEntry

# -- the breaker --------------------------------------------------------------------------------------------------


def test_each_failure_in_a_row_doubles_the_pause_up_to_the_longest() -> None:
    breaker, now, pauses = Breaker(1.0, 5.0), 0.0, []
    for _ in range(5):
        breaker.failed(now)
        pauses.append(breaker.wait(now))
        now += pauses[-1]
        assert breaker.probe(now)
    assert pauses == [1.0, 2.0, 4.0, 5.0, 5.0]
    breaker.succeeded()
    assert breaker.closed
    breaker.failed(now)
    assert breaker.wait(now) == 1.0


def test_only_one_may_look_whether_a_server_is_back() -> None:
    breaker = Breaker(1.0, 5.0)
    assert not breaker.probe(0.0)
    breaker.failed(0.0)
    assert not breaker.probe(0.9)
    assert [breaker.probe(1.0) for _ in range(3)] == [True, False, False]
    breaker.gave_up()
    assert breaker.probe(1.0)


def test_those_who_find_out_together_count_once() -> None:
    breaker = Breaker(1.0, 5.0)
    for _ in range(10):
        breaker.failed(0.0)
    assert breaker.wait(0.0) == 1.0
    breaker = Breaker(1.0, 5.0)
    breaker.failed(0.0, at_least=300.0)
    assert breaker.wait(0.0) == 300.0


# -- settings -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("address", "plain", "meant"),
    [
        ("ldaps://dc1.example.org", False, Endpoint("dc1.example.org", 636, Security.TLS)),
        ("ldaps://dc1.example.org:3269/", False, Endpoint("dc1.example.org", 3269, Security.TLS)),
        ("ldap://dc1.example.org", False, Endpoint("dc1.example.org", 389, Security.START_TLS)),
        ("ldap://[::1]:1389", True, Endpoint("::1", 1389, Security.PLAIN)),
    ],
)
def test_an_address_is_read_and_plain_only_when_it_is_said(address: str, *, plain: bool, meant: Endpoint) -> None:
    assert endpoint(address, plain=plain) == meant
    assert str(meant).rstrip("/") in {address.rstrip("/"), f"{address}:{meant.port}"}


@pytest.mark.parametrize(
    "address",
    ["", "dc1", "http://dc1", "ldap://", "ldap://dc1:x", "ldap://dc1:99999", "ldap://dc1/dc=x", "ldap://[::1"],
)
def test_an_address_that_is_none_is_refused(address: str) -> None:
    with pytest.raises(Malformed, match="write ldaps://host"):
        endpoint(address)
    with pytest.raises(Malformed, match="contradict"):
        endpoint("ldaps://dc1", plain=True)


SERVER = Endpoint("localhost", 636)


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        (lambda: LdapSettings("ad", (), BASE), "at least one server"),
        (lambda: LdapSettings("ad", (SERVER,), ""), "name the base"),
        (lambda: LdapSettings("ad", (SERVER,), "example.org"), "column 1"),
        (lambda: LdapSettings("ad", (SERVER,), BASE, bind_name="cn=x"), "the name and the password"),
        (lambda: LdapSettings("ad", (SERVER,), BASE, bind_secret=Secret(b"x")), "both the name and the password"),
        (lambda: LdapSettings("ad", (SERVER,), BASE, ca_file=Path("/nowhere/ca.pem")).tls(), "/nowhere/ca.pem"),
        (lambda: LdapSettings("ad", (SERVER,), BASE, ca_file=Path(__file__)).tls(), "can not be read"),
    ],
)
def test_settings_that_can_not_work_are_refused(wrong: Callable[[], object], why: str) -> None:
    with pytest.raises(Malformed, match=why):
        wrong()


@pytest.mark.parametrize("kind", ["pipe", "folder", "huge"])
def test_a_file_of_certificates_that_might_never_end_is_not_read(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "ca.pem"
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    else:
        path.touch()
        os.truncate(path, LARGEST_CA_FILE + 1)
    with pytest.raises(Malformed, match="is no file of at most 4 MiB"):
        LdapSettings("ad", (SERVER,), BASE, ca_file=path).tls()


def test_settings_never_show_the_password() -> None:
    settings = LdapSettings("ad", (SERVER,), BASE, bind_name="cn=x", bind_secret=Secret(b"geheim"))
    assert "geheim" not in repr(settings)


# -- binds that prove nothing -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "password"), [("cn=a", b""), ("cn=a", b"\0"), ("cn=a", b"a\0"), ("", b"a")])
async def test_a_bind_that_proves_nothing_is_refused_before_the_wire(name: str, password: bytes) -> None:
    connection = Connection(SERVER, Bounds())
    with pytest.raises(ValueError, match="proves nothing"):
        await bind(connection, name, Secret(password), seconds=1.0)
    assert provable(Secret(b" "))


# -- entries ------------------------------------------------------------------------------------------------------


def entry(**attributes: bytes) -> SearchEntry:
    return SearchEntry("cn=x", tuple((name, (value,)) for name, value in attributes.items()))


def test_the_second_name_stands_in_for_the_first() -> None:
    person = read_person(entry(objectGUID=bytes(15) + b"x", sAMAccountName=b"anna"), AttributeMap(), SignInNames())
    assert person.name == "anna"
    assert person.enabled


@pytest.mark.parametrize(
    ("attributes", "why"),
    [
        ({"sAMAccountName": b"anna"}, "has no objectGUID"),
        ({"sAMAccountName": b"anna", "objectGUID": b"short"}, "5 octets"),
        ({"objectGUID": bytes(16)}, "has none of userPrincipalName, sAMAccountName"),
        ({"objectGUID": bytes(16), "sAMAccountName": b"an\nna"}, "name: character 3"),
        ({"objectGUID": bytes(16), "sAMAccountName": b"\xff"}, "name: octet 1"),
    ],
)
def test_an_entry_that_is_no_person_is_malformed(attributes: dict[str, bytes], why: str) -> None:
    with pytest.raises(Malformed, match=why):
        read_person(entry(**attributes), AttributeMap(), SignInNames())


def test_languages_and_groups_are_read_where_the_map_has_them() -> None:
    layout = replace(AttributeMap(), group="department", languages=((LanguageKind.CALL, "preferredLanguage"),))
    held = entry(objectGUID=bytes(16), sAMAccountName=b"anna", department=b"Sales", preferredLanguage=b"de")
    person = read_person(held, layout, SignInNames())
    assert (person.group, person.languages) == ("Sales", ((LanguageKind.CALL, "de"),))
    assert {"department", "preferredLanguage"} <= set(person_attributes(layout, SignInNames()))
    assert "" not in person_attributes(layout, SignInNames())


def test_other_names_are_all_that_somebody_is_found_by() -> None:
    held = entry(
        objectGUID=bytes(16), userPrincipalName=b"Anna@example.org", sAMAccountName=b"anna", mail=b"anna@EXAMPLE.org"
    )
    names = SignInNames(alternate="employeeID", domains=("CORP", "OLD"))
    assert read_person(held, AttributeMap(), names).other_names == ("anna", r"CORP\anna", r"OLD\anna")
    assert read_person(held, replace(AttributeMap(), names=("cn", "sAMAccountName")), SignInNames()).other_names == (
        "Anna@example.org",
    )


def test_a_bare_name_as_an_e_mail_address_is_nobodys_name() -> None:
    held = entry(objectGUID=bytes(16), sAMAccountName=b"anna", mail=b"root")
    assert read_person(held, AttributeMap(), SignInNames()).other_names == ()
    assert "mail" not in dict(asked_names("root", SignInNames()))
    assert dict(asked_names("root@example.org", SignInNames()))["mail"] == "root@example.org"
    assert dict(asked_names("root", SignInNames(short="mail")))["mail"] == "root"


@pytest.mark.parametrize("kind", list(IdentifierKind))
def test_a_unique_id_is_told_and_found_again(kind: IdentifierKind) -> None:
    layout = replace(AttributeMap(), unique_id_kind=kind)
    value = b"0123456789abcdef"
    assert id_octets(read_id(value, layout), layout) == value
    assert NOBODY[kind] != value


def test_a_unique_id_of_another_kind_is_malformed() -> None:
    for kind, text in ((IdentifierKind.GUID, "x"), (IdentifierKind.OCTETS, "xyz"), (IdentifierKind.TEXT, "a\nb")):
        with pytest.raises(Malformed):
            id_octets(text, replace(AttributeMap(), unique_id_kind=kind))
    with pytest.raises(Malformed, match="longer"):
        read_id(b"x" * 200, OPENLDAP_ATTRIBUTES)
    with pytest.raises(Malformed, match="has no cn"):
        read_group(entry(entryUUID=b"x"), OPENLDAP_ATTRIBUTES)


# -- groups within groups -----------------------------------------------------------------------------------------


def graph(links: dict[str, list[str]]) -> Callable[[Filter], "asyncio.Future[list[SearchEntry]]"]:
    """A search over groups: name of a member → groups that hold it."""

    async def search(condition: Filter) -> list[SearchEntry]:
        assert isinstance(condition, Or)
        members = [one.value.decode() for one in condition.filters if isinstance(one, Equal)]
        return [SearchEntry(f"cn={name}") for member in members for name in links.get(member.removeprefix("cn="), [])]

    return lambda condition: asyncio.ensure_future(search(condition))


async def test_a_circle_of_groups_ends_where_it_began() -> None:
    search = graph({"me": ["a"], "a": ["b"], "b": ["c", "B"], "c": ["a", "b"]})
    found = await groups_step_by_step("cn=me", ("member",), search)
    assert [group.name for group in found] == ["cn=a", "cn=b", "cn=c"]


async def test_groups_that_lie_too_deep_are_no_answer() -> None:
    deep = {str(number): [str(number + 1)] for number in range(DEEPEST_GROUP)}
    assert len(await groups_step_by_step("cn=0", ("member",), graph(deep))) == DEEPEST_GROUP
    with pytest.raises(Unavailable, match="deep within"):
        await groups_step_by_step("cn=0", ("member",), graph(deep | {str(DEEPEST_GROUP): ["last"]}))


async def test_more_groups_than_can_be_followed_are_no_answer() -> None:
    many = {"me": [str(number) for number in range(MOST_FOLLOWED + 1)]}
    with pytest.raises(Unavailable, match="more than"):
        await groups_step_by_step("cn=me", ("member",), graph(many))


# -- the event loop of the server ---------------------------------------------------------------------------------


@pytest.mark.parametrize("security", list(Security))
def test_it_runs_on_the_event_loop_that_the_server_uses(slapd: Slapd, security: Security) -> None:
    async def signed_in() -> PasswordOutcome:
        directory = LdapDirectory(settings_for(slapd, security=security))
        person = await directory.find("anna", soon())
        assert isinstance(person, Person)
        assert person.place == ANNA.place
        outcome = await directory.try_password(person.id, Secret(b"annas password"), soon())
        await directory.close()
        return outcome

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        assert runner.run(signed_in()) is PasswordOutcome.RIGHT
