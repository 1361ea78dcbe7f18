"""`wait_reboot`: wait until the nodes answer in the system they should have booted.

Nodes go on as they come: once most have come and the others are late by the cluster's own measure, the set moves on
and the late ones wait by themselves, until the timeout.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Final

from kadeploy.domain.boot_times import Way
from kadeploy.domain.nodeset import NodeSet
from kadeploy.domain.patience import Patience, Tally, Usual
from kadeploy.domain.result import Result
from kadeploy.domain.timeout import Timeout
from kadeploy.errors import DatabaseProblem
from kadeploy.ports.presence import System
from kadeploy.ports.step import Context, StepResult

_CALLED = {System.MINIMAL: "the minimal environment", System.INSTALLED: "the installed system"}
OFF: Final = "off"
HERE_ALREADY: Final = 0.5  # seconds: a node that answers at once was here before, and says nothing of a boot's time

log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Wait:
    """One wait: who came, how many seconds after the nodes entered the step, and why the rest is late."""

    came: dict[str, float] = field(default_factory=dict)
    here: set[str] = field(default_factory=set)
    late: str = ""

    @property
    def boots(self) -> Mapping[str, float]:
        return {name: seconds for name, seconds in self.came.items() if name not in self.here}


@dataclass(frozen=True, slots=True, kw_only=True)
class AwaitBoot:
    """`timeout` counts from when the nodes first entered this step; `kexec`: they come without their firmware;
    `addresses`: where nodes are after it, that have another address then."""

    system: System
    timeout: Timeout
    patience: Patience = Patience()
    kexec: bool = False
    addresses: Mapping[str, str] = field(default_factory=dict)

    name = "wait_reboot"

    @property
    def way(self) -> Way:
        return Way(f"{self.system} by kexec" if self.kexec else self.system.value)

    async def run(self, context: Context, nodes: NodeSet) -> StepResult:
        limit = self.timeout.seconds(context.strength)
        if context.limit is not None:
            limit = min(limit, context.limit)
        left = max(0.0, min(limit - _waited(context), context.time_left))
        usual = self.patience.usual(await context.services.boot_times.recent(context.cluster, self.way))
        wait = await self._gather(context, nodes, left, usual)
        await self._remember(context, wait)
        came = NodeSet(wait.came)
        missing = nodes - came
        if missing and wait.late and _waited(context) < limit:
            return await self._leave_behind(context, came, missing, wait.late)
        reason = f"no answer from {_CALLED[self.system]} within {limit:.0f} s"
        return StepResult(result=Result(ok=came, ko=dict.fromkeys(missing, reason)))

    async def _gather(self, context: Context, nodes: NodeSet, left: float, usual: Usual | None) -> _Wait:
        """The nodes that came before the time was over or the rest was late."""
        loop = asyncio.get_running_loop()
        start, before = loop.time(), _waited(context)
        wait, tally = _Wait(), Tally(patience=self.patience, of=len(nodes), usual=usual)
        watch = context.services.presence.watch(
            nodes, self.system, context.began, owner=context.operation, addresses=self.addresses
        )
        try:
            async with asyncio.timeout(left) as limit, aclosing(watch) as arrivals:
                async for node in arrivals:
                    took = loop.time() - start
                    wait.came[node] = before + took
                    if took < HERE_ALREADY:
                        wait.here.add(node)
                    context.report(node, 1, 1)
                    if len(wait.came) == len(nodes):
                        break
                    found = tally.add(before + took)
                    if found is not None and found.seconds < before + left:
                        limit.reschedule(max(start + found.seconds - before, loop.time()))
        except TimeoutError:
            wait.late = tally.late.why if tally.late is not None and tally.late.seconds < before + left else ""
        return wait

    async def _leave_behind(self, context: Context, came: NodeSet, missing: NodeSet, why: str) -> StepResult:
        off = await self._switched_off(context, missing)
        late = missing - NodeSet(off)
        context.decide(
            f"{len(came)} of {len(came) + len(missing)} nodes answer after {_waited(context):.0f} s and go on without "
            f"{missing}: {why}"
        )
        if off:
            context.decide(f"{NodeSet(off)} is not waited for: its power is off")
        return StepResult(result=Result(ok=came, ko=off), late=late)

    async def _switched_off(self, context: Context, missing: NodeSet) -> dict[str, str]:
        """Of the late nodes those that cannot come, with the reason; what does not tell is waited for."""
        if not self.patience.ask_power:
            return {}
        said = (await context.services.power.status(missing)).outputs
        return {name: "its power is off" for name, power in said.items() if power == OFF}

    async def _remember(self, context: Context, wait: _Wait) -> None:
        if not wait.boots:
            return
        try:
            await context.services.boot_times.record(
                context.cluster, self.way, wait.boots, at=context.services.clock.now()
            )
        except DatabaseProblem as error:
            log.warning("how long the nodes took to boot is not recorded: %s", error)


def _waited(context: Context) -> float:
    """Seconds since the nodes first entered this step."""
    return context.services.clock.now() - context.entered
