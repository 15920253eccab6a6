"""What can go wrong with PostgreSQL, in three kinds: it is gone, somebody else is in the way, or it refuses."""

import asyncpg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as NoneFree

from vestibule.core.errors import Unavailable

DRIVER = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError, TimeoutError)
"""What the driver raises for a statement; a lost connection comes as any of them."""

UNIQUE = asyncpg.UniqueViolationError

CONNECTING = (*DRIVER, DBAPIError, NoneFree)
"""What opening a connection, or taking one out of the pool, raises."""

_GONE = ("08", "57P", "25006", "53300")  # connection lost, server stopping, a standby now, no connection to be had
_IN_THE_WAY = ("55P03", "40P01", "40001")  # lock not available, deadlock, serialisation


class Busy(Exception):
    """Another node has what this event needs; it is decided in a later batch."""


class Away(Exception):
    """The connection is lost; whether the transaction was committed is not known here."""


def gone(error: BaseException) -> bool:
    """Whether the connection is of no use any more."""
    if not isinstance(error, asyncpg.PostgresError):
        return not isinstance(error, asyncpg.InterfaceError)
    return str(error.sqlstate or "08").startswith(_GONE)


def in_the_way(error: BaseException) -> bool:
    """Whether it may go better when another node has finished."""
    return isinstance(error, asyncpg.PostgresError) and str(error.sqlstate) in _IN_THE_WAY


def slow(error: BaseException) -> bool:
    """Whether the server gave a statement up because it took too long, or was told to."""
    return isinstance(error, asyncpg.QueryCanceledError)


def unreachable(error: BaseException) -> Unavailable:
    """What a person hears when the database cannot be used: the fault's name only, for its text may quote a value."""
    cause = error.__cause__ if isinstance(error, DBAPIError | Away) else error
    return Unavailable(f"PostgreSQL cannot be used now ({type(cause or error).__name__})")
