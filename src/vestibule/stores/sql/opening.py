"""Put the pieces of a store together: connection, statements, a journal chain of this process, batches, writer."""

from collections.abc import Callable
from dataclasses import dataclass

from vestibule.stores.chain import Chain
from vestibule.stores.sql import sqlite
from vestibule.stores.sql.batch import Batches
from vestibule.stores.sql.postgresql import faults
from vestibule.stores.sql.postgresql.batch import SharedBatches
from vestibule.stores.sql.postgresql.connecting import Address, Bounds
from vestibule.stores.sql.postgresql.cursor import PostgresqlCursor
from vestibule.stores.sql.postgresql.faults import Away, unreachable
from vestibule.stores.sql.postgresql.session import Session
from vestibule.stores.sql.postgresql.statements import shared_statements
from vestibule.stores.sql.postgresql.store import PostgresqlStore
from vestibule.stores.sql.reading import Cursor
from vestibule.stores.sql.sqlite_store import SqliteStore
from vestibule.stores.sql.statements import Statements, sqlite_statements
from vestibule.stores.sql.writing import Driver, Means
from vestibule.stores.vault import Chance, Vault

CHAIN_NAME_OCTETS = 8


@dataclass(frozen=True, slots=True)
class Node:
    """The process that opens a store: who it is for the journal, what it can open and draw, how much may wait."""

    name: str
    address: str
    started_at: float
    vault: Vault
    chance: Chance
    queue_limit: int

    def means(self, statements: Statements, driver: Driver) -> Means:
        """What this node writes with."""
        return Means(statements, self.vault, self.chance, driver, self.name)

    def begin_chain(self, cursor: Cursor, statements: Statements) -> Chain:
        """Begin a journal chain of its own name and key."""
        name = self.chance(CHAIN_NAME_OCTETS).hex()
        chain = Chain(name, self.vault.derive("journal", name.encode()).reveal())
        cursor.execute(statements.insert_chain, (name, self.started_at, self.name, self.address, 1, ""))
        return chain


def open_sqlite(url: str, node: Node, checkpoint_pages: int) -> SqliteStore:
    """Open the file, with the one connection that writes. Raises what the driver raises."""
    engine = sqlite.engine_of(url)
    driver = engine.dialect.loaded_dbapi
    means = node.means(sqlite_statements(), Driver((driver.Error,), driver.IntegrityError))
    connection = sqlite.writing_connection(engine, checkpoint_pages)

    def open_batches(cursor: Cursor) -> Batches:
        return Batches(cursor, means, node.begin_chain(cursor, means.statements))

    return SqliteStore(engine, means, connection, open_batches, node.queue_limit)


async def open_postgresql(url: Callable[[], str], node: Node, bounds: Bounds) -> PostgresqlStore:
    """Reach the database and join the nodes that share it. Raises Unavailable."""
    address = Address(url, f"vestibule {node.name}", bounds)
    statements = shared_statements()
    means = node.means(statements, Driver(faults.DRIVER, faults.UNIQUE))
    cursor = PostgresqlCursor(statements.bulk)
    session = Session(address.alone(), cursor, bounds.transaction_seconds)

    def begin() -> SharedBatches:
        return SharedBatches(cursor, means, lambda: node.begin_chain(cursor, means.statements))

    try:
        batches = await session.reopen(begin)
    except (Away, *faults.CONNECTING) as error:
        await session.close()
        raise unreachable(error) from error
    return PostgresqlStore(address, session, batches, means, node.queue_limit)
