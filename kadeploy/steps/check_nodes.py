"""`check_nodes`: the nodes run their production system, from which they are installed without a reboot.

Our agent is started in that system, so that all that follows is as in the minimal environment.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Final

from kadeploy.domain.boot import BootKind, BootTarget
from kadeploy.domain.disk import partition_path
from kadeploy.domain.nodeset import NodeSet
from kadeploy.domain.result import Result
from kadeploy.ports.presence import System
from kadeploy.ports.step import Context, StepResult
from kadeploy.steps.send_deployment_kernel import NO_SSH

FOLDER: Final = "/run/kadeploy"
_AGENT: Final = f"{FOLDER}/agent.pyz"
# A session of SSH lasts until nobody holds its pipes any more.
# Everybody in that system can read arguments, and only root an environment.
_APART: Final = f'export KADEPLOY_AGENT="$*"; exec setsid --fork python3 {_AGENT} </dev/null >{FOLDER}/agent.log 2>&1'


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckNodes:
    """`number` is the production partition, which must be what is mounted as the root."""

    number: int
    timeout: float = 120.0

    name = "check_nodes"

    async def run(self, context: Context, nodes: NodeSet) -> StepResult:
        running = context.services.running
        if running is None:
            return StepResult(result=Result.failed(nodes, NO_SSH))
        deadline = context.seconds(self.timeout)
        asked = await running.run(nodes, lambda _: ("findmnt", "-no", "SOURCE", "/"), deadline=deadline)
        wrong = self._wrong(context, asked)
        right = asked.ok - NodeSet(wrong)
        checked = Result(ok=right, ko={**asked.ko, **wrong})
        if not right:
            return StepResult(result=checked)
        return StepResult(result=Result.merge(checked, await self._start_agents(context, right, deadline)))

    def _wrong(self, context: Context, asked: Result) -> dict[str, str]:
        site = context.services.site
        wrong = {}
        for name in asked.ok:
            root = partition_path(site.nodes[name].block_device, self.number)
            found = asked.outputs.get(name, "").strip()
            if found != root:
                wrong[name] = f"does not run its production system: its root is {found or 'unknown'}, not {root}"
        return wrong

    async def _start_agents(self, context: Context, nodes: NodeSet, deadline: float) -> Result:
        running, boot = context.services.running, context.services.boot
        assert running is not None
        target = BootTarget(kind=BootKind.MINIMAL)
        direct = {name: await boot.direct(name, target) for name in nodes}
        put = await running.put(nodes, {_AGENT: next(iter(direct.values())).agent}, deadline=deadline)
        began = await running.run(put.ok, lambda name: _start(direct[name].arguments), deadline=deadline)
        reported: set[str] = set()
        try:
            async with (
                asyncio.timeout(deadline),
                aclosing(context.services.presence.watch(began.ok, System.MINIMAL, context.began)) as arrivals,
            ):
                async for name in arrivals:
                    reported.add(name)
        except TimeoutError:
            pass
        silent = dict.fromkeys(began.ok - NodeSet(reported), f"its agent did not report within {deadline:.0f} s")
        return Result(ok=NodeSet(reported), ko={**put.ko, **began.ko, **silent})


def _start(arguments: Sequence[str]) -> tuple[str, ...]:
    """The agent as a process of its own, told what the minimal environment's kernel would tell it."""
    return ("sh", "-c", _APART, "agent", *(word for word in arguments if word.startswith("kadeploy.")))
