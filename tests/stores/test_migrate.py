"""A database is looked at before it is migrated, kept as it was if anything is wrong, and then migrated whole."""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from tests.stores.postgresql import Template, open_node, template
from vestibule.core.users import User
from vestibule.stores.sql import precheck, schema_version, sqlite
from vestibule.stores.sql.at_once import at_once, waited_for
from vestibule.stores.sql.migrate import OLDEST, Upgraded, upgrade
from vestibule.stores.sql.postgresql.connecting import Address
from vestibule.stores.sql.schema import metadata
from vestibule.stores.sql.schema_version import SCHEMA, SchemaWrong, check_schema, schema_of

FIRST = "0001"
FIRST_TABLES = {
    "attempts",
    "chains",
    "clients",
    "credentials",
    "failures",
    "groups",
    "journal",
    "keys",
    "outbox",
    "passwords",
    "rules",
    "seeds",
    "settings",
    "state",
    "users",
}
BACK_TO_FIRST = (
    *(f"DROP TABLE {table}" for table in metadata.tables if table not in FIRST_TABLES),
    "ALTER TABLE attempts DROP COLUMN attributes",
    "ALTER TABLE clients DROP COLUMN first_factor",
    "ALTER TABLE clients DROP COLUMN pass_until",
    "DROP INDEX ix_users_external_id",
    "DROP INDEX ix_journal_administration",
    "ALTER TABLE users DROP COLUMN external_id",
    "ALTER TABLE users DROP COLUMN directory",
    "ALTER TABLE users DROP COLUMN role",
    "ALTER TABLE credentials DROP COLUMN starts_at",
    "ALTER TABLE credentials DROP COLUMN expires_at",
    "DROP INDEX ix_credentials_reach",
    "ALTER TABLE credentials DROP COLUMN reach",
    "ALTER TABLE users DROP COLUMN preferred",
    "ALTER TABLE clients DROP COLUMN pass_through",
    "ALTER TABLE clients DROP COLUMN web",
    "ALTER TABLE attempts DROP COLUMN ways",
    "ALTER TABLE attempts DROP COLUMN tried",
    "ALTER TABLE attempts DROP COLUMN silent",
    "ALTER TABLE outbox DROP COLUMN fence",
)


@pytest.fixture(scope="module")
def new() -> Template:
    return template()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "vestibule.db"


def url_of(path: Path) -> str:
    return f"sqlite:///{path}"


def state(url: str, statement: str) -> None:
    at_once(url, lambda cursor, _: cursor.execute(statement, ()), writing=True)


def first_release(path: Path) -> str:
    """A database of the first schema, with one user."""
    url = url_of(path)
    upgrade(url)
    with closing(sqlite3.connect(path)) as connection:
        for statement in BACK_TO_FIRST:
            connection.execute(statement)
        connection.execute(f"UPDATE alembic_version SET version_num = '{FIRST}'")
        columns = len(connection.execute("SELECT * FROM users").description)
        connection.execute(f"INSERT INTO users VALUES ({', '.join(columns * ['1'])})", ())
        connection.commit()
    return url


def test_a_new_database_has_the_schema_and_names_the_oldest_program(path: Path) -> None:
    assert upgrade(url_of(path)) == Upgraded(None, None)
    assert schema_of(url_of(path)) == SCHEMA
    assert at_once(url_of(path), schema_version._oldest_program) == OLDEST
    assert path.stat().st_mode & 0o077 == 0
    check_schema(url_of(path))


@pytest.mark.requirement(55)
def test_an_older_database_is_copied_and_migrated(path: Path) -> None:
    url = first_release(path)
    done = upgrade(url)
    assert done.before == FIRST
    assert done.snapshot == path.with_name("vestibule.db.schema-0001")
    assert done.snapshot.stat().st_mode & 0o077 == 0
    assert schema_of(url_of(done.snapshot)) == FIRST
    assert (schema_of(url), count_users(path), count_users(done.snapshot)) == (SCHEMA, 1, 1)
    assert upgrade(url) == Upgraded(SCHEMA, None)


def test_a_snapshot_takes_no_name_that_is_taken(path: Path) -> None:
    url = first_release(path)
    taken = path.with_name("vestibule.db.schema-0001")
    taken.write_text("mine")
    assert upgrade(url).snapshot == path.with_name("vestibule.db.schema-0001-2")
    assert taken.read_text() == "mine"


def count_users(path: Path) -> int:
    with closing(sqlite3.connect(path)) as connection:
        return int(connection.execute("SELECT count(*) FROM users").fetchone()[0])


@pytest.mark.requirement(55)
def test_a_migration_that_fails_leaves_the_database_as_it_was(path: Path) -> None:
    url = first_release(path)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE ix_settled_at (id TEXT)")  # stands in the way of the second step
    with pytest.raises(Exception, match="ix_settled_at"):
        upgrade(url)
    assert schema_of(url) == FIRST
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'settled'").fetchall() == []


@pytest.mark.requirement(55)
def test_a_newer_database_may_be_used_if_it_says_so_and_is_not_migrated(path: Path) -> None:
    url = url_of(path)
    upgrade(url)
    state(url, "UPDATE alembic_version SET version_num = '9999'")
    check_schema(url)
    state(url, "UPDATE state SET value = '99.0' WHERE name = 'oldest_program'")
    with pytest.raises(SchemaWrong, match=r"newer program; use version 99\.0"):
        check_schema(url)
    with pytest.raises(SchemaWrong, match="newer program"):
        upgrade(url)


def test_a_damaged_file_is_not_migrated(path: Path) -> None:
    url = first_release(path)
    with path.open("r+b") as opened:
        opened.seek(4096)
        opened.write(b"\xaa" * (path.stat().st_size - 4096))
    with pytest.raises((SchemaWrong, sqlite3.DatabaseError)):
        upgrade(url)


def test_a_full_disk_stops_a_migration_before_it_begins(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    url = first_release(path)
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=1 << 20))
    with pytest.raises(SchemaWrong, match="disk has 1 MiB free"):
        upgrade(url)
    assert schema_of(url) == FIRST
    assert list(path.parent.glob("*.schema-*")) == []


@pytest.mark.parametrize(
    ("facts", "text"),
    [
        ((150_004, "UTF8", False, True, False), "version 15"),
        ((160_000, "SQL_ASCII", False, True, False), "SQL_ASCII"),
        ((180_000, "UTF8", True, True, False), "standby"),
        ((160_000, "UTF8", False, False, False), "may not make tables"),
        ((160_000, "UTF8", False, True, True), "another program"),
        ((160_000, "UTF8", False, True, False), ""),
    ],
)
def test_a_postgresql_that_will_not_do_is_told_why(facts: tuple[object, ...], text: str) -> None:
    class Facts:
        def execute(self, *_: object) -> None: ...
        def executemany(self, *_: object) -> None: ...
        def fetchall(self) -> list[object]:
            return []

        def fetchone(self) -> tuple[object, ...]:
            return facts

    found = list(precheck._on_postgresql(Facts(), None))
    assert [text in problem for problem in found] == ([True] if text else [])


def test_a_database_of_another_program_is_left_alone(new: Template) -> None:
    name = "foreign_to_us"
    asyncio.run(new.server.command(f"CREATE DATABASE {name}"))
    asyncio.run(new.server.command("CREATE TABLE users (id INTEGER)", name))
    with pytest.raises(SchemaWrong, match="another program"):
        upgrade(new.server.url(name))


@pytest.mark.requirement(55)
async def test_postgresql_is_migrated_while_a_node_runs(new: Template) -> None:
    url = await new.copy()
    store = await open_node(url, new.vault)
    await store.change(lambda writing: writing.put(User("1", "zoe", "zoe")))
    for statement in (*BACK_TO_FIRST, "UPDATE alembic_version SET version_num = '0001'"):
        await new.server.command(statement, url_name(url))
    assert await asyncio.to_thread(upgrade, url) == Upgraded(FIRST, None)
    assert await store.change(lambda writing: writing.count(User)) == 1
    await store.close()


def url_name(url: str) -> str:
    return url.partition("@/")[2].partition("?")[0]


def test_the_migrations_lead_to_the_schema_on_sqlite(path: Path) -> None:
    upgrade(url_of(path))
    with sqlite.engine_of(url_of(path)).connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []


def test_the_migrations_lead_to_the_schema_on_postgresql(new: Template) -> None:
    async def differences() -> list[object]:
        engine = Address(lambda: new.server.url(new.name), "test").alone()
        try:
            async with engine.connect() as connection:
                return await connection.run_sync(
                    lambda one: list(compare_metadata(MigrationContext.configure(one), metadata))
                )
        finally:
            await engine.dispose()

    assert waited_for(differences) == []
