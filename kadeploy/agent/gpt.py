"""A disk layout as a script for sfdisk(8): pure."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Final

from kadeploy.agent.arguments import Args, number, text
from kadeploy.domain.disk import MIB, Layout, Partition, Role, partition_path
from kadeploy.errors import CommandFailed

EFI_SYSTEM: Final = "C12A7328-F81F-11D2-BA4B-00A0C93EC93B"  # UEFI 2.10, table 5.7
BIOS_BOOT: Final = "21686148-6449-6E6F-744E-656564454649"  # GRUB's own, "Hah!IdontNeedEFI"
LINUX_SWAP: Final = "0657FD6D-A4AB-43C4-84E5-0933C84B4F4F"  # Discoverable Partitions Specification
LINUX_DATA: Final = "0FC63DAF-8483-4772-8E79-3D69D8477DE4"


def layout_from(partitions: Iterable[Args]) -> Layout:
    """Raises CommandFailed for a partition that is not described as in `domain.disk`."""
    return Layout(partitions=tuple(_partition(entry) for entry in partitions))


def _partition(entry: Args) -> Partition:
    role = text(entry, "role")
    if role not in list(Role):
        raise CommandFailed(f"{role!r} is not the role of a partition")
    return Partition(
        number=number(entry, "number"),
        role=Role(role),
        size=number(entry, "size", 0),
        filesystem=text(entry, "filesystem", ""),
    )


def type_of(role: Role, firmware: str) -> str:
    """The GPT type of a partition."""
    if role is Role.BOOT:
        return EFI_SYSTEM if firmware == "uefi" else BIOS_BOOT
    return LINUX_SWAP if role is Role.SWAP else LINUX_DATA


def sfdisk_script(layout: Layout, device: str, firmware: str) -> str:
    """Sizes are rounded up to whole MiB; a size of 0 takes what is left."""
    lines = ["label: gpt"]
    for part in layout.partitions:
        size = f"size={-(-part.size // MIB)}MiB, " if part.size else ""
        name = f'name="kadeploy-{part.role}"'
        lines.append(f"{partition_path(device, part.number)} : {size}type={type_of(part.role, firmware)}, {name}")
    return "\n".join(lines) + "\n"


def parse_table(text: str) -> dict[str, tuple[int, int]]:
    """The output of `sfdisk --json`: path, start and size in bytes of each partition."""
    table = json.loads(text)["partitiontable"]
    sector = table.get("sectorsize", 512)
    return {part["node"]: (part["start"] * sector, part["size"] * sector) for part in table.get("partitions", ())}
