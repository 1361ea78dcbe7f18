"""How a lab's nodes are, as values and as a table."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from rich.table import Table

from kadeploy.errors import Unavailable
from kadeploy.lab import machines
from kadeploy.lab.cluster import Lab, LabNode
from kadeploy.lab.console import last_lines


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeStatus:
    node: str
    power: str
    firmware: str
    disk: str
    address: str
    mac: str
    bmc: str
    bmc_pid: int | None
    pid: int | None
    serial_log: str
    console: str


def status(lab: Lab) -> list[NodeStatus]:
    return [_of(lab, node) for node in lab.nodes]


def as_json(found: list[NodeStatus]) -> list[dict[str, Any]]:
    return [asdict(each) for each in found]


def as_table(lab: Lab, found: list[NodeStatus]) -> Table:
    spec = lab.spec
    table = Table(
        title=f"lab {spec.name}: bridge {spec.bridge}, {spec.address}/{spec.subnet.prefixlen}, site {lab.site}"
    )
    for title in ("node", "power", "firmware", "disk", "address", "BMC", "pid"):
        table.add_column(title, no_wrap=True)
    table.add_column("console", overflow="ellipsis", no_wrap=True)
    for each in found:
        bmc = each.bmc if each.bmc_pid else f"{each.bmc} (down)"
        table.add_row(
            each.node, each.power, each.firmware, each.disk, each.address, bmc, str(each.pid or "-"), each.console
        )
    return table


def _of(lab: Lab, node: LabNode) -> NodeStatus:
    spec, said = lab.spec, last_lines(node.serial_log, 1)
    return NodeStatus(
        node=node.name,
        power=_power(node),
        firmware=str(node.spec.firmware),
        disk=str(node.spec.disk),
        address=node.address,
        mac=spec.mac(node.name),
        bmc=f"{node.spec.bmc} {spec.address}:{spec.bmc_port(node.name)}",
        bmc_pid=node.bmc.pid,
        pid=machines.pid(node.machine),
        serial_log=str(node.serial_log),
        console=said[0] if said else "",
    )


def _power(node: LabNode) -> str:
    try:
        return node.power
    except Unavailable:
        return "unknown"
