"""What a visit of a step leaves behind: the outcomes of nodes that came to their end in it, and its events."""

from __future__ import annotations

from collections.abc import Mapping

from kadeploy.domain.course import Course
from kadeploy.domain.event import Event, NodeFailed, NodesDone, NodesHeld, SetBranched, StepEnded, StepStarted
from kadeploy.domain.nodeset import NodeSet
from kadeploy.domain.operation import Outcome
from kadeploy.domain.result import Result
from kadeploy.domain.state import Progress
from kadeploy.engine.decide import Decision
from kadeploy.engine.plan import Plan
from kadeploy.engine.ticket import Ticket
from kadeploy.engine.tried import tried
from kadeploy.ports.record import Ends
from kadeploy.ports.step import StepResult


def started(plan: Plan, ticket: Ticket, at: float) -> StepStarted:
    return StepStarted(
        operation=ticket.operation,
        at=at,
        cluster=ticket.cluster,
        set=ticket.set,
        macro=plan.stages[ticket.place.stage].macro,
        instance=plan.attempt_at(ticket.place).instance,
        micro=plan.micro_at(ticket.place).name,
        turn=ticket.place.turn,
        nodes=str(ticket.nodes),
    )


def held(plan: Plan, ticket: Ticket, nodes: NodeSet, at: float) -> NodesHeld:
    return NodesHeld(
        operation=ticket.operation,
        at=at,
        cluster=ticket.cluster,
        set=ticket.set,
        macro=plan.stages[ticket.place.stage].macro,
        instance=plan.attempt_at(ticket.place).instance,
        micro=plan.micro_at(ticket.place).name,
        nodes=str(nodes),
    )


def outcomes(plan: Plan, ticket: Ticket, result: Result, decision: Decision) -> Mapping[str, Outcome]:
    macro, micro = plan.names_at(ticket.place)
    what = tried(plan, ticket.place) if decision.failed else ""
    said = result.outputs
    ended = {
        name: Outcome(
            progress=Progress.KO, macro=macro, micro=micro, reason=reason, output=said.get(name, ""), tried=what
        )
        for name, reason in decision.failed.items()
    }
    ended.update({name: Outcome(progress=Progress.OK, output=said.get(name, "")) for name in decision.done})
    return ended


def ends(plan: Plan, ticket: Ticket, courses: Mapping[str, Course], strength: int, at: float) -> Ends | None:
    """What statistics are told of the nodes that have ended, which is nothing when there are none."""
    if not courses:
        return None
    return Ends(
        at=at,
        cluster=ticket.cluster,
        strength=strength,
        image_size=plan.image_size,
        image_sha256=plan.image_sha256,
        courses=courses,
    )


def events(plan: Plan, ticket: Ticket, outcome: StepResult, decision: Decision, at: float) -> list[Event]:
    """What is told when the visit has ended, in this order, after `ended`."""
    macro, micro = plan.names_at(ticket.place)
    place = {"operation": ticket.operation, "at": at, "cluster": ticket.cluster, "set": ticket.set}
    said = outcome.result.outputs
    told: list[Event] = [
        SetBranched(**place, child=branch.ticket.set, nodes=str(branch.ticket.nodes), why=branch.why)  # type: ignore[arg-type]
        for branch in decision.branches
    ]
    what = tried(plan, ticket.place) if decision.failed else ""
    told += [
        NodeFailed(
            **place,  # type: ignore[arg-type]
            node=name,
            macro=macro,
            micro=micro,
            reason=reason,
            output=said.get(name, ""),
            tried=what,
        )
        for name, reason in decision.failed.items()
    ]
    if decision.done:
        outputs = {name: text for name, text in said.items() if name in decision.done}
        told.append(NodesDone(**place, nodes=str(decision.done), outputs=outputs))  # type: ignore[arg-type]
    return told


def ended(
    plan: Plan, ticket: Ticket, outcome: StepResult, again: Mapping[str, int], began: float, at: float
) -> StepEnded:
    """`again`: nodes with which the step was tried again inside this visit, and how often."""
    begun = started(plan, ticket, at)
    here = outcome.result.ok.names | outcome.result.ko.keys() if again else frozenset[str]()
    return StepEnded(
        operation=begun.operation,
        at=at,
        cluster=begun.cluster,
        set=begun.set,
        macro=begun.macro,
        instance=begun.instance,
        micro=begun.micro,
        turn=begun.turn,
        seconds=at - began,
        ok=str(outcome.result.ok),
        ko=outcome.result.ko,
        late=str(outcome.late),
        limit=plan.attempt_at(ticket.place).timeout.seconds(ticket.strength),
        again={name: count for name, count in again.items() if name in here},
    )
