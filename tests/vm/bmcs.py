"""Orders to the BMCs of a virtual cluster, through the server's own drivers."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from kadeploy.config.load import load_site
from kadeploy.domain.node import BmcKind
from kadeploy.domain.nodeset import NodeSet
from kadeploy.domain.power import Level
from kadeploy.domain.result import Result
from kadeploy.drivers.power.driver import PowerDriver, PowerTimings
from kadeploy.drivers.power.ipmi import IpmiPower
from kadeploy.drivers.power.ladder import Ladder
from kadeploy.drivers.power.redfish import RedfishPower
from kadeploy.lab.cluster import Lab


def power(lab: Lab, order: Callable[[Ladder, NodeSet], Awaitable[Result]]) -> Result:
    """To all of them, configured by the site the lab wrote."""
    return _ordered(lab, NodeSet(node.name for node in lab.nodes), order)


def switch_off(lab: Lab, node: str) -> None:
    """At once, as when its power is cut; by its BMC."""
    done = _ordered(lab, NodeSet([node]), lambda ladder, nodes: ladder.off(nodes, Level.HARD))
    assert not done.ko, done.ko


def _ordered(lab: Lab, nodes: NodeSet, order: Callable[[Ladder, NodeSet], Awaitable[Result]]) -> Result:
    async def ask() -> Result:
        timings = PowerTimings()
        drivers: dict[BmcKind, PowerDriver] = {
            BmcKind.IPMI: IpmiPower(timings=timings),
            BmcKind.REDFISH: RedfishPower(timings=timings),
        }
        ladder = Ladder(site=load_site(lab.site).site, bmcs=drivers)
        return await order(ladder, nodes)

    return asyncio.run(ask())
