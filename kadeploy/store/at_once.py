"""Many rows as one.

SQLite's driver lets go of the interpreter before each row and has to wait for it behind each: while another thread is
busy, a thousand rows take a second. As one row of JSON they take one wait, and the rest happens beside that thread.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson
from sqlalchemy import Connection, Select, func, select


def rows_at_once(connection: Connection, query: Select[Any]) -> Sequence[Sequence[Any]]:
    """What the query finds, in no order. Its columns must be numbers and texts."""
    found = query.subquery()
    if connection.dialect.name == "sqlite":
        text = connection.scalar(select(func.json_group_array(func.json_array(*found.c))))
        rows: list[list[Any]] = orjson.loads(text or "[]")
        return rows
    return connection.execute(query).all()
