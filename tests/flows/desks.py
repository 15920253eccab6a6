"""A desk to administer at, on each kind of store, with a clock that stands still and methods that are the real ones."""

import secrets
import shutil
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from structlog import get_logger

from vestibule.apps.directories import LiveDirectories
from vestibule.apps.directories.radius import RadiusKind
from vestibule.core.clients import Client, SignIn
from vestibule.core.credentials import Algorithm, Credential
from vestibule.core.decisions import Accept, Ask, Decision, Reject
from vestibule.core.engine import Engine
from vestibule.core.journal import Entry, Line, Query
from vestibule.core.oath import hotp, time_step
from vestibule.core.ports import Store
from vestibule.core.secret import Secret
from vestibule.flows.authenticate import Authenticate, Beginning
from vestibule.flows.desk import Desk
from vestibule.flows.passkey_shapes import Passkeys
from vestibule.methods.access_pass import AccessPass
from vestibule.methods.hotp import Hotp
from vestibule.methods.passkey import Passkey
from vestibule.methods.passkey.method import HERE
from vestibule.methods.passkey.registering import Registering
from vestibule.methods.recovery import CODES, OCTETS, Recovery
from vestibule.methods.totp import Totp
from vestibule.stores.chain import first_fault
from vestibule.stores.memory import MemoryStore
from vestibule.stores.settings import known_settings, settings_from
from vestibule.stores.sql import add_keys, open_store
from vestibule.stores.sql.migrate import upgrade
from vestibule.stores.vault import Vault
from vestibule.wire.radius.dictionary import standard

NOON = 1_800_000_000.0
ACTOR = "uid 0 (root)"
NODE = "mfa1"


@dataclass
class Clock:
    """Stands still until it is moved."""

    at: float = NOON

    def __call__(self) -> float:
        return self.at


class Nobody:
    """A directory that knows no password."""

    name = "nobody"

    async def check_password(self, user_id: str | None, password: Secret, source: str, deadline: float) -> bool:
        return False

    async def knows(self, user_id: str) -> bool:
        return False


@dataclass
class Office:
    """A desk, its clock, and short ways to look behind it."""

    desk: Desk
    clock: Clock
    vault: Vault
    recovery: Recovery
    access_pass: AccessPass
    passkey: Passkey
    hashed: list[Secret] = field(default_factory=list)

    @property
    def store(self) -> Store:
        return self.desk.store

    async def journal(self) -> list[Entry]:
        return [line.entry for line in await self.lines()]

    async def lines(self) -> list[Line]:
        return await self.store.read(lambda reading: reading.lines(Query(), (0.0, "", 0), 100_000))

    async def actions(self) -> list[str]:
        return [entry.action for entry in await self.journal()]

    async def sign_in(self, name: str, code: str, source: str = "here") -> str:
        """Sign in by a code alone, decided by the real engine: "accept", "ask" or the reason of the refusal."""
        await self.store.change(lambda writing: writing.put(VPN))
        engine = Engine([Totp(), Hotp(), self.recovery, self.access_pass])
        authenticate = Authenticate(
            self.store, engine, Nobody(), {}, self.clock, time.monotonic, secrets.token_bytes, lambda said: said
        )
        deadline = time.monotonic() + 30.0
        asked = Beginning(secrets.token_hex(16), VPN.id, name, Secret.of(code), source, "", deadline)
        return told(await authenticate.begin(asked))

    def code(self, key: bytes, steps: int = 0, period: int = 30, algorithm: Algorithm = Algorithm.SHA1) -> str:
        """What a token with this key shows now, or some steps later."""
        return hotp(key, time_step(self.clock.at, period) + steps, algorithm=algorithm)


VPN = Client("test-vpn", "VPN", ("198.51.100.0/24",), (Secret(b"x" * 32),), sign_in=SignIn.CODE_ONLY)


def told(decision: Decision) -> str:
    match decision:
        case Accept():
            return "accept"
        case Reject(reason=reason):
            return reason.value
        case Ask():
            return "ask"
        case _:
            return "wait"


def new_vault() -> tuple[Vault, Any]:
    return Vault.create(Secret(secrets.token_bytes(32)), secrets.token_bytes)


def office_of(store: Store, vault: Vault, chain_key: Callable[[str], bytes]) -> Office:
    """A desk on `store`."""
    clock = Clock()
    recovery = Recovery(lambda octets: vault.mac("recovery", octets))
    access_pass = AccessPass(lambda octets: vault.mac("recovery", octets))
    passkey = Passkey("localhost", (HERE, "https://mfa.test"))
    hashed: list[Secret] = []

    async def hash_password(password: Secret) -> str:
        hashed.append(password)
        return f"hash number {len(hashed)}"

    def issue(credential: Credential) -> tuple[Credential, tuple[str, ...]]:
        return recovery.issue(credential, secrets.token_bytes(CODES * OCTETS))

    def chain_fault(lines: Iterable[Line], chain: str, previous: str, expected_seq: int) -> str | None:
        return first_fault(lines, chain_key(chain), previous, expected_seq)

    desk = Desk(
        store=store,
        clock=clock,
        chance=secrets.token_bytes,
        fingerprint=vault.fingerprint,
        hash_password=hash_password,
        oath={"totp": Totp(), "hotp": Hotp()},
        issue_recovery=issue,
        methods=("totp", "hotp", "recovery", "access_pass", "passkey"),
        dictionary=standard(),
        settings=known_settings(),
        check_settings=settings_from,
        chain_fault=chain_fault,
        mac=lambda said: vault.mac("token", said),
        waiting=lambda: 0,
        directories=LiveDirectories({"radius": RadiusKind(bytes, bytes, get_logger())}, lambda: store.snapshot),
        typed={method.name: method for method in (Totp(), Hotp(), recovery, access_pass)},
        passes=access_pass,
        begun=(passkey,),
        passkeys=Passkeys(passkey, Registering(passkey)),
        codes_left=recovery.left,
    )
    return Office(desk, clock, vault, recovery, access_pass, passkey, hashed)


def memory_office() -> Office:
    vault, _ = new_vault()
    key = secrets.token_bytes(32)
    return office_of(MemoryStore(key, secrets.token_bytes, node=NODE), vault, lambda _chain: key)


@dataclass
class Template:
    """A database that is made once and copied for each test: migrations take their time."""

    path: Path
    vault: Vault

    @classmethod
    def make(cls, folder: Path) -> "Template":
        path = folder / "vestibule.db"
        vault, rows = new_vault()
        upgrade(f"sqlite:///{path}")
        add_keys(f"sqlite:///{path}", rows)
        return cls(path, vault)

    async def office(self, folder: Path) -> Office:
        path = Path(shutil.copy(self.path, folder))
        store = await open_store(
            f"sqlite:///{path}", self.vault, node=NODE, now=time.time(), chance=secrets.token_bytes
        )
        return office_of(store, self.vault, lambda chain: self.vault.derive("journal", chain.encode()).reveal())
