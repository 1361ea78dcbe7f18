"""Running one of the agent's commands as a step: the deadline is the step's own or what the attempt has left."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from kadeploy.domain.nodeset import NodeSet
from kadeploy.ports.remote import Command
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
    """`part` tells apart several commands of one step; `leaves` as in the port."""
    result = await context.services.remote.run(
        nodes,
        command,
        key=f"{context.key}/{part}" if part else context.key,
        deadline=context.seconds(timeout),
        report=context.report,
        leaves=leaves,
    )
    return StepResult(result=result)


async def told_by_nodes(context: Context, nodes: NodeSet, command: Callable[[str], Command]) -> StepResult:
    """Running what people wrote: only the plan bounds its time, and what nodes say is kept."""
    outcome = await on_nodes(context, nodes, command, UNBOUNDED)
    context.tell(outcome.result.outputs)
    return outcome
