"""Visits of steps that are made once: their answers, with all that follows from them, in one transaction."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, insert, select

from kadeploy.domain.event import StepEnded
from kadeploy.domain.nodeset import NodeSet
from kadeploy.domain.state import Progress
from kadeploy.ports.record import Answer, Conclusion
from kadeploy.store.database import Database
from kadeploy.store.locks import give_back
from kadeploy.store.outcomes import having, journal, must_exist, settle
from kadeploy.store.tables import VISITS
from kadeploy.store.trips import record_ends, steps_of


class SqlRecord:
    """`ports.record.Record` on SQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def answer(self, key: str) -> Answer | None:
        query = select(VISITS.c.answer).where(VISITS.c.key == key)
        return await self._database.read(lambda connection: connection.scalar(query))

    async def steps(self, operation_id: str) -> Sequence[StepEnded]:
        return await self._database.read(lambda connection: steps_of(connection, operation_id))

    async def conclude(self, conclusion: Conclusion) -> NodeSet:
        return await self._database.transact(lambda connection: _conclude(connection, conclusion))


def _conclude(connection: Connection, conclusion: Conclusion) -> NodeSet:
    must_exist(connection, conclusion.operation)
    aborted = having(connection, conclusion.operation, Progress.ABORTED) & conclusion.nodes
    if aborted:
        return aborted
    rows = [
        {"key": key, "operation": conclusion.operation, "answer": dict(answer)}
        for key, answer in conclusion.answers.items()
    ]
    if rows:
        connection.execute(insert(VISITS), rows)
    settle(connection, conclusion.operation, conclusion.outcomes)
    if conclusion.outcomes:
        give_back(connection, conclusion.operation, Progress.OK, Progress.KO)  # aborted nodes: see `Control.release`
    if conclusion.ends is not None:
        record_ends(connection, conclusion.operation, conclusion.outcomes, conclusion.ends)
    journal(connection, conclusion.events)
    return NodeSet()
