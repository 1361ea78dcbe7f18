"""From a cluster's `partitioning` section to a disk layout.

A Kadeploy3 file has partition numbers but no sizes (its sizes are in a script); for it the layout is the one its
sample script made, with a boot partition before it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from kadeploy.config.cluster import PartitionEntry, Partitioning, PartitionNumbers
from kadeploy.domain.disk import MIB, Layout, Partition, Role
from kadeploy.errors import Faults

_SAMPLE_SIZES: Final = {Role.SWAP: 4096 * MIB, Role.PROD: 6144 * MIB, Role.DEPLOY: 6144 * MIB, Role.TMP: 0}
_BOOT_SIZE: Final = 512 * MIB


def build_layout(section: Partitioning) -> Layout:
    """Raises Faults, each with its path inside `partitioning`."""
    entries = section.layout or _from_numbers(section)
    if section.disable_swap:
        entries = tuple(entry for entry in entries if entry.role is not Role.SWAP)
    numbers = _numbered(entries, section.partitions)
    faults = list(_faults(entries, numbers, section.partitions))
    if faults:
        raise Faults(faults)
    return Layout(
        partitions=tuple(
            Partition(number=number, role=entry.role, size=entry.size, filesystem=entry.fs or "")
            for entry, number in zip(entries, numbers, strict=True)
        )
    )


def _from_numbers(section: Partitioning) -> tuple[PartitionEntry, ...]:
    present = sorted((number, role) for role in _SAMPLE_SIZES if (number := section.partitions.of(role)))
    boot = PartitionEntry(role=Role.BOOT, size=_BOOT_SIZE)
    rest = [PartitionEntry(role=role, number=number) for number, role in present]
    sized = [entry.model_copy(update={"size": _SAMPLE_SIZES[entry.role]}) for entry in rest]
    return (boot, *sized) if sized else ()


def _numbered(entries: Sequence[PartitionEntry], declared: PartitionNumbers) -> list[int]:
    """Each entry's number: its own, else the first of its role has Kadeploy3's, else the lowest that is free."""
    wanted: list[int | None] = []
    seen: set[Role] = set()
    for entry in entries:
        first = entry.role not in seen
        seen.add(entry.role)
        wanted.append(entry.number or (declared.of(entry.role) if first else None))
    taken = {number for number in wanted if number}
    free = iter(number for number in range(1, 1 + len(entries) + len(taken)) if number not in taken)
    return [number or next(free) for number in wanted]


def _faults(entries: Sequence[PartitionEntry], numbers: Sequence[int], declared: PartitionNumbers) -> Iterator[str]:
    roles = [entry.role for entry in entries]
    for index, (entry, number) in enumerate(zip(entries, numbers, strict=True)):
        if entry.size == 0 and index + 1 < len(entries):
            yield f"layout[{index}].size: is required, only the last partition may take the rest of the disk"
        if numbers.index(number) != index:
            yield f"layout[{index}].number: {number} is already taken by layout[{numbers.index(number)}]"
        if entry.fs and entry.role in (Role.BOOT, Role.SWAP):
            yield f"layout[{index}].fs: a {entry.role} partition has no file system of choice"
        first = roles.index(entry.role) == index
        if first and (said := declared.of(entry.role)) and said != number:
            yield f"layout[{index}].number: is {number}, but partitions.{entry.role} says {said}"
    if roles.count(Role.DEPLOY) != 1:
        yield f"layout: must have exactly one partition with the role deploy, not {roles.count(Role.DEPLOY)}"
    if roles.count(Role.BOOT) > 1:
        yield "layout: must have at most one partition with the role boot"
