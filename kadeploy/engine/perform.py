"""One visit of a step by a node set: run it, settle every node, decide, report. The durable unit of work.

Everything that a visit leaves behind is written here in one transaction, with the visit's answer: a visit that was
concluded is never made again, and the walk only follows answers.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from kadeploy.domain.awaited import Fetched, FetchedFile
from kadeploy.domain.event import Decided, Event, NodeProgress
from kadeploy.domain.nodeset import NodeSet
from kadeploy.domain.result import Result
from kadeploy.engine import report
from kadeploy.engine.allowance import Allowance
from kadeploy.engine.decide import NOTHING, decide
from kadeploy.engine.fetched import answers_of
from kadeploy.engine.plan import Plan
from kadeploy.engine.run import Run
from kadeploy.engine.said import said_by
from kadeploy.engine.ticket import Ticket
from kadeploy.engine.tries import all_tries
from kadeploy.engine.withdrawable import WITHDRAWN, withdrawable
from kadeploy.errors import KadeployError
from kadeploy.ports.events import Events
from kadeploy.ports.record import Answer, Conclusion, Control, Record
from kadeploy.ports.step import Context, Services, StepResult
from kadeploy.ports.store import Operations

LONGEST: Final = 24 * 3600.0  # seconds a step may take when nothing else bounds it
LEEWAY: Final = 5.0  # seconds for a step that keeps its time to tell who passed: being cut off fails everybody

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Noted:
    """What becomes known while a visit runs: events, how often nodes were tried again in it, files that came."""

    events: list[Event] = field(default_factory=list)
    again: dict[str, int] = field(default_factory=dict)
    fetched: dict[int, FetchedFile] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Performer:
    """Performs visits for every operation of this server."""

    services: Services
    operations: Operations
    record: Record
    control: Control
    events: Events

    async def visit(self, run: Run, ticket: Ticket) -> Answer:
        """Run the ticket's step over its nodes, unless that was done before; never raises for what happens on nodes."""
        known = await self.record.answer(ticket.key)
        if known is not None:
            return known
        here = replace(ticket, nodes=ticket.nodes - run.withdrawn)
        if not here.nodes:
            return NOTHING.to_json()
        plan, began = run.plans[ticket.cluster], self.services.clock.now()
        await self.events.emit(report.started(plan, here, began))
        noted = _Noted()
        outcome = await self._outcome(run, plan, here, noted)
        return await self._conclude(run, here, outcome, noted, began)

    async def _conclude(self, run: Run, ticket: Ticket, outcome: StepResult, noted: _Noted, began: float) -> Answer:
        """Nodes that were withdrawn while the step ran, or while it is written down, are no part of what it came to."""
        plan, at = run.plans[ticket.cluster], self.services.clock.now()
        while True:
            left = ticket.nodes - run.withdrawn
            own = StepResult(result=outcome.result.without(run.withdrawn), late=outcome.late & left)
            later = replace(ticket, excused=ticket.excused + outcome.excused)
            decision = decide(plan, later, own, now=at) if left else NOTHING
            answer = decision.to_json()
            ended = report.ended(plan, ticket, own, noted.again, began, at)
            outcomes = report.outcomes(plan, ticket, own.result, decision)
            courses = run.courses.after(ended, own.result.ok.names, own.late.names)
            conclusion = Conclusion(
                operation=run.operation,
                nodes=left,
                answers={ticket.key: answer, **answers_of(ticket, noted.fetched)},
                outcomes=outcomes,
                events=[*noted.events, ended, *report.events(plan, ticket, own, decision, at)],
                ends=report.ends(plan, ticket, {name: courses[name] for name in outcomes}, len(run.nodes), at),
            )
            gone = await self.record.conclude(conclusion)
            if not gone:
                run.courses.keep(courses)
                run.courses.let_go(outcomes)
                await self.events.announce(*conclusion.events)
                return answer
            run.withdraw(gone)

    async def hold(self, run: Run, ticket: Ticket) -> Answer:
        """Keep the nodes before the ticket's step until its breakpoint holds nobody, or none of them is left."""
        plan = run.plans[ticket.cluster]
        point = plan.names_at(ticket.place)
        has_waited = False
        while True:
            news = run.news
            nodes = ticket.nodes - run.withdrawn
            if point in run.lifted or not nodes:
                return {"until": self.services.clock.now() if has_waited else None}
            event = await self.control.hold(report.held(plan, ticket, nodes, self.services.clock.now()))
            if event is not None:
                await self.events.announce(event)
            has_waited = True
            await news.wait()

    async def _outcome(self, run: Run, plan: Plan, ticket: Ticket, noted: _Noted) -> StepResult:
        micro = plan.micro_at(ticket.place)

        async def once(again: int, nodes: NodeSet) -> StepResult:
            entered = ticket.entered if not again else self.services.clock.now()
            noted.again.update(dict.fromkeys(nodes, again) if again else {})
            return await self._try(run, plan, replace(ticket, nodes=nodes, entered=entered), again, noted)

        if micro.raisable:
            return await once(0, ticket.nodes)
        return await all_tries(micro, ticket.nodes, once)

    async def _try(self, run: Run, plan: Plan, ticket: Ticket, again: int, noted: _Noted) -> StepResult:
        """Run the step once; `again` counts the tries made in its place, beside those of the ticket's place."""
        if ticket.nodes.names <= run.withdrawn.names:
            return StepResult(result=Result.failed(ticket.nodes, WITHDRAWN))
        step = plan.micro_at(ticket.place).step
        allowance = Allowance()
        context = self._context(run, plan, ticket, again, noted, allowance)
        allowance.seconds = context.seconds(LONGEST)
        if allowance.seconds <= 0:
            if ticket.asked:
                await self.services.remote.stop(ticket.nodes)
            return StepResult(result=Result.failed(ticket.nodes, "no time is left for it"))
        work = step.run(context, ticket.nodes)
        outcome = await self._guarded(run, work, ticket.nodes, step.name, allowance)
        result = outcome.result.settle(ticket.nodes - outcome.late)
        return StepResult(result=result, late=outcome.late, excused=allowance.excused)

    async def _guarded(
        self, run: Run, work: Coroutine[object, object, StepResult], nodes: NodeSet, name: str, allowance: Allowance
    ) -> StepResult:
        """Await a step under its limit; what it raises becomes every node's reason."""
        task = asyncio.create_task(work, name=f"{run.operation} {name}")
        with run.visiting(nodes, task):
            try:
                async with allowance.bound(LEEWAY):
                    return await task
            except TimeoutError:
                return StepResult(result=Result.failed(nodes, f"did not end within {allowance.seconds:.0f} s"))
            except asyncio.CancelledError:
                if not nodes.names <= run.withdrawn.names:
                    raise
                return StepResult(result=Result.failed(nodes, WITHDRAWN))
            except KadeployError as error:
                return StepResult(result=Result.failed(nodes, str(error)))
            except Exception as error:
                log.exception("step %s of %s failed by a defect", name, run.operation)
                return StepResult(result=Result.failed(nodes, f"internal error: {error!r}"))
            finally:
                if not task.done():
                    task.cancel()
                    with contextlib.suppress(asyncio.CancelledError):
                        await task

    def _context(
        self, run: Run, plan: Plan, ticket: Ticket, again: int, noted: _Noted, allowance: Allowance
    ) -> Context:
        micro = plan.micro_at(ticket.place)
        step = micro.step
        limit = plan.attempt_at(ticket.place).timeout.seconds(ticket.strength)
        left = ticket.began + ticket.excused + limit - self.services.clock.now() if limit else LONGEST

        def show(node: str, done: int, total: int) -> None:
            at = self.services.clock.now()
            self.events.show(
                NodeProgress(operation=run.operation, at=at, node=node, micro=step.name, done=done, total=total)
            )

        def remember(what: str) -> None:
            at = self.services.clock.now()
            noted.events.append(
                Decided(operation=run.operation, at=at, cluster=ticket.cluster, set=ticket.set, what=what)
            )

        def tell(outputs: Mapping[str, str]) -> None:
            noted.events.extend(said_by(outputs, ticket, micro.name, self.services.clock.now()))

        def keep(fetched: Fetched) -> None:
            noted.fetched.update(fetched)
            run.keep(fetched)

        return Context(
            services=withdrawable(self.services, run),
            operation=run.operation,
            user=run.user,
            cluster=ticket.cluster,
            key=f"{ticket.known_as}+{again}" if again else ticket.known_as,
            began=ticket.began,
            entered=ticket.entered,
            attempt=ticket.place.attempt,
            turn=ticket.place.turn,
            again=ticket.place.again + again,
            strength=ticket.strength,
            time_left=max(left, 0.0),
            limit=micro.timeout.seconds(ticket.strength) or None,
            patience=self.services.site.clusters[ticket.cluster].patience if micro.raisable else None,
            waited=self.services.clock.now() - ticket.entered if ticket.asked else 0.0,
            report=show,
            decide=remember,
            tell=tell,
            uncounted=allowance.uncounted,
            fetched=run.fetched,
            keep=keep,
        )
