"""Firmware boot entries, as efibootmgr(8) lists and sets them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from kadeploy.agent.execute import execute

LABEL: Final = "kadeploy"
LOADER: Final = r"\EFI\BOOT\BOOTX64.EFI"  # the removable path: also found when the firmware has lost its entries
_ENTRY: Final = re.compile(r"Boot([0-9A-F]{4})\*? (.*)", re.IGNORECASE)
_NETWORK: Final = re.compile(r"MAC\(|/IPv[46]|\bPXE|\bnetwork\b|\bHTTP boot\b|\bIPv[46]\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """`label` is followed by the device path in verbose listings."""

    number: str
    label: str

    @property
    def is_network(self) -> bool:
        return _NETWORK.search(self.label) is not None

    @property
    def is_ours(self) -> bool:
        return re.split(r"[\t ]", self.label)[0] == LABEL


@dataclass(frozen=True, slots=True, kw_only=True)
class BootEntries:
    current: str
    order: tuple[str, ...]
    entries: tuple[Entry, ...]


def parse_entries(text: str) -> BootEntries:
    """The output of `efibootmgr -v`."""
    current = ""
    order: tuple[str, ...] = ()
    entries = []
    for line in text.splitlines():
        if line.startswith("BootCurrent:"):
            current = line.split()[1].upper()
        elif line.startswith("BootOrder:"):
            order = tuple(number.strip().upper() for number in line.split(":", 1)[1].split(",") if number.strip())
        elif found := _ENTRY.match(line):
            entries.append(Entry(number=found.group(1).upper(), label=found.group(2).strip()))
    return BootEntries(current=current, order=order, entries=tuple(entries))


def order_with(ours: str, found: BootEntries) -> tuple[str, ...]:
    """The network first (beginning with the entry that booted this time), so that the server keeps its say at every
    boot; then ours; then what else there was."""
    network = {entry.number for entry in found.entries if entry.is_network}
    others = [number for number in found.order if number != ours]
    asked = sorted((number for number in others if number in network), key=lambda number: number != found.current)
    if found.current in network and found.current not in asked:
        asked.insert(0, found.current)
    return (*asked, ours, *(number for number in others if number not in network))


def new_entry(before: Iterable[Entry], after: Iterable[Entry]) -> str | None:
    """The number of our entry that was not there before."""
    known = {entry.number for entry in before}
    return next((entry.number for entry in after if entry.is_ours and entry.number not in known), None)


async def set_boot_entry(device: str, number: int) -> str:
    """Have the firmware boot partition `number` of the disk, after the network. Answers the new order.

    Raises CommandFailed.
    """
    before = await _entries()
    for entry in before.entries:
        if entry.is_ours:
            await execute(("efibootmgr", "--quiet", "--delete-bootnum", "--bootnum", entry.number))
    left = tuple(entry for entry in before.entries if not entry.is_ours)
    which = ("--disk", device, "--part", str(number))
    await execute(("efibootmgr", "--quiet", "--create-only", *which, "--label", LABEL, "--loader", LOADER))
    after = await _entries()
    ours = new_entry(left, after.entries)
    if ours is None:
        return ""
    order = ",".join(order_with(ours, after))
    await execute(("efibootmgr", "--quiet", "--bootorder", order))
    return order


async def _entries() -> BootEntries:
    return parse_entries(await execute(("efibootmgr", "-v")))
