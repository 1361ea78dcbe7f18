"""The lab's machines under libvirt: made, looked at, unplugged, switched off, removed.

A machine is the lab's own if its name, its identifier and the mark in its description all say so; no other is touched.
"""

from __future__ import annotations

import contextlib
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import libvirt

from kadeploy.domain.node import Firmware
from kadeploy.errors import BadConfiguration, Conflict, NotFound
from kadeploy.lab import domain_xml, libvirtd
from kadeploy.lab.command import run
from kadeploy.lab.spec import LabSpec, MachineSpec

LIBVIRT_LOGS = Path("/var/log/libvirt/qemu")
PIDS = Path("/run/libvirt/qemu")
DEFINITIONS = Path("/etc/libvirt/qemu")
POWER = {
    libvirt.VIR_DOMAIN_RUNNING: "on",
    libvirt.VIR_DOMAIN_BLOCKED: "on",
    libvirt.VIR_DOMAIN_PAUSED: "paused",
    libvirt.VIR_DOMAIN_SHUTDOWN: "on",
    libvirt.VIR_DOMAIN_SHUTOFF: "off",
    libvirt.VIR_DOMAIN_CRASHED: "crashed",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """One machine of a lab, and where it keeps its things."""

    lab: LabSpec
    spec: MachineSpec
    uuid: str
    disk: Path
    nvram: Path
    serial_log: Path

    @property
    def domain(self) -> str:
        return self.lab.domain(self.spec.name)


def define(machine: Machine) -> bool:
    """Have the machine, its disk blank if it is new; false if it was there. Raises Conflict for somebody else's."""
    for path in (machine.disk, machine.nvram, machine.serial_log):
        path.parent.mkdir(parents=True, exist_ok=True)
    if not machine.disk.exists():
        size = str(machine.spec.disk_size)
        run(("qemu-img", "create", "-q", "-f", "qcow2", str(machine.disk), size), package="qemu-utils")
    with libvirtd.connection() as conn:
        if (found := _named(conn, machine.domain)) is not None:
            if not _is_ours(found, machine):
                raise Conflict(f"There is a libvirt domain {machine.domain} that is not this lab's")
            return False
        conn.defineXML(domain_xml.domain_xml(machine.spec, _placement(machine)))
    return True


def undefine(machine: Machine, *, keep_nvram: bool) -> bool:
    """End the machine at once and remove it; false if there was none. Its disk stays."""
    nvram = libvirt.VIR_DOMAIN_UNDEFINE_KEEP_NVRAM if keep_nvram else libvirt.VIR_DOMAIN_UNDEFINE_NVRAM
    with libvirtd.connection() as conn:
        found = _named(conn, machine.domain)
        if found is None or not _is_ours(found, machine):
            return False
        with contextlib.suppress(libvirt.libvirtError):  # it is off, or has just gone off
            found.destroy()
        found.undefineFlags(nvram | libvirt.VIR_DOMAIN_UNDEFINE_MANAGED_SAVE)
    for log in LIBVIRT_LOGS.glob(f"{machine.domain}.log*"):
        log.unlink()
    return True


def are_defined(spec: LabSpec) -> bool:
    """Whether libvirt, running or not, has machines of this lab's name."""
    return any((DEFINITIONS / f"{spec.domain(each.name)}.xml").exists() for each in spec.machines)


def power_on(machine: Machine) -> None:
    with _domain(machine) as domain:
        if not domain.isActive():
            domain.create()


def destroy(machine: Machine) -> None:
    """Pull the power cord: nothing in the machine gets a word."""
    with _domain(machine) as domain:
        if domain.isActive():
            domain.destroy()


def set_link(machine: Machine, *, up: bool) -> None:
    """Pull the network cable, or put it back: now, and for the next time the machine starts."""
    with _domain(machine) as domain:
        flags = libvirt.VIR_DOMAIN_AFFECT_CONFIG
        domain.updateDeviceFlags(_interface(domain, libvirt.VIR_DOMAIN_XML_INACTIVE, up=up), flags)
        if domain.isActive():
            domain.updateDeviceFlags(_interface(domain, 0, up=up), libvirt.VIR_DOMAIN_AFFECT_LIVE)


def power(machine: Machine) -> str:
    """`on`, `off`, `paused`, `crashed`, or `missing`."""
    with libvirtd.connection(read_only=True) as conn:
        found = _named(conn, machine.domain)
        return "missing" if found is None else POWER.get(found.state()[0], "unknown")


def pid(machine: Machine) -> int | None:
    """The number of the machine's QEMU process, if it runs and may be seen."""
    try:
        return int((PIDS / f"{machine.domain}.pid").read_text())
    except (OSError, ValueError):
        return None


def missing_files(spec: LabSpec) -> list[str]:
    """What must be installed for these machines, one sentence each."""
    wanted = {Path("/usr/bin/qemu-system-x86_64"): "qemu-system-x86", Path("/usr/bin/qemu-img"): "qemu-utils"}
    if any(machine.firmware is Firmware.UEFI for machine in spec.machines):
        wanted |= {domain_xml.OVMF_CODE: "ovmf", domain_xml.OVMF_VARS: "ovmf"}
    return [f"{path} is missing: apt-get install {package}" for path, package in wanted.items() if not path.exists()]


def check_reachable(directory: Path) -> None:
    """QEMU runs as a user of its own and must be able to walk to the disks. Raises BadConfiguration."""
    for each in (directory, *directory.parents):
        if each.exists() and not stat.S_IMODE(each.stat().st_mode) & stat.S_IXOTH:
            raise BadConfiguration(
                f"The machines cannot live in {directory}: QEMU's own user may not pass {each}",
                hint=f"chmod o+x {each}, or choose another --state",
            )


@contextlib.contextmanager
def _domain(machine: Machine) -> Iterator[Any]:
    with libvirtd.connection() as conn:
        found = _named(conn, machine.domain)
        if found is None or not _is_ours(found, machine):
            raise NotFound(f"{machine.spec.name} has no machine: is the lab up?")
        yield found


def _named(conn: Any, name: str) -> Any:
    try:
        return conn.lookupByName(name)
    except libvirt.libvirtError as error:
        if error.get_error_code() == libvirt.VIR_ERR_NO_DOMAIN:
            return None
        raise


def _is_ours(domain: Any, machine: Machine) -> bool:
    return domain.UUIDString() == machine.uuid and domain_xml.lab_of(domain.XMLDesc()) == machine.lab.name


def _interface(domain: Any, flags: int, *, up: bool) -> str:
    return domain_xml.interface_with_link(domain.XMLDesc(flags), up=up)


def _placement(machine: Machine) -> domain_xml.Placement:
    return domain_xml.Placement(
        lab=machine.lab.name,
        domain=machine.domain,
        uuid=machine.uuid,
        mac=machine.lab.mac(machine.spec.name),
        bridge=machine.lab.bridge,
        disk=machine.disk,
        nvram=machine.nvram,
        serial_log=machine.serial_log,
        accelerator="kvm" if libvirtd.has_kvm() else "qemu",
    )
