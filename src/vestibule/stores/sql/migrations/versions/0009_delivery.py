"""Providers of calls, texts and mail; what was sent, what it cost, and what limits count."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
WHOLE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Apply. The new column has a default, so that the program before this one can go on beside it."""
    _providers()
    _sends()
    _table("counted", _time("until"), _number("count"), _number("money"), _text("marks"))
    _table("opt_outs", _time("at"), _text("provider"))
    op.add_column("outbox", sa.Column("fence", WHOLE, nullable=False, server_default="0"))


def _providers() -> None:
    sealed = sa.Column("sealed", sa.LargeBinary(), nullable=False)
    _table(
        "providers",
        _text("kind"),
        _text("settings"),
        sealed,
        _time("created_at"),
        _number("version"),
        _number("enabled"),
    )
    _table("routes", _number("position"), _text("medium"), _text("regions"), _text("providers"), _text("senders"))
    _table("prices", _number("cost"))


def _sends() -> None:
    texts = ("message_id", "attempt_id", "user_id", "credential_id", "provider", "medium", "state", "reference")
    more = ("fault", "code", "sender", "region", "prefix")
    _table(
        "sends",
        *map(_text, (*texts, *more)),
        _number("cost"),
        _text("currency"),
        _number("reserved"),
        _time("begun_at"),
        _time("ended_at"),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
    )
    for name in ("message_id", "attempt_id", "user_id", "reference"):
        op.create_index(op.f(f"ix_sends_{name}"), "sends", [name])


def _table(name: str, *columns: sa.Column[Any]) -> None:
    id = sa.Column("id", TEXT, nullable=False)
    key = sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{name}"))
    op.create_table(name, id, *columns, key, sqlite_with_rowid=False)


def _text(name: str) -> sa.Column[Any]:
    return sa.Column(name, TEXT, nullable=False)


def _number(name: str) -> sa.Column[Any]:
    return sa.Column(name, WHOLE, nullable=False)


def _time(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.Float(), nullable=False)
