"""Restarting nodes as a step: through the reboot window, nodes that share a supply together."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

from kadeploy.domain.nodeset import NodeSet
from kadeploy.domain.result import Result
from kadeploy.ports.step import Context, StepResult

TOLD: Final = 1.0  # seconds of waiting that are worth an event


async def in_window(context: Context, nodes: NodeSet, act: Callable[[NodeSet], Awaitable[Result]]) -> StepResult:
    units = context.services.site.switched_together(nodes)
    with context.uncounted():
        passed = await context.services.reboots.through(units, act, owner=context.operation)
    if passed.waited >= TOLD:
        context.decide(f"the last of {len(nodes)} nodes waited {passed.waited:.0f} s for the reboot window")
    return StepResult(result=passed.result)
