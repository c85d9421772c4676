"""What Alembic runs: every step in one transaction, its own number included.

SQLite's DDL is transactional, which Alembic does not assume of it. The connection is given by
`monitor.store.migration`, which begins real transactions.
"""

from alembic import context

from monitor.store.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transactional_ddl=True,
    transaction_per_migration=True,
)
with context.begin_transaction():
    context.run_migrations()
