"""What SQLite needs to be told on every connection.

`synchronous=FULL` with the write-ahead log flushes the disk at each commit. NORMAL would be enough to
survive `kill -9` (the kernel keeps what was written), but not a power cut, which is when a machine room most
needs to know what its nodes were doing. `writer.py` commits whatever waits together, so that the price is a
flush a batch, not a flush a call.
"""

from __future__ import annotations

import sqlite3
from typing import Final

from sqlalchemy import Connection, Engine, event
from sqlalchemy.pool import ConnectionPoolEntry

WRITES: Final = "kadeploy_writes"  # execution option of connections that are going to write

_PRAGMAS: Final = (
    "PRAGMA busy_timeout = 30000",  # ms that another process (a second server, a backup) is waited for
    "PRAGMA journal_mode = WAL",  # readers do not wait for the writer, nor it for them
    "PRAGMA synchronous = FULL",
    "PRAGMA foreign_keys = ON",
    "PRAGMA case_sensitive_like = ON",  # as on PostgreSQL
)


def prepare(engine: Engine) -> None:
    """Set every connection of the engine up."""
    event.listen(engine, "connect", _connected)
    event.listen(engine, "begin", _begin)


def _connected(connection: sqlite3.Connection, entry: ConnectionPoolEntry) -> None:
    # The module would begin transactions by itself, too late and not before DDL; `_begin` does it instead.
    connection.isolation_level = None
    for pragma in _PRAGMAS:
        connection.execute(pragma).close()


def _begin(connection: Connection) -> None:
    # A transaction that reads first and writes later cannot wait for another writer (SQLITE_BUSY at once,
    # https://www.sqlite.org/lang_transaction.html): take the write lock at the start.
    writes = connection.get_execution_options().get(WRITES, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
