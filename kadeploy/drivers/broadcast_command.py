"""An image sent by the administrators' own command: BroadcastEnv's instance Custom.

The command is run once on this server for all nodes, and its exit code is everybody's.
"""

from __future__ import annotations

import shlex
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from kadeploy.domain.node import Cluster, Site
from kadeploy.domain.nodeset import NodeSet
from kadeploy.domain.result import Result
from kadeploy.ports.broadcast import Shipment
from kadeploy.ports.remote import Terms
from kadeploy.process import run

_AS_IT_IS = ("cat",)


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandBroadcast:
    """`directory` is where the file with the nodes is written. Implements ports.broadcast.Broadcast."""

    site: Site
    directory: Path

    async def send(self, nodes: NodeSet, shipment: Shipment, terms: Terms) -> Result:
        """Nodes that want it in different places are served one place after the other."""
        results = []
        for cluster, place, some in self._groups(nodes, shipment.destination):
            with tempfile.NamedTemporaryFile("w", dir=self.directory, prefix="nodes-", suffix=".txt") as file:
                file.writelines(f"{self.site.nodes[name].address}\n" for name in some)
                file.flush()
                unpack = shipment.compression.decompressor or _AS_IT_IS
                words = {
                    "ENVFILE": shipment.image.path,
                    "NODEFILE": file.name,
                    "DESTINATION": place,
                    "DECOMPRESS": shlex.join(unpack if cluster.broadcast_decompresses else _AS_IT_IS),
                }
                finished = await run(_filled(cluster.broadcast_command, words), deadline=terms.deadline)
            results.append(Result(ok=some) if finished.ok else Result.failed(some, finished.reason))
        return Result.merge(*results)

    def _groups(self, nodes: NodeSet, destination: Callable[[str], str]) -> Iterator[tuple[Cluster, str, NodeSet]]:
        groups: dict[tuple[str, str], set[str]] = {}
        for name in nodes:
            groups.setdefault((self.site.nodes[name].cluster, destination(name)), set()).add(name)
        for (cluster, place), names in groups.items():
            yield self.site.clusters[cluster], place, NodeSet(names)


def _filled(command: tuple[str, ...], words: dict[str, str]) -> tuple[str, ...]:
    """Placeholders replaced inside words: what is put in never becomes a word of its own."""
    filled = []
    for word in command:
        for name, value in words.items():
            word = word.replace(name, value)
        filled.append(word)
    return tuple(filled)
