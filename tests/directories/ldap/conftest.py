"""What the tests of the LDAP directory share: an OpenLDAP server with many people, and directories that end."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import replace

import pytest

from tests.directories.ldap.slapd import BASE, SEARCHER, SEARCHER_SECRET, Slapd, certificates, crowd, everybody
from vestibule.directories.ldap.directory import LdapDirectory
from vestibule.directories.ldap.settings import Bounds, Endpoint, LdapSettings, Security, SignInNames, openldap

Open = Callable[[LdapSettings], LdapDirectory]
BRIEF = Bounds(
    connect_seconds=0.4, answer_seconds=0.4, bind_seconds=0.4, page_seconds=5.0, first_pause=0.05, longest_pause=0.1
)
"""Short waits, so that a test of an outage is short too."""
PATIENT = Bounds(connect_seconds=10.0, answer_seconds=10.0, bind_seconds=10.0)
"""For tests in which nothing goes out."""


@pytest.fixture(scope="session")
def slapd() -> Iterator[Slapd]:
    """One server for all tests that only ask."""
    server = Slapd.made([*everybody(), *crowd()])
    yield server
    server.remove()


@pytest.fixture
def own_slapd() -> Iterator[Slapd]:
    """A server that the test may freeze and kill."""
    server = Slapd.made(everybody())
    yield server
    server.remove()


@pytest.fixture
async def opened() -> AsyncIterator[Open]:
    """Opens directories and closes them after the test."""
    directories: list[LdapDirectory] = []

    def open_one(settings: LdapSettings) -> LdapDirectory:
        directories.append(LdapDirectory(settings))
        return directories[-1]

    yield open_one
    for directory in directories:
        await directory.close()


@pytest.fixture
def directory(slapd: Slapd, opened: Open) -> LdapDirectory:
    """A directory of the server that all share."""
    return opened(settings_for(slapd))


def settings_for(*servers: Slapd, security: Security = Security.TLS, bounds: Bounds = PATIENT) -> LdapSettings:
    """The settings for these servers, which have the same authority."""
    ports = [server.tls_port if security is Security.TLS else server.port for server in servers]
    settings = openldap(
        LdapSettings(
            name="example",
            servers=tuple(Endpoint("localhost", port, security) for port in ports),
            base=BASE,
            bind_name=SEARCHER,
            bind_secret=SEARCHER_SECRET,
            ca_file=certificates().authority,
            bounds=bounds,
        )
    )
    return replace(settings, sign_in=SignInNames(short="uid", principal="", alternate="title", domains=("EXAMPLE",)))


def soon(seconds: float = 5.0) -> float:
    """A deadline."""
    return asyncio.get_running_loop().time() + seconds
