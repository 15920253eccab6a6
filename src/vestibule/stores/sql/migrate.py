"""Bring a database to the schema of this program. Alembic takes half a second to import, so only those who need it do."""

from pathlib import Path

from alembic import command
from alembic.config import Config

from vestibule.stores.sql import sqlite
from vestibule.stores.sql.reading import Cursor
from vestibule.stores.sql.statements import Statements

OLDEST_PROGRAM = "0.1.0"


def upgrade(url: str) -> None:
    """Run the migrations that are due, and name the oldest program that may use the result."""
    sqlite.file_of(url).touch(mode=0o600)
    engine = sqlite.engine_of(url)
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["engine"] = engine
    command.upgrade(config, "head")
    connection = sqlite.writing_connection(engine, checkpoint_pages=64)
    try:
        _name_oldest_program(connection.cursor(), Statements(engine.dialect))
    finally:
        connection.close()


def _name_oldest_program(cursor: Cursor, statements: Statements) -> None:
    cursor.execute(statements.set_state, ("oldest_program", OLDEST_PROGRAM))
