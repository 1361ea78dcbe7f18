"""How the broadcast went, for each node, is in the journal: also the links that bytes came bad over."""

from __future__ import annotations

from dataclasses import replace

from kadeploy.domain.automaton import Chosen
from kadeploy.domain.event import NodesSaid
from kadeploy.domain.nodeset import NodeSet
from kadeploy.domain.result import Result
from kadeploy.domain.spread import Spread
from kadeploy.domain.state import Progress
from kadeploy.ports.broadcast import Broadcast, Shipment
from kadeploy.ports.remote import Terms
from kadeploy.testing.clock import run_jumping
from kadeploy.testing.sites import request_for
from tests.scenario.world import World

BAD = "chunk 4 (byte 4194304) came bad from node-1, and was fetched again"


class Talking:
    """One that has something to say of a node."""

    def __init__(self, real: Broadcast) -> None:
        self._real = real
        self.spreads: list[Spread] = []

    async def send(self, nodes: NodeSet, shipment: Shipment, terms: Terms) -> Result:
        self.spreads.append(shipment.spread)
        sent = await self._real.send(nodes, shipment, terms)
        return replace(sent, outputs={"node-2": BAD})


def test_what_the_broadcast_says_of_a_node_is_in_the_journal() -> None:
    async def scenario() -> tuple[World, Talking]:
        world = World(3)
        talking = Talking(world.cluster.services.broadcast)
        world.cluster.services = replace(world.cluster.services, broadcast=talking)
        world.engine = world._engine()
        tree = {"BroadcastEnv": (Chosen(instance="Tree"),)}
        operation = await world.deploy(request_for(world.nodes, automaton=tree))
        assert operation.having(Progress.OK) == world.nodes
        return world, talking

    world, talking = run_jumping(scenario())
    assert talking.spreads == [Spread.TREE]
    (said,) = [event for event in world.events.all if isinstance(event, NodesSaid) and event.text == BAD]
    assert (said.nodes, said.micro) == ("node-2", "send_environment")
