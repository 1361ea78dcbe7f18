"""The database: open it, bring its tables up to date, and run work on it without blocking the event loop.

SQLite by default (`sqlite:////var/lib/kadeploy/kadeploy.db`), PostgreSQL by another URL. The repositories beside
this file hand it functions of a connection; nothing else in Kadeploy knows that there are threads or SQL.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Final, TypeVar

from sqlalchemy import URL, Connection, Engine, create_engine, inspect, make_url, text
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError

from kadeploy.errors import DatabaseProblem
from kadeploy.store import sqlite
from kadeploy.store.migrate import VERSION_TABLE, migrate
from kadeploy.store.writer import Writer

T = TypeVar("T")

_TOUCH: Final = text(f"UPDATE {VERSION_TABLE} SET version_num = version_num")  # writes, and changes nothing
_READERS: Final = 4  # threads that read; SQLite serves them beside the writer
_DRIVERS: Final = {"sqlite": "sqlite+pysqlite", "postgresql": "postgresql+psycopg"}
_SNAPSHOT: Final = {"postgresql": {"isolation_level": "REPEATABLE READ"}}  # SQLite knows nothing else

# What the databases say (a part of it), and what to do about it.
_REMEDIES: Final = {
    "file is not a database": "it is damaged or not a database: name another file, or restore a copy",
    "malformed": "it is damaged: stop the server and restore a copy",
    "unable to open": "the file and its directory must be writable for the server",
    "readonly": "the file and its directory must be writable for the server",
    "is locked": "another process has been writing to it for long: end that one",
    "is full": "make room on its disk",
    "connection": "see that PostgreSQL runs and that the URL is right",
}


class Database:
    """Open with `Database.open`; `close` waits for what is being written."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._name = name_of(engine.url)
        self._reading = engine.execution_options(**_SNAPSHOT.get(engine.dialect.name, {}))
        self._writer = Writer(engine)
        self._readers = ThreadPoolExecutor(_READERS, thread_name_prefix="database-reader")

    @classmethod
    def open(cls, url: str) -> Database:
        """Connect and migrate, blocking; raises DatabaseProblem saying what is wrong with the database."""
        parsed = _parse(url)
        _make_place(parsed)
        engine = create_engine(parsed, pool_pre_ping=parsed.drivername.startswith("postgresql"))
        if engine.dialect.name == "sqlite":
            sqlite.prepare(engine)
        try:
            with engine.execution_options(**{sqlite.WRITES: True}).begin() as connection:
                migrate(connection, name_of(parsed))
        except SQLAlchemyError as error:
            engine.dispose()
            raise _problem(name_of(parsed), error) from error
        except DatabaseProblem:
            engine.dispose()
            raise
        return cls(engine)

    async def read(self, work: Callable[[Connection], T]) -> T:
        """Run work that only reads, on one consistent state of the database."""
        try:
            return await asyncio.get_running_loop().run_in_executor(self._readers, self._read, work)
        except SQLAlchemyError as error:
            raise _problem(self._name, error) from error

    async def transact(self, work: Callable[[Connection], T]) -> T:
        """Run work that writes: all of it is recorded when this returns, and none of it when this raises.

        When the caller is cancelled meanwhile, either may be the case.
        """
        try:
            answer: T = await asyncio.wrap_future(self._writer.submit(work))
        except SQLAlchemyError as error:
            raise _problem(self._name, error) from error
        return answer

    async def check(self) -> None:
        """Raises DatabaseProblem when it cannot be written to."""
        await self.transact(lambda connection: connection.execute(_TOUCH))

    def close(self) -> None:
        self._writer.close()
        self._readers.shutdown()
        self._engine.dispose()

    def _read(self, work: Callable[[Connection], T]) -> T:
        with self._reading.connect() as connection:
            return work(connection)


def is_there(url: str) -> bool:
    """Whether a server has used the database; makes nothing, blocking. Raises DatabaseProblem when it cannot tell."""
    parsed = _parse(url)
    if parsed.drivername == _DRIVERS["sqlite"]:
        with suppress(PermissionError):
            return Path(str(parsed.database)).exists()
        return True  # opening it tells what is wrong
    engine = create_engine(parsed)
    try:
        return inspect(engine).has_table(VERSION_TABLE)
    except SQLAlchemyError as error:
        raise _problem(name_of(parsed), error) from error
    finally:
        engine.dispose()


def name_of(url: URL) -> str:
    """What to call a database in a sentence: its file, or its URL without the password."""
    if url.drivername.startswith("sqlite"):
        return f"the database {url.database}"
    return f"the database {url.render_as_string(hide_password=True)}"


def _parse(url: str) -> URL:
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise DatabaseProblem("the database's URL is not one", hint="as in sqlite:////PATH") from error
    parsed = parsed.set(drivername=_DRIVERS.get(parsed.drivername, parsed.drivername))
    if parsed.drivername not in _DRIVERS.values():
        raise DatabaseProblem(f"a database of kind {parsed.drivername!r} cannot be used", hint="sqlite or postgresql")
    if parsed.drivername == _DRIVERS["sqlite"] and parsed.database in (None, "", ":memory:"):
        raise DatabaseProblem("the database's URL names no file", hint="as in sqlite:////PATH")
    return parsed


def _make_place(parsed: URL) -> None:
    if parsed.drivername != _DRIVERS["sqlite"]:
        return
    directory = Path(str(parsed.database)).absolute().parent
    if not directory.is_dir():
        raise DatabaseProblem(f"the directory {directory} of {name_of(parsed)} does not exist", hint="create it")
    with suppress(OSError):  # SQLite says it better
        Path(str(parsed.database)).touch(mode=0o600)


def _problem(name: str, error: SQLAlchemyError) -> DatabaseProblem:
    said = str(error.orig if isinstance(error, DBAPIError) else error).strip()
    first = said.splitlines()[0] if said else type(error).__name__
    hint = next((remedy for part, remedy in _REMEDIES.items() if part in said), None)
    return DatabaseProblem(f"{name} does not answer as it should: {first}", hint=hint)
