"""Whom an LDAP directory trusts, and how its servers' outages are told."""

import shutil
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.directories.ldap.conftest import BRIEF, PATIENT, Open, settings_for, soon
from tests.directories.ldap.slapd import Slapd, certificates
from vestibule.core.errors import Unavailable
from vestibule.core.people import Person
from vestibule.core.secret import Secret
from vestibule.directories.ldap.directory import LdapDirectory
from vestibule.directories.ldap.settings import LdapSettings

RIGHT = Secret(b"annas password")
AT_ONCE = replace(PATIENT, look_seconds=0.0, kept_connections=0)


class Log:
    """Keeps what is told."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, dict[str, object]]] = []

    def info(self, event: str, **details: object) -> None:
        self.lines.append((event, details))

    def warning(self, event: str, **details: object) -> None:
        self.lines.append((event, details))

    @property
    def events(self) -> list[str]:
        return [event for event, _ in self.lines]


@pytest.fixture
def log() -> Log:
    return Log()


@pytest.fixture
async def telling(log: Log) -> AsyncIterator[Open]:
    """Opens directories that tell the log."""
    directories: list[LdapDirectory] = []

    def open_one(settings: LdapSettings) -> LdapDirectory:
        directories.append(LdapDirectory(settings, None, log))
        return directories[-1]

    yield open_one
    for directory in directories:
        await directory.close()


async def test_a_ca_file_that_is_replaced_counts_from_the_next_connection(
    own_slapd: Slapd, telling: Open, log: Log, tmp_path: Path
) -> None:
    file = tmp_path / "ca.pem"
    shutil.copy(certificates("another").authority, file)
    directory = telling(replace(settings_for(own_slapd, bounds=replace(BRIEF, look_seconds=0.0)), ca_file=file))
    with pytest.raises(Unavailable, match="not trusted"):
        await directory.find("anna", soon())
    shutil.copy(certificates().authority, file)
    while True:
        try:
            assert isinstance(await directory.find("anna", soon()), Person)
            break
        except Unavailable:  # the server is still left alone for a moment
            continue
    assert "ca file taken" in log.events


async def test_a_ca_file_that_broke_changes_nothing_and_is_told_once(
    own_slapd: Slapd, telling: Open, log: Log, tmp_path: Path
) -> None:
    file = tmp_path / "ca.pem"
    shutil.copy(certificates().authority, file)
    directory = telling(replace(settings_for(own_slapd, bounds=AT_ONCE), ca_file=file))
    person = await directory.find("anna", soon())
    assert isinstance(person, Person)
    file.write_text("no certificate", encoding="utf-8")
    for _ in range(3):  # each password has a connection of its own
        await directory.try_password(person.id, RIGHT, soon())
    assert log.events == ["ca file not taken"]
    file.unlink()
    await directory.try_password(person.id, RIGHT, soon())
    assert log.events == ["ca file not taken"] * 2


async def test_an_outage_and_its_end_are_told_once_each(own_slapd: Slapd, telling: Open, log: Log) -> None:
    directory = telling(settings_for(own_slapd, bounds=BRIEF))
    server = f"ldaps://localhost:{own_slapd.tls_port}"
    assert isinstance(await directory.find("anna", soon()), Person)
    assert directory.rests == {server: (False, 0)}
    own_slapd.freeze()
    for _ in range(3):
        with pytest.raises(Unavailable):
            await directory.find("anna", soon())
    assert directory.rests == {server: (True, 1)}
    own_slapd.thaw()
    while directory.resting:
        try:
            await directory.find("anna", soon())
        except Unavailable:
            continue
    assert log.events == ["directory server does not answer", "directory server answers again"]
    assert log.lines[0][1]["server"] == server
    assert "no answer within" in str(log.lines[0][1]["why"]) or "no connection within" in str(log.lines[0][1]["why"])
    assert directory.rests == {server: (False, 1)}
