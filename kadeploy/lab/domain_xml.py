"""A machine, said in libvirt's words: pure functions from values to XML and from XML to XML.

The form is described at https://libvirt.org/formatdomain.html.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal
from xml.sax.saxutils import escape, quoteattr

from kadeploy.domain.node import Firmware
from kadeploy.lab.spec import MIB, DiskKind, MachineSpec

METADATA = "https://kadeploy.org/lab/1"
QEMU = "http://libvirt.org/schemas/domain/qemu/1.0"
OVMF_CODE = Path("/usr/share/OVMF/OVMF_CODE_4M.fd")
OVMF_VARS = Path("/usr/share/OVMF/OVMF_VARS_4M.fd")
RETRY = 5000  # milliseconds before a BIOS that found nothing to boot starts over, as a server's does

Accelerator = Literal["kvm", "qemu"]
BootDevice = Literal["network", "hd"]

ET.register_namespace("qemu", QEMU)
ET.register_namespace("kalab", METADATA)

# What a real processor does faster, an emulated one does slower: five levels of page tables make each walk longer; erms
# has the kernel copy by `rep movsb`, which is emulated a byte at a time (a third of the time of unpacking).
SLOW_WHEN_EMULATED: Final = ("la57", "erms")
EMULATED_CPU: Final = ",".join(("max", *(f"{name}=off" for name in SLOW_WHEN_EMULATED)))  # as QEMU's -cpu


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """Where a machine finds what is its own."""

    lab: str
    domain: str
    uuid: str
    mac: str
    bridge: str
    disk: Path
    nvram: Path
    serial_log: Path
    accelerator: Accelerator


def domain_xml(machine: MachineSpec, at: Placement) -> str:
    """The whole domain: boots from the network first, then from its disk."""
    return f"""\
<domain type="{at.accelerator}" xmlns:qemu="{QEMU}">
  <name>{at.domain}</name>
  <uuid>{at.uuid}</uuid>
  <metadata><kalab:lab xmlns:kalab="{METADATA}" name={quoteattr(at.lab)} node={quoteattr(machine.name)}/></metadata>
  <memory unit="b">{machine.memory // MIB * MIB}</memory>
  <vcpu>{machine.cpus}</vcpu>
{_firmware(machine, at)}
  <features><acpi/><apic/></features>
{_cpu(at.accelerator)}
  <on_reboot>restart</on_reboot>
  <on_crash>restart</on_crash>
  <devices>
    <disk type="file" device="disk">
      <driver name="qemu" type="qcow2" cache="unsafe" discard="unmap"/>
      <source file={quoteattr(str(at.disk))}/>
      {_target(machine.disk)}
      <serial>{machine.name}</serial>
      <boot order="2"/>
      <alias name="ua-disk"/>
    </disk>
    <interface type="bridge">
      <source bridge={quoteattr(at.bridge)}/>
      <mac address="{at.mac}"/>
      <model type="virtio"/>
      <boot order="1"/>
    </interface>
    <serial type="pty"><log file={quoteattr(str(at.serial_log))} append="on"/><target port="0"/></serial>
    <console type="pty"><target type="serial" port="0"/></console>
    <rng model="virtio"><backend model="random">/dev/urandom</backend></rng>
    <controller type="usb" model="none"/>
    <memballoon model="none"/>
    <video><model type="none"/></video>
  </devices>
{_nvme() if machine.disk is DiskKind.NVME else ""}</domain>
"""


def first_boot_device(domain: str) -> BootDevice:
    """What the machine of this XML boots first."""
    devices = ET.fromstring(domain).find("devices")
    orders = {
        kind: int(boot.get("order", "0"))
        for kind, tag in (("network", "interface"), ("hd", "disk"))
        if devices is not None and (boot := devices.find(f"{tag}/boot")) is not None
    }
    return "hd" if min(orders, key=lambda kind: orders[kind], default="network") == "hd" else "network"


def booting_first(domain: str, device: BootDevice) -> str:
    """The same XML, booting `device` first and the other one after it, as a server's BMC does it."""
    tree = ET.fromstring(domain)
    for stale in tree.findall("os"):
        for boot in stale.findall("boot"):
            stale.remove(boot)
    for kind, tag in (("network", "interface"), ("hd", "disk")):
        for element in tree.findall(f"devices/{tag}"):
            for boot in element.findall("boot"):
                element.remove(boot)
            ET.SubElement(element, "boot", order="1" if kind == device else "2")
    return ET.tostring(tree, encoding="unicode")


def interface_with_link(domain: str, *, up: bool) -> str:
    """The machine's network interface, its cable in or out, as libvirt wants it for an update."""
    interface = ET.fromstring(domain).find("devices/interface")
    if interface is None:
        raise ValueError("the machine has no network interface")
    for link in interface.findall("link"):
        interface.remove(link)
    ET.SubElement(interface, "link", state="up" if up else "down")
    return ET.tostring(interface, encoding="unicode")


def lab_of(domain: str) -> str | None:
    """The lab a domain says it belongs to."""
    mark = ET.fromstring(domain).find(f"metadata/{{{METADATA}}}lab")
    return None if mark is None else mark.get("name")


def _firmware(machine: MachineSpec, at: Placement) -> str:
    if machine.firmware is Firmware.UEFI:
        inside = (
            f'<loader readonly="yes" type="pflash">{OVMF_CODE}</loader>'
            f'<nvram template="{OVMF_VARS}">{escape(str(at.nvram))}</nvram>'
        )
    else:
        inside = f'<bios useserial="yes" rebootTimeout="{RETRY}"/>'
    return f'  <os><type arch="x86_64" machine="q35">hvm</type>{inside}</os>'


def _cpu(accelerator: Accelerator) -> str:
    if accelerator == "kvm":
        return '  <cpu mode="host-passthrough"/>'
    slow = "".join(f'<feature policy="disable" name="{name}"/>' for name in SLOW_WHEN_EMULATED)
    return f'  <cpu mode="maximum">{slow}</cpu>'


def _target(disk: DiskKind) -> str:
    if disk is DiskKind.SATA:
        return '<target dev="sda" bus="sata"/>'
    return '<target dev="vda" bus="virtio"/>'


def _nvme() -> str:
    """libvirt has no emulated NVMe: it is given a virtio disk, whose QEMU device is exchanged at the last moment.

    So libvirt goes on caring for the disk's file, its owner and its place in the boot order.
    """
    return """\
  <qemu:override>
    <qemu:device alias="ua-disk">
      <qemu:frontend><qemu:property name="driver" type="string" value="nvme"/></qemu:frontend>
    </qemu:device>
  </qemu:override>
"""
