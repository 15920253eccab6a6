"""The one schema. Times are seconds since the epoch, ids are text, lists and small values are JSON text.

Plain column types only, so that rows go to and from the drivers as they are, without a type layer in the hot path.
Both databases hold whole numbers of 64 bits and put texts in the order of their code points.
"""

from sqlalchemy import Column, Float, Index, LargeBinary, PrimaryKeyConstraint, Table, text

from vestibule.stores.sql import columns
from vestibule.stores.sql.columns import TEXT, WHOLE
from vestibule.stores.sql.columns import identity as _id
from vestibule.stores.sql.columns import number as _number
from vestibule.stores.sql.columns import text as _text
from vestibule.stores.sql.columns import time as _time

metadata = columns.metadata

users = Table(
    "users",
    metadata,
    _id(),
    _text("name"),
    Column("key", TEXT, nullable=False, unique=True),
    _text("first_name"),
    _text("last_name"),
    Column("email", TEXT, nullable=False, index=True),
    _text("phone"),
    _text("locale"),
    _text("groups"),
    _text("mfa"),
    _time("blocked_since"),
    _time("blocked_until"),
    _text("blocked_by"),
    _text("blocked_reason"),
    _time("created_at"),
    _number("version"),
    Column("directory", TEXT, nullable=False, server_default=""),
    Column("external_id", TEXT, nullable=False, server_default="", index=True),
    Column("role", TEXT, nullable=False, server_default=""),
    Column("preferred", TEXT, nullable=False, server_default=""),
    sqlite_with_rowid=False,
)

words = Table(
    "words",
    metadata,
    _text("word"),
    _text("user_id"),
    PrimaryKeyConstraint("word", "user_id"),
    sqlite_with_rowid=False,
)
"""By which words people are found (`wire.words`); it follows the table of users in the same transaction."""

aliases = Table(
    "aliases", metadata, _id(), Column("user_id", TEXT, nullable=False, index=True), sqlite_with_rowid=False
)

passwords = Table("passwords", metadata, _id(), _text("hash"), _time("changed_at"), sqlite_with_rowid=False)

groups = Table("groups", metadata, _id(), _text("description"), _text("reply_attributes"), sqlite_with_rowid=False)

credentials = Table(
    "credentials",
    metadata,
    _id(),
    _text("method"),
    Column("user_id", TEXT, nullable=False, index=True),
    _text("label"),
    _text("state"),
    Column("seed_id", TEXT, nullable=False, index=True),
    Column("serial", TEXT, nullable=True, unique=True),
    _text("manufacturer"),
    _text("model"),
    _text("algorithm"),
    _number("digits"),
    _number("period"),
    _text("memory"),
    _time("waiver_until"),
    _time("created_at"),
    _number("version"),
    Column("starts_at", Float, nullable=False, server_default="0"),
    Column("expires_at", Float, nullable=False, server_default="0"),
    Column("reach", TEXT, nullable=False, server_default="", index=True),
    sqlite_with_rowid=False,
)

seeds = Table(
    "seeds",
    metadata,
    _id(),
    Column("sealed", LargeBinary, nullable=False),
    _number("last_step"),
    _number("counter"),
    _number("drift"),
    _number("resync"),
    _time("used_at"),
    sqlite_with_rowid=False,
)

clients = Table(
    "clients",
    metadata,
    _id(),
    _text("name"),
    _text("networks"),
    _text("secrets"),
    _text("nas_identifier"),
    _text("sign_in"),
    _number("require_user_match"),
    _number("require_message_authenticator"),
    _number("limit_proxy_state"),
    _number("holds"),
    _time("time_budget"),
    _number("rejoin_seconds"),
    _time("created_at"),
    _number("version"),
    Column("first_factor", TEXT, nullable=False, server_default=""),
    Column("pass_until", Float, nullable=False, server_default="0"),
    Column("pass_through", WHOLE, nullable=False, server_default="0"),
    Column("web", WHOLE, nullable=False, server_default="0"),
    sqlite_with_rowid=False,
)

rules = Table(
    "rules",
    metadata,
    _id(),
    _number("position"),
    _text("name"),
    _text("outcome"),
    _text("clients"),
    _text("groups"),
    _text("networks"),
    _text("methods"),
    sqlite_with_rowid=False,
)

directories = Table(
    "directories",
    metadata,
    _id(),
    _text("kind"),
    _text("settings"),
    Column("sealed", LargeBinary, nullable=False),
    _time("created_at"),
    _number("version"),
    sqlite_with_rowid=False,
)

providers = Table(
    "providers",
    metadata,
    _id(),
    _text("kind"),
    _text("settings"),
    Column("sealed", LargeBinary, nullable=False),
    _time("created_at"),
    _number("version"),
    _number("enabled"),
    sqlite_with_rowid=False,
)

routes = Table(
    "routes",
    metadata,
    _id(),
    _number("position"),
    _text("medium"),
    _text("regions"),
    _text("providers"),
    _text("senders"),
    sqlite_with_rowid=False,
)

prices = Table("prices", metadata, _id(), _number("cost"), sqlite_with_rowid=False)

sends = Table(
    "sends",
    metadata,
    _id(),
    Column("message_id", TEXT, nullable=False, index=True),
    Column("attempt_id", TEXT, nullable=False, index=True),
    Column("user_id", TEXT, nullable=False, index=True),
    _text("credential_id"),
    _text("provider"),
    _text("medium"),
    _text("state"),
    Column("reference", TEXT, nullable=False, index=True),
    _text("fault"),
    _text("code"),
    _text("sender"),
    _text("region"),
    _text("prefix"),
    _number("cost"),
    _text("currency"),
    _number("reserved"),
    _time("begun_at"),
    _time("ended_at"),
    Column("sealed", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)

counted = Table(
    "counted",
    metadata,
    _id(),
    _time("until"),
    _number("count"),
    _number("money"),
    _text("marks"),
    sqlite_with_rowid=False,
)

opt_outs = Table("opt_outs", metadata, _id(), _time("at"), _text("provider"), sqlite_with_rowid=False)

recordings = Table(
    "recordings",
    metadata,
    _id(),
    _text("digest"),
    _time("seconds"),
    _text("source"),
    _time("changed_at"),
    Column("octets", LargeBinary, nullable=False),
)
"""Rows of up to 320 kB, so they lie beside the tree of their ids, not in it."""

attempts = Table(
    "attempts",
    metadata,
    _id(),
    _text("client_id"),
    Column("user_id", TEXT, nullable=False, index=True),
    _text("user_name"),
    _text("user_key"),
    _text("source"),
    _text("address"),
    _time("created_at"),
    Column("expires_at", Float, nullable=False, index=True),
    _text("challenge"),
    _text("settled"),
    _text("rule"),
    _text("methods"),
    Column("attributes", TEXT, nullable=False, server_default="[]"),
    Column("ways", TEXT, nullable=False, server_default="[]"),
    Column("tried", TEXT, nullable=False, server_default="[]"),
    Column("silent", WHOLE, nullable=False, server_default="0"),
    sqlite_with_rowid=False,
)

failures = Table(
    "failures",
    metadata,
    _text("user_id"),
    _text("kind"),
    _text("name"),
    _number("count"),
    Column("last_at", Float, nullable=False, index=True),
    _text("shares"),
    _time("accepted_at"),
    _text("accepted_proof"),
    PrimaryKeyConstraint("user_id", "kind", "name"),
    sqlite_with_rowid=False,
)

outbox = Table(
    "outbox",
    metadata,
    _id(),
    _text("channel"),
    _text("credential_id"),
    _text("attempt_id"),
    _text("template"),
    _time("deadline"),
    Column("leased_by", TEXT, nullable=False, index=True),
    _time("leased_until"),
    _number("unknown"),
    Column("fence", WHOLE, nullable=False, server_default="0"),
    sqlite_with_rowid=False,
)

api_keys = Table(
    "api_keys",
    metadata,
    _id(),
    _text("name"),
    _text("digest"),
    Column("client_id", TEXT, nullable=False, index=True),
    _text("rights"),
    _time("expires_at"),
    _time("created_at"),
    _text("created_by"),
    sqlite_with_rowid=False,
)

past_requests = Table(
    "past_requests",
    metadata,
    _id(),
    _text("digest"),
    Column("answer", LargeBinary, nullable=False),
    _time("at"),
    sqlite_with_rowid=False,
)

sessions = Table(
    "sessions",
    metadata,
    _id(),
    Column("user_id", TEXT, nullable=False, index=True),
    _time("created_at"),
    _time("seen_at"),
    _time("proved_at"),
    _text("method"),
    _text("address"),
    _text("agent"),
    sqlite_with_rowid=False,
)

settings = Table(
    "settings",
    metadata,
    Column("name", TEXT, primary_key=True),
    _text("value"),
    sqlite_with_rowid=False,
)

state = Table(
    "state",
    metadata,
    Column("name", TEXT, primary_key=True),
    _text("value"),
    sqlite_with_rowid=False,
)

keys = Table(
    "keys",
    metadata,
    Column("id", WHOLE, primary_key=True, autoincrement=False),
    _text("purpose"),
    Column("sealed", LargeBinary, nullable=False),
)

settled = Table(
    "settled",
    metadata,
    _id(),
    Column("at", Float, nullable=False, index=True),
    _text("step"),
    sqlite_with_rowid=False,
)
"""Events of the last minute with what was decided, on PostgreSQL only; SQLite's one process keeps them in memory."""

chains = Table(
    "chains",
    metadata,
    Column("chain", TEXT, primary_key=True),
    _time("started_at"),
    _text("server_name"),
    _text("server_address"),
    _number("first_seq"),
    _text("first_previous_mac"),
    sqlite_with_rowid=False,
)

journal = Table(
    "journal",
    metadata,
    _text("chain"),
    _number("seq"),
    _time("at"),
    _text("kind"),
    _text("action"),
    _text("actor"),
    _text("user_id"),
    _text("client_id"),
    _text("method"),
    Column("accepted", WHOLE, nullable=True),
    _text("reason"),
    _text("result"),
    _text("rule"),
    _text("attempt_id"),
    _text("credential_id"),
    _text("detail"),
    Column("personal", TEXT, nullable=True),
    _text("salt"),
    _text("personal_digest"),
    _text("mac"),
    PrimaryKeyConstraint("chain", "seq"),
    Index(None, "at"),
    Index(None, "user_id", "at"),
    Index(
        "ix_journal_administration",
        "at",
        sqlite_where=text("kind = 'administration'"),
        postgresql_where=text("kind = 'administration'"),
    ),
    sqlite_with_rowid=False,
)
