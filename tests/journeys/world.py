"""A server to sign in to, inside the test's own process: the real door on real sockets, the real flow, a real store.

    async with in_process(store) as world:
        await world.put(a_client())
        alice = await world.person("alice", password="secret")
        async with nas(world.radius) as asker:
            await asker.ask(asker.request("alice", f"secret{alice.press()}"))

Only the clock is ours: sign-ins happen at the time that the test sets. `tests.journeys.program` runs the same as a
process of its own.
"""

import asyncio
import hmac
import itertools
import secrets
import shutil
import time
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import cast

from prometheus_client import CollectorRegistry
from structlog.typing import FilteringBoundLogger

from tests.journeys.nas import SECRET, Address
from tests.waist.channel import Postbox
from tests.waist.methods import Tap
from vestibule.core.attempts import Attempt
from vestibule.core.case import Moment, Step
from vestibule.core.clients import Client, SignIn
from vestibule.core.credentials import Credential, Seed
from vestibule.core.decisions import Accept, Decision
from vestibule.core.directories import AccountDirectory
from vestibule.core.engine import Engine
from vestibule.core.events import Event
from vestibule.core.journal import Entry, Query
from vestibule.core.messages import Message
from vestibule.core.oath import hotp, time_step
from vestibule.core.ports import BegunMethod, Channel, Passed, Record, Store
from vestibule.core.secret import Secret
from vestibule.core.users import Group, Mfa, Password, User
from vestibule.directories.local import LocalDirectory
from vestibule.directories.passwords import PasswordPool
from vestibule.flows.account import Account
from vestibule.flows.authenticate import Authenticate, Beginning
from vestibule.frontends.radius.counts import Counts
from vestibule.frontends.radius.door import Manners, RadiusDoor
from vestibule.frontends.radius.unseen import Unseen, Upstream
from vestibule.methods.hotp import Hotp
from vestibule.methods.recovery import CODES, OCTETS, Recovery
from vestibule.methods.totp import Totp
from vestibule.stores.memory import MemoryStore
from vestibule.stores.sql import add_keys, open_store, read_keys
from vestibule.stores.sql.migrate import upgrade
from vestibule.stores.vault import Vault
from vestibule.wire.names import name_key
from vestibule.wire.radius.dictionary import Dictionary, standard
from vestibule.wire.radius.packet import Packet

NOON = 1_800_000_000.0  # begins a step of 30 and of 60 seconds
AT_ONCE = Manners(reject_delay=0.0)
MASTER = Secret(bytes(range(32)))
LOOPBACK = "127.0.0.1"
CHEAP_PASSWORD = {"memory_kib": 64, "time_cost": 1}

_numbers = itertools.count()


# -- stores ---------------------------------------------------------------------------------------------------


def make_database(file: Path) -> Path:
    """Lay out a new database; done once a session, and copied."""
    url = f"sqlite:///{file}"
    upgrade(url)
    _, rows = Vault.create(MASTER, secrets.token_bytes)
    add_keys(url, rows)
    return file


async def open_database(file: Path) -> Store:
    url = f"sqlite:///{file}"
    vault = Vault.open(MASTER, read_keys(url), secrets.token_bytes)
    return await open_store(url, vault, node="mfa1", now=time.time(), chance=secrets.token_bytes)


async def sqlite_store(template: Path, folder: Path) -> Store:
    return await open_database(Path(shutil.copy(template, folder / "vestibule.db")))


def memory_store() -> Store:
    return MemoryStore(bytes(32), secrets.token_bytes)


# -- what stands in a store -------------------------------------------------------------------------------------


def a_client(name: str = "vpn", sign_in: SignIn = SignIn.PASSWORD_THEN_CODE, **more: object) -> Client:
    client = Client(name, name, ("127.0.0.0/8",), (Secret(SECRET),), sign_in=sign_in)
    return replace(client, **more)  # type: ignore[arg-type]  # by name


@dataclass
class Person:
    """Somebody with a password, a button token, an authenticator, and fingers that never press twice by mistake."""

    name: str
    password: str
    clock: "Clock"
    secret: bytes = field(default_factory=lambda: secrets.token_bytes(20))
    pressed: int = 0

    def press(self) -> str:
        """Give the next code of the button token."""
        self.pressed += 1
        return hotp(self.secret, self.pressed - 1)

    def code(self, steps: int = 0) -> str:
        """Read the authenticator now, or what it shows `steps` steps from now."""
        return hotp(self.secret, time_step(self.clock(), 30) + steps)

    def wrong(self) -> str:
        """Give digits that are right for nothing near by."""
        near = {self.code(step) for step in range(-30, 30)} | {hotp(self.secret, n) for n in range(self.pressed + 200)}
        return next(digits for digits in map("{:06}".format, itertools.count()) if digits not in near)

    @property
    def user_id(self) -> str:
        return f"id of {self.name}"

    def records(self, method: str = "hotp", groups: tuple[str, ...] = (), mfa: Mfa = Mfa.ENFORCED) -> list[Record]:
        """The user and one credential; `method` "" leaves it out."""
        user = User(self.user_id, self.name, name_key(self.name), groups=groups, mfa=mfa)
        seed = Seed(f"seed of {self.name}", Secret(self.secret))
        credential = Credential(f"{method} of {self.name}", method, self.user_id, seed_id=seed.id)
        match method:
            case "":
                return [user]
            case "tap":
                return [user, replace(credential, seed_id="")]
            case _:
                return [user, seed, credential]


class Clock:
    """Stands still until it is moved."""

    def __init__(self, at: float = NOON) -> None:
        self.at = at

    def __call__(self) -> float:
        return self.at

    def later(self, seconds: float) -> None:
        self.at += seconds


class Log:
    """Keeps what the door says, and lets a test wait for it."""

    def __init__(self) -> None:
        self.lines: list[dict[str, object]] = []
        self._came = asyncio.Condition()
        self._tasks: set[asyncio.Task[None]] = set()

    def warning(self, event: str, **fields: object) -> None:
        self.lines.append({"event": event, **fields})
        task = asyncio.get_running_loop().create_task(self._tell())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def line(self, why: str) -> dict[str, object]:
        """Wait for a line that says why."""
        async with asyncio.timeout(20), self._came:
            await self._came.wait_for(lambda: any(line["why"] == why for line in self.lines))
        return next(line for line in self.lines if line["why"] == why)

    async def _tell(self) -> None:
        async with self._came:
            self._came.notify_all()


# -- the server -------------------------------------------------------------------------------------------------


@dataclass
class World:
    """Everything in use, so that a test can look behind the door."""

    store: Store
    passwords: PasswordPool
    authenticate: Authenticate
    postbox: Postbox
    registry: CollectorRegistry
    log: Log
    clock: Clock
    radius: Address
    accounting: Address
    recovery: Recovery
    door: RadiusDoor
    counts: Counts

    async def put(self, *records: Record) -> None:
        for start in range(0, len(records), 200):
            some = records[start : start + 200]
            await self.store.change(lambda writing, some=some: [writing.put(one) for one in some])  # type: ignore[misc]

    async def set(self, name: str, value: str) -> None:
        await self.store.change(lambda writing: writing.set(name, value))

    async def person(
        self,
        name: str,
        password: str = "secret",
        *,
        method: str = "hotp",
        groups: tuple[str, ...] = (),
        mfa: Mfa = Mfa.ENFORCED,
    ) -> Person:
        person = Person(name, password, self.clock)
        hashed = await self.passwords.hash(Secret.of(password))
        await self.put(*person.records(method, groups, mfa), Password(person.user_id, hashed, self.clock()))
        return person

    async def group(self, name: str, *attributes: tuple[str, str]) -> None:
        await self.put(Group(name, reply_attributes=attributes))

    async def recovery_codes(self, person: Person) -> tuple[str, ...]:
        empty = Credential(f"recovery of {person.name}", "recovery", person.user_id)
        credential, codes = self.recovery.issue(empty, secrets.token_bytes(CODES * OCTETS))
        await self.put(credential)
        return codes

    async def journal(self, action: str = "sign_in") -> list[Entry]:
        lines = await self.store.read(lambda reading: reading.lines(Query(), (0.0, "", 0), 100_000))
        return [line.entry for line in lines if line.entry.action == action]

    async def approve(self, message: Message, answer: str = "") -> Decision:
        """Answer a message at another door, with the number that was to be matched unless told otherwise."""
        attempt = await self.store.read(lambda reading: reading.get(Attempt, message.attempt_id))
        number = attempt.challenge.memory if attempt and attempt.challenge else ""
        event_id = f"event {next(_numbers)}"
        return await self.authenticate.answer(message.attempt_id, message.id, Secret.of(answer or number), event_id)

    async def resync(self, person: Person) -> None:
        """Teach the server an authenticator's clock by two consecutive codes, as an administrator does."""
        credential, seed = await self.store.read(
            lambda reading: (
                reading.get(Credential, f"totp of {person.name}"),
                reading.get(Seed, f"seed of {person.name}"),
            )
        )
        assert credential
        assert seed
        moment = Moment(self.clock(), bytes(32))
        found = Totp().resync(person.code(0), person.code(1), credential, seed, moment)
        assert isinstance(found, Passed), found
        assert found.seed
        await self.put(found.seed)

    async def only_attempt(self) -> Attempt:
        (attempt,) = await self.store.read(lambda reading: reading.page(Attempt, "", 9))
        return attempt

    async def begin(self, name: str, typed: str, client: str = "vpn", source: str = "here") -> Decision:
        """Sign in past the door, where the door is not what is tested."""
        deadline = time.monotonic() + 30
        event_id = f"event {next(_numbers)}"
        return await self.authenticate.begin(Beginning(event_id, client, name, Secret.of(typed), source, "", deadline))

    def counted(self, name: str, **labels: str) -> float:
        return self.registry.get_sample_value(name, labels) or 0.0


@asynccontextmanager
async def in_process(
    store: Store,
    manners: Manners = AT_ONCE,
    *,
    dictionary: Dictionary | None = None,
    tap: Tap | None = None,
    channels: Mapping[str, Channel] | None = None,
    workers: int = 1,
    directory: AccountDirectory | None = None,
    came_back: Callable[[Packet], bool] | None = None,
    upstream: Upstream | None = None,
    behind: Iterable[BegunMethod] = (),
    gone_on: Callable[[Event, Step], None] = lambda _event, _step: None,
    clock: Clock | None = None,
) -> AsyncIterator[World]:
    """Open the door in front of `store`, and close everything behind it; `directory` is any that a record names.

    `upstream` is what the door hands on to for clients with `pass_through`.
    """
    passwords = PasswordPool(workers, 500, source_limit=500, **CHEAP_PASSWORD)
    recovery = Recovery(lambda code: hmac.digest(b"recovery", code, "sha256"))
    engine = Engine([Totp(), Hotp(), recovery], [tap or Tap()], behind)
    clock = clock or Clock()
    postbox, registry, log = Postbox(), CollectorRegistry(), Log()
    authenticate = Authenticate(
        store,
        engine,
        LocalDirectory(_Hashes(store), passwords),
        {postbox.name: postbox} if channels is None else channels,
        clock,
        time.monotonic,
        secrets.token_bytes,
        lambda said: hmac.digest(b"token", said, "sha256"),
        lambda _: directory,
        gone_on,
    )
    counts = Counts(registry, cast("FilteringBoundLogger", log))
    account = Account(store, clock)
    names = dictionary or standard()
    unseen = Unseen(lambda _: upstream, lambda state: hmac.digest(b"state", state, "sha256"), secrets.token_bytes)
    door = RadiusDoor(authenticate, account, lambda: store.snapshot, names, counts, manners, came_back, unseen)
    radius = await door.listen(LOOPBACK, 0, accounting=False)
    accounting = await door.listen(LOOPBACK, 0, accounting=True)
    try:
        yield World(
            store, passwords, authenticate, postbox, registry, log, clock, radius, accounting, recovery, door, counts
        )
    finally:
        await door.close()
        await authenticate.close()
        await store.close()
        await asyncio.to_thread(passwords.close)


class _Hashes:
    def __init__(self, store: Store) -> None:
        self._store = store

    async def __call__(self, user_id: str) -> str | None:
        password = await self._store.read(lambda reading: reading.get(Password, user_id))
        return password.hash if password else None


def accepted(decision: Decision) -> bool:
    return isinstance(decision, Accept)
