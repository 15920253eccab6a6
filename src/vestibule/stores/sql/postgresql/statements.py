"""The statements that only several nodes on one database need, and the ones among all that lock here.

Rule of this file: users, then seeds, then attempts, each in order of id. What is skipped when it is locked never makes
anybody wait; what waits is taken in this order by all, so nobody waits in a circle.
"""

from functools import cache
from typing import Any

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Dialect,
    Text,
    bindparam,
    delete,
    func,
    insert,
    literal_column,
    or_,
    select,
)
from sqlalchemy.dialects.postgresql.asyncpg import dialect

from vestibule.stores.sql import schema
from vestibule.stores.sql.statements import MOST, Statements, among, compiled

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


@cache
def shared_statements() -> SharedStatements:
    """PostgreSQL's, for asyncpg; made once, for making them takes a while."""
    return SharedStatements(dialect())  # type: ignore[no-untyped-call]  # SQLAlchemy types no dialect


def shared(statements: Statements) -> SharedStatements:
    """The statements of a node on PostgreSQL; raises TypeError for those of another database."""
    if not isinstance(statements, SharedStatements):
        raise TypeError("these statements are not PostgreSQL's")
    return statements
