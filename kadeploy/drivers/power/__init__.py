"""Every way to switch a node's power that is configured by its BMC's kind."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from kadeploy.domain.node import BmcKind
from kadeploy.drivers.power.driver import PowerDriver, PowerTimings
from kadeploy.drivers.power.ipmi import IpmiPower
from kadeploy.drivers.power.redfish import RedfishPower

DRIVERS: Mapping[BmcKind, Callable[[PowerTimings], PowerDriver]] = {
    BmcKind.IPMI: lambda timings: IpmiPower(timings=timings),
    BmcKind.REDFISH: lambda timings: RedfishPower(timings=timings),
}
