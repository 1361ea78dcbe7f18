"""What Alembic runs: the revisions of `versions/`, on the connection and in the transaction it is handed."""

from __future__ import annotations

from alembic import context

from kadeploy.store.tables import METADATA

# SQLite's DDL is transactional once BEGIN is ours, which store/sqlite.py sees to: a migration that is killed
# in the middle has not happened.
context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    version_table=context.config.attributes["version_table"],
    transactional_ddl=True,
)
context.run_migrations()
