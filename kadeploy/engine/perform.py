"""One visit of a step by a node set: run it, settle every node, decide, report. The durable unit of work.

Everything that a visit leaves behind (outcomes in the store, events) is written here, inside the recorded step,
so that the walk itself only follows tickets.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Final

from kadeploy.domain.event import (
    Decided,
    Event,
    NodeFailed,
    NodeProgress,
    NodesDone,
    SetBranched,
    StepEnded,
    StepStarted,
)
from kadeploy.domain.nodeset import NodeSet
from kadeploy.domain.operation import Outcome
from kadeploy.domain.result import Result
from kadeploy.domain.state import Progress
from kadeploy.engine.decide import Decision, decide
from kadeploy.engine.plan import Plan
from kadeploy.engine.ticket import Ticket
from kadeploy.errors import KadeployError
from kadeploy.ports.events import Events
from kadeploy.ports.step import Context, Services, StepResult
from kadeploy.ports.store import Operations

LONGEST: Final = 24 * 3600.0  # seconds a step may take when nothing else bounds it
ABORTED: Final = "aborted"

log = logging.getLogger(__name__)


@dataclass(slots=True, kw_only=True)
class Run:
    """One operation being carried out: its plans, and what must end when it is aborted."""

    operation: str
    user: str
    plans: Mapping[str, Plan]
    aborted: bool = False
    tasks: set[asyncio.Task[StepResult]] = field(default_factory=set)

    def abort(self) -> None:
        self.aborted = True
        for task in self.tasks:
            task.cancel()


@dataclass(frozen=True, slots=True, kw_only=True)
class Performer:
    """Performs visits for every operation of this server."""

    services: Services
    operations: Operations
    events: Events

    async def visit(self, run: Run, ticket: Ticket) -> Decision:
        """Run the ticket's step over its nodes; never raises for what happens on nodes."""
        plan = run.plans[ticket.cluster]
        started = self.services.clock.now()
        await self.events.emit(self._started(plan, ticket, started))
        outcome = await self._outcome(run, plan, ticket, started)
        ended = self.services.clock.now()
        decision = _given_up(outcome) if run.aborted else decide(plan, ticket, outcome, now=ended)
        await self._settle(run, plan, ticket, outcome, decision)
        await self.events.emit(*self._report(plan, ticket, outcome, decision, started, ended))
        return decision

    async def _outcome(self, run: Run, plan: Plan, ticket: Ticket, started: float) -> StepResult:
        if run.aborted:
            return StepResult(result=Result.failed(ticket.nodes, ABORTED))
        step = plan.attempt_at(ticket.place).steps[ticket.place.step]
        context, emitted = self._context(run, plan, ticket, started)
        work = step.run(context, ticket.nodes)
        outcome = await self._guarded(run, work, ticket.nodes, step.name, context.time_left)
        if emitted:
            await self.events.emit(*emitted)
        return StepResult(result=outcome.result.settle(ticket.nodes - outcome.late), late=outcome.late)

    async def _guarded(
        self, run: Run, work: Coroutine[object, object, StepResult], nodes: NodeSet, name: str, limit: float
    ) -> StepResult:
        """Await a step under its limit; what it raises becomes every node's reason."""
        task = asyncio.create_task(work, name=f"{run.operation} {name}")
        run.tasks.add(task)
        try:
            async with asyncio.timeout(limit):
                return await task
        except TimeoutError:
            return StepResult(result=Result.failed(nodes, f"did not end within {limit:.0f} s"))
        except asyncio.CancelledError:
            if not run.aborted:
                raise
            return StepResult(result=Result.failed(nodes, ABORTED))
        except KadeployError as error:
            return StepResult(result=Result.failed(nodes, str(error)))
        except Exception as error:
            log.exception("step %s of %s failed by a defect", name, run.operation)
            return StepResult(result=Result.failed(nodes, f"internal error: {error!r}"))
        finally:
            run.tasks.discard(task)
            if not task.done():
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task

    def _context(self, run: Run, plan: Plan, ticket: Ticket, started: float) -> tuple[Context, list[Event]]:
        attempt = plan.attempt_at(ticket.place)
        step = attempt.steps[ticket.place.step]
        limit = attempt.timeout.seconds(len(ticket.nodes))
        left = ticket.began + limit - started if limit else LONGEST
        decided: list[Event] = []

        def report(node: str, done: int, total: int) -> None:
            at = self.services.clock.now()
            self.events.show(
                NodeProgress(operation=run.operation, at=at, node=node, micro=step.name, done=done, total=total)
            )

        def remember(what: str) -> None:
            at = self.services.clock.now()
            decided.append(Decided(operation=run.operation, at=at, cluster=ticket.cluster, set=ticket.set, what=what))

        context = Context(
            services=self.services,
            operation=run.operation,
            user=run.user,
            cluster=ticket.cluster,
            key=ticket.key,
            began=ticket.began,
            entered=ticket.entered,
            turn=ticket.place.turn,
            time_left=max(left, 0.0),
            report=report,
            decide=remember,
        )
        return context, decided

    async def _settle(self, run: Run, plan: Plan, ticket: Ticket, outcome: StepResult, decision: Decision) -> None:
        macro, micro = _names(plan, ticket)
        said = outcome.result.outputs
        failed = Progress.ABORTED if run.aborted else Progress.KO
        outcomes = {
            name: Outcome(progress=failed, macro=macro, micro=micro, reason=reason)
            for name, reason in decision.failed.items()
        }
        outcomes.update({name: Outcome(progress=Progress.OK, output=said.get(name, "")) for name in decision.done})
        if outcomes:
            await self.operations.settle(run.operation, outcomes)

    def _started(self, plan: Plan, ticket: Ticket, at: float) -> StepStarted:
        attempt = plan.attempt_at(ticket.place)
        return StepStarted(
            operation=ticket.operation,
            at=at,
            cluster=ticket.cluster,
            set=ticket.set,
            macro=plan.stages[ticket.place.stage].macro,
            instance=attempt.instance,
            micro=attempt.steps[ticket.place.step].name,
            turn=ticket.place.turn,
            nodes=str(ticket.nodes),
        )

    def _report(
        self, plan: Plan, ticket: Ticket, outcome: StepResult, decision: Decision, started: float, ended: float
    ) -> list[Event]:
        begun = self._started(plan, ticket, ended)
        macro, micro = _names(plan, ticket)
        place = {"operation": ticket.operation, "at": ended, "cluster": ticket.cluster, "set": ticket.set}
        events: list[Event] = [
            StepEnded(
                operation=ticket.operation,
                at=ended,
                cluster=ticket.cluster,
                set=ticket.set,
                macro=begun.macro,
                instance=begun.instance,
                micro=micro,
                turn=begun.turn,
                seconds=ended - started,
                ok=str(outcome.result.ok),
                ko=outcome.result.ko,
                late=str(outcome.late),
            )
        ]
        events += [
            SetBranched(**place, child=branch.ticket.set, nodes=str(branch.ticket.nodes), why=branch.why)  # type: ignore[arg-type]
            for branch in decision.branches
        ]
        events += [
            NodeFailed(**place, node=name, macro=macro, micro=micro, reason=reason)  # type: ignore[arg-type]
            for name, reason in decision.failed.items()
        ]
        if decision.done:
            said = {name: text for name, text in outcome.result.outputs.items() if name in decision.done}
            events.append(NodesDone(**place, nodes=str(decision.done), outputs=said))  # type: ignore[arg-type]
        return events


def _names(plan: Plan, ticket: Ticket) -> tuple[str, str]:
    """Kadeploy3's names: the macro-step with its instance, and the micro-step."""
    attempt = plan.attempt_at(ticket.place)
    return plan.stages[ticket.place.stage].macro + attempt.instance, attempt.steps[ticket.place.step].name


def _given_up(outcome: StepResult) -> Decision:
    """An aborted operation ends every node where it is."""
    nodes = outcome.result.ok.names | outcome.result.ko.keys() | outcome.late.names
    return Decision(onward=None, branches=(), done=NodeSet(), failed=dict.fromkeys(nodes, ABORTED))
