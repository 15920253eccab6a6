"""The people of the bench, and the directory that a server starts on: made once, kept in .cache/, copied for each run.

Seeds follow from names, so that the load computes codes without asking the server.
"""

import asyncio
import hashlib
import hmac
import os
import secrets
import shutil
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from pathlib import Path

from vestibule.apps.configuration import Configuration, load
from vestibule.apps.pieces import open_vault
from vestibule.core.clients import Client, SignIn
from vestibule.core.credentials import Credential, Seed
from vestibule.core.failures import FailureKind, Failures
from vestibule.core.oath import hotp, time_step
from vestibule.core.ports import Record, Writing
from vestibule.core.secret import Secret
from vestibule.core.users import Mfa, Password, User
from vestibule.directories.passwords import PasswordPool
from vestibule.stores.key_file import create_key_file
from vestibule.stores.sql import add_keys, open_store
from vestibule.stores.sql.migrate import upgrade
from vestibule.stores.sql.schema_version import SCHEMA
from vestibule.stores.vault import Vault

ROOT = Path(__file__).resolve().parents[1]
CACHE = ROOT / ".cache" / "bench"
PERIOD = 30
RADIUS_SECRET = b"bench/shared/secret/of/36/characters"
PASSWORD = "an0ther door, another key"
CODE_CLIENT, PASSWORD_CLIENT, PATIENT_CLIENT = "bench-code", "bench-password", "bench-patient"
LOCKED, LOCAL = 200, 300
SLICE = 1500  # rows: nobody signs in meanwhile
TOLD_EVERY = 300_000  # rows


@dataclass(frozen=True)
class Population:
    """How many sign in with a code, and how many wait for an approval."""

    users: int
    parked: int

    @property
    def folder(self) -> Path:
        """Where it is kept; another schema, or another form of these people, is another folder."""
        form = hashlib.sha256(Path(__file__).read_bytes()).hexdigest()[:10]
        return CACHE / f"{self.users}-{self.parked}-{SCHEMA}-{form}"


def user_name(index: int) -> str:
    return f"user-{index:07d}"


def parked_name(index: int) -> str:
    return f"parked-{index:05d}"


def locked_name(index: int) -> str:
    return f"locked-{index:04d}"


def local_name(index: int) -> str:
    return f"local-{index:04d}"


def key_of(name: str) -> bytes:
    """The 160 bits of this person's token."""
    return hmac.digest(b"seeds of the bench", name.encode(), "sha1")


def code_of(name: str, at: float) -> str:
    """What this person's token shows."""
    return hotp(key_of(name), time_step(at, PERIOD))


def prepared(population: Population) -> Path:
    """The folder with configuration, key and database; made now if it is not there."""
    folder = population.folder
    if not (folder / "complete").exists():
        for old in CACHE.glob(f"{population.users}-{population.parked}-*"):
            shutil.rmtree(old)
        print(f"making {population.users:,} users in {folder.relative_to(ROOT)}", flush=True)
        _make(folder, population)
        (folder / "complete").touch()
    return folder


def copied(population: Population, into: Path) -> Path:
    """A fresh copy for one run, on the disk before it is used: a first commit would wait until all of it was written.

    Gives the configuration file.
    """
    source = prepared(population)
    into.mkdir(parents=True, mode=0o700)
    shutil.copy2(source / "master.key", into)
    shutil.copytree(source / "data", into / "data")
    path = configured(into)
    os.sync()
    return path


def configured(folder: Path, database: str = "", name: str = "bench") -> Path:
    """Write the configuration: all as by default, but for the places and free ports, and another database if named."""
    path = folder / "vestibule.toml"
    path.write_text(
        f'data_directory = "{folder}/data"\n'
        f'[server]\nname = "{name}"\n'
        + (f'[database]\nurl = "{database}"\n' if database else "")
        + f'[key]\nfile = "{folder}/master.key"\n'
        '[radius]\nlisten = ["127.0.0.1:0"]\naccounting = false\n'
        '[http]\nlisten = "127.0.0.1:0"\n[api]\nlisten = ["127.0.0.1:0"]\n',
        encoding="utf-8",
    )
    return path


def _make(folder: Path, population: Population) -> None:
    folder.mkdir(parents=True)
    (folder / "data").mkdir(mode=0o700)
    configuration = load(configured(folder), {})
    master = create_key_file(folder / "master.key", secrets.token_bytes)
    upgrade(configuration.database.url)
    _, rows = Vault.create(master, secrets.token_bytes)
    add_keys(configuration.database.url, rows)
    asyncio.run(_fill(configuration, population))


async def _hash() -> str:
    """One hash for all local passwords: checking it costs the same for each."""
    pool = PasswordPool(1, 1)
    try:
        return await pool.hash(Secret.of(PASSWORD))
    finally:
        pool.close()


async def _fill(configuration: Configuration, population: Population) -> None:
    vault = open_vault(configuration)
    store = await open_store(
        configuration.database.url, vault, node="bench", now=time.time(), chance=secrets.token_bytes
    )
    records, done, begun = _records(vault, population, await _hash()), 0, time.monotonic()
    while some := tuple(islice(records, SLICE)):
        await store.change(partial(_put, some))
        done += len(some)
        if not done % TOLD_EVERY:
            print(f"  {done:,} rows in {time.monotonic() - begun:.0f} s", flush=True)
    await store.close()


def _put(records: Iterable[Record], writing: Writing) -> None:
    for record in records:
        writing.put(record)


def _records(vault: Vault, population: Population, password_hash: str) -> Iterator[Record]:
    yield from _clients()
    for index in range(population.users):
        yield from _person(user_name(index), vault)
    for index in range(LOCKED):
        name = locked_name(index)
        yield from _person(name, vault)
        yield Failures(name, FailureKind.FACTOR, _token(name), count=100, last_at=time.time())
    for index in range(LOCAL):
        yield from _person(local_name(index), vault)
        yield Password(local_name(index), password_hash, time.time())
    for index in range(population.parked):
        name = parked_name(index)
        yield _user(name)
        yield Credential(_token(name), "tap", name)


def _clients() -> Iterator[Client]:
    """Three systems behind one address, told apart by their NAS-Identifier."""
    code = Client(CODE_CLIENT, "VPN", ("127.0.0.0/8",), (Secret(RADIUS_SECRET),), CODE_CLIENT, sign_in=SignIn.CODE_ONLY)
    yield code
    yield replace(code, id=PATIENT_CLIENT, nas_identifier=PATIENT_CLIENT, time_budget=120.0)
    yield replace(code, id=PASSWORD_CLIENT, nas_identifier=PASSWORD_CLIENT, sign_in=SignIn.PASSWORD_AND_CODE)


def _person(name: str, vault: Vault) -> Iterator[Record]:
    """A user with a token of an app."""
    secret = Secret(key_of(name))
    seed = Seed(vault.fingerprint(secret), secret)
    yield _user(name)
    yield seed
    yield Credential(_token(name), "totp", name, seed_id=seed.id, created_at=time.time())


def _user(name: str) -> User:
    first, _, last = name.partition("-")
    email = f"{name}@bench.example"
    return User(name, name, name, first, last, email, groups=("staff",), mfa=Mfa.ENFORCED, created_at=time.time())


def _token(name: str) -> str:
    return f"token-{name}"
