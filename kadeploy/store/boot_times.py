"""How long boots took, for each cluster and way of booting: the latest waits only, as machines and systems change.

Statistics keep those of every node for longer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from sqlalchemy import Connection, delete, insert, select

from kadeploy.domain.boot_times import Way, worth_keeping
from kadeploy.store.database import Database
from kadeploy.store.tables import BOOT_TIMES, NODE_BOOTS

WAITS_KEPT: Final = 50


class SqlBootTimes:
    """`ports.store.BootTimes` on SQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def record(self, cluster: str, way: Way, seconds: Mapping[str, float], *, at: float) -> None:
        await self._database.transact(lambda connection: _record(connection, cluster, way, seconds, at))

    async def recent(self, cluster: str, way: Way) -> Sequence[float]:
        query = select(BOOT_TIMES.c.seconds).where(BOOT_TIMES.c.cluster == cluster, BOOT_TIMES.c.way == way.value)
        waits = await self._database.read(lambda connection: connection.scalars(query).all())
        return [second for wait in waits for second in wait]


def _record(connection: Connection, cluster: str, way: Way, seconds: Mapping[str, float], at: float) -> None:
    row = {"cluster": cluster, "way": way.value, "at": at}
    connection.execute(insert(BOOT_TIMES), {**row, "seconds": list(worth_keeping([*seconds.values()]))})
    rounded = {node: round(second, 2) for node, second in seconds.items()}
    connection.execute(insert(NODE_BOOTS), {**row, "seconds": rounded})
    same = (BOOT_TIMES.c.cluster == cluster, BOOT_TIMES.c.way == way.value)
    newest = select(BOOT_TIMES.c.number).where(*same).order_by(BOOT_TIMES.c.number.desc())
    oldest_kept = connection.scalar(newest.offset(WAITS_KEPT - 1).limit(1))
    if oldest_kept is not None:
        connection.execute(delete(BOOT_TIMES).where(*same, BOOT_TIMES.c.number < oldest_kept))
