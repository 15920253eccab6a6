"""From when and until when a key counts, as its issuer says."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Apply. The new columns have defaults, so that the program before this one can go on beside it."""
    op.add_column("credentials", sa.Column("starts_at", sa.Float(), nullable=False, server_default="0"))
    op.add_column("credentials", sa.Column("expires_at", sa.Float(), nullable=False, server_default="0"))
