"""Real servers on one PostgreSQL, each a process of its own with its own folder and doors.

homes, people = await laid_out(tmp_path, url, 8)
async with nursery(tmp_path) as start, start(homes[0]) as first, start(homes[1]) as second: ...
"""

import asyncio
import secrets
import shutil
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from tests.conformance.store.opening import putting
from tests.journeys.nas import Address, Nas
from tests.journeys.program import CONFIGURATION, Home
from tests.journeys.world import Clock, Person, a_client
from vestibule.core.clients import SignIn
from vestibule.core.errors import Malformed
from vestibule.core.ports import Record, Store
from vestibule.stores.key_file import create_key_file, read_key_file
from vestibule.stores.sql import add_keys, open_store, read_keys
from vestibule.stores.sql.migrate import upgrade
from vestibule.stores.vault import Vault
from vestibule.wire.radius.packet import Packet

NAMES = ("mfa1", "mfa2")
AGAIN_SECONDS = 0.5
PATIENT_SECONDS = 50.0  # below the minute for which an answer is remembered


@dataclass(frozen=True)
class SharedHome(Home):
    """A node's folder; its database is elsewhere."""

    database: str = ""

    @property
    def url(self) -> str:
        return self.database


async def laid_out(folder: Path, url: str, people: int, more: str = "") -> tuple[list[SharedHome], list[Person]]:
    """Make the tables and the key, give the key to each node, and put people who each have a token.

    `more` are further lines of the nodes' section on the database.
    """
    homes = [SharedHome(folder / name, url) for name in NAMES]
    master = create_key_file(homes[0].key, secrets.token_bytes)
    await asyncio.to_thread(upgrade, url)
    _, rows = Vault.create(master, secrets.token_bytes)
    await asyncio.to_thread(add_keys, url, rows)
    for home in homes:
        (home.folder / "data").mkdir(mode=0o700, parents=True)
        home.key.parent.mkdir(mode=0o700, exist_ok=True)
        if home is not homes[0]:
            shutil.copy(homes[0].key, home.key)
        text = CONFIGURATION.format(folder=home.folder).replace("mfa1", home.folder.name, 1)
        home.configuration.write_text(f'{text}[database]\nurl = "{url}"\n{more}')
    persons = [Person(f"user{number}", "", Clock()) for number in range(people)]
    records: list[Record] = [record for person in persons for record in person.records()]
    async with opened(homes[0]) as store:
        await store.change(putting(a_client(sign_in=SignIn.CODE_ONLY), *records))
    return homes, persons


@asynccontextmanager
async def opened(home: Home) -> AsyncIterator[Store]:
    """The store, from here, beside the servers."""
    rows = await asyncio.to_thread(read_keys, home.url)
    vault = Vault.open(read_key_file(home.key), rows, secrets.token_bytes)
    store = await open_store(home.url, vault, node="admin", now=time.time(), chance=secrets.token_bytes)
    try:
        yield store
    finally:
        await store.close()


async def insist(asker: Nas, request: bytes) -> Packet:
    """Ask as a NAS does that does not give up: the same datagram again and again, until it is answered."""
    async with asyncio.timeout(PATIENT_SECONDS):
        while True:
            asker.send(request)
            with suppress(TimeoutError):
                async with asyncio.timeout(AGAIN_SECONDS):
                    return await _answer(asker, request)


async def _answer(asker: Nas, request: bytes) -> Packet:
    """The answer to this request; one to an older request of the same number came late, and is passed over."""
    while True:
        octets = await asker.answer_to(request)
        with suppress(Malformed):
            return asker.read(octets, request)


async def ready(address: Address) -> bool:
    """What a load balancer hears of the node."""
    reader, writer = await asyncio.open_connection(*address)
    try:
        writer.write(b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        return b" 200 " in await reader.readline()
    finally:
        writer.close()
