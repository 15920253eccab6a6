"""The LDAP directory against a real Active Directory domain controller: Samba's."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.directories.ldap.conftest import Open, soon
from tests.directories.samba import ADDRESS, ADMINISTRATOR, BASE, PASSWORD, THRESHOLD, SambaDomain, Somebody, missing
from vestibule.core.decisions import Account
from vestibule.core.people import Person
from vestibule.core.reasons import Reason
from vestibule.core.secret import Secret
from vestibule.directories.ldap.directory import LdapDirectory
from vestibule.directories.ldap.settings import Endpoint, LdapSettings, Security, SignInNames

pytestmark = [
    pytest.mark.directories,
    pytest.mark.skipif(bool(missing()), reason=missing() or "it runs"),
    pytest.mark.timeout(120),
]
PEOPLE = (
    Somebody("anna", first_name="Anna", last_name="Arndt", email="anna.arndt@corp.example"),
    Somebody("bert", state="must_change"),
    Somebody("carl", state="disabled"),
    Somebody("dora", state="account_expired"),
    Somebody("emil", state="expired"),
    Somebody("fritz"),
)


@pytest.fixture(scope="module")
def domain() -> Iterator[SambaDomain]:
    """One domain for all."""
    with tempfile.TemporaryDirectory(prefix="vsamba-") as folder:
        started = SambaDomain(Path(folder) / "domain")
        started.provision()
        started.start()
        try:
            started.add(*PEOPLE)
            started.add_group("inner", "anna")
            started.add_group("middle", "inner")
            started.add_group("outer", "middle")
            yield started
        finally:
            started.stop()


@pytest.fixture
def directory(domain: SambaDomain, opened: Open) -> LdapDirectory:
    return opened(settings_of(domain))


def settings_of(domain: SambaDomain, security: Security = Security.TLS) -> LdapSettings:
    port = 636 if security is Security.TLS else 389
    return LdapSettings(
        name="corp",
        servers=(Endpoint(ADDRESS, port, security),),
        base=BASE,
        bind_name=ADMINISTRATOR,
        bind_secret=Secret.of(PASSWORD),
        ca_file=domain.authority.file,
        sign_in=SignInNames(domains=("CORP",)),
    )


@pytest.mark.parametrize("name", ["anna", "ANNA", r"corp\Anna", "anna@corp.example", "Anna.Arndt@corp.example"])
async def test_a_person_is_found_by_every_name(directory: LdapDirectory, name: str) -> None:
    person = await directory.find(name, soon())
    assert isinstance(person, Person)
    assert (person.name, person.first_name, person.last_name) == ("anna@corp.example", "Anna", "Arndt")
    assert person.other_names == ("anna", r"CORP\anna", "anna.arndt@corp.example")
    assert await directory.person(person.id, soon()) == person


@pytest.mark.parametrize("name", ["ánna", r"OTHER\anna", "anna)(cn=*", "*", "inner"])
async def test_nobody_is_found_by_what_is_no_name(directory: LdapDirectory, name: str) -> None:
    assert await directory.find(name, soon()) is None


@pytest.mark.parametrize(
    ("name", "refusal"),
    [
        ("anna", None),
        ("bert", Reason.PASSWORD_MUST_CHANGE),
        ("carl", Reason.ACCOUNT_DISABLED),
        ("dora", Reason.ACCOUNT_EXPIRED),
        ("emil", Reason.PASSWORD_EXPIRED),
    ],
)
async def test_the_controller_says_why(directory: LdapDirectory, name: str, refusal: Reason | None) -> None:
    account = Account("corp", "", name)
    verdict = await directory.check(account, Secret(b"Right-pass-1"), "a source", soon())
    assert verdict.right is (refusal is None)
    assert refusal is None or verdict.refusal is refusal
    verdict = await directory.check(account, Secret(b"Wrong-pass-1"), "a source", soon())
    assert (verdict.right, verdict.refusal) == (False, Reason.WRONG_PASSWORD)


@pytest.mark.requirement(22)
async def test_as_many_wrong_tries_lock_as_the_controller_allows(directory: LdapDirectory) -> None:
    account = Account("corp", "", "fritz")
    for _ in range(THRESHOLD):
        verdict = await directory.check(account, Secret(b"Wrong-pass-1"), "a source", soon())
        assert verdict.refusal is Reason.WRONG_PASSWORD
    verdict = await directory.check(account, Secret(b"Right-pass-1"), "a source", soon())
    assert (verdict.right, verdict.refusal) == (False, Reason.ACCOUNT_LOCKED)


async def test_groups_and_members_are_found_in_chain(directory: LdapDirectory) -> None:
    person = await directory.find("anna", soon())
    assert isinstance(person, Person)
    assert [group.name for group in await directory.groups(person, soon())] == ["inner", "middle", "outer"]
    members = directory.people("", "", f"CN=outer,CN=Users,{BASE}")
    assert [entry async for entry in members] == [person]


async def test_everybody_is_listed(directory: LdapDirectory) -> None:
    people = [entry async for entry in directory.people("", "(sn=*)")]
    assert [entry.name for entry in people if isinstance(entry, Person)] == ["anna@corp.example"]
    names = {entry.name async for entry in directory.people() if isinstance(entry, Person)}
    assert {f"{one.name}@corp.example" for one in PEOPLE} <= names


async def test_start_tls_works_with_it(domain: SambaDomain, opened: Open) -> None:
    directory = opened(settings_of(domain, Security.START_TLS))
    verdict = await directory.check(Account("corp", "", "anna"), Secret(b"Right-pass-1"), "a source", soon())
    assert verdict.right
