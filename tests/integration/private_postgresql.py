"""A PostgreSQL of the tests' own: its files in a temporary directory, reached by a socket there and nothing else."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import psycopg

START_SECONDS = 30.0


def programs() -> Path | None:
    """The directory of PostgreSQL's server programs, the newest version's; None when it is not installed."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return found[-1].parent if found else None


@contextmanager
def server() -> Iterator[str]:
    """Yield the URL of its first database, up to the name: append one."""
    bin_directory = programs()
    assert bin_directory is not None
    directory = Path(tempfile.mkdtemp(prefix="kadeploy-pg-"))
    try:
        if os.geteuid() == 0:  # the server refuses to be run by root
            shutil.chown(directory, "postgres", "postgres")
        data = str(directory / "data")
        _run([str(bin_directory / "initdb"), "-D", data, "-U", "kadeploy", "-A", "trust", "--no-sync"])
        options = f"-k {directory} -h '' -F"
        control = [str(bin_directory / "pg_ctl"), "-D", data, "-w", "-t", str(int(START_SECONDS))]
        _run([*control, "-l", str(directory / "log"), "-o", options, "start"])
        try:
            yield f"postgresql://kadeploy@/{{name}}?host={directory}"
        finally:
            _run([*control, "-m", "immediate", "stop"])
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def created(pattern: str, name: str, template: str = "template1") -> str:
    """The URL of a new database, a copy of another that nobody is connected to."""
    with psycopg.connect(pattern.format(name="postgres"), autocommit=True) as connection:
        names = map(psycopg.sql.Identifier, (name, template))
        connection.execute(psycopg.sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(*names))
    return pattern.format(name=name)


def _run(argv: Sequence[str]) -> None:
    ids = pwd.getpwnam("postgres") if os.geteuid() == 0 else None
    subprocess.run(
        argv,
        check=True,
        cwd="/",
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        user=ids.pw_uid if ids else None,
        group=ids.pw_gid if ids else None,
        extra_groups=[] if ids else None,
        timeout=2 * START_SECONDS,
    )
