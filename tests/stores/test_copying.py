"""A database is copied whole, to the other kind and back, or not at all."""

import asyncio
import hashlib
import secrets
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.conformance.store.opening import look, noting, putting, sign_in, soon
from tests.conformance.store.samples import FULL
from tests.conformance.store.settling import ZOE, counting
from tests.stores.postgresql import Template, open_node, template
from vestibule.core.users import User
from vestibule.stores.chain import first_fault
from vestibule.stores.sql import SqlStore, add_keys, copying, open_store, read_keys
from vestibule.stores.sql.at_once import at_once
from vestibule.stores.sql.copying import Copied, CopyRefused, copy, digest, row_text
from vestibule.stores.sql.migrate import upgrade
from vestibule.stores.sql.schema_version import SchemaWrong
from vestibule.stores.vault import Vault

MANY = 2500  # more than two pages


@pytest.fixture(scope="module")
def new() -> Template:
    return template()


@pytest.fixture
def empty(new: Template) -> str:
    """A PostgreSQL without a row but what the upgrade notes; its URL."""
    url = asyncio.run(new.copy())
    at_once(url, lambda cursor, _: cursor.execute("DELETE FROM keys", ()), writing=True)
    return url


@pytest.fixture
def full(new: Template, tmp_path: Path) -> str:
    """An SQLite with something of everything; its URL."""
    url = file(tmp_path / "full.db")
    add_keys(url, read_keys(new.server.url(new.name)))

    async def fill() -> None:
        store = await opened(url, new.vault)
        await store.change(putting(*FULL))
        for i in range(0, MANY, 200):
            await store.change(putting(*(User(f"{n}", f"Zoë {n}", f"name {n}") for n in range(i, min(i + 200, MANY)))))
        await store.change(lambda writing: writing.set("challenge_seconds", "60"))
        await store.change(noting(*(sign_in(float(i)) for i in range(100))))
        await store.settle(ZOE, "event", counting, soon())
        await store.close()

    asyncio.run(fill())
    return url


def file(path: Path) -> str:
    url = f"sqlite:///{path}"
    upgrade(url)
    return url


async def opened(url: str, vault: Vault) -> SqlStore:
    return await open_store(url, vault, node="mfa1", now=1.0, chance=secrets.token_bytes)


def digests(url: str) -> dict[str, str]:
    return {
        table.name: at_once(url, lambda cursor, sql, table=table: digest(copying.Pages(table, sql), cursor))  # type: ignore[misc]  # bound now
        for table in copying.TABLES
    }


def test_a_copy_and_the_copy_of_the_copy_have_the_same_content(full: str, empty: str, tmp_path: Path) -> None:
    before = digests(full)
    copied = copy(full, empty)
    assert {one.table: one.sha256 for one in copied} == before == digests(empty)
    assert {one.table for one in copied if not one.rows} <= {"passwords", "api_keys", "past_requests"}
    back = file(tmp_path / "back.db")
    assert copy(empty, back) == copied
    assert digests(back) == before


def test_a_copy_on_postgresql_is_a_database_that_works(full: str, empty: str, new: Template) -> None:
    copy(full, empty)

    async def use() -> None:
        store = await open_node(empty, new.vault, now=2.0)
        assert await store.read(lambda reading: reading.count(User)) == MANY + 1
        assert store.snapshot.settings.challenge_seconds == 60.0
        for record in FULL:
            kind = type(record)
            assert record in await store.read(lambda reading, kind=kind: reading.page(kind, "", 9999))  # type: ignore[misc]  # bound now
        old, _ = await store.read(lambda reading: reading.chains())
        lines = await store.read(lambda reading: reading.chain(old.chain, 0, 999))
        key = new.vault.derive("journal", old.chain.encode()).reveal()
        assert first_fault(lines, key, old.first_previous_mac, old.first_seq) is None
        assert (await look(store, ZOE)).user is None
        await store.close()

    asyncio.run(use())


def test_a_copy_tells_how_far_it_is(full: str, tmp_path: Path) -> None:
    told: list[tuple[str, int, int]] = []
    copy(full, file(tmp_path / "other.db"), lambda *now: told.append(now))
    assert [now for now in told if now[0] == "users"] == [("users", done, MANY + 1) for done in (0, 1000, 2000, 2501)]
    assert [table for table, done, _ in told if not done] == [table.name for table in copying.TABLES]


def test_a_target_that_is_not_empty_is_left_alone(full: str, empty: str) -> None:
    before = digests(full)
    for _ in range(2):
        with pytest.raises(CopyRefused, match=r"not empty.*keys"):
            copy(empty, full)
    assert digests(full) == before


def test_a_database_is_not_copied_onto_itself(full: str) -> None:
    with pytest.raises(CopyRefused):
        copy(full, full)


def test_a_database_of_another_schema_is_not_copied(full: str, empty: str, tmp_path: Path) -> None:
    for source, target in ((f"sqlite:///{tmp_path}/none.db", empty), (full, f"sqlite:///{tmp_path}/none.db")):
        with pytest.raises(SchemaWrong, match="schema none"):
            copy(source, target)


def test_a_copy_that_reads_back_otherwise_is_not_made(full: str, tmp_path: Path) -> None:
    target = tmp_path / "bad.db"
    url = file(target)
    with closing(sqlite3.connect(target)) as connection:
        connection.execute("CREATE TRIGGER bad AFTER INSERT ON seeds BEGIN UPDATE seeds SET counter = 0; END")
    with pytest.raises(CopyRefused, match="seeds"):
        copy(full, url)
    assert set(digests(url).values()) == {hashlib.sha256().hexdigest(), digests(url)["state"]}


def test_a_text_that_postgresql_cannot_hold_is_named(full: str, empty: str, tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "full.db")) as connection:
        connection.execute("UPDATE users SET name = 'a' || char(0) WHERE id = '7'")
        connection.commit()
    with pytest.raises(CopyRefused, match=r"users .*'7'"):
        copy(full, empty)
    assert digests(empty)["keys"] == hashlib.sha256().hexdigest()


@pytest.mark.parametrize("row", [("a", 1), ("a", 1.0), ("a", "1"), (b"a", 1), ("61", 1), ("a", None), ("a,1",)])
def test_rows_that_differ_have_texts_that_differ(row: tuple[object, ...]) -> None:
    others = [("a", 1), ("a", 1.0), ("a", "1"), (b"a", 1), ("61", 1), ("a", None), ("a,1",)]
    assert [row_text(other) for other in others].count(row_text(row)) == 1


def test_what_was_copied_is_told_in_order(full: str, tmp_path: Path) -> None:
    copied = copy(full, file(tmp_path / "third.db"))
    assert [one.table for one in copied] == [table.name for table in copying.TABLES]
    assert copied[0] == Copied(copied[0].table, copied[0].rows, copied[0].sha256)
