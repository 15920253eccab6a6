"""Directories, and the people that come from them with all the names they have."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
WHOLE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Apply. The new columns have defaults, so that the program before this one can go on beside it."""
    op.create_table(
        "directories",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("settings", TEXT, nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.Column("version", WHOLE, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_directories")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "aliases",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("user_id", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_aliases")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_aliases_user_id"), "aliases", ["user_id"])
    op.add_column("users", sa.Column("directory", TEXT, nullable=False, server_default=""))
    op.add_column("users", sa.Column("external_id", TEXT, nullable=False, server_default=""))
    op.create_index(op.f("ix_users_external_id"), "users", ["external_id"])
    op.add_column("attempts", sa.Column("attributes", TEXT, nullable=False, server_default="[]"))
    op.add_column("clients", sa.Column("first_factor", TEXT, nullable=False, server_default=""))
    op.add_column("clients", sa.Column("pass_until", sa.Float(), nullable=False, server_default="0"))
