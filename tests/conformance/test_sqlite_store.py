"""The SQLite store passes the suite, and has after a restart what it had before."""

import secrets
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from tests.conformance.store.opening import (
    NOBODY,
    NODE,
    all_of,
    kind_of,
    lines_of,
    look,
    noting,
    putting,
    settle,
    sign_in,
)
from tests.conformance.store.samples import FULL
from tests.conformance.store.settling import counting
from tests.conformance.store_suite import StoreSuite
from vestibule.core.case import Key, KeyKind, Step
from vestibule.core.clients import Client
from vestibule.core.credentials import Seed
from vestibule.core.errors import Unavailable
from vestibule.core.journal import OPTIONAL_FIELDS
from vestibule.core.ports import Store
from vestibule.core.secret import Secret
from vestibule.stores.chain import first_fault
from vestibule.stores.sql import add_keys
from vestibule.stores.sql import open_store as open_database
from vestibule.stores.sql.migrate import upgrade
from vestibule.stores.vault import Vault

MARKER = "canary-7f3a"


@dataclass
class OpenSqlite:
    """Opens the one file of this test, again and again."""

    path: Path
    vault: Vault
    opened: list[Store] = field(default_factory=list)

    async def __call__(self, *, queue_limit: int = 10_000) -> Store:
        url, now = f"sqlite:///{self.path}", float(len(self.opened))
        chance = secrets.token_bytes
        store = await open_database(url, self.vault, node=NODE, now=now, chance=chance, queue_limit=queue_limit)
        self.opened.append(store)
        return store

    def chain_key(self, chain: str) -> bytes:
        return self.vault.derive("journal", chain.encode()).reveal()

    def octets(self) -> bytes:
        """All that is on the disk."""
        return b"".join(path.read_bytes() for path in self.path.parent.iterdir())


@pytest.fixture(scope="module")
def new_database(tmp_path_factory: pytest.TempPathFactory) -> OpenSqlite:
    """A database that is made once, for each test to copy: migrations take their time."""
    path = tmp_path_factory.mktemp("new") / "vestibule.db"
    vault, rows = Vault.create(Secret(secrets.token_bytes(32)), secrets.token_bytes)
    upgrade(f"sqlite:///{path}")
    add_keys(f"sqlite:///{path}", rows)
    return OpenSqlite(path, vault)


@pytest.fixture
async def open_store(new_database: OpenSqlite, tmp_path: Path) -> AsyncIterator[OpenSqlite]:
    folder = tmp_path / "database"
    folder.mkdir()
    opening = OpenSqlite(Path(shutil.copy(new_database.path, folder)), new_database.vault)
    yield opening
    for store in opening.opened:
        await store.close()


class TestSqliteStore(StoreSuite):
    """The whole contract."""


async def test_what_was_committed_is_there_after_a_restart(open_store: OpenSqlite) -> None:
    store = await open_store()
    await store.change(putting(*FULL))
    await store.change(lambda writing: writing.set("challenge_seconds", "60"))
    key = Key(KeyKind.CREDENTIAL, "credential", "here")
    await settle(store, key, counting)
    before = await look(store, key)
    await store.close()
    store = await open_store()
    assert store.snapshot == before.snapshot
    assert await look(store, key) == before
    for record in FULL:
        assert record in await all_of(store, kind_of(record))
    assert len(before.failures) == 1


async def test_each_start_begins_a_chain_and_all_of_them_verify(open_store: OpenSqlite) -> None:
    for start in range(3):
        store = await open_store()
        await store.change(noting(*(sign_in(float(10 * start + i)) for i in range(5))))
        await store.close()
    store = await open_store()
    heads = await store.read(lambda reading: reading.chains())
    assert [(head.started_at, head.seq) for head in heads] == [(0.0, 5), (1.0, 5), (2.0, 5), (3.0, 0)]
    assert len({head.chain for head in heads}) == 4
    assert len(await lines_of(store)) == 15
    assert await store.change(lambda writing: writing.prune_journal(12.0, 99)) == 7
    for head in await store.read(lambda reading: reading.chains()):
        lines = [line for line in await lines_of(store) if line.chain == head.chain]
        assert first_fault(lines, open_store.chain_key(head.chain), head.first_previous_mac, head.first_seq) is None
        assert len(lines) == head.seq - head.first_seq + 1


@pytest.mark.requirement(44)
async def test_a_full_queue_takes_no_more_and_decides_nothing_late(open_store: OpenSqlite) -> None:
    store = await open_store(queue_limit=0)
    with pytest.raises(Unavailable):
        await settle(store, NOBODY, lambda case: Step(case, entry=sign_in()))
    assert await lines_of(store) == []


@pytest.mark.requirement(45)
async def test_the_disk_holds_no_secret_in_clear(open_store: OpenSqlite) -> None:
    store = await open_store()
    await store.change(putting(Seed("seed", Secret.of(MARKER)), Client("vpn", "VPN", (), (Secret.of(MARKER),))))
    assert MARKER.encode() not in open_store.octets()
    await store.close()
    assert MARKER.encode() not in open_store.octets()


@pytest.mark.parametrize("name", OPTIONAL_FIELDS)
async def test_the_disk_holds_no_field_that_is_not_kept(open_store: OpenSqlite, name: str) -> None:
    store = await open_store()
    entry = replace(sign_in(), **{name: MARKER})  # type: ignore[arg-type]  # all of them are texts
    await store.change(lambda writing: writing.set("journal_fields", "[]"))
    await settle(store, NOBODY, lambda case: Step(case, entry=entry))
    await store.close()
    assert MARKER.encode() not in open_store.octets()
