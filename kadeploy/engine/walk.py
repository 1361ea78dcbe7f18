"""The walk: a node set goes through its plan, and the sets that leave it go through it on their own.

The walk knows nothing of databases: what it has done is remembered by a `Recorder`, which gives the recorded
answer instead of doing a visit again. `durable.py` is the one on DBOS; its in-memory twin serves scenario tests.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Protocol, cast

from kadeploy.domain.event import Decided
from kadeploy.domain.nodeset import NodeSet
from kadeploy.engine.decide import NOTHING
from kadeploy.engine.gathering import gather, inside, is_shared
from kadeploy.engine.perform import Performer
from kadeploy.engine.plan import Place
from kadeploy.engine.run import Run
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

    async def told(self, child: Ticket) -> str:
        """What a child's walk answers, once it has ended."""
        ...

    async def join(self) -> None:
        """Wait until every child's walk has ended."""
        ...


async def walk(ticket: Ticket, run: Run, performer: Performer, recorder: Recorder) -> str:
    """Take the ticket's node set to the end of its plan, and wait for every set that left it.

    Where a stage lets nobody go on alone, a set that was born in it ends with it, and the answer is who passed, folded;
    the set it left goes on with them.
    """
    plan = run.plans[ticket.cluster]
    was_born_there = "." in ticket.set
    born: list[Ticket] = []
    onward: Ticket | None = ticket
    while onward is not None:
        here = onward
        if plan.micro_at(here.place).breakpoint:
            here = await _held(performer, run, here, recorder)
        here, answer = await _visited(performer, run, here, recorder)
        leaving = [Ticket.from_json(child) for child in cast(list[Json], answer["branches"])]
        for child in leaving:
            await recorder.branch(child)
        born += leaving
        onward = Ticket.from_json(cast(Json, answer["onward"])) if answer["onward"] else None
        if onward is not None and onward.place.stage == here.place.stage:
            continue
        if plan.gathers(here.place):
            passed = await _who_passed(onward, born, recorder)
            if was_born_there and here.place.stage == ticket.place.stage:
                return str(passed)
            left = replace(here, children=here.children + len(leaving))
            onward = await _together(performer, left, passed, recorder) if passed else None
        born = []
    await recorder.join()
    return ""


async def _who_passed(onward: Ticket | None, born: list[Ticket], recorder: Recorder) -> NodeSet:
    """Of the set and of those that left it in this stage, once all of them are through with it."""
    passed = onward.nodes if onward is not None else NodeSet()
    for child in born:
        if told := await recorder.told(child):
            passed |= NodeSet.parse(told)
    return passed


async def _together(performer: Performer, here: Ticket, passed: NodeSet, recorder: Recorder) -> Ticket:
    """The set at the beginning of the next stage, with all who passed this one."""
    following = Place(stage=here.place.stage + 1)

    async def gather() -> Json:
        at = performer.services.clock.now()
        what = f"{passed} go on together: nobody is in the macro-step before any more"
        await performer.events.emit(
            Decided(operation=here.operation, at=at, cluster=here.cluster, set=here.set, what=what)
        )
        return {"at": at}

    answer = await recorder.once(f"together at {following}", gather)
    return here.moved(following, passed, at=cast(float, answer["at"]))


async def _visited(performer: Performer, run: Run, here: Ticket, recorder: Recorder) -> tuple[Ticket, Json]:
    """The set and what its visit came to: nothing, if it has joined another set on the way."""
    if here.asked or not is_shared(run.plans[here.cluster], here.place):
        return here, await recorder.once(str(here.place), lambda: performer.visit(run, here))
    gathered = await recorder.once(f"gathered at {here.place}", lambda: gather(performer, run, here))
    if gathered["ticket"] is None:
        return here, NOTHING.to_json()
    own = Ticket.from_json(cast(Json, gathered["ticket"]))
    with inside(run, own):
        return own, await recorder.once(str(own.place), lambda: performer.visit(run, own))


async def _held(performer: Performer, run: Run, here: Ticket, recorder: Recorder) -> Ticket:
    """The set when its breakpoint has let it go."""
    answer = await recorder.once(f"held at {here.place}", lambda: performer.hold(run, here))
    until = cast(float | None, answer["until"])
    return here if until is None else here.waited(until=until)
