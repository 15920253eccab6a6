"""What the columns of the one schema are made of."""

from sqlalchemy import BigInteger, Column, Float, Integer, MetaData, Text

TEXT = Text().with_variant(Text(collation="C"), "postgresql")
WHOLE = BigInteger().with_variant(Integer(), "sqlite")

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def text(name: str) -> Column[str]:
    """A text that is always there."""
    return Column(name, TEXT, nullable=False)


def number(name: str) -> Column[int]:
    """A whole number that is always there."""
    return Column(name, WHOLE, nullable=False)


def time(name: str) -> Column[float]:
    """Seconds since the epoch."""
    return Column(name, Float, nullable=False)


def identity() -> Column[str]:
    """The id of a row."""
    return Column("id", TEXT, primary_key=True)
