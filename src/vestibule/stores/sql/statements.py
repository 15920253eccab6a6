"""All SQL texts, built once with SQLAlchemy Core and run on the driver's cursor: the same schema, no layer between.

Parameters are positional tuples in the order that each attribute names. The dialect decides two things only: how a set
of values is passed, and how a row is inserted or replaced.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import (
    ARRAY,
    Column,
    ColumnElement,
    Dialect,
    Table,
    Text,
    any_,
    bindparam,
    case,
    delete,
    func,
    insert,
    literal_column,
    null,
    select,
    text,
    tuple_,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql.expression import ClauseElement

from vestibule.stores.sql import schema
from vestibule.stores.sql.shape import Shape
from vestibule.stores.sql.shapes import SHAPES

SEED_MEMORY = ("last_step", "counter", "drift", "resync", "used_at")
MOST = text("LIMIT :most")  # select.limit() would add an OFFSET parameter on SQLite


@dataclass(frozen=True, slots=True)
class RecordSql:
    """The statements of one kind of record; `key` stands for its primary key columns."""

    upsert: str  # (all columns)
    get: str  # (key)
    remove: str  # (key)
    page: str  # (key, limit)
    count: str  # ()
    find: dict[str, str]  # by column: (value)
    count_by: dict[str, str]  # by column: (value)
    page_by: dict[str, str]  # by unique column: (value, limit)


def compiled(statement: ClauseElement, dialect: Dialect) -> str:
    """The text of a statement whose parameters stand in order of appearance."""
    return str(statement.compile(dialect=dialect))


def on_postgresql(dialect: Dialect) -> bool:
    """Whether these are PostgreSQL's ways."""
    return dialect.name == "postgresql"


def among(column: ColumnElement[Any], name: str, dialect: Dialect) -> ColumnElement[bool]:
    """`column` is one of the values of a parameter that `packed` has made."""
    if on_postgresql(dialect):
        return column == any_(bindparam(name, type_=ARRAY(Text)))
    values = func.json_each(bindparam(name)).table_valued("value")
    return column.in_(select(values.c.value))


def packed(values: Iterable[str], dialect: Dialect) -> Any:
    """Texts as the one parameter of `among`; one with a zero octet is in no row, and PostgreSQL takes none."""
    if on_postgresql(dialect):
        return [value for value in values if "\0" not in value]
    return json.dumps(list(values), ensure_ascii=False)


def upsert(table: Table, dialect: Dialect) -> ClauseElement:
    """Insert, or replace all but the primary key."""
    insertion = postgresql.insert if on_postgresql(dialect) else sqlite.insert
    statement = insertion(table).values({column.name: bindparam(column.name) for column in table.columns})
    return statement.on_conflict_do_update(index_elements=list(table.primary_key), set_=replaced(statement, table))


def replaced(statement: postgresql.Insert | sqlite.Insert, table: Table) -> dict[str, Any]:
    """What an insert of a row that is there changes: all but the primary key."""
    return {column.name: statement.excluded[column.name] for column in table.columns if not column.primary_key}


def record_sql(shape: Shape[Any], dialect: Dialect) -> RecordSql:
    """Build the statements of one kind."""
    table = shape.table
    keys = list(table.primary_key)
    this = [column == bindparam(f"key_{column.name}") for column in keys]
    above = tuple_(*keys) > tuple_(*[bindparam(f"after_{column.name}") for column in keys])
    everything = select(table).order_by(*keys)

    return RecordSql(
        upsert=compiled(upsert(table, dialect), dialect),
        get=compiled(select(table).where(*this), dialect),
        remove=compiled(delete(table).where(*this), dialect),
        page=compiled(everything.where(above).suffix_with(MOST), dialect),
        count=compiled(select(func.count()).select_from(table), dialect),
        find={
            name: compiled(everything.where(table.c[name] == bindparam("value")), dialect) for name in shape.found_by
        },
        count_by={
            name: compiled(select(func.count()).select_from(table).where(table.c[name] == bindparam("value")), dialect)
            for name in shape.found_by
        },
        page_by={name: _page_by(table.c[name], dialect) for name in shape.found_by if table.c[name].unique},
    )


def _page_by(column: Column[Any], dialect: Dialect) -> str:
    ordered = select(column.table).where(column > bindparam("after")).order_by(column)
    return compiled(ordered.suffix_with(MOST), dialect)


class Statements:
    """The statements of one dialect."""

    def __init__(self, dialect: Dialect) -> None:
        """Compile everything once, at start."""
        self.dialect = dialect
        self.records = {shape.kind: record_sql(shape, dialect) for shape in SHAPES}
        self._batch(dialect)
        self._people(dialect)
        self._journal(dialect)
        self._state(dialect)

    def _batch(self, dialect: Dialect) -> None:
        users, credentials, seeds = schema.users, schema.credentials, schema.seeds
        attempts, failures = schema.attempts, schema.failures
        factor_or_source = (failures.c.kind == literal_column("'factor'")) | among(failures.c.name, "sources", dialect)
        by_age = (credentials.c.user_id, credentials.c.created_at, credentials.c.id)
        seed_memory: dict[str, ColumnElement[Any]] = {name: bindparam(name) for name in SEED_MEMORY}
        # takes JSON array) each; failures: (JSON array of users, JSON array of sources
        self.users_by_key = compiled(select(users).where(among(users.c.key, "keys", dialect)), dialect)
        self.users_by_id = compiled(select(users).where(among(users.c.id, "ids", dialect)), dialect)
        self.aliases_by_id = compiled(select(schema.aliases).where(among(schema.aliases.c.id, "ids", dialect)), dialect)
        self.attempts_by_id = compiled(select(attempts).where(among(attempts.c.id, "ids", dialect)), dialect)
        self.credentials_by_id = compiled(select(credentials).where(among(credentials.c.id, "ids", dialect)), dialect)
        self.credentials_of = compiled(
            select(credentials).where(among(credentials.c.user_id, "users", dialect)).order_by(*by_age), dialect
        )
        self.seeds_by_id = compiled(select(seeds).where(among(seeds.c.id, "ids", dialect)), dialect)
        self.failures_of = compiled(
            select(failures).where(among(failures.c.user_id, "users", dialect), factor_or_source), dialect
        )
        # takes last_step, counter, drift, resync, used_at, id
        self.seed_memory = compiled(update(seeds).values(seed_memory).where(seeds.c.id == bindparam("seed")), dialect)
        self.insert_line = compiled(insert(schema.journal), dialect)  # (all columns)
        # takes time, limit
        self.expired_attempts = compiled(
            select(attempts)
            .where(attempts.c.expires_at < bindparam("now"))
            .order_by(attempts.c.expires_at)
            .suffix_with(MOST),
            dialect,
        )

        idle = (failures.c.kind == literal_column("'source'")) & (failures.c.accepted_at < bindparam("accepted_before"))
        empty = (failures.c.kind == literal_column("'factor'")) & (failures.c.count == literal_column("0"))
        # takes failed before, accepted before, limit
        self.idle_failures = compiled(
            select(failures)
            .where(failures.c.last_at < bindparam("failed_before"), idle | empty)
            .order_by(failures.c.last_at, *failures.primary_key)
            .suffix_with(MOST),
            dialect,
        )

    def _people(self, dialect: Dialect) -> None:
        users, words, credentials = schema.users, schema.words, schema.credentials
        begins = (words.c.word >= bindparam("word"), words.c.word < bindparam("beyond"))
        ordered = select(words.c.user_id).where(*begins).order_by(words.c.word, words.c.user_id)
        # takes word, the first text beyond all that begin with it, limit
        self.people_by_word = compiled(ordered.suffix_with(MOST), dialect)
        self.insert_word = compiled(insert(words), dialect)  # (word, user_id)
        this = (words.c.word == bindparam("this"), words.c.user_id == bindparam("user"))
        self.remove_word = compiled(delete(words).where(*this), dialect)  # (word, user_id)
        blocked = func.count(case((users.c.blocked_until > bindparam("now"), literal_column("1"))))
        self.people_counted = compiled(select(func.count(), blocked).select_from(users), dialect)  # (now)
        held = credentials.c.user_id != literal_column("''")
        self.holders_counted = compiled(select(func.count(credentials.c.user_id.distinct())).where(held), dialect)
        self.tokens_counted = compiled(
            select(func.count(), func.count(case((held, literal_column("1"))))).where(
                credentials.c.seed_id != literal_column("''")
            ),
            dialect,
        )

    def _journal(self, dialect: Dialect) -> None:
        lines, chains = schema.journal, schema.chains
        head = select(lines.c.seq, lines.c.mac).where(lines.c.chain == bindparam("chain"))
        one_chain = select(lines).where(lines.c.chain == bindparam("chain")).order_by(lines.c.seq)
        self.head = compiled(head.order_by(lines.c.seq.desc()).suffix_with(text("LIMIT 1")), dialect)  # (chain)
        # takes chain, after, limit
        self.chain = compiled(one_chain.where(lines.c.seq > bindparam("after")).suffix_with(MOST), dialect)
        self.chains = compiled(select(chains).order_by(chains.c.started_at, chains.c.chain), dialect)
        self.insert_chain = compiled(insert(chains), dialect)  # (all columns)
        alike = (lines.c.accepted, lines.c.reason, lines.c.method, lines.c.client_id)
        # takes since, until
        self.tallies = compiled(
            select(*alike, func.count())
            .where(lines.c.at >= bindparam("since"), lines.c.at < bindparam("until"))
            .where(lines.c.kind == literal_column("'sign_in'"))
            .group_by(*alike),
            dialect,
        )
        # takes first_seq, first_previous_mac, chain
        self.cut_chain = compiled(
            update(chains)
            .values(first_seq=bindparam("seq"), first_previous_mac=bindparam("mac"))
            .where(chains.c.chain == bindparam("this")),
            dialect,
        )
        # takes chain, first seq, limit
        beginning = select(lines.c.seq, lines.c.at, lines.c.mac).where(lines.c.chain == bindparam("chain"))
        self.beginning = compiled(
            beginning.where(lines.c.seq >= bindparam("first")).order_by(lines.c.seq).suffix_with(MOST), dialect
        )
        # takes chain, seq
        self.delete_until = compiled(
            delete(lines).where(lines.c.chain == bindparam("this"), lines.c.seq <= bindparam("upto")), dialect
        )
        # takes user_id, limit
        self.unerased = compiled(
            select(lines.c.chain, lines.c.seq)
            .where(lines.c.user_id == bindparam("user"), lines.c.personal.is_not(None))
            .suffix_with(MOST),
            dialect,
        )
        # takes chain, seq
        self.erase_line = compiled(
            update(lines)
            .values(personal=null(), salt=literal_column("''"))
            .where(lines.c.chain == bindparam("this"), lines.c.seq == bindparam("line")),
            dialect,
        )

    def _state(self, dialect: Dialect) -> None:
        settings, state = schema.settings, schema.state
        self.settings = compiled(select(settings), dialect)
        self.setting = compiled(select(settings.c.value).where(settings.c.name == bindparam("this")), dialect)  # (name)
        self.set = compiled(upsert(settings, dialect), dialect)  # (name, value)
        self.unset = compiled(delete(settings).where(settings.c.name == bindparam("this")), dialect)  # (name)
        self.state = compiled(select(state.c.value).where(state.c.name == bindparam("this")), dialect)  # (name)
        self.set_state = compiled(upsert(state, dialect), dialect)  # (name, value)
        self.schema_version = "SELECT version_num FROM alembic_version"  # ()
        self.tables_named = _tables_named(dialect)  # (name)
        self.keys = compiled(select(schema.keys).order_by(schema.keys.c.id), dialect)
        self.insert_key = compiled(insert(schema.keys), dialect)  # (id, purpose, sealed)


@cache
def sqlite_statements() -> Statements:
    """SQLite's; made once, for making them takes a while."""
    return Statements(sqlite.dialect())


def _tables_named(dialect: Dialect) -> str:
    if on_postgresql(dialect):
        return "SELECT 1 WHERE to_regclass($1::TEXT) IS NOT NULL"
    return "SELECT 1 FROM sqlite_master WHERE name = ?"
