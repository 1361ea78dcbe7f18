"""What PostgreSQL needs where SQLite has one writer anyway: turns, so that two servers do not race.

A lock is held to the end of the transaction (https://www.postgresql.org/docs/current/explicit-locking.html,
advisory locks). The keys are arbitrary; they only have to differ.
"""

from __future__ import annotations

from enum import IntEnum

from sqlalchemy import Connection, text


class Turn(IntEnum):
    MIGRATING = 0x6B616401
    TAKING_NODES = 0x6B616402
    GRANTING = 0x6B616403


def wait_for(connection: Connection, turn: Turn) -> None:
    """Until the transaction ends, no other one has this turn."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": turn.value})
