"""What is known of nodes: their names, and what was last made of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from kadeploy.domain.nodeset import NodeSet
from kadeploy.errors import NotFound
from kadeploy.operations.selection import Selection
from kadeploy.ports.store import NodeRecord
from kadeploy.ports.store import Nodes as NodeStore


class Nodes:
    """The use case."""

    def __init__(self, *, selection: Selection, nodes: NodeStore) -> None:
        self._selection = selection
        self._nodes = nodes

    def names(self, texts: Sequence[str]) -> NodeSet:
        """The nodes that are meant, every node when none is named; raises NotFound when nobody knows any of them."""
        if not texts:
            return self._selection.every()
        found = self._selection.known(texts)
        if not found:
            raise NotFound(f"there is no node {', '.join(texts)}")
        return found

    def groups(self) -> Mapping[str, str]:
        """The nodes of each group, folded, by the name that follows its @; clusters are groups."""
        return self._selection.groups

    async def states(self, texts: Sequence[str]) -> Mapping[str, NodeRecord | None]:
        """By full name, in natural order; None for a node never touched."""
        names = self.names(texts)
        known = await self._nodes.get(names)
        return {name: known.get(name) for name in names}
