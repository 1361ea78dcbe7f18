"""What a virtual cluster is: values only.

The default lab is mixed on purpose (two BIOS and one UEFI, two IPMI and one Redfish, virtio and NVMe disks), so that
nothing gets built for one kind of machine only.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import IPv4Address, IPv4Network
from itertools import cycle, islice

from kadeploy.domain.node import BmcKind, Firmware

GIB = 1024**3
MIB = 1024**2
DEFAULT_NAME = "lab"
DEFAULT_SUBNET = IPv4Network("10.214.0.0/24")
DEFAULT_NODES = 3
DEFAULT_DISK = 6 * GIB
DEFAULT_MEMORY = 1 * GIB

FIRST_HOST = 10  # node-1 is .11, which leaves .2 to .10 for people
IPMI_PORT = 6230  # node-1 answers IPMI on 6231
REDFISH_PORT = 8000  # node-1 would answer Redfish on 8001
INTERFACE_NAME_LIMIT = 15  # IFNAMSIZ less its final zero, linux/if.h
NAME = re.compile(r"[a-z]([a-z0-9-]{0,18}[a-z0-9])?")
SIZE = re.compile(r"(\d+)\s*(M|G|T)(iB|B)?", re.IGNORECASE)


class DiskKind(StrEnum):
    VIRTIO = "virtio"
    SATA = "sata"
    NVME = "nvme"

    @property
    def block_device(self) -> str:
        """What Linux calls the machine's only disk of this kind."""
        return {DiskKind.VIRTIO: "/dev/vda", DiskKind.SATA: "/dev/sda", DiskKind.NVME: "/dev/nvme0n1"}[self]


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineSpec:
    """One machine. Sizes are bytes."""

    name: str
    firmware: Firmware
    disk: DiskKind
    bmc: BmcKind
    disk_size: int = DEFAULT_DISK
    memory: int = DEFAULT_MEMORY
    cpus: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class LabSpec:
    """One virtual cluster: its name, its own network, its machines."""

    name: str = DEFAULT_NAME
    subnet: IPv4Network = DEFAULT_SUBNET
    machines: tuple[MachineSpec, ...]

    @property
    def address(self) -> IPv4Address:
        """The host's own address on the lab's network, where the boot server and the BMCs answer."""
        return self.subnet[1]

    @property
    def bridge(self) -> str:
        """The bridge's name; a long lab name is cut, and kept apart from its likes by a digest."""
        whole = f"kalab-{self.name}"
        if len(whole) <= INTERFACE_NAME_LIMIT:
            return whole
        return f"{whole[: INTERFACE_NAME_LIMIT - 5]}-{_digest(self.name)[:4]}"

    def domain(self, machine: str) -> str:
        """The name libvirt knows the machine by."""
        return f"kalab-{self.name}-{machine}"

    def node_address(self, machine: str) -> IPv4Address:
        return self.subnet[FIRST_HOST + self._place(machine)]

    def mac(self, machine: str) -> str:
        """52:54:00 is QEMU's prefix; two bytes of the lab's name and two of the machine's place follow it."""
        digest, place = _digest(self.name), self._place(machine)
        return f"52:54:00:{digest[:2]}:{digest[2:4]}:{place & 0xFF:02x}"

    def bmc_port(self, machine: str) -> int:
        first = IPMI_PORT if self.machine(machine).bmc is BmcKind.IPMI else REDFISH_PORT
        return first + self._place(machine)

    def machine(self, name: str) -> MachineSpec:
        return self.machines[self._place(name) - 1]

    def _place(self, machine: str) -> int:
        return 1 + [each.name for each in self.machines].index(machine)


MIX = (
    (Firmware.BIOS, DiskKind.VIRTIO, BmcKind.IPMI),
    (Firmware.UEFI, DiskKind.NVME, BmcKind.REDFISH),
    (Firmware.BIOS, DiskKind.VIRTIO, BmcKind.IPMI),
)


def mixed(
    name: str = DEFAULT_NAME,
    *,
    nodes: int = DEFAULT_NODES,
    subnet: IPv4Network = DEFAULT_SUBNET,
    disk_size: int = DEFAULT_DISK,
    memory: int = DEFAULT_MEMORY,
    disks: Mapping[str, int] | None = None,
) -> LabSpec:
    """A lab of the default mix. `disks` gives single machines a disk of another size."""
    machines = tuple(
        MachineSpec(
            name=f"node-{place}",
            firmware=firmware,
            disk=disk,
            bmc=bmc,
            disk_size=(disks or {}).get(f"node-{place}", disk_size),
            memory=memory,
        )
        for place, (firmware, disk, bmc) in enumerate(islice(cycle(MIX), nodes), start=1)
    )
    return LabSpec(name=name, subnet=subnet, machines=machines)


def faults(spec: LabSpec) -> list[str]:
    """Everything wrong with a lab, each as one sentence."""
    found = []
    if not NAME.fullmatch(spec.name):
        found.append(
            f"name: {spec.name!r} must be 1 to 20 of a-z, 0-9 and -, beginning with a letter, not ending with -"
        )
    if not spec.machines:
        found.append("nodes: a lab has at least 1 node")
    if not spec.subnet.is_private:
        found.append(f"subnet: {spec.subnet} is not a private network")
    if len(spec.machines) > 200:
        found.append(f"nodes: {len(spec.machines)} is more than the 200 a lab can have")
    elif spec.subnet.num_addresses < FIRST_HOST + len(spec.machines) + 2:
        found.append(f"subnet: {spec.subnet} is too small for {len(spec.machines)} nodes; a /24 is right")
    found += [
        f"{each.name}: a disk of {each.disk_size} bytes is under 64 MiB" for each in _small(spec, "disk_size", 64)
    ]
    found += [f"{each.name}: {each.memory} bytes of memory are under 256 MiB" for each in _small(spec, "memory", 256)]
    return found


def parse_size(text: str) -> int:
    """Bytes of `6G`, `512M`, `1GiB`: powers of 1024. Raises ValueError."""
    match = SIZE.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"{text!r} is not a size; write it like 6G or 512M")
    return int(match[1]) * {"M": MIB, "G": GIB, "T": 1024 * GIB}[match[2].upper()]


def _small(spec: LabSpec, what: str, mebibytes: int) -> list[MachineSpec]:
    return [each for each in spec.machines if getattr(each, what) < mebibytes * MIB]


def _digest(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()
