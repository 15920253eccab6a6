"""Runs migrations inside the transaction of the connection that `migrate` hands over."""

from alembic import context
from sqlalchemy import Connection

from vestibule.stores.sql.schema import metadata

connection: Connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=metadata, render_as_batch=True, transactional_ddl=False)
with context.begin_transaction():
    context.run_migrations()
