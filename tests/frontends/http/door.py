"""The API in the test's own process, in front of a real store, the real flows and methods; only the clock is ours.

async with door_of(memory_office()) as door:
    asker = await door.asker(client="web")          a program that verifies
    admin = await door.asker(rights=["users:read"])  a program that manages
    answer = await asker.post("/attempts", json={"user": "alice", "code": "123456"})
"""

import itertools
import secrets
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

import httpx2
from prometheus_client import CollectorRegistry

from tests.flows.desks import ACTOR, NOON, Office
from tests.waist.channel import Postbox
from tests.waist.methods import Tap
from vestibule.core.clients import Client, SignIn
from vestibule.core.credentials import Credential, Seed
from vestibule.core.engine import Engine
from vestibule.core.ports import Record, Writing
from vestibule.core.secret import Secret
from vestibule.core.users import Mfa, User
from vestibule.flows import api_keys
from vestibule.flows.api_keys import KnownKeys
from vestibule.flows.authenticate import Authenticate
from vestibule.frontends.http.application import application
from vestibule.frontends.http.counts import Counts
from vestibule.frontends.http.guard import Guard, Manners
from vestibule.frontends.http.work import Behind
from vestibule.methods.hotp import Hotp
from vestibule.methods.totp import Totp
from vestibule.wire.names import name_key

HOSTS = frozenset({"mfa.test"})
URL = "http://mfa.test/api/v1"
PEER = "192.0.2.50"
PASSWORD = "secret"
_numbers = itertools.count()


class Gatekeeper:
    """A directory in which everybody has the same password."""

    name = "gatekeeper"

    async def check_password(self, user_id: str | None, password: Secret, source: str, deadline: float) -> bool:
        return user_id is not None and password == Secret.of(PASSWORD)

    async def knows(self, user_id: str) -> bool:
        return False


@dataclass
class Log:
    """Keeps what the door says."""

    lines: list[dict[str, object]] = field(default_factory=list)

    def error(self, event: str, **details: object) -> None:
        self.lines.append({"event": event, **details})


@dataclass
class Door:
    """Everything in use, so that a test can look behind the door."""

    office: Office
    behind: Behind
    app: Guard
    postbox: Postbox
    registry: CollectorRegistry
    log: Log
    askers: list[httpx2.AsyncClient] = field(default_factory=list)

    async def put(self, *records: Record) -> None:
        def act(writing: Writing) -> None:
            for one in records:
                writing.put(one)

        await self.office.store.change(act)

    async def person(self, name: str, *, method: str = "totp", groups: tuple[str, ...] = ()) -> bytes:
        """Somebody with one token; its key."""
        key, user_id = secrets.token_bytes(20), f"id of {name}"
        user = User(user_id, name, name_key(name), groups=groups, mfa=Mfa.ENFORCED)
        seed = Seed(f"seed of {name}", Secret(key))
        credential = Credential(f"token of {name}", method, user_id, seed_id=seed.id if method != "tap" else "")
        await self.put(user, seed, credential)
        return key

    async def client(self, name: str = "web", sign_in: SignIn = SignIn.CODE_ONLY) -> str:
        await self.put(Client(name, name, (), (), sign_in=sign_in))
        return name

    async def key(
        self,
        *,
        client: str | None = None,
        rights: Sequence[str] = (),
        role: str | None = None,
        expires: str | None = None,
    ) -> str:
        """A new key, as it is shown once."""
        wanted = {"client": client, "rights": list(rights), "role": role, "expires": expires}
        told = await api_keys.add(self.office.desk, ACTOR, name=f"key {next(_numbers)}", **wanted)  # type: ignore[arg-type]
        return str(told["secret"])

    async def asker(self, *, client: str | None = None, rights: Sequence[str] = ()) -> httpx2.AsyncClient:
        """A program with a key of its own."""
        return self.program(await self.key(client=client, rights=rights))

    def program(self, key: str | None = None, peer: str = PEER) -> httpx2.AsyncClient:
        transport = httpx2.ASGITransport(self.app, raise_app_exceptions=True, client=(peer, 50_000))
        headers = {} if key is None else {"Authorization": f"Bearer {key}"}
        self.askers.append(httpx2.AsyncClient(transport=transport, base_url=URL, headers=headers))
        return self.askers[-1]


@asynccontextmanager
async def door_of(office: Office, **manners: object) -> AsyncIterator[Door]:
    """Open the door in front of `office`, without a delay of refusals unless one is wanted."""
    postbox, registry, log = Postbox(), CollectorRegistry(), Log()
    authenticate = Authenticate(
        office.store,
        Engine([Totp(), Hotp(), office.recovery], [Tap()]),
        Gatekeeper(),
        {postbox.name: postbox},
        office.clock,
        time.monotonic,
        secrets.token_bytes,
        office.desk.mac,
    )
    counts = Counts(registry, log, secrets.token_bytes)
    behind = Behind(
        authenticate,
        office.desk,
        replace(Manners(HOSTS, reject_delay=0.0), **manners),  # type: ignore[arg-type]  # by name
        counts,
        time.monotonic,
    )
    known = KnownKeys(office.store, office.clock, lambda: office.clock() - NOON, office.desk.mac)
    door = Door(
        office, behind, application(behind, known.recognise, lambda: office.clock() - NOON), postbox, registry, log
    )
    try:
        yield door
    finally:
        for asker in door.askers:
            await asker.aclose()
        await authenticate.close()
