"""Machines in libvirt's words."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Literal

import pytest

from kadeploy.domain.node import BmcKind, Firmware
from kadeploy.lab.domain_xml import (
    QEMU,
    Placement,
    booting_first,
    domain_xml,
    first_boot_device,
    interface_with_link,
    lab_of,
)
from kadeploy.lab.spec import GIB, DiskKind, MachineSpec


def machine(firmware: Firmware = Firmware.BIOS, disk: DiskKind = DiskKind.VIRTIO) -> MachineSpec:
    return MachineSpec(name="node-1", firmware=firmware, disk=disk, bmc=BmcKind.IPMI, memory=GIB)


def xml(of: MachineSpec, accelerator: Literal["kvm", "qemu"] = "qemu", directory: str = "/lab") -> str:
    at = Placement(
        lab="try",
        domain="kalab-try-node-1",
        uuid="6d0c1c9e-4b3c-4d58-9d5e-0c8f4d6a1b2c",
        mac="52:54:00:aa:bb:01",
        bridge="kalab-try",
        disk=Path(directory) / "node-1.qcow2",
        nvram=Path(directory) / "node-1.nvram",
        serial_log=Path(directory) / "node-1.log",
        accelerator=accelerator,
    )
    return domain_xml(of, at)


def text(tree: ET.Element, path: str) -> str | None:
    found = tree.find(path)
    assert found is not None, path
    return found.text


def attribute(tree: ET.Element, path: str, name: str) -> str | None:
    found = tree.find(path)
    assert found is not None, path
    return found.get(name)


@pytest.mark.parametrize("firmware", Firmware)
@pytest.mark.parametrize("disk", DiskKind)
def test_every_kind_boots_the_network_first_and_then_its_disk(firmware: Firmware, disk: DiskKind) -> None:
    tree = ET.fromstring(xml(machine(firmware, disk)))
    assert attribute(tree, "devices/interface/boot", "order") == "1"
    assert attribute(tree, "devices/disk/boot", "order") == "2"
    assert attribute(tree, "devices/interface/source", "bridge") == "kalab-try"
    assert attribute(tree, "devices/interface/mac", "address") == "52:54:00:aa:bb:01"
    assert attribute(tree, "devices/serial/log", "file") == "/lab/node-1.log"
    assert text(tree, "memory") == str(GIB)


def test_a_bios_machine_talks_on_its_serial_port_and_tries_again() -> None:
    tree = ET.fromstring(xml(machine()))
    assert attribute(tree, "os/bios", "useserial") == "yes"
    assert attribute(tree, "os/bios", "rebootTimeout") == "5000"
    assert tree.find("os/loader") is None


def test_a_uefi_machine_has_firmware_variables_of_its_own() -> None:
    tree = ET.fromstring(xml(machine(Firmware.UEFI)))
    assert text(tree, "os/nvram") == "/lab/node-1.nvram"
    assert attribute(tree, "os/loader", "readonly") == "yes"
    assert tree.find("os/bios") is None


def test_an_nvme_disk_is_a_virtio_disk_with_another_device() -> None:
    tree = ET.fromstring(xml(machine(disk=DiskKind.NVME)))
    assert attribute(tree, "devices/disk/target", "bus") == "virtio"
    override = f"{{{QEMU}}}override/{{{QEMU}}}device"
    assert attribute(tree, override, "alias") == attribute(tree, "devices/disk/alias", "name")
    assert attribute(tree, f"{override}/{{{QEMU}}}frontend/{{{QEMU}}}property", "value") == "nvme"
    assert ET.fromstring(xml(machine())).find(override) is None


def test_a_sata_disk() -> None:
    tree = ET.fromstring(xml(machine(disk=DiskKind.SATA)))
    assert attribute(tree, "devices/disk/target", "bus") == "sata"


def test_kvm_takes_the_host_processor_and_emulation_an_emulated_one() -> None:
    with_kvm, emulated = ET.fromstring(xml(machine(), "kvm")), ET.fromstring(xml(machine()))
    assert (with_kvm.get("type"), attribute(with_kvm, "cpu", "mode")) == ("kvm", "host-passthrough")
    assert (emulated.get("type"), attribute(emulated, "cpu", "mode")) == ("qemu", "maximum")
    assert attribute(emulated, "cpu/feature", "policy") == "disable"


def test_a_strange_directory_does_not_break_the_description() -> None:
    tree = ET.fromstring(xml(machine(Firmware.UEFI), directory="/a <b> & \"c\" 'd'"))
    assert text(tree, "os/nvram") == "/a <b> & \"c\" 'd'/node-1.nvram"
    assert attribute(tree, "devices/disk/source", "file") == "/a <b> & \"c\" 'd'/node-1.qcow2"


def test_a_machine_says_whose_it_is() -> None:
    assert lab_of(xml(machine())) == "try"
    assert lab_of("<domain><name>somebody else's</name></domain>") is None


def test_the_boot_order_is_turned_round_and_back() -> None:
    network_first = xml(machine(disk=DiskKind.NVME))
    disk_first = booting_first(network_first, "hd")
    assert first_boot_device(network_first) == "network"
    assert first_boot_device(disk_first) == "hd"
    tree = ET.fromstring(disk_first)
    assert attribute(tree, "devices/interface/boot", "order") == "2"
    assert tree.find(f"{{{QEMU}}}override") is not None
    assert first_boot_device(booting_first(disk_first, "network")) == "network"


def test_an_old_style_boot_order_gives_way() -> None:
    old = "<domain><os><boot dev='hd'/></os><devices><disk/><interface/></devices></domain>"
    tree = ET.fromstring(booting_first(old, "network"))
    assert tree.find("os/boot") is None
    assert attribute(tree, "devices/interface/boot", "order") == "1"


def test_the_cable_comes_out_and_goes_back_in() -> None:
    out = interface_with_link(xml(machine()), up=False)
    assert attribute(ET.fromstring(out), "link", "state") == "down"
    back = interface_with_link(f"<domain><devices>{out}</devices></domain>", up=True)
    links = ET.fromstring(back).findall("link")
    assert [link.get("state") for link in links] == ["up"]
    assert attribute(ET.fromstring(back), "mac", "address") == "52:54:00:aa:bb:01"
