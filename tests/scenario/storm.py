"""One storm: operations over a cluster full of faults, aborted, withdrawn from, held and killed at random moments.

Everything is drawn from the seed, so that a storm that went wrong can be seen again.
"""

from __future__ import annotations

import asyncio
import random
import tempfile
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final, Protocol

from kadeploy.domain.node import Site
from kadeploy.domain.nodeset import NodeSet
from kadeploy.domain.operation import Operation, new_operation_id
from kadeploy.domain.power import Level
from kadeploy.domain.request import RebootRequest
from kadeploy.domain.state import OperationKind, Progress
from kadeploy.drivers.window import SlotWindow
from kadeploy.engine.plan import Plan
from kadeploy.plans.build import build_deploy
from kadeploy.plans.codec import encode
from kadeploy.plans.reboot import build_reboot
from kadeploy.ports.clock import Clock
from kadeploy.ports.engine import Engine
from kadeploy.ports.store import Operations
from kadeploy.testing.clock import StillLoop, run_jumping
from kadeploy.testing.cluster import SimulatedCluster
from kadeploy.testing.nodes import draw_faults
from kadeploy.testing.timing import Skewed, Timing
from tests.scenario.larder import ARCHIVES, Larder
from tests.scenario.world import World

LONGEST: Final = 6 * 3600.0  # simulated seconds in which every operation must have come to its end, or be held
LOOK: Final = 30.0
SLOW: Final = 60.0  # seconds, before and after a file is pinned
BAD: Final = 0.05  # of the files
WILD: Final = Timing(boot_minimal=Skewed(60.0, 0.4), boot_installed=Skewed(40.0, 0.4), kexec=Skewed(10.0, 0.4))


@dataclass(slots=True, kw_only=True)
class Storm:
    """`wrong` is what must not have happened, one sentence each."""

    seed: int
    nodes: int = 0
    operations: int = 0
    kills: int = 0
    progress: dict[Progress, int] = field(default_factory=dict)
    held: int = 0
    wrong: list[str] = field(default_factory=list)


def storm(seed: int, *, kills: bool = False) -> Storm:
    """Let one rage on a world in memory, with real files, on the jumping clock."""

    async def in_memory(larder: Larder) -> Storm:
        storming = Storming(seed)
        told, weather = storming.told, storming.weather
        world = World(told.nodes, seed=seed, timing=WILD, larder=larder, clusters=storming.clusters, **weather)
        return await storming.rage(world, larder, kill=world.restart if kills else None)

    with tempfile.TemporaryDirectory(prefix="storm-") as directory:
        larder = Larder(Path(directory), seed=seed, slow=SLOW, bad=BAD)
        try:
            return run_jumping(in_memory(larder), StillLoop)
        finally:
            larder.cache.close()


class Stormy(Protocol):
    """The world that it rages on."""

    @property
    def site(self) -> Site: ...
    @property
    def clock(self) -> Clock: ...
    @property
    def cluster(self) -> SimulatedCluster: ...
    @property
    def operations(self) -> Operations: ...
    @property
    def engine(self) -> Engine: ...

    async def locked(self) -> Collection[str]: ...


class Storming:
    """`weather` is what the world is to be made of."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.told = Storm(seed=seed, nodes=self.chance.randint(3, 40))
        self.names = [f"node-{index}" for index in range(1, self.told.nodes + 1)]
        faults = draw_faults(self.names, share=self.chance.random() ** 2, seed=seed)
        window = SlotWindow(self.chance.randint(1, 20), self.chance.choice([0.0, 2.0, 10.0]))
        self.weather: dict[str, Any] = {"faults": faults, "window": window}
        self.clusters = random.Random(f"{seed} clusters").randint(1, 3)

    async def rage(self, world: Stormy, larder: Larder, *, kill: Callable[[], Awaitable[None]] | None = None) -> Storm:
        """From its beginning to its end. With `kill`, the world's server is killed now and then."""
        self.world, self.larder = world, larder
        await larder.stock()
        kills = self.chance.randint(1, 3)
        submitted = [asyncio.create_task(self._submit(part)) for part in self._parts()]
        disturbed = [
            asyncio.create_task(self._disturb()),
            *(asyncio.create_task(self._kill(kill)) for _ in range(kills) if kill is not None),
        ]
        await asyncio.gather(*submitted, *disturbed)
        return await self._settle()

    async def go_on(self, world: Stormy, larder: Larder) -> Storm:
        """What another process, which was killed, has begun."""
        self.world, self.larder = world, larder
        return await self._settle()

    async def _settle(self) -> Storm:
        await self._until_quiet()
        await self._check()
        return self.told

    def _parts(self) -> list[NodeSet]:
        """The nodes, dealt to some operations."""
        hands = self.chance.randint(1, 4)
        parts = [NodeSet(self.names[hand::hands]) for hand in range(hands)]
        return [part for part in parts if part]

    async def _submit(self, nodes: NodeSet) -> None:
        await asyncio.sleep(self.chance.uniform(0, 60))
        kind = self.chance.choice([OperationKind.DEPLOYMENT] * 4 + [OperationKind.REBOOT])
        operation_id = new_operation_id(kind)
        plans = await self._plans(operation_id, kind, nodes)
        operation = Operation(
            id=operation_id,
            kind=kind,
            user="alice",
            nodes=nodes,
            created=self.world.clock.now(),
            plans={cluster: encode(plan) for cluster, plan in plans.items()},
        )
        await self.world.operations.create(operation)
        await self.world.engine.start(operation.id)

    async def _plans(self, operation_id: str, kind: OperationKind, nodes: NodeSet) -> Mapping[str, Plan]:
        """One for each cluster that the nodes are of."""
        site = self.world.site
        if kind is OperationKind.REBOOT:
            reboot = RebootRequest(nodes=nodes, level=self.chance.choice(list(Level)))
            return {cluster: build_reboot(reboot, site, cluster) for cluster in site.by_cluster(nodes)}
        request = await self.larder.request(
            operation_id,
            nodes,
            site,
            archive=self.chance.randrange(ARCHIVES),
            sent=self.chance.random() < 0.3,
        )
        plans = {cluster: build_deploy(request, site, cluster) for cluster in site.by_cluster(nodes)}
        if self.chance.random() < 0.1:
            return {cluster: _with_breakpoint(plan, self.chance) for cluster, plan in plans.items()}
        return plans

    async def _disturb(self) -> None:
        """Now and then somebody aborts, takes nodes out, or resumes."""
        for _ in range(self.chance.randint(0, 4)):
            await asyncio.sleep(self.chance.expovariate(1 / 120))
            running = list(await self.world.operations.running())
            if not running:
                continue
            chosen = self.chance.choice(running)
            operation = await self.world.operations.get(chosen)
            match self.chance.choice(["abort", "withdraw", "withdraw", "resume"]):
                case "abort":
                    await self._asked(self.world.engine.abort(chosen, by="alice"))
                case "withdraw":
                    some = self.chance.sample(list(operation.nodes), self.chance.randint(1, len(operation.nodes)))
                    await self._asked(self.world.engine.withdraw(chosen, NodeSet(some), by="alice"))
                case "resume":
                    await self.world.engine.resume(chosen, by="alice")

    async def _asked(self, request: object) -> None:
        """Somebody whose server is killed meanwhile does not hear the end of it."""
        task = asyncio.ensure_future(request)  # type: ignore[call-overload]
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError:
            if asyncio.current_task() and asyncio.current_task().cancelling():  # type: ignore[union-attr]
                raise

    async def _kill(self, kill: Callable[[], Awaitable[None]]) -> None:
        await asyncio.sleep(self.chance.uniform(0, 400))
        await kill()
        self.told.kills += 1

    async def _until_quiet(self) -> None:
        """Until every operation has ended; what is held is resumed once nothing else moves."""
        waited = 0.0
        while running := await self.world.operations.running():
            await asyncio.sleep(LOOK)
            waited += LOOK
            operations = [await self.world.operations.get(operation) for operation in running]
            if all(_is_held(operation) for operation in operations):
                for operation in operations:
                    self.told.held += len(operation.having(Progress.HELD))
                    await self.world.engine.resume(operation.id, by="alice")
            if waited > LONGEST:
                self.told.wrong += [f"{operation.id} has not ended: {_where(operation)}" for operation in operations]
                return

    async def _check(self) -> None:
        world, wrong = self.world, self.told.wrong
        for kind in (OperationKind.DEPLOYMENT, OperationKind.REBOOT):
            for operation in await world.operations.list(kind):
                self.told.operations += 1
                for name, outcome in operation.outcomes.items():
                    self.told.progress[outcome.progress] = self.told.progress.get(outcome.progress, 0) + 1
                    if not outcome.progress.is_final:
                        wrong.append(f"{name} is {outcome.progress} in {operation.id}, which has ended")
                    elif outcome.progress is not Progress.OK and not outcome.reason:
                        wrong.append(f"{name} is {outcome.progress} without a reason")
        await asyncio.sleep(world.cluster.window.pause + 1.0)
        window = world.cluster.window
        if (window.used, window.resting, window.waiting) != (0, 0, 0):
            wrong.append(f"the window has {window.used} used, {window.resting} resting, {window.waiting} waiting")
        if locked := await world.locked():
            wrong.append(f"{NodeSet(locked)} is still locked")
        if world.cluster.watched:
            wrong.append(f"{NodeSet(world.cluster.watched)} is still watched")
        wrong += self.larder.left()
        left = asyncio.all_tasks() - {asyncio.current_task()}
        wrong += [f"the task {task.get_name()} is left over" for task in left if not task.done()]


def _with_breakpoint(plan: Plan, chance: random.Random) -> Plan:
    stages = list(plan.stages)
    index = chance.randrange(len(stages))
    first, *others = stages[index].attempts
    steps = list(first.steps)
    at = chance.randrange(len(steps))
    steps[at] = replace(steps[at], breakpoint=True)
    stages[index] = replace(stages[index], attempts=(replace(first, steps=tuple(steps)), *others))
    return replace(plan, stages=tuple(stages))


def _is_held(operation: Operation) -> bool:
    return bool(operation.having(Progress.HELD)) and not operation.having(Progress.PROCESSING)


def _where(operation: Operation) -> str:
    return ", ".join(f"{progress}: {len(operation.having(progress))}" for progress in Progress)
