"""Runs migrations on the engine that `migrate.upgrade` hands over."""

from alembic import context
from sqlalchemy import Engine

from vestibule.stores.sql.schema import metadata

engine: Engine = context.config.attributes["engine"]
with engine.connect() as connection:
    context.configure(connection=connection, target_metadata=metadata, render_as_batch=True, transactional_ddl=False)
    with context.begin_transaction():
        context.run_migrations()
