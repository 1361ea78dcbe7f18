"""The server's configuration and database, for commands that work on them whether the server runs or not."""

from __future__ import annotations

import contextlib
import os
import pwd
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

import click

from kadeploy.config.load import load_server
from kadeploy.config.server import ServerConfig
from kadeploy.domain.audit import AuditEntry
from kadeploy.errors import BadConfiguration
from kadeploy.operations.tokens import LOCAL
from kadeploy.ports.store import Audit
from kadeploy.store.audit import SqlAudit
from kadeploy.store.audit_file import FiledAudit
from kadeploy.store.database import Database, is_there

DIRECTORY: Final = click.Path(path_type=Path, file_okay=False, exists=True)
Decorated = TypeVar("Decorated", bound=Callable[..., Any])


class SystemClock:
    """Implements ports.clock.Clock."""

    def now(self) -> float:
        return time.time()


@dataclass(frozen=True, slots=True, kw_only=True)
class Administered:
    config: ServerConfig
    database: Database
    audit: Audit

    async def note(self, action: str, result: str) -> None:
        """What is done here is written down too, under the name of the system's user."""
        entry = AuditEntry(
            at=time.time(),
            user=pwd.getpwuid(os.getuid()).pw_name,
            role=str(LOCAL.role),
            scheme="kadmin",
            action=action,
            result=result,
        )
        await self.audit.add(entry)


def usual_directory() -> Path:
    return Path(os.environ.get("KADEPLOY_CONFIG_DIR", "/etc/kadeploy"))


def configured(command: Decorated) -> Decorated:
    """`--config DIR`, as the argument `directory`."""
    return click.option(
        "--config",
        "directory",
        type=DIRECTORY,
        default=usual_directory,
        help="Directory of kadeploy.yaml, or of server.conf and the other files (default: /etc/kadeploy).",
    )(command)


def never_ran(directory: Path, missing: str) -> BadConfiguration:
    """For commands that need what a server has made, and make nothing themselves."""
    return BadConfiguration(
        f"there is no {missing}: kadeployd has never run with the configuration in {directory}",
        hint="--config DIR names another",
    )


@contextlib.contextmanager
def administered(directory: Path, *, is_made: bool = False) -> Iterator[Administered]:
    """Raises BadConfiguration and DatabaseProblem; also when there is no database, unless it `is_made`."""
    config = load_server(directory)
    if is_made:
        config.state_directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    elif not is_there(config.database_url):
        raise never_ran(directory, "database yet")
    database = Database.open(config.database_url)
    try:
        yield Administered(config=config, database=database, audit=FiledAudit(SqlAudit(database), config.audit.file))
    finally:
        database.close()
