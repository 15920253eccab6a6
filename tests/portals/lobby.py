"""The portal in the test's own process, in front of a real store, the real flows and methods; only the clock is ours.

async with lobby_of(memory_office()) as lobby:
    alice = await lobby.person("alice")
    browser = lobby.browser()
    await browser.sign_in(alice)
    await browser.get("/security")
"""

import itertools
import re
import secrets
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from html import unescape

import httpx2

from tests.flows.desks import NOON, Office
from vestibule.core.credentials import Credential, CredentialState, Seed
from vestibule.core.engine import Engine
from vestibule.core.oath import hotp, time_step
from vestibule.core.ports import BegunMethod, Record, Writing
from vestibule.core.secret import Secret
from vestibule.core.sessions import Session
from vestibule.core.users import Mfa, Password, User
from vestibule.flows import sessions
from vestibule.flows.authenticate import Authenticate
from vestibule.methods.hotp import Hotp
from vestibule.methods.totp import Totp
from vestibule.portals.application import application
from vestibule.portals.behind import Behind, Headers, Manners
from vestibule.portals.guard import Guard
from vestibule.wire.names import name_key

HOST = "mfa.test"
URL = f"https://{HOST}"
PEER = "192.0.2.50"
PASSWORD = "three quiet otters"
OWN = {"Sec-Fetch-Site": "same-origin"}
HIDDEN = re.compile(r'<input type="hidden" name="(\w+)"(?: autocomplete="\w+")? value="([^"]*)">')
_numbers = itertools.count()


@dataclass
class Person:
    """Somebody with a password and perhaps an authenticator."""

    name: str
    lobby: "Lobby"
    key: bytes = field(default_factory=lambda: secrets.token_bytes(20))
    password: str = PASSWORD

    @property
    def id(self) -> str:
        return f"id-of-{self.name}"

    def code(self, steps: int = 0) -> str:
        return hotp(self.key, time_step(self.lobby.office.clock.at, 30) + steps)

    def wrong(self) -> str:
        near = {self.code(step) for step in range(-30, 30)}
        return next(digits for digits in map("{:06}".format, itertools.count()) if digits not in near)


class Passwords:
    """The directory of those passwords that the desk has hashed."""

    name = "local"

    def __init__(self, office: Office) -> None:
        self._office = office

    async def check_password(self, user_id: str | None, password: Secret, source: str, deadline: float) -> bool:
        kept = await self._kept(user_id or "")
        return kept is not None and self._office.hashed[int(kept.hash.split()[-1]) - 1] == password

    async def knows(self, user_id: str) -> bool:
        return await self._kept(user_id) is not None

    async def _kept(self, user_id: str) -> Password | None:
        return await self._office.store.read(lambda reading: reading.get(Password, user_id))


class Counts:
    """Keeps what the pages say."""

    def __init__(self) -> None:
        self.statuses: list[int] = []
        self.bugs: list[BaseException] = []

    def answered(self, status: int) -> None:
        self.statuses.append(status)

    def bug(self, bug: BaseException, operation: str) -> str:
        self.bugs.append(bug)
        return f"reference{len(self.bugs)}"


class Rates:
    """So many refusals and no more."""

    def __init__(self, most: int = 10_000) -> None:
        self.left = most

    def wait(self, name: str) -> float:
        return 0.0 if self.left > 0 else 7.5

    def spend(self, name: str) -> None:
        self.left -= 1


@dataclass
class Browser:
    """Keeps cookies, follows nothing by itself, and fills in forms as a person would."""

    http: httpx2.AsyncClient
    page: httpx2.Response | None = None

    @property
    def text(self) -> str:
        assert self.page is not None
        return unescape(self.page.text)

    @property
    def where(self) -> str:
        """Where the last answer leads, "" for nowhere."""
        assert self.page is not None
        return self.page.headers.get("location", "")

    @property
    def hidden(self) -> dict[str, str]:
        return {name: unescape(value) for name, value in HIDDEN.findall(self.page.text if self.page else "")}

    async def get(self, path: str, **headers: str) -> httpx2.Response:
        self.page = await self.http.get(path, headers=headers)
        return self.page

    async def post(self, path: str, *, headers: dict[str, str] | None = None, **fields: str) -> httpx2.Response:
        """Send the form that the last page had, with these fields."""
        self.page = await self.http.post(
            path, data={**self.hidden, **fields}, headers=OWN if headers is None else headers
        )
        return self.page

    async def follow(self) -> httpx2.Response:
        return await self.get(self.where)

    async def password(self, person: Person, password: str | None = None, onward: str = "") -> httpx2.Response:
        await self.get(f"/signin?next={onward}" if onward else "/signin")
        return await self.post("/signin", name=person.name, password=password or person.password)

    async def sign_in(self, person: Person) -> httpx2.Response:
        await self.password(person)
        return await self.post("/signin/code", code=person.code())

    async def token(self) -> str:
        return self.http.cookies.get("__Host-vestibule") or ""


@dataclass
class Lobby:
    """Everything in use."""

    office: Office
    app: Guard
    behind: Behind
    counts: Counts
    rates: Rates
    browsers: list[httpx2.AsyncClient] = field(default_factory=list)

    async def put(self, *records: Record) -> None:
        def act(writing: Writing) -> None:
            for one in records:
                writing.put(one)

        await self.office.store.change(act)

    async def person(
        self, name: str = "alice", *, method: str = "totp", mfa: Mfa = Mfa.ENFORCED, **more: str
    ) -> Person:
        """Somebody with a password, and a factor unless `method` is ""."""
        person = Person(name, self)
        hashed = await self.office.desk.hash_password(Secret.of(person.password))
        await self.put(
            User(person.id, name, name_key(name), mfa=mfa, **more),  # type: ignore[arg-type]  # by name
            Password(person.id, hashed, NOON - 86400 * 200),
        )
        if method:
            await self.factor(person, method)
        return person

    async def factor(
        self,
        person: Person | None,
        method: str = "totp",
        *,
        serial: str = "",
        state: CredentialState = CredentialState.ACTIVE,
        key: bytes | None = None,
        label: str = "",
    ) -> Credential:
        number = next(_numbers)
        secret = Secret(key or (person.key if person else secrets.token_bytes(20)))
        seed = Seed(f"seed{number}", secret)
        one = Credential(
            f"factor{number}", method, person.id if person else "", label, state, seed.id, serial, created_at=NOON - 8e6
        )
        await self.put(seed, one)
        return one

    async def sessions(self) -> list[Session]:
        return await self.office.store.read(lambda reading: reading.page(Session, "", 100))

    async def factors(self, person: Person) -> list[Credential]:
        return await self.office.store.read(lambda reading: reading.find(Credential, "user_id", person.id))

    def browser(self, language: str = "en", peer: str = PEER, agent: str = "Browser/1") -> Browser:
        transport = httpx2.ASGITransport(self.app, client=(peer, 50_000))
        headers = {"Accept-Language": language, "User-Agent": agent}
        self.browsers.append(httpx2.AsyncClient(transport=transport, base_url=URL, headers=headers))
        return Browser(self.browsers[-1])


def behave(hosts: frozenset[str], reject_delay: float = 0.0) -> Manners:
    def host_of(headers: Headers) -> str:
        return next((value.decode().partition(":")[0] for name, value in headers if name == b"host"), "")

    def address_of(peer: str, headers: Headers) -> str:
        return peer

    return Manners(hosts, host_of, address_of, reject_delay)


@asynccontextmanager
async def lobby_of(
    office: Office, *, hosts: str = HOST, reject_delay: float = 0.0, further: tuple[BegunMethod, ...] = ()
) -> AsyncIterator[Lobby]:
    """Open the portal in front of `office`, without a delay of refusals unless one is wanted."""
    authenticate = Authenticate(
        office.store,
        Engine([Totp(), Hotp(), office.recovery, office.access_pass], (office.passkey,), further),
        Passwords(office),
        {},
        office.clock,
        time.monotonic,
        secrets.token_bytes,
        office.desk.mac,
    )
    assert await sessions.ensure_portal_client(office.desk)
    counts, rates = Counts(), Rates()
    manners = behave(frozenset({hosts}), reject_delay)
    behind = Behind(authenticate, office.desk, manners, counts, rates, time.monotonic)
    lobby = Lobby(office, application(behind), behind, counts, rates)
    try:
        yield lobby
    finally:
        for browser in lobby.browsers:
            await browser.aclose()
        await authenticate.close()
