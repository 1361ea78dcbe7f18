"""A disk layout as a script for sfdisk(8): pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Final

from kadeploy.agent.arguments import Args, number, text
from kadeploy.domain.disk import MIB, Layout, Partition, Role, partition_path
from kadeploy.errors import CommandFailed

EFI_SYSTEM: Final = "C12A7328-F81F-11D2-BA4B-00A0C93EC93B"  # UEFI 2.10, table 5.7
BIOS_BOOT: Final = "21686148-6449-6E6F-744E-656564454649"  # GRUB's own, "Hah!IdontNeedEFI"
LINUX_SWAP: Final = "0657FD6D-A4AB-43C4-84E5-0933C84B4F4F"  # Discoverable Partitions Specification
LINUX_DATA: Final = "0FC63DAF-8483-4772-8E79-3D69D8477DE4"
NO_UUIDS: Final[Mapping[str, str]] = {}


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


def sfdisk_script(layout: Layout, device: str, firmware: str, uuids: Mapping[str, str] = NO_UUIDS) -> str:
    """Sizes are rounded up to whole MiB; a size of 0 takes what is left. `uuids`: by path, what a partition is called
    already."""
    lines = ["label: gpt"]
    for part in layout.partitions:
        size = f"size={_rounded(part.size) // MIB}MiB, " if part.size else ""
        path, name = partition_path(device, part.number), f'name="kadeploy-{part.role}"'
        uuid = f", uuid={uuids[path]}" if path in uuids else ""
        lines.append(f"{path} : {size}type={type_of(part.role, firmware)}, {name}{uuid}")
    return "\n".join(lines) + "\n"


def is_made(layout: Layout, text: str, firmware: str) -> bool:
    """Whether the output of `sfdisk --json` shows what the script makes: the same types and sizes, one behind the
    other. Names may differ."""
    table = json.loads(text)["partitiontable"]
    places, last = parse_table(text), table.get("lastlba", 0) * table.get("sectorsize", 512)
    types = {part["node"]: part["type"].upper() for part in table.get("partitions", ())}
    wanted = {partition_path(table["device"], part.number): part for part in layout.partitions}
    if table["label"] != "gpt" or types != {path: type_of(part.role, firmware) for path, part in wanted.items()}:
        return False
    free = MIB
    for path, part in wanted.items():
        start, size = places[path]
        fits = size == _rounded(part.size) if part.size else start + size > last - MIB
        if start != free or not fits:
            return False
        free = start + size
    return True


def _rounded(size: int) -> int:
    """Up to whole MiB, in bytes."""
    return -(-size // MIB) * MIB


def parse_uuids(text: str) -> dict[str, str]:
    """From the same: path and unique GUID of each partition; nothing for a table that has none."""
    table = json.loads(text)["partitiontable"]
    return {part["node"]: part["uuid"] for part in table.get("partitions", ()) if "uuid" in part}


def parse_table(text: str) -> dict[str, tuple[int, int]]:
    """The output of `sfdisk --json`: path, start and size in bytes of each partition."""
    table = json.loads(text)["partitiontable"]
    sector = table.get("sectorsize", 512)
    return {part["node"]: (part["start"] * sector, part["size"] * sector) for part in table.get("partitions", ())}
