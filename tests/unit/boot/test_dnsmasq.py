from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

import pytest

from kadeploy.boot.dnsmasq import BootNetwork, configuration
from kadeploy.boot.dnsmasq_process import Backoff, is_ours
from kadeploy.errors import BadConfiguration
from tests.unit.boot.memory import node_of, site_with_macs

NETWORK = BootNetwork(interface="kaboot0", network=IPv4Network("10.215.0.0/24"), boot_url="http://10.215.0.1:25301")
STATE = Path("/var/lib/kadeploy/boot")

WHOLE = """\
keep-in-foreground
port=0
interface=kaboot0
except-interface=lo
bind-interfaces
pid-file=/var/lib/kadeploy/boot/dnsmasq.pid
dhcp-leasefile=/var/lib/kadeploy/boot/dnsmasq.leases
log-facility=/var/lib/kadeploy/boot/dnsmasq.log
dhcp-range=10.215.0.0,static,255.255.255.0,1h
dhcp-ignore=tag:!known
dhcp-authoritative
no-ping
dhcp-option=option:router
enable-tftp
tftp-root=/usr/lib/ipxe
dhcp-match=set:ipxe,175
dhcp-option=tag:ipxe,encap:175,176,1b
dhcp-boot=tag:ipxe,http://10.215.0.1:25301/boot/ipxe?mac=${netX/mac}
dhcp-match=set:bios,option:client-arch,0
dhcp-boot=tag:!ipxe,tag:bios,undionly.kpxe
dhcp-match=set:efi,option:client-arch,7
dhcp-match=set:efi,option:client-arch,9
dhcp-boot=tag:!ipxe,tag:efi,snponly.efi
dhcp-host=52:54:00:00:00:01,10.215.0.1,node-1
dhcp-host=52:54:00:00:00:02,10.215.0.2,node-2
"""


def test_the_whole_configuration() -> None:
    assert configuration(NETWORK, site_with_macs(2).nodes.values(), STATE) == WHOLE


def test_what_a_network_may_have_besides() -> None:
    network = replace(
        NETWORK,
        router=IPv4Address("10.215.0.254"),
        dns=(IPv4Address("10.215.0.2"), IPv4Address("9.9.9.9")),
        domain="lab.example",
    )
    lines = configuration(network, [node_of("node-1.lab.example")], STATE).splitlines()
    assert "dhcp-option=option:router,10.215.0.254" in lines
    assert "dhcp-option=option:dns-server,10.215.0.2,9.9.9.9" in lines
    assert "domain=lab.example" in lines
    assert lines[-1] == "dhcp-host=52:54:00:00:00:01,10.215.0.1,node-1"


def test_nodes_outside_the_network_are_all_named() -> None:
    nodes = [node_of("in"), node_of("out-1", address="10.1.0.1"), node_of("out-2", address="10.1.0.2")]
    with pytest.raises(BadConfiguration, match=r"out-1, out-2 are not in the boot network 10\.215\.0\.0/24"):
        configuration(NETWORK, nodes, STATE)


def test_a_node_without_a_mac_gets_no_lease() -> None:
    assert "dhcp-host" not in configuration(NETWORK, [node_of(mac="")], STATE)


def test_pauses_double_up_to_a_limit_and_start_over_after_a_good_run() -> None:
    backoff = Backoff(first=1, longest=5, settled=60)
    pause = 0.0
    pauses = [pause := backoff.after(pause, ran) for ran in (0.1, 0.1, 0.1, 0.1, 59.9, 60.0, 0.1)]
    assert pauses == [1, 2, 4, 5, 5, 1, 2]


def test_a_process_number_alone_proves_nothing() -> None:
    assert not is_ours(1, STATE / "dnsmasq.conf")
    assert not is_ours(0, STATE / "dnsmasq.conf")
