"""The one place that says which pieces are in use: methods, channels, the directory, the store.

To add a method, a channel or a directory: import it here and put it in its list. The order of the methods is the
order of preference.
"""

import asyncio
import os
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import structlog

from vestibule.apps.configuration import Configuration
from vestibule.apps.directories import LiveDirectories, OpenKind
from vestibule.apps.directories.ldap import LdapKind
from vestibule.apps.directories.radius import RadiusKind
from vestibule.core.engine import Engine
from vestibule.core.ports import Channel, TypedMethod
from vestibule.core.secret import Secret
from vestibule.core.users import Password
from vestibule.directories.local import LocalDirectory
from vestibule.directories.passwords import PasswordPool
from vestibule.flows.account import Account
from vestibule.flows.authenticate import Authenticate
from vestibule.methods.hotp import Hotp
from vestibule.methods.recovery import Recovery
from vestibule.methods.totp import Totp
from vestibule.stores.key_file import read_key_file
from vestibule.stores.sql import Bounds, SqlStore, open_store, read_keys
from vestibule.stores.vault import Vault


def typed_methods(mac: Callable[[bytes], bytes]) -> tuple[TypedMethod, ...]:
    """The methods whose code is typed, in order of preference; `mac` is HMAC under the key for recovery codes."""
    return Totp(), Hotp(), Recovery(mac)


def directory_kinds(vault: Vault) -> Mapping[str, OpenKind]:
    """The kinds of directories that can be set up."""
    mark = partial(vault.mac, "token", b"upstream radius")
    return {"ldap": LdapKind(), "radius": RadiusKind(mark, secrets.token_bytes, structlog.get_logger())}


@dataclass(frozen=True, slots=True)
class Pieces:
    """What a running server, or a command without one, works with."""

    configuration: Configuration
    vault: Vault
    store: SqlStore
    passwords: PasswordPool
    methods: tuple[TypedMethod, ...]
    channels: Mapping[str, Channel]
    directories: LiveDirectories
    authenticate: Authenticate
    account: Account

    async def close(self) -> None:
        """Let what is under way finish, in the order in which one needs the other."""
        await self.authenticate.close()
        await self.directories.close()
        await self.store.close()
        await asyncio.to_thread(self.passwords.close)


def open_vault(configuration: Configuration) -> Vault:
    """Open the data keys with the master key. Raises KeyWrong, SchemaWrong."""
    credentials = os.environ.get("CREDENTIALS_DIRECTORY")

    def master() -> Secret:
        return read_key_file(configuration.key.file, Path(credentials) if credentials else None)

    return Vault.open(master(), read_keys(configuration.database.url), secrets.token_bytes, reread=master)


async def put_together(configuration: Configuration, database_url: Callable[[], str] | None = None) -> Pieces:
    """Open everything. Raises KeyWrong, SchemaWrong, Unavailable.

    `database_url` is asked before each connection to a PostgreSQL, whose password may have been changed; without it the
    configured one holds.
    """
    vault = open_vault(configuration)
    store = await open_store(
        configuration.database.url,
        vault,
        node=configuration.server.name,
        now=time.time(),
        chance=secrets.token_bytes,
        server_address=configuration.server.address or "",
        queue_limit=configuration.database.queue_limit,
        checkpoint_pages=configuration.database.checkpoint_pages,
        bounds=bounds(configuration),
        current_url=database_url,
    )
    passwords = _password_pool(configuration)
    methods = typed_methods(lambda code: vault.mac("recovery", code))
    channels: dict[str, Channel] = {}
    directories = LiveDirectories(directory_kinds(vault), lambda: store.snapshot)
    authenticate = Authenticate(
        store,
        Engine(methods),
        LocalDirectory(_PasswordHashes(store), passwords),
        channels,
        time.time,
        time.monotonic,
        secrets.token_bytes,
        lambda said: vault.mac("token", said),
        directories.directory_of,
    )
    account = Account(store, time.time)
    return Pieces(configuration, vault, store, passwords, methods, channels, directories, authenticate, account)


def bounds(configuration: Configuration) -> Bounds:
    """How long a PostgreSQL is waited for, and how many connections read from it."""
    wanted = configuration.database
    return Bounds(wanted.connect_seconds, wanted.statement_seconds, wanted.reading_connections)


def _password_pool(configuration: Configuration) -> PasswordPool:
    wanted = configuration.passwords
    return PasswordPool(
        wanted.workers or os.cpu_count() or 1,
        wanted.queue_limit,
        memory_kib=wanted.memory_kib,
        time_cost=wanted.time_cost,
        parallelism=wanted.parallelism,
    )


class _PasswordHashes:
    """Where the local directory finds hashes: in the store, on a reading connection."""

    def __init__(self, store: SqlStore) -> None:
        self._store = store

    async def __call__(self, user_id: str) -> str | None:
        password = await self._store.read(lambda reading: reading.get(Password, user_id))
        return password.hash if password else None
