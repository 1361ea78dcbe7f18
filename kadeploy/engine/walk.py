"""The walk: a node set goes through its plan, and the sets that leave it go through it on their own.

The walk knows nothing of databases: what it has done is remembered by a `Recorder`, which gives the recorded
answer instead of doing a visit again. `durable.py` is the one on DBOS; its in-memory twin serves scenario tests.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol, cast

from kadeploy.engine.decide import Decision
from kadeploy.engine.perform import Performer, Run
from kadeploy.engine.ticket import Ticket

Json = Mapping[str, object]


class Recorder(Protocol):
    """Remembers what one node set's walk has done. Calls come in the same order whenever a walk is repeated."""

    async def once(self, name: str, work: Callable[[], Awaitable[Json]]) -> Json:
        """The answer of `work`, done now or recorded before."""
        ...

    async def branch(self, ticket: Ticket) -> None:
        """Start a child set's walk, unless it was started before."""
        ...

    async def join(self) -> None:
        """Wait until every child's walk has ended."""
        ...


async def walk(ticket: Ticket, run: Run, performer: Performer, recorder: Recorder) -> None:
    """Take the ticket's node set to the end of its plan, and wait for every set that left it."""
    onward: Ticket | None = ticket
    while onward is not None:
        here = onward
        answer = await recorder.once(str(here.place), lambda here=here: _visit(performer, run, here))  # type: ignore[misc]
        for child in cast(list[Json], answer["branches"]):
            await recorder.branch(Ticket.from_json(child))
        onward = Ticket.from_json(cast(Json, answer["onward"])) if answer["onward"] else None
    await recorder.join()


async def _visit(performer: Performer, run: Run, ticket: Ticket) -> Json:
    return _to_json(await performer.visit(run, ticket))


def _to_json(decision: Decision) -> Json:
    return {
        "onward": decision.onward.to_json() if decision.onward else None,
        "branches": [branch.ticket.to_json() for branch in decision.branches],
    }
