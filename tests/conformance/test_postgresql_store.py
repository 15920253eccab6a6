"""The PostgreSQL store passes the suite, keeps what it had over a restart, and bears what only PostgreSQL refuses."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace

import asyncpg
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
from tests.conformance.store.settling import ATTEMPT, USER, ZOE, counting, unwritable
from tests.conformance.store_suite import StoreSuite
from tests.stores import postgresql
from vestibule.core.case import Case, Key, KeyKind, Step
from vestibule.core.errors import Unavailable
from vestibule.core.failures import FailureKind
from vestibule.core.journal import OPTIONAL_FIELDS
from vestibule.core.ports import Conflict, Store, Writing
from vestibule.stores.chain import first_fault
from vestibule.stores.sql.postgresql.statements import REMEMBERED_SECONDS
from vestibule.stores.sql.postgresql.store import SWEPT_AT_ONCE, PostgresqlStore

MARKER = "canary-7f3a"
ZERO = "a\0b"


@dataclass
class OpenPostgresql:
    """Opens the one database of this test, again and again."""

    url: str
    template: postgresql.Template
    opened: list[Store] = field(default_factory=list)

    async def __call__(self, *, queue_limit: int = 10_000) -> Store:
        now = float(len(self.opened))
        store = await postgresql.open_node(self.url, self.template.vault, NODE, now=now, queue_limit=queue_limit)
        self.opened.append(store)
        return store

    def chain_key(self, chain: str) -> bytes:
        return self.template.vault.derive("journal", chain.encode()).reveal()


@pytest.fixture(scope="module")
def template() -> postgresql.Template:
    return postgresql.template()


@pytest.fixture
async def open_store(template: postgresql.Template) -> AsyncIterator[OpenPostgresql]:
    opening = OpenPostgresql(await template.copy(), template)
    yield opening
    for store in opening.opened:
        await store.close()


class TestPostgresqlStore(StoreSuite):
    """The whole contract."""


async def test_what_was_committed_is_there_after_a_restart(open_store: OpenPostgresql) -> None:
    store = await open_store()
    await store.change(putting(*FULL))
    key = Key(KeyKind.CREDENTIAL, "credential", "here")
    await settle(store, key, counting)
    before = await look(store, key)
    await store.close()
    store = await open_store()
    assert store.snapshot == before.snapshot
    assert await look(store, key) == before
    for record in FULL:
        assert record in await all_of(store, kind_of(record))


async def test_each_start_begins_a_chain_and_all_of_them_verify(open_store: OpenPostgresql) -> None:
    for start in range(3):
        store = await open_store()
        await store.change(noting(*(sign_in(float(10 * start + i)) for i in range(5))))
        await store.close()
    store = await open_store()
    heads = await store.read(lambda reading: reading.chains())
    assert [(head.started_at, head.seq) for head in heads] == [(0.0, 5), (1.0, 5), (2.0, 5), (3.0, 0)]
    lines = await lines_of(store)
    for head in heads:
        chain = [line for line in lines if line.chain == head.chain]
        assert first_fault(chain, open_store.chain_key(head.chain), head.first_previous_mac, head.first_seq) is None


@pytest.mark.requirement(44)
async def test_a_full_queue_takes_no_more(open_store: OpenPostgresql) -> None:
    store = await open_store(queue_limit=0)
    with pytest.raises(Unavailable):
        await settle(store, NOBODY, lambda case: Step(case, entry=sign_in()))
    assert await lines_of(store) == []


@pytest.mark.parametrize("name", OPTIONAL_FIELDS)
async def test_the_database_holds_no_field_that_is_not_kept(open_store: OpenPostgresql, name: str) -> None:
    store = await open_store()
    entry = replace(sign_in(), **{name: MARKER})  # type: ignore[arg-type]  # all of them are texts
    await store.change(lambda writing: writing.set("journal_fields", "[]"))
    await settle(store, NOBODY, lambda case: Step(case, entry=entry))
    connection = await asyncpg.connect(open_store.url)
    assert await connection.fetchval("SELECT count(*) FROM journal WHERE journal::TEXT LIKE $1", f"%{MARKER}%") == 0
    await connection.close()


@pytest.mark.parametrize("kind", KeyKind)
async def test_a_text_with_a_zero_octet_finds_nobody_and_harms_nobody(
    open_store: OpenPostgresql, kind: KeyKind
) -> None:
    store = await open_store()
    await store.change(putting(USER))
    work = [settle(store, key, counting) for key in (ZOE, Key(kind, ZERO, ZERO), ZOE)]
    outcomes = await asyncio.gather(*work, return_exceptions=True)
    assert [type(one) for one in outcomes] == [Step, Step, Step]
    assert (await look(store, ZOE)).failures[FailureKind.SOURCE, "here"].count == 2


async def test_a_batch_that_the_server_and_the_program_both_refuse_is_rolled_back(open_store: OpenPostgresql) -> None:
    store = await open_store()
    await store.change(putting(USER))

    def refused_twice(case: Case) -> Step:
        return replace(unwritable(case), case=replace(case, attempt=replace(ATTEMPT, rule=ZERO)))

    for _ in range(3):
        with pytest.raises((Unavailable, TypeError)):
            await settle(store, ZOE, refused_twice)
        assert (await settle(store, ZOE, counting)).decision is not None
    assert (await look(store, ZOE)).failures[FailureKind.SOURCE, "here"].count == 3


async def test_a_change_that_goes_on_after_a_conflict_is_not_said_to_be_done(open_store: OpenPostgresql) -> None:
    store = await open_store()
    await store.change(putting(USER))

    def act(writing: Writing) -> None:
        writing.note(sign_in())
        with contextlib.suppress(Conflict):
            writing.put(replace(USER, id="other"))

    with pytest.raises(Unavailable):
        await store.change(act)
    await store.change(noting(sign_in()))
    (line,) = await lines_of(store)
    assert line.seq == 1


async def test_settled_events_are_forgotten_after_a_minute(open_store: OpenPostgresql) -> None:
    store = await open_store()
    assert isinstance(store, PostgresqlStore)
    await settle(store, NOBODY, Step)
    connection = await asyncpg.connect(open_store.url)
    old = f"extract(epoch FROM now()) - {REMEMBERED_SECONDS} - n"
    await connection.execute(
        f"INSERT INTO settled SELECT n, {old}, '' FROM generate_series(1, {SWEPT_AT_ONCE + 5}) AS n"
    )
    assert [await store._swept() for _ in range(3)] == [SWEPT_AT_ONCE, 5, 0]
    assert await connection.fetchval("SELECT count(*) FROM settled") == 1
    await connection.close()
