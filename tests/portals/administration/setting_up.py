"""Somebody with a role in front of the pages of set-up, and doors for the test bench to knock at."""

import re
import secrets
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace

import httpx2
import structlog
from prometheus_client import CollectorRegistry

from tests.portals.lobby import HOST, Browser, Lobby, Person, Rates
from vestibule.apps.bench import Doors
from vestibule.apps.configuration import Listener
from vestibule.core.ports import Writing
from vestibule.core.users import Role, User
from vestibule.flows import roles
from vestibule.flows.account import Account
from vestibule.flows.api_keys import KnownKeys
from vestibule.frontends.http.application import application as api_application
from vestibule.frontends.http.counts import Counts as ApiCounts
from vestibule.frontends.http.guard import Manners as ApiManners
from vestibule.frontends.http.work import Behind as ApiBehind
from vestibule.frontends.radius.counts import Counts
from vestibule.frontends.radius.door import Manners, RadiusDoor
from vestibule.portals.application import application
from vestibule.portals.behind import Bench
from vestibule.wire.radius.dictionary import standard

LOOPBACK = "127.0.0.1"
SHOWN = re.compile(r'<pre id="secret"[^>]*>([^<]+)</pre>')


async def signed_in(lobby: Lobby, role: Role = Role.ADMINISTRATOR, name: str = "olga") -> Browser:
    """A browser of somebody with this role."""
    return (await somebody(lobby, role, name))[1]


async def somebody(lobby: Lobby, role: Role, name: str) -> tuple[Person, Browser]:
    """Somebody with this role, and their browser."""
    person, browser = await lobby.person(name), lobby.browser()

    def give(writing: Writing) -> None:
        user = writing.get(User, person.id)
        assert user
        roles.given(lobby.office.desk, writing, "test", user, role)

    await lobby.office.store.change(give)
    await browser.sign_in(person)
    return person, browser


async def send(browser: Browser, path: str, fields: Mapping[str, str]) -> httpx2.Response:
    """The form that the last page had, with these fields."""
    return await browser.post(path, **fields)  # type: ignore[arg-type]  # all are texts


def shown_once(browser: Browser) -> str:
    """The secret that the page shows."""
    found = SHOWN.search(browser.text)
    assert found, browser.text
    return found[1]


@asynccontextmanager
async def with_doors(lobby: Lobby, *, most_tests: int = 1000) -> AsyncIterator[Lobby]:
    """The same lobby with a RADIUS door on loopback and the API behind it, for the bench."""
    log = structlog.get_logger()
    door = RadiusDoor(
        lobby.behind.authenticate,
        Account(lobby.office.store, lobby.office.clock),
        lambda: lobby.office.store.snapshot,
        standard(),
        Counts(CollectorRegistry(), log),
        Manners(reject_delay=0.0),
    )
    host, port = await door.listen(LOOPBACK, 0, accounting=False)
    behind_api = ApiBehind(
        lobby.behind.authenticate,
        lobby.office.desk,
        ApiManners(frozenset({LOOPBACK, HOST}), reject_delay=0.0),
        ApiCounts(CollectorRegistry(), log, secrets.token_bytes),
        time.monotonic,
    )
    doors = Doors()
    known = KnownKeys(lobby.office.store, lobby.office.clock, time.monotonic, lobby.office.desk.mac)
    doors.api = api_application(behind_api, doors.recognising(known.recognise), time.monotonic)
    doors.open(door, (Listener(host, port),))
    behind = replace(lobby.behind, bench=Bench(doors, Rates(most_tests)))
    try:
        yield replace(lobby, app=application(behind), behind=behind)
    finally:
        await door.close()
