"""What this server can do, for people and for tools that look before they ask."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from kadeploy.domain.node import Site
from kadeploy.plans.build import AUTOMATON

NETWORK_BOOT: Final = "iPXE"


class Info:
    """The use case; its words are those of the `info` resource."""

    def __init__(self, site: Site) -> None:
        self._site = site

    def clusters(self) -> list[str]:
        return sorted(self._site.clusters)

    def info(self) -> dict[str, object]:
        clusters = [self._site.clusters[name] for name in self.clusters()]
        return {
            "pxe": NETWORK_BOOT,
            "automata": {cluster.name: self._automaton() for cluster in clusters},
            "supported_fs": {cluster.name: list(cluster.supported_fs) for cluster in clusters},
            "vars": [],
        }

    def _automaton(self) -> Mapping[str, object]:
        # Clients print an instance's values in the order they come in.
        return {
            macro: [{"name": macro + choice.instance, "retries": choice.retries, "timeout": 0} for choice in chosen]
            for macro, chosen in AUTOMATON.items()
        }
