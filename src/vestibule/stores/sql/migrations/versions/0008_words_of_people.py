"""Words that people are found by, and an index of what was administered, for the pages of administration."""

from collections.abc import Iterator

import sqlalchemy as sa
from alembic import op

from vestibule.core.users import User
from vestibule.wire.words import words_of

revision = "0008"
down_revision = "0007"

AT_ONCE = 1000
TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Apply. A program before this one does not know the table: people whom it adds are found by their name only."""
    words = op.create_table(
        "words",
        sa.Column("word", TEXT, nullable=False),
        sa.Column("user_id", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("word", "user_id", name=op.f("pk_words")),
        sqlite_with_rowid=False,
    )
    only = sa.text("kind = 'administration'")
    op.create_index("ix_journal_administration", "journal", ["at"], sqlite_where=only, postgresql_where=only)
    for people in _pages():
        rows = [{"word": word, "user_id": user.id} for user in people for word in sorted(words_of(user))]
        if rows:
            op.bulk_insert(words, rows)


def _pages() -> Iterator[list[User]]:
    """Everybody, as far as it takes to find them."""
    after = ""
    some = sa.text(
        "SELECT id, name, key, first_name, last_name, email FROM users WHERE id > :after ORDER BY id LIMIT :most"
    )
    while rows := op.get_bind().execute(some, {"after": after, "most": AT_ONCE}).all():
        yield [User(id, name, key, first, last, mail) for id, name, key, first, last, mail in rows]
        after = rows[-1][0]
