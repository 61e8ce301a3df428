"""Alembic's entry: runs on the connection that :func:`arengo.state.open_state` hands over."""

from alembic import context

from arengo.state import tables

context.configure(
    connection=context.config.attributes["connection"], target_metadata=tables.metadata, transactional_ddl=True
)
with context.begin_transaction():
    context.run_migrations()
