"""DHCP and TFTP by dnsmasq, for a boot network that has none: configured once, then left alone.

It never learns of a deployment: everything that changes is in the script it sends iPXE to. It serves no DNS, answers
the site's nodes only, and keeps to its interface, so that several live side by side on one machine.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

from kadeploy.domain.node import Node
from kadeploy.errors import BadConfiguration

IPXE = Path("/usr/lib/ipxe")  # Debian package ipxe

# Client architectures (RFC 4578, 2.1, as IANA's registry corrects it): 0 is BIOS, 7 and 9 are UEFI on x86-64.
_PROGRAMS = {"bios": ("undionly.kpxe", (0,)), "efi": ("snponly.efi", (7, 9))}


@dataclass(frozen=True, slots=True, kw_only=True)
class BootNetwork:
    """`boot_url` is the boot server's (http://HOST:PORT). Without a `router` nodes are told of none."""

    interface: str
    network: IPv4Network
    boot_url: str
    router: IPv4Address | None = None
    dns: tuple[IPv4Address, ...] = ()
    domain: str = ""
    tftp_root: Path = IPXE


def configuration(network: BootNetwork, nodes: Iterable[Node], state: Path) -> str:
    """dnsmasq.conf (dnsmasq(8)); its leases, process number and log are in `state`. Raises BadConfiguration."""
    lines = (*_process(network, state), *_leases(network), *_programs(network), *_hosts(network, nodes))
    return "\n".join(lines) + "\n"


def _process(network: BootNetwork, state: Path) -> tuple[str, ...]:
    return (
        "keep-in-foreground",
        "port=0",
        f"interface={network.interface}",
        "except-interface=lo",
        "bind-interfaces",
        f"pid-file={state}/dnsmasq.pid",
        f"dhcp-leasefile={state}/dnsmasq.leases",
        f"log-facility={state}/dnsmasq.log",
    )


def _leases(network: BootNetwork) -> tuple[str, ...]:
    """Fixed addresses only; nobody else has them, so none is probed for before it is given."""
    dns = ",".join(map(str, network.dns))
    return (
        f"dhcp-range={network.network.network_address},static,{network.network.netmask},1h",
        "dhcp-ignore=tag:!known",
        "dhcp-authoritative",
        "no-ping",
        f"dhcp-option=option:router{f',{network.router}' if network.router else ''}",
        *((f"dhcp-option=option:dns-server,{dns}",) if dns else ()),
        *((f"domain={network.domain}",) if network.domain else ()),
    )


def _programs(network: BootNetwork) -> tuple[str, ...]:
    """iPXE (its option 175, https://ipxe.org/howto/dhcpd) gets the script, bare firmware gets iPXE by TFTP."""
    lines = [
        "enable-tftp",
        f"tftp-root={network.tftp_root}",
        "dhcp-match=set:ipxe,175",
        "dhcp-option=tag:ipxe,encap:175,176,1b",
        f"dhcp-boot=tag:ipxe,{network.boot_url}/boot/ipxe?mac=${{netX/mac}}",
    ]
    for kind, (program, architectures) in _PROGRAMS.items():
        lines += [f"dhcp-match=set:{kind},option:client-arch,{number}" for number in architectures]
        lines.append(f"dhcp-boot=tag:!ipxe,tag:{kind},{program}")
    return tuple(lines)


def _hosts(network: BootNetwork, nodes: Iterable[Node]) -> tuple[str, ...]:
    known = [node for node in nodes if node.mac]
    outside = [node.name for node in known if IPv4Address(node.address) not in network.network]
    if outside:
        raise BadConfiguration(
            f"the addresses of {', '.join(outside)} are not in the boot network {network.network}",
            hint="correct the addresses or the network",
        )
    return tuple(f"dhcp-host={node.mac},{node.address},{node.name.partition('.')[0]}" for node in known)
