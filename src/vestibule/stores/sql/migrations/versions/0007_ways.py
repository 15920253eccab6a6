"""Ways to prove oneself: what people prefer, where messages go, what a client carries, what was tried in an attempt."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
WHOLE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Apply. The new columns have defaults, so that the program before this one can go on beside it."""
    op.add_column("users", sa.Column("preferred", TEXT, nullable=False, server_default=""))
    op.add_column("credentials", sa.Column("reach", TEXT, nullable=False, server_default=""))
    op.create_index(op.f("ix_credentials_reach"), "credentials", ["reach"])
    op.add_column("clients", sa.Column("pass_through", WHOLE, nullable=False, server_default="0"))
    op.add_column("clients", sa.Column("web", WHOLE, nullable=False, server_default="0"))
    op.add_column("attempts", sa.Column("ways", TEXT, nullable=False, server_default="[]"))
    op.add_column("attempts", sa.Column("tried", TEXT, nullable=False, server_default="[]"))
    op.add_column("attempts", sa.Column("silent", WHOLE, nullable=False, server_default="0"))
    op.execute("UPDATE clients SET web = 1 WHERE id = 'portal' AND networks = '[]'")
