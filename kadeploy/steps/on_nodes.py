"""Running one of the agent's commands as a step: the deadline is the step's own or what the attempt has left."""

from __future__ import annotations

from collections.abc import Callable

from kadeploy.domain.nodeset import NodeSet
from kadeploy.ports.remote import Command
from kadeploy.ports.step import Context, StepResult


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
        deadline=min(timeout, context.time_left),
        report=context.report,
        leaves=leaves,
    )
    return StepResult(result=result)
