"""A database on the jumping clock: time stands still while the writer's thread is at work."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import nullcontext
from typing import TypeVar

from sqlalchemy import Connection

from kadeploy.store.database import Database
from kadeploy.testing.clock import JumpingLoop

T = TypeVar("T")


class StillDatabase(Database):
    """On any other loop it is a database as all are."""

    async def transact(self, work: Callable[[Connection], T]) -> T:
        loop = asyncio.get_running_loop()
        with loop.outside() if isinstance(loop, JumpingLoop) else nullcontext():
            return await super().transact(work)
