"""Bring a database to this version's tables, or say why that must not be tried.

Runs inside the caller's transaction, which holds the writer's lock: of two servers that start at once, the
second finds the work done. A database with tables that are not Kadeploy's is refused, never added to.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect

from kadeploy.errors import DatabaseProblem
from kadeploy.store.postgresql import Turn, wait_for

VERSION_TABLE: Final = "kadeploy_version"
_SCRIPTS: Final = Path(__file__).parent / "migrations"


def migrate(connection: Connection, name: str) -> None:
    """Apply the revisions that are missing; raises DatabaseProblem, with `name` to call the database by."""
    wait_for(connection, Turn.MIGRATING)
    config = _config(connection)
    scripts = ScriptDirectory.from_config(config)
    found = _revision(connection, name)
    known = {script.revision for script in scripts.walk_revisions()}
    if found is not None and found not in known:
        raise DatabaseProblem(
            f"{name} has tables of version {found}, and this Kadeploy knows them up to {scripts.get_current_head()}",
            hint="it was used by a newer Kadeploy: run that one, or go back to a copy from before",
        )
    if found != scripts.get_current_head():
        command.upgrade(config, "head")


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    config.attributes["version_table"] = VERSION_TABLE
    return config


def _revision(connection: Connection, name: str) -> str | None:
    tables = inspect(connection).get_table_names()
    if not tables:
        return None
    if VERSION_TABLE not in tables:
        raise DatabaseProblem(
            f"{name} is not a database of Kadeploy: it has other tables ({', '.join(sorted(tables)[:3])})",
            hint="name a file or a database of its own",
        )
    return MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE}).get_current_revision()
