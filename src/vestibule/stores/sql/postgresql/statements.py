"""The statements that only several nodes on one database need, and the ones among all that lock here.

Rule of this file: users, then seeds, then attempts, each in order of id. What is skipped when it is locked never makes
anybody wait; what waits is taken in this order by all, so nobody waits in a circle.
"""

from collections.abc import Iterable
from functools import cache
from typing import Any

from sqlalchemy import (
    ARRAY,
    Column,
    ColumnElement,
    Dialect,
    Select,
    Table,
    Text,
    bindparam,
    delete,
    func,
    insert,
    literal_column,
    or_,
    select,
    update,
)
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects.postgresql.asyncpg import dialect
from sqlalchemy.sql.expression import ClauseElement
from sqlalchemy.types import TypeEngine

from vestibule.core.attempts import Attempt
from vestibule.core.credentials import Credential
from vestibule.core.failures import Failures
from vestibule.core.outbox import OutboxRow
from vestibule.core.users import User
from vestibule.stores.sql import schema
from vestibule.stores.sql.shapes import SHAPE_OF
from vestibule.stores.sql.statements import MOST, SEED_MEMORY, Statements, among, compiled, replaced

SERVER_TIME: ColumnElement[float] = literal_column("extract(epoch from now())::float8")
REMEMBERED_SECONDS = 60
CHANNEL = "vestibule"
GUARD = 0x7665737469  # "vesti": one advisory lock in each database


class SharedStatements(Statements):
    """The statements of PostgreSQL. `patient` ones wait for what another node has locked."""

    def __init__(self, dialect: Dialect) -> None:
        """Compile everything once, at start."""
        super().__init__(dialect)
        self._locking(dialect)
        self._settled(dialect)
        self.bulk = self._bulk(dialect)
        # takes an array of events, in order
        self.claim = "SELECT e FROM unnest($1::TEXT[]) AS e WHERE pg_try_advisory_xact_lock(hashtextextended(e, 0))"
        self.patient_claim = "SELECT e, pg_advisory_xact_lock(hashtextextended(e, 0)) FROM unnest($1::TEXT[]) AS e"
        self.notify = f"SELECT pg_notify('{CHANNEL}', $1)"  # (text)

    def _locking(self, dialect: Dialect) -> None:
        users, seeds, attempts = schema.users, schema.seeds, schema.attempts
        by_key = select(users).where(among(users.c.key, "keys", dialect)).order_by(users.c.id)
        by_id = select(users).where(among(users.c.id, "ids", dialect)).order_by(users.c.id)
        # (array) each; users_there: (array of names, array of ids)
        self.users_by_key = compiled(by_key.with_for_update(skip_locked=True), dialect)
        self.users_by_id = compiled(by_id.with_for_update(skip_locked=True), dialect)
        self.patient_users_by_key = compiled(by_key.with_for_update(), dialect)
        self.patient_users_by_id = compiled(by_id.with_for_update(), dialect)
        there = or_(among(users.c.key, "keys", dialect), among(users.c.id, "ids", dialect))
        self.users_there = compiled(select(users.c.key, users.c.id).where(there), dialect)
        some_seeds = select(seeds).where(among(seeds.c.id, "ids", dialect)).order_by(seeds.c.id)
        self.seeds_by_id = compiled(some_seeds.with_for_update(), dialect)
        some_attempts = select(attempts).where(among(attempts.c.id, "ids", dialect)).order_by(attempts.c.id)
        self.locked_attempts = compiled(some_attempts.with_for_update(skip_locked=True), dialect)

    def _bulk(self, dialect: Dialect) -> dict[str, str]:
        """For the statements that batches run for many rows: the same with an array for each parameter."""
        kinds = (SHAPE_OF[kind] for kind in (User, Credential, Failures, Attempt, OutboxRow))
        bulk = {self.records[one.kind].upsert: compiled(_upsert_many(one.table), dialect) for one in kinds}
        lines = list(schema.journal.columns)
        bulk[self.insert_line] = compiled(insert(schema.journal).from_select(lines, _given(lines)), dialect)
        bulk[self.seed_memory] = compiled(_seed_memories(), dialect)
        return bulk

    def _settled(self, dialect: Dialect) -> None:
        settled = schema.settled
        told = select(settled.c.id, settled.c.step).where(among(settled.c.id, "ids", dialect))
        self.told = compiled(told, dialect)  # (array)
        texts: Any = [bindparam(name, type_=ARRAY(Text)) for name in ("ids", "steps")]
        rows = func.unnest(*texts).table_valued("id", "step").render_derived()
        new = select(rows.c.id, SERVER_TIME, rows.c.step)
        self.remember = compiled(insert(settled).from_select(["id", "at", "step"], new), dialect)  # (array, array)
        old = select(settled.c.id).where(settled.c.at < SERVER_TIME - literal_column(str(REMEMBERED_SECONDS)))
        some = old.order_by(settled.c.at).suffix_with(MOST).with_for_update(skip_locked=True)
        forgotten: Any = delete(settled).where(settled.c.id.in_(some)).returning(literal_column("1"))
        self.forget = compiled(forgotten, dialect)  # (limit)


def _arrays(columns: Iterable[Column[Any]]) -> Any:
    """A table of these columns, made of an array parameter for each."""
    names = [column.name for column in columns]
    arrays: Any = [bindparam(column.name, type_=ARRAY(_plain(column))) for column in columns]
    return func.unnest(*arrays).table_valued(*names).render_derived()


def _plain(column: Column[Any]) -> TypeEngine[Any]:
    """The column's type without its order, which an array has not."""
    return Text() if isinstance(column.type, Text) else column.type


def _given(columns: Iterable[Column[Any]]) -> Select[Any]:
    return select(*_arrays(columns).c)


def _upsert_many(table: Table) -> ClauseElement:
    """As `upsert`, for rows of which no two have the same key."""
    columns = list(table.columns)
    statement = postgresql.insert(table).from_select(columns, _given(columns))
    return statement.on_conflict_do_update(index_elements=list(table.primary_key), set_=replaced(statement, table))


def _seed_memories() -> ClauseElement:
    seeds = schema.seeds
    given = _arrays([seeds.c[name] for name in (*SEED_MEMORY, "id")]).c
    return update(seeds).values({name: given[name] for name in SEED_MEMORY}).where(seeds.c.id == given["id"])


@cache
def shared_statements() -> SharedStatements:
    """PostgreSQL's, for asyncpg; made once, for making them takes a while."""
    return SharedStatements(dialect())  # type: ignore[no-untyped-call]  # SQLAlchemy types no dialect


def shared(statements: Statements) -> SharedStatements:
    """The statements of a node on PostgreSQL; raises TypeError for those of another database."""
    if not isinstance(statements, SharedStatements):
        raise TypeError("these statements are not PostgreSQL's")
    return statements
