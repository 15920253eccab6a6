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

from vestibule.apps.channels import OpenProviderKind
from vestibule.apps.channels.asterisk import AsteriskKind
from vestibule.apps.channels.demo import DemoKind
from vestibule.apps.channels.http import HttpKind
from vestibule.apps.channels.kannel import KannelKind
from vestibule.apps.channels.smpp import SmppKind
from vestibule.apps.channels.smtp import SmtpKind
from vestibule.apps.channels.telnyx import TelnyxKind
from vestibule.apps.channels.twilio import TwilioKind
from vestibule.apps.channels.webhook import WebhookKind
from vestibule.apps.configuration import Configuration
from vestibule.apps.delivery import Delivery, methods_by_message, open_delivery
from vestibule.apps.directories import LiveDirectories, OpenKind
from vestibule.apps.directories.ldap import LdapKind
from vestibule.apps.directories.radius import RadiusKind
from vestibule.apps.passkeys import passkey_of
from vestibule.apps.sounds import Sounds
from vestibule.channels.demo import Handset
from vestibule.core.engine import Engine
from vestibule.core.ports import BegunMethod, Channel, TypedMethod
from vestibule.core.secret import Secret
from vestibule.core.users import Password
from vestibule.directories.local import LocalDirectory
from vestibule.directories.passwords import PasswordPool
from vestibule.directories.winbind import NtlmAuth
from vestibule.flows.account import Account
from vestibule.flows.authenticate import Authenticate
from vestibule.flows.reports import Reports
from vestibule.methods.access_pass import AccessPass
from vestibule.methods.hotp import Hotp
from vestibule.methods.recovery import Recovery
from vestibule.methods.totp import Totp
from vestibule.stores.key_file import read_key_file
from vestibule.stores.sql import Bounds, SqlStore, open_store, read_keys
from vestibule.stores.vault import Vault


def typed_methods(mac: Callable[[bytes], bytes]) -> tuple[TypedMethod, ...]:
    """The methods whose code is typed, in order of preference; `mac` is HMAC under the key for codes shown once."""
    return Totp(), Hotp(), Recovery(mac), AccessPass(mac)


def directory_kinds(vault: Vault, winbind: NtlmAuth) -> Mapping[str, OpenKind]:
    """The kinds of directories that can be set up."""
    mark = partial(vault.mac, "token", b"upstream radius")
    log = structlog.get_logger()
    return {"ldap": LdapKind(winbind, log), "radius": RadiusKind(mark, secrets.token_bytes, log)}


def provider_kinds(sounds: Sounds, node: str, handset: Handset | None = None) -> Mapping[str, OpenProviderKind]:
    """The kinds of providers of calls, texts and mail that can be set up; `node` is our own name among the nodes.

    The `handset` is that of a demonstration.
    """
    demo: dict[str, OpenProviderKind] = {"demo": DemoKind(handset)} if handset else {}
    return demo | {
        "webhook": WebhookKind(time.time),
        "http": HttpKind(),
        "twilio": TwilioKind(sounds.recording(speaks=TwilioKind.speaks)),
        "telnyx": TelnyxKind(sounds.recording(speaks=TelnyxKind.speaks)),
        "asterisk": AsteriskKind(sounds.recording(), node),
        "kannel": KannelKind(),
        "smpp": SmppKind(time.time),
        "smtp": SmtpKind(time.time),
    }


@dataclass(frozen=True, slots=True)
class Pieces:
    """What a running server, or a command without one, works with."""

    configuration: Configuration
    vault: Vault
    store: SqlStore
    passwords: PasswordPool
    methods: tuple[TypedMethod, ...]
    begun: tuple[BegunMethod, ...]
    directories: LiveDirectories
    authenticate: Authenticate
    account: Account
    winbind: NtlmAuth
    delivery: Delivery
    reports: Reports
    sounds: Sounds
    handset: Handset | None = None

    @property
    def channels(self) -> Mapping[str, Channel]:
        """What carries messages, by name."""
        return self.delivery.channels

    async def close(self) -> None:
        """Let what is under way finish, in the order in which one needs the other."""
        await self.authenticate.close()
        await self.delivery.close()
        await self.sounds.close()
        await self.directories.close()
        await self.winbind.close()
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
    passkey = passkey_of(configuration)
    before: tuple[BegunMethod, ...] = (passkey,) if passkey else ()
    sounds = Sounds(store, configuration.data_directory / "sounds", structlog.get_logger())
    handset = Handset() if configuration.demo.enabled else None
    delivery = open_delivery(configuration, vault, store, provider_kinds(sounds, configuration.server.name, handset))
    behind = methods_by_message(delivery.mac)
    wanted = configuration.winbind
    winbind = NtlmAuth((str(wanted.ntlm_auth),), at_once=wanted.at_once)
    directories = LiveDirectories(directory_kinds(vault, winbind), lambda: store.snapshot)
    authenticate = Authenticate(
        store,
        Engine(methods, before, behind),
        LocalDirectory(_PasswordHashes(store), passwords),
        delivery.channels,
        time.time,
        time.monotonic,
        secrets.token_bytes,
        lambda said: vault.mac("token", said),
        directories.directory_of,
        delivery.afterwards.gone_on,
    )
    account = Account(store, time.time)
    return Pieces(
        configuration,
        vault,
        store,
        passwords,
        methods,
        (*before, *behind),
        directories,
        authenticate,
        account,
        winbind,
        delivery,
        delivery.reports(authenticate),
        sounds,
        handset,
    )


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
