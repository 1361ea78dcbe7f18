"""`wait_reboot`: wait until the nodes answer in the system they should have booted.

Nodes go on as they come: once most have come and the others are late by the set's own measure, the set moves on
and the late ones wait by themselves, until the timeout.
"""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from dataclasses import dataclass

from kadeploy.domain.nodeset import NodeSet
from kadeploy.domain.patience import Patience
from kadeploy.domain.result import Result
from kadeploy.domain.timeout import Timeout
from kadeploy.ports.presence import System
from kadeploy.ports.step import Context, StepResult

_CALLED = {System.MINIMAL: "the minimal environment", System.INSTALLED: "the installed system"}


@dataclass(frozen=True, slots=True, kw_only=True)
class AwaitBoot:
    """`timeout` counts from when the nodes first entered this step."""

    system: System
    timeout: Timeout
    patience: Patience = Patience()

    name = "wait_reboot"

    async def run(self, context: Context, nodes: NodeSet) -> StepResult:
        limit = self.timeout.seconds(len(nodes))
        waited = context.services.clock.now() - context.entered
        left = max(0.0, min(limit - waited, context.time_left))
        came = await self._gather(context, nodes, left)
        missing = nodes - NodeSet(came)
        waited = context.services.clock.now() - context.entered
        if missing and came and waited < limit and waited < context.time_left:
            context.decide(
                f"{len(came)} of {len(nodes)} nodes answer after {waited:.0f} s; {missing} is late and waits by itself"
            )
            return StepResult(result=Result(ok=NodeSet(came)), late=missing)
        reason = f"no answer from {_CALLED[self.system]} within {limit:.0f} s"
        return StepResult(result=Result(ok=NodeSet(came), ko=dict.fromkeys(missing, reason)))

    async def _gather(self, context: Context, nodes: NodeSet, left: float) -> set[str]:
        """The nodes that came before the time was over or the rest was late."""
        loop = asyncio.get_running_loop()
        start = loop.time()
        quorum = False
        came: set[str] = set()
        try:
            async with (
                asyncio.timeout(left) as limit,
                aclosing(context.services.presence.watch(nodes, self.system, context.began)) as arrivals,
            ):
                async for node in arrivals:
                    came.add(node)
                    context.report(node, 1, 1)
                    if len(came) == len(nodes):
                        break
                    if not quorum and self.patience.is_reached(len(came), len(nodes)):
                        quorum = True
                        late = start + self.patience.longest(loop.time() - start)
                        limit.reschedule(min(late, start + left))
        except TimeoutError:
            pass
        return came
