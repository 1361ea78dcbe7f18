"""What this server can do, for people and for tools that look before they ask."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from kadeploy.domain.exported import NAMES
from kadeploy.domain.node import Cluster, Site
from kadeploy.domain.timeout import Timeout

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
            "automata": {cluster.name: _automaton(cluster) for cluster in clusters},
            "supported_fs": {cluster.name: list(cluster.supported_fs) for cluster in clusters},
            "vars": list(NAMES),
        }


def _automaton(cluster: Cluster) -> Mapping[str, object]:
    # Clients print an instance's values in the order they come in.
    return {
        macro: [
            {"name": macro + one.instance, "retries": one.retries, "timeout": _number(one.timeout)} for one in chosen
        ]
        for macro, chosen in cluster.automaton.items()
    }


def _number(timeout: Timeout) -> int | str:
    return int(timeout.formula) if timeout.formula.isdecimal() else timeout.formula
