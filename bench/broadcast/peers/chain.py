"""Ours."""

from __future__ import annotations

from bench.broadcast.peers.arena import Arena
from kadeploy.broadcast.manifest import manifest_of
from kadeploy.broadcast.sink import SinkKind, SinkOrder
from kadeploy.broadcast.source import Head
from kadeploy.testing.chain import give_orders, relays, started
from kadeploy.testing.namespaces import inside


class OurChain:
    needs = ""

    def run(self, arena: Arena) -> None:
        manifest = manifest_of(arena.image)
        with relays(len(arena.hosts) - 1, arena.hosts[1:]) as nodes:
            with inside(arena.hosts[0]):
                head = Head(arena.image, manifest, host=arena.hosts[0].address)
            with started(head):
                arena.nodes.update(enumerate((node.process for node in nodes), 1))
                arena.begin()
                copies = {node.name: str(arena.copy(number)) for number, node in enumerate(nodes, 1)}
                give_orders(
                    head,
                    nodes,
                    lambda name: SinkOrder(kind=SinkKind.FILE, path=copies[name]),
                    host=arena.hosts[0].address,
                )
                arena.wait(lambda number: arena.copy(number).exists())
