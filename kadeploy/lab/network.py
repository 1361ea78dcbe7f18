"""The lab's own network: a bridge nothing else is connected to, with the host at its first address.

It is made with iproute2 and is no libvirt network, so that labs cannot disturb a site's own. Its alias says whose it
is; a bridge without that alias is left alone.
"""

from __future__ import annotations

import json
import shutil
from ipaddress import IPv4Network, ip_network
from pathlib import Path

from kadeploy.errors import Conflict
from kadeploy.lab.command import run
from kadeploy.lab.spec import LabSpec

CHAINS = ("FORWARD", "INPUT")
SETTINGS = {
    "ipv4/conf/{bridge}/forwarding": "0",  # isolated even where the host routes
    "ipv6/conf/{bridge}/disable_ipv6": "1",
}


def bring_up(spec: LabSpec) -> bool:
    """Make the lab's bridge; false if it was there. Raises Conflict if its name or its addresses are taken."""
    if _is_ours(spec):
        return False
    if Path(f"/sys/class/net/{spec.bridge}").exists():
        raise Conflict(
            f"There is a network interface {spec.bridge} that is not this lab's", hint="give the lab another name"
        )
    if taken := overlapping(spec.subnet, _networks()):
        raise Conflict(f"The subnet {spec.subnet} is taken by {taken}", hint="choose another one with --subnet")
    bridge = ("dev", spec.bridge)
    _ip("link", "add", "name", spec.bridge, "address", _mac(spec), "type", "bridge", "forward_delay", "0")
    _ip("link", "set", *bridge, "alias", _alias(spec))
    for path, value in SETTINGS.items():
        if (setting := Path("/proc/sys/net") / path.format(bridge=spec.bridge)).exists():
            setting.write_text(value)
    _ip("address", "add", f"{spec.address}/{spec.subnet.prefixlen}", "brd", "+", *bridge)
    _ip("link", "set", *bridge, "up")
    for chain in _dropping_chains():
        _iptables("-I", chain, *_rule(spec, chain))
    return True


def take_down(spec: LabSpec) -> bool:
    """Remove the lab's bridge; false if there was none."""
    if not _is_ours(spec):
        return False
    for chain in _dropping_chains():
        if f"-i {spec.bridge} " in _iptables("-S", chain):
            _iptables("-D", chain, *_rule(spec, chain))
    _ip("link", "delete", "dev", spec.bridge)
    return True


def overlapping(subnet: IPv4Network, others: dict[str, list[IPv4Network]]) -> str | None:
    """The first interface, and its network, that the subnet would collide with."""
    for device, networks in others.items():
        for network in networks:
            if network.prefixlen > 0 and network.overlaps(subnet):
                return f"{network} on {device}"
    return None


def may_drop(listing: str) -> bool:
    """Whether a chain, as `iptables -S` lists it, could drop a packet."""
    rules = [line.split() for line in listing.splitlines()]
    return any(words[0] == "-A" or words[-1] != "ACCEPT" for words in rules if words)


def _networks() -> dict[str, list[IPv4Network]]:
    found: dict[str, list[IPv4Network]] = {}
    for interface in json.loads(_ip("-json", "-4", "address", "show")):
        for each in interface.get("addr_info", []):
            network = ip_network(f"{each['local']}/{each['prefixlen']}", strict=False)
            found.setdefault(interface["ifname"], []).append(IPv4Network(network))
    for route in json.loads(_ip("-json", "-4", "route", "show")):
        if route["dst"] != "default":
            found.setdefault(route.get("dev", "a route"), []).append(IPv4Network(route["dst"]))
    return found


def _is_ours(spec: LabSpec) -> bool:
    alias = Path(f"/sys/class/net/{spec.bridge}/ifalias")
    return alias.exists() and alias.read_text().strip() == _alias(spec)


def _alias(spec: LabSpec) -> str:
    return f"kadeploy lab {spec.name}"


def _mac(spec: LabSpec) -> str:
    # A bridge without an address of its own changes it with its ports, and ARP caches on the nodes go stale.
    return f"52:54:00:{spec.mac(spec.machines[0].name)[9:14]}:fe"


def _dropping_chains() -> list[str]:
    """Where the host's firewall could stop the lab: bridged packets meet it too where br_netfilter is loaded."""
    if shutil.which("iptables") is None:
        return []
    return [chain for chain in CHAINS if may_drop(_iptables("-S", chain))]


def _rule(spec: LabSpec, chain: str) -> tuple[str, ...]:
    out = ("-o", spec.bridge) if chain == "FORWARD" else ()
    return ("-i", spec.bridge, *out, "-j", "ACCEPT")


def _ip(*argv: str) -> str:
    return run(("ip", *argv), package="iproute2")


def _iptables(*argv: str) -> str:
    return run(("iptables", "-w", *argv), package="iptables")
