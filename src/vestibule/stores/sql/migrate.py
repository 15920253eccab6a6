"""Bring a database to the schema of this program. Alembic takes half a second to import, so only those who need it do.

A migration is done whole or not at all, on both databases. Before the first one a database is looked at, and SQLite's
file is copied beside itself.
"""

from dataclasses import dataclass
from itertools import chain, count
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection

from vestibule.stores.sql import sqlite
from vestibule.stores.sql.at_once import at_once, is_postgresql, waited_for
from vestibule.stores.sql.postgresql.connecting import Address, Bounds
from vestibule.stores.sql.postgresql.faults import CONNECTING, unreachable
from vestibule.stores.sql.postgresql.statements import GUARD
from vestibule.stores.sql.precheck import check_before
from vestibule.stores.sql.schema_version import OLDEST_PROGRAM, SCHEMA, schema_of

OLDEST = "0.1.0"
"""The oldest program that may use a database of this schema."""
PATIENT = Bounds(connect_seconds=10.0, statement_seconds=3600.0)
LOCK_MILLISECONDS = 60_000


@dataclass(frozen=True, slots=True)
class Upgraded:
    """What an upgrade did: the schema before (None for a new database), and where SQLite's file was copied to."""

    before: str | None
    snapshot: Path | None


def upgrade(url: str) -> Upgraded:
    """Run the migrations that are due, and name the oldest program that may use the result.

    Raises SchemaWrong when the look before finds something that a person must mend first; then nothing was changed.
    """
    before = schema_of(url)
    if before != SCHEMA:
        check_before(url, before)
    snapshot = None
    if is_postgresql(url):
        waited_for(lambda: _migrate_postgresql(url))
    else:
        snapshot = _snapshot(url, before)
        _migrate_sqlite(url)
    at_once(
        url, lambda cursor, statements: cursor.execute(statements.set_state, (OLDEST_PROGRAM, OLDEST)), writing=True
    )
    return Upgraded(before, snapshot)


async def _migrate_postgresql(url: str) -> None:
    """Running nodes pause meanwhile: the guard is held as by any other change."""
    engine = Address(lambda: url, "vestibule upgrade", PATIENT).alone()
    try:
        async with engine.execution_options(isolation_level="READ COMMITTED").connect() as connection:
            await connection.exec_driver_sql(f"SET lock_timeout = {LOCK_MILLISECONDS}")
            await connection.commit()
            async with connection.begin():
                await connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({GUARD})")
                await connection.run_sync(_migrate)
    except CONNECTING as error:
        raise unreachable(error) from error
    finally:
        await engine.dispose()


def _migrate_sqlite(url: str) -> None:
    sqlite.file_of(url).touch(mode=0o600)
    engine = sqlite.engine_of(url)
    with engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA journal_mode=WAL")
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        done = False
        try:
            _migrate(connection)
            done = True
        finally:
            connection.exec_driver_sql("COMMIT" if done else "ROLLBACK")


def _migrate(connection: Connection) -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _snapshot(url: str, before: str | None) -> Path | None:
    """Copy a database that will be migrated to a name that nothing has yet."""
    if before in {None, SCHEMA}:
        return None
    file = sqlite.file_of(url)
    endings = chain([""], (f"-{number}" for number in count(2)))
    names = (file.with_name(f"{file.name}.schema-{before}{ending}") for ending in endings)
    target = next(name for name in names if not name.exists())
    target.touch(mode=0o600, exist_ok=False)
    sqlite.copy_online(sqlite.engine_of(url), target)
    return target
