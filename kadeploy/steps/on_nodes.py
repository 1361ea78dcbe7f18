"""Asking nodes for something as a step: the deadline is the step's own or what the attempt has left, and those that
are through with it go on when the others are late."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

from kadeploy.domain.nodeset import NodeSet
from kadeploy.domain.result import Result
from kadeploy.ports.company import Company
from kadeploy.ports.remote import Command, Terms
from kadeploy.ports.step import Context, StepResult

UNBOUNDED: Final = 24 * 3600.0  # seconds, for what only the plan bounds


async def on_nodes(
    context: Context,
    nodes: NodeSet,
    command: Callable[[str], Command],
    timeout: float,
    *,
    part: str = "",
    leaves: bool = False,
) -> StepResult:
    """Run one of the agent's commands. `part` tells apart several of one step; `leaves` as in the port."""
    remote = context.services.remote
    return await together(
        context, nodes, lambda terms: remote.run(nodes, command, terms, leaves=leaves), timeout, part=part
    )


async def together(
    context: Context,
    nodes: NodeSet,
    ask: Callable[[Terms], Awaitable[Result]],
    timeout: float,
    *,
    part: str = "",
) -> StepResult:
    """Ask all of these nodes, on the terms that are given to `ask`."""
    company = Company(context.patience, nodes) if context.patience is not None else None
    terms = Terms(
        key=f"{context.key}/{part}" if part else context.key,
        deadline=context.seconds(timeout),
        report=context.report,
        company=company,
    )
    try:
        outcome = StepResult.of(nodes, await ask(terms))
    finally:
        if company is not None:
            company.close()
    if company is not None and company.late is not None and outcome.late:
        context.decide(
            f"{len(nodes - outcome.late)} of {len(nodes)} nodes are through after {company.seconds:.0f} s and do not "
            f"wait for {outcome.late}: {company.late.why}"
        )
    return outcome if company is not None else StepResult(result=outcome.result)


async def told_by_nodes(context: Context, nodes: NodeSet, command: Callable[[str], Command]) -> StepResult:
    """Running what people wrote: only the plan bounds its time, and what nodes say is kept."""
    outcome = await on_nodes(context, nodes, command, UNBOUNDED)
    context.tell(outcome.result.outputs)
    return outcome
