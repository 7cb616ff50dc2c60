"""Alembic's entry: runs on the connection that ``certsvc/store/migrate.py`` hands over; there is no URL here."""

from __future__ import annotations

from alembic import context

connection = context.config.attributes.get("connection")
if connection is None:
    msg = "run migrations through certsvc.store.migrate.upgrade(url): it brings the connection"
    raise RuntimeError(msg)

context.configure(
    connection=connection,
    target_metadata=context.config.attributes.get("metadata"),
    compare_type=True,
    compare_server_default=True,
    transactional_ddl=True,
    render_as_batch=False,
)
# The caller has begun the transaction and ends it: all revisions of an upgrade take effect together or not at all.
with context.begin_transaction():
    context.run_migrations()
