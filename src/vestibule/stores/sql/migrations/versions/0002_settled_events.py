"""Events that were settled in the last minute, for all nodes of one database."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "settled",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.Column("step", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_settled")),
        sqlite_with_rowid=False,
    )
    with op.batch_alter_table("settled", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_settled_at"), ["at"], unique=False)
