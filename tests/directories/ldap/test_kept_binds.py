"""Connections that take one bind after another: what that must not change."""

import asyncio
from dataclasses import replace

import pytest

from tests.directories.ldap.conftest import BRIEF, PATIENT, Open, settings_for, soon
from tests.directories.ldap.slapd import Slapd
from vestibule.core.errors import Unavailable
from vestibule.core.people import PasswordOutcome, Person
from vestibule.core.secret import Secret
from vestibule.directories.ldap.directory import LdapDirectory

ANNA, BERT, WRONG = Secret(b"annas password"), Secret(b"berts password"), Secret(b"wrong")
CONNECTED = " ACCEPT from "


async def person(directory: LdapDirectory, name: str) -> str:
    found = await directory.find(name, soon())
    assert isinstance(found, Person)
    return found.id


async def test_the_next_bind_takes_the_connection_of_the_one_before_and_proves_for_itself(
    own_slapd: Slapd, opened: Open
) -> None:
    directory = opened(settings_for(own_slapd, bounds=PATIENT))
    anna, bert = await person(directory, "anna"), await person(directory, "bert")
    assert await directory.try_password(anna, ANNA, soon()) is PasswordOutcome.RIGHT
    before = own_slapd.said(CONNECTED)
    tried = [(anna, WRONG), (bert, BERT), (bert, ANNA), (anna, ANNA), (None, ANNA)]
    said = [await directory.try_password(who, password, soon()) for who, password in tried]
    right, wrong = PasswordOutcome.RIGHT, PasswordOutcome.WRONG
    assert said == [wrong, right, wrong, right, PasswordOutcome.UNKNOWN_PERSON]
    assert own_slapd.said(CONNECTED) == before


async def test_binds_at_the_same_time_share_no_connection(own_slapd: Slapd, opened: Open) -> None:
    directory = opened(settings_for(own_slapd, bounds=PATIENT))
    anna, bert = await person(directory, "anna"), await person(directory, "bert")
    for _ in range(3):
        pairs = [(anna, ANNA), (bert, BERT), (anna, BERT), (bert, ANNA)] * 5
        said = await asyncio.gather(*(directory.try_password(who, password, soon()) for who, password in pairs))
        right, wrong = PasswordOutcome.RIGHT, PasswordOutcome.WRONG
        assert said == [right, right, wrong, wrong] * 5


async def test_a_connection_that_broke_meanwhile_is_not_used(own_slapd: Slapd, opened: Open) -> None:
    directory = opened(settings_for(own_slapd, bounds=PATIENT))
    anna = await person(directory, "anna")
    assert await directory.try_password(anna, ANNA, soon()) is PasswordOutcome.RIGHT
    own_slapd.kill()
    own_slapd.start()
    while True:
        try:
            assert await directory.try_password(anna, ANNA, soon()) is PasswordOutcome.RIGHT
            break
        except Unavailable:  # the server is still left alone for a moment
            continue


async def test_no_connection_waits_for_long_or_outlives_the_directory(own_slapd: Slapd, opened: Open) -> None:
    directory = opened(settings_for(own_slapd, bounds=replace(PATIENT, kept_seconds=0.01)))
    anna = await person(directory, "anna")
    await directory.try_password(anna, ANNA, soon())
    connected, closed = own_slapd.said(CONNECTED), own_slapd.said(" closed")
    async with asyncio.timeout(10):
        while own_slapd.said(" closed") == closed:
            await directory.find("anna", soon())
    await directory.try_password(anna, ANNA, soon())
    assert own_slapd.said(CONNECTED) == connected + 1


async def test_a_server_that_failed_keeps_none(own_slapd: Slapd, opened: Open) -> None:
    directory = opened(settings_for(own_slapd, bounds=replace(BRIEF, kept_seconds=60.0)))
    anna = await person(directory, "anna")
    await directory.try_password(anna, ANNA, soon())
    own_slapd.freeze()
    with pytest.raises(Unavailable):
        await directory.find("bert", soon())
    assert directory.resting
    own_slapd.thaw()
    before = own_slapd.said(CONNECTED)
    while True:
        try:
            assert await directory.try_password(anna, ANNA, soon()) is PasswordOutcome.RIGHT
            break
        except Unavailable:
            continue
    assert own_slapd.said(CONNECTED) > before
