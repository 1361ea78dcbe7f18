"""The nodes and clusters of a running server, which change when the configuration is read again.

Whoever looks later sees what was read later. Plans are made from what is seen when they are made, and an operation
keeps its nodes as they were when it began; what works with the nodes themselves sees them as they are now.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TypeVar

from kadeploy.config.load import Loaded
from kadeploy.domain.node import Cluster, Node, Site

T = TypeVar("T")


class Live(Mapping[str, T]):
    """What is there now. What was there once can still be had by its name: an operation may be at it."""

    def __init__(self, started: Mapping[str, T]) -> None:
        self._seen = started
        self._gone: dict[str, T] = {}

    def become(self, new: Mapping[str, T]) -> None:
        before = {**self._gone, **self._seen}
        self._gone = {name: one for name, one in before.items() if name not in new}
        self._seen = new

    def __getitem__(self, name: str) -> T:
        return self._seen[name] if name in self._seen else self._gone[name]

    def __contains__(self, name: object) -> bool:
        return name in self._seen

    def __iter__(self) -> Iterator[str]:
        return iter(self._seen)

    def __len__(self) -> int:
        return len(self._seen)


class LiveSite:
    """`site` is what the server's parts are given; it changes under them."""

    def __init__(self, started: Site) -> None:
        self._nodes: Live[Node] = Live(started.nodes)
        self._clusters: Live[Cluster] = Live(started.clusters)
        self._groups: Live[str] = Live(started.groups)
        self.site = Site(nodes=self._nodes, clusters=self._clusters, groups=self._groups)

    def prepare(self, new: Loaded) -> Callable[[], object]:
        def turn() -> None:
            self._nodes.become(new.site.nodes)
            self._clusters.become(new.site.clusters)
            self._groups.become(new.site.groups)

        return turn
