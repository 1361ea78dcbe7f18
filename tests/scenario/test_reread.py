"""The configuration is read again while operations are under way: these keep what they were planned for, new ones see
what is new, and nodes that are gone end nobody's part but their own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from kadeploy.config.load import Loaded
from kadeploy.config.server import ServerConfig
from kadeploy.domain.event import NodesHeld, OperationEnded
from kadeploy.domain.node import Node, Site
from kadeploy.domain.nodeset import NodeSet
from kadeploy.domain.operation import Operation
from kadeploy.domain.result import Result
from kadeploy.domain.state import OperationState, Progress
from kadeploy.operations.waiting_room import WaitingRoom
from kadeploy.ports.remote import Command, Remote, Terms
from kadeploy.testing.clock import run_jumping
from kadeploy.testing.sites import request_for
from tests.scenario.world import World

BEFORE_FORMATTING = "SetDeploymentEnvUntrusted:format_deploy_part"


@dataclass(frozen=True)
class Overheard:
    """Implements ports.remote.Remote; `devices` are those that commands named."""

    inner: Remote
    devices: list[str] = field(default_factory=list)

    async def run(
        self, nodes: NodeSet, make: Callable[[str], Command], terms: Terms, *, leaves: bool = False
    ) -> Result:
        self.devices.extend(str(made.args["device"]) for made in map(make, nodes) if "device" in made.args)
        return await self.inner.run(nodes, make, terms, leaves=leaves)

    async def stop(self, nodes: NodeSet) -> None:
        await self.inner.stop(nodes)


def overheard(world: World) -> list[str]:
    """Grows as nodes are told to do something to a device."""
    remote = Overheard(world.cluster.services.remote)
    world.cluster.services = replace(world.cluster.services, remote=remote)
    world.engine = world._engine()
    return remote.devices


def reread(world: World, change: Callable[[Node], Node | None]) -> None:
    """Every node becomes what `change` makes of it, or goes."""
    changed = {name: new for name, node in world.site.nodes.items() if (new := change(node)) is not None}
    site = Site(nodes=changed, clusters=dict(world.site.clusters))
    world.live.prepare(Loaded(ServerConfig(), site, ()))()


def on_nvme(node: Node) -> Node:
    return replace(node, block_device="/dev/nvme0n1")


def without_node_2(node: Node) -> Node | None:
    return None if node.name == "node-2" else node


async def held(world: World) -> str:
    operation_id = await world.submit(breakpoint=BEFORE_FORMATTING)
    await world.until(NodesHeld, operation_id)
    return operation_id


async def resumed(world: World, operation_id: str) -> Operation:
    await world.engine.resume(operation_id, by="alice")
    await world.engine.wait(operation_id)
    return await world.operations.get(operation_id)


def test_an_operation_keeps_its_nodes_as_they_were_and_the_next_sees_them_as_they_are() -> None:
    async def scenario() -> None:
        world = World(3)
        devices = overheard(world)
        operation_id = await held(world)
        reread(world, on_nvme)
        operation = await resumed(world, operation_id)
        assert operation.having(Progress.OK) == world.nodes
        assert {device[:8] for device in devices} == {"/dev/vda"}
        devices.clear()
        assert (await world.deploy()).having(Progress.OK) == world.nodes
        assert {device[:12] for device in devices} == {"/dev/nvme0n1"}

    run_jumping(scenario())


def test_a_node_that_is_taken_out_of_the_configuration_is_still_deployed_by_who_has_it() -> None:
    async def scenario() -> None:
        world = World(3)
        operation_id = await held(world)
        reread(world, without_node_2)
        assert world.nodes == NodeSet(["node-1", "node-3"])
        operation = await resumed(world, operation_id)
        assert operation.having(Progress.OK) == NodeSet(["node-1", "node-2", "node-3"])

    run_jumping(scenario())


def test_after_a_restart_nodes_that_are_gone_leave_and_the_others_go_on() -> None:
    async def scenario() -> None:
        world = World(3)
        operation_id = await held(world)
        await world.engine.kill()
        reread(world, without_node_2)
        world.live._nodes._gone.clear()  # a new process has never seen it
        await world.restart()
        operation = await resumed(world, operation_id)
        assert operation.state is OperationState.DONE
        assert operation.having(Progress.OK) == NodeSet(["node-1", "node-3"])
        assert operation.having(Progress.ABORTED) == NodeSet(["node-2"])
        assert not world.operations.locks

    run_jumping(scenario())


def test_who_waited_for_nodes_that_have_moved_to_another_cluster_gets_the_others() -> None:
    async def scenario() -> None:
        world = World(3)
        first = await held(world)
        second = await world.submit(request_for(world.nodes), wait=True)
        reread(world, lambda node: replace(node, cluster="other") if node.name == "node-2" else node)
        await resumed(world, first)
        serving = asyncio.create_task(WaitingRoom(world.operations, world.engine).serve())
        await world.until(OperationEnded, second)
        serving.cancel()
        operation = await world.operations.get(second)
        assert operation.having(Progress.OK) == NodeSet(["node-1", "node-3"])
        assert operation.having(Progress.ABORTED) == NodeSet(["node-2"])

    run_jumping(scenario())
