"""What an administrator asks a PostgreSQL itself: which nodes have it open, and whether it keeps what it is told."""

from dataclasses import dataclass

from vestibule.stores.sql.at_once import at_once, is_postgresql
from vestibule.stores.sql.reading import Cursor
from vestibule.stores.sql.statements import Statements

NODES = """
SELECT DISTINCT application_name FROM pg_stat_activity
WHERE datname = current_database() AND application_name LIKE 'vestibule %' ORDER BY application_name
"""
FACTS = """
SELECT current_setting('server_version'), extract(epoch FROM clock_timestamp())::float8,
    array_remove(ARRAY[
        CASE WHEN current_setting('fsync') = 'off' THEN 'fsync' END,
        CASE WHEN current_setting('full_page_writes') = 'off' THEN 'full_page_writes' END,
        CASE WHEN current_setting('synchronous_commit') = 'off' THEN 'synchronous_commit' END
    ], NULL)
"""


@dataclass(frozen=True, slots=True)
class Facts:
    """A server's version, its time (seconds since the epoch), and what is off that keeps a commit after a crash."""

    version: str
    now: float
    forgetful: tuple[str, ...]


def nodes_at(url: str) -> tuple[str, ...]:
    """The names of the nodes that have this database open; of an SQLite its lock tells. Raises Unavailable."""
    if not is_postgresql(url):
        return ()

    def look(cursor: Cursor, _: Statements) -> tuple[str, ...]:
        cursor.execute(NODES, ())
        return tuple(str(row[0]).partition(" ")[2] for row in cursor.fetchall())

    return at_once(url, look)


def facts_of(url: str) -> Facts:
    """Ask a PostgreSQL about itself. Raises Unavailable."""

    def look(cursor: Cursor, _: Statements) -> Facts:
        cursor.execute(FACTS, ())
        version, now, forgetful = cursor.fetchone()
        return Facts(str(version), float(now), tuple(forgetful))

    return at_once(url, look)
