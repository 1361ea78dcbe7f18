"""The virtual cluster itself: its machines, their BMCs, its network, and that nothing of it stays."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import sushy

from kadeploy.domain.power import Level
from kadeploy.lab import domain_xml, libvirtd, machines
from kadeploy.lab.cluster import LABS, Lab, LabNode
from tests.vm.bmcs import power
from tests.vm.waiting import wait_for

pytestmark = [pytest.mark.vm, pytest.mark.timeout(300)]

NAME = "labtest"
SUBNET = "10.218.0.0/24"
BESIDE = "labtest2"
SUBNET_BESIDE = "10.218.1.0/24"
DIRECTORY = LABS / NAME
STRANGER = "kalab-labtest-stranger"  # named like the lab's own, and not the lab's


def kalab(*argv: str) -> subprocess.CompletedProcess[str]:
    tool = [str(Path(sys.executable).with_name("kalab")), *argv]
    return subprocess.run(tool, capture_output=True, text=True, timeout=200, check=False)


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    done = kalab("up", NAME, "--subnet", SUBNET, "--memory", "512M", "--disk", "node-3=1G")
    assert done.returncode == 0, done.stderr
    try:
        yield Lab.load(DIRECTORY)
    finally:
        if DIRECTORY.exists():
            kalab("down", NAME)


@pytest.fixture
def off(lab: Lab) -> Iterator[Lab]:
    """The lab, with no machine running before and after."""
    for node in lab.nodes:
        node.destroy()
    yield lab
    if lab.directory.exists():
        for node in lab.nodes:
            node.plug()
            node.destroy()


def pids(lab: Lab) -> list[int | None]:
    return [machines.pid(node.machine) for node in lab.nodes]


def said(node: LabNode) -> str:
    return node.serial_log.read_text(errors="replace") if node.serial_log.exists() else ""


def test_status_tells_a_mixed_lab_that_is_off(lab: Lab) -> None:
    done = kalab("status", NAME, "--json")
    assert done.returncode == 0, done.stderr
    nodes = json.loads(done.stdout)
    assert [node["power"] for node in nodes] == ["off", "off", "off"]
    assert [node["firmware"] for node in nodes] == ["bios", "uefi", "bios"]
    assert [node["disk"] for node in nodes] == ["virtio", "nvme", "virtio"]
    assert [node["bmc"] for node in nodes] == [
        "ipmi 10.218.0.1:6231",
        "redfish 10.218.0.1:8002",
        "ipmi 10.218.0.1:6233",
    ]
    assert all(node["bmc_pid"] for node in nodes)


def test_up_again_changes_nothing(lab: Lab) -> None:
    before = {path: path.read_bytes() for path in lab.directory.rglob("*.json")}
    bmcs = [node.bmc.pid for node in lab.nodes]
    done = kalab("up", NAME)
    assert done.returncode == 0, done.stderr
    *told, last = done.stdout.splitlines()
    assert last == f"site configuration: {lab.site}"
    assert all(line.endswith("was already there") for line in told), told
    assert {path: path.read_bytes() for path in lab.directory.rglob("*.json")} == before
    assert [node.bmc.pid for node in lab.nodes] == bmcs


def test_every_bmc_switches_its_machine(off: Lab) -> None:
    assert power(off, lambda ladder, nodes: ladder.status(nodes)).outputs == dict.fromkeys(off.state.uuids, "off")
    assert power(off, lambda ladder, nodes: ladder.on(nodes, Level.HARD)).ko == {}
    assert power(off, lambda ladder, nodes: ladder.status(nodes)).outputs == dict.fromkeys(off.state.uuids, "on")
    assert None not in pids(off)
    assert power(off, lambda ladder, nodes: ladder.cycle(nodes, Level.HARD)).ko == {}
    assert None not in pids(off)
    assert power(off, lambda ladder, nodes: ladder.off(nodes, Level.HARD)).ko == {}
    assert power(off, lambda ladder, nodes: ladder.status(nodes)).outputs == dict.fromkeys(off.state.uuids, "off")
    assert pids(off) == [None, None, None]


def test_both_firmwares_boot_from_the_network_first(off: Lab) -> None:
    bios, uefi, _ = off.nodes
    before = {node.name: len(said(node)) for node in (bios, uefi)}

    def has_begun(node: LabNode, feature: str) -> bool:
        begun = rf"Features:[^\n]*HTTP[^\n]*{feature}.*{off.spec.mac(node.name)} using virtio-net"
        return re.search(begun, said(node)[before[node.name] :], re.DOTALL) is not None

    bios.power_on()
    uefi.power_on()
    wait_for(lambda: has_begun(bios, "bzImage"), 120, "the BIOS starts iPXE")
    wait_for(lambda: has_begun(uefi, "EFI"), 120, "the UEFI starts iPXE")


def test_an_unplugged_node_reaches_nobody_until_it_is_plugged_in(off: Lab) -> None:
    heard = Path(f"/sys/class/net/{off.spec.bridge}/statistics/rx_packets")
    node = off.node("node-1")
    silence, before = heard.read_text(), len(said(node))
    node.unplug()
    node.power_on()
    wait_for(lambda: "No more network devices" in said(node)[before:], 120, "the node gives up on the network")
    assert heard.read_text() == silence
    node.plug()
    wait_for(lambda: heard.read_text() != silence, 120, "the node asks for an address again")


@pytest.mark.parametrize("name", ["node-1", "node-2"])
def test_a_bmc_with_another_password_refuses(off: Lab, name: str) -> None:
    node = off.node(name)
    right = node.bmc.credentials.password
    node.change_bmc_password("another")
    try:
        answer = power(off, lambda ladder, nodes: ladder.on(nodes, Level.HARD))
        assert list(answer.ko) == [name]
        assert "password" in answer.ko[name]
        assert node.power == "off"
    finally:
        node.change_bmc_password(right)
    assert power(off, lambda ladder, nodes: ladder.status(nodes)).ko == {}


def test_an_ipmi_bmc_changes_what_is_booted(off: Lab) -> None:
    bmc = off.node("node-3").bmc.credentials
    asked = ["ipmitool", "-I", "lanplus", "-H", bmc.address, "-p", str(bmc.port), "-U", bmc.user, "-P", bmc.password]
    for device, told in (("disk", "Force Boot from default Hard-Drive"), ("pxe", "Force PXE")):
        subprocess.run([*asked, "chassis", "bootdev", device], check=True, capture_output=True, timeout=30)
        answer = subprocess.run(
            [*asked, "chassis", "bootparam", "get", "5"], check=True, capture_output=True, timeout=30
        )
        assert told in answer.stdout.decode()


def test_a_redfish_bmc_changes_what_is_booted_and_sees_its_own_machine_only(off: Lab) -> None:
    bmc = off.node("node-2").bmc.credentials
    service = sushy.Sushy(bmc.url, auth=sushy.auth.BasicAuth(bmc.user, bmc.password), server_side_retries=0)
    system = service.get_system(bmc.system)
    for device in (sushy.BootSource.HDD, sushy.BootSource.PXE):
        system.set_system_boot_options(device)
        system.refresh()
        assert system.boot.target == device
    with pytest.raises(sushy.exceptions.HTTPError):
        service.get_system(f"/redfish/v1/Systems/{off.state.uuids['node-1']}")


def test_another_lab_lives_beside_it(off: Lab) -> None:
    bmcs = [node.bmc.pid for node in off.nodes]
    try:
        done = kalab("up", BESIDE, "--subnet", SUBNET_BESIDE, "--nodes", "2")
        assert done.returncode == 0, done.stderr
        beside = Lab.load(LABS / BESIDE)
        assert power(beside, lambda ladder, nodes: ladder.on(nodes, Level.HARD)).ko == {}
        assert [node.power for node in off.nodes] == ["off", "off", "off"]
    finally:
        done = kalab("down", BESIDE)
    assert done.returncode == 0, done.stderr
    assert not (LABS / BESIDE).exists()
    assert [node.bmc.pid for node in off.nodes] == bmcs
    assert power(off, lambda ladder, nodes: ladder.status(nodes)).ko == {}


def test_a_taken_subnet_is_refused_and_nothing_is_begun(lab: Lab) -> None:
    done = kalab("up", BESIDE, "--subnet", SUBNET)
    assert done.returncode == 1
    assert done.stderr == (
        f"The subnet {SUBNET} is taken by {SUBNET} on {lab.spec.bridge} (choose another one with --subnet)\n"
    )
    assert not (LABS / BESIDE).exists()
    assert not Path("/sys/class/net/kalab-labtest2").exists()


def test_a_taken_port_is_told(lab: Lab) -> None:
    node = lab.node("node-1")
    node.bmc.end()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as squatter:
        squatter.bind((str(lab.spec.address), 6231))
        done = kalab("up", NAME)
    assert done.returncode == 1
    assert done.stderr.startswith("Port 6231 of 10.218.0.1, for the BMC of kalab-labtest-node-1, cannot be had")
    assert kalab("up", NAME).returncode == 0
    assert node.bmc.pid is not None


def test_down_takes_all_of_it_and_nothing_else(off: Lab) -> None:
    with libvirtd.connection() as conn:
        conn.defineXML(
            f"<domain type='qemu'><name>{STRANGER}</name><memory>65536</memory><os><type>hvm</type></os></domain>"
        )
        try:
            assert power(off, lambda ladder, nodes: ladder.on(nodes, Level.HARD)).ko == {}
            running = [pid for pid in (*pids(off), *(node.bmc.pid for node in off.nodes)) if pid is not None]
            assert len(running) == 6
            done = kalab("down", NAME)
            assert done.returncode == 0, done.stderr
            assert STRANGER in [domain.name() for domain in conn.listAllDomains()]
            assert not [domain for domain in conn.listAllDomains() if domain_xml.lab_of(domain.XMLDesc()) == NAME]
        finally:
            conn.lookupByName(STRANGER).undefine()
    assert not [pid for pid in running if command_of(pid)]
    assert not Path(f"/sys/class/net/{off.spec.bridge}").exists()
    assert not off.directory.exists()
    assert not list(machines.LIBVIRT_LOGS.glob(f"{off.spec.domain('')}*"))
    assert kalab("down", NAME).stderr == f"There is no lab in {DIRECTORY} (`kalab up` makes one)\n"


def command_of(pid: int) -> bytes:
    """Empty for a process that ended, reaped or not."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except FileNotFoundError:
        return b""
