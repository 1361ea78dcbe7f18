"""A new database as all migrations leave it, made once a process and then copied: most tests want one of their own, and
few are about how it comes to be."""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path

from kadeploy.store.database import Database


def migrated(path: Path) -> str:
    """The URL of the SQLite database `path`, which is made if it is not there."""
    if not path.exists():
        path.touch(mode=0o600)
        path.write_bytes(_content())
    return f"sqlite:///{path}"


@cache
def _content() -> bytes:
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory, "kadeploy.db")
        Database.open(f"sqlite:///{path}").close()
        return path.read_bytes()
