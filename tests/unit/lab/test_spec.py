"""What a lab may be, and the names and addresses that follow from it."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kadeploy.domain.node import BmcKind, Firmware
from kadeploy.lab.spec import GIB, INTERFACE_NAME_LIMIT, MIB, NAME, DiskKind, faults, mixed, parse_size


def test_the_default_lab_is_mixed() -> None:
    machines = mixed().machines
    assert [each.firmware for each in machines].count(Firmware.BIOS) == 2
    assert [each.firmware for each in machines].count(Firmware.UEFI) == 1
    assert [each.bmc for each in machines].count(BmcKind.IPMI) == 2
    assert [each.bmc for each in machines].count(BmcKind.REDFISH) == 1
    assert [each.disk for each in machines].count(DiskKind.VIRTIO) == 2
    assert [each.disk for each in machines].count(DiskKind.NVME) == 1


def test_what_follows_from_the_place_of_a_machine() -> None:
    lab = mixed(subnet=IPv4Network("10.214.7.0/24"))
    assert lab.address == IPv4Address("10.214.7.1")
    assert lab.node_address("node-2") == IPv4Address("10.214.7.12")
    assert (lab.bmc_port("node-1"), lab.bmc_port("node-2"), lab.bmc_port("node-3")) == (6231, 8002, 6233)
    assert lab.domain("node-3") == "kalab-lab-node-3"
    assert lab.machine("node-2").disk.block_device == "/dev/nvme0n1"


def test_two_labs_share_no_mac_address() -> None:
    one, other = mixed("one"), mixed("other")
    macs = [lab.mac(each.name) for lab in (one, other) for each in lab.machines]
    assert len(set(macs)) == 6
    assert all(mac.startswith("52:54:00:") and len(mac) == 17 for mac in macs)


@given(st.from_regex(NAME, fullmatch=True))
def test_a_bridge_name_always_fits(name: str) -> None:
    bridge = mixed(name).bridge
    assert bridge.startswith("kalab-")
    assert len(bridge) <= INTERFACE_NAME_LIMIT


def test_long_names_that_begin_alike_get_bridges_of_their_own() -> None:
    assert mixed("continuous-one").bridge != mixed("continuous-two").bridge
    assert mixed("short").bridge == "kalab-short"


def test_one_node_may_have_a_disk_of_its_own_size() -> None:
    lab = mixed(disks={"node-2": GIB})
    assert [each.disk_size for each in lab.machines] == [6 * GIB, GIB, 6 * GIB]


def test_the_default_lab_has_no_fault() -> None:
    assert faults(mixed()) == []


@pytest.mark.parametrize("name", ["", "Lab", "1st", "a-", "with space", "a" * 21, "../up", "a_b"])
def test_a_bad_name_is_a_fault(name: str) -> None:
    assert [fault.partition(":")[0] for fault in faults(mixed(name))] == ["name"]


def test_all_faults_are_told_at_once() -> None:
    spec = mixed("Bad", nodes=20, subnet=IPv4Network("8.8.8.0/28"), memory=MIB, disks={"node-3": MIB})
    places = {fault.partition(":")[0] for fault in faults(spec)}
    assert places >= {"name", "subnet", "node-1", "node-3"}
    assert len([fault for fault in faults(spec) if fault.startswith("subnet")]) == 2


@pytest.mark.parametrize(
    ("text", "size"), [("6G", 6 * GIB), ("512M", 512 * MIB), ("1GiB", GIB), ("2t", 2048 * GIB), (" 1 G ", GIB)]
)
def test_sizes(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "6", "G", "-1G", "1.5G", "6 parsecs"])
def test_what_is_no_size(text: str) -> None:
    with pytest.raises(ValueError, match="is not a size"):
        parse_size(text)
