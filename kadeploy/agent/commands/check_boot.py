"""`check_boot`: a partition holds something that this machine's firmware, or GRUB, can start."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path
from typing import Final

from kadeploy.agent.arguments import Args, number, text
from kadeploy.agent.blocks import real_path
from kadeploy.agent.facts import firmware
from kadeploy.agent.job import Answer, Job
from kadeploy.agent.mounts import mount, mounted, unmount_all
from kadeploy.agent.shown import await_partitions
from kadeploy.agent.signatures import signature_of
from kadeploy.domain.disk import partition_path
from kadeploy.domain.loaders import EFI_LOADERS, GRUB_MENUS
from kadeploy.errors import CommandFailed

_SECTOR: Final = 512
_SIGNATURE: Final = b"\x55\xaa"  # the end of a boot sector
_NEEDED: Final = {"bios": "a boot sector", "uefi": "an EFI program"}


async def check_boot(args: Args, job: Job) -> Answer:
    """Answers with what would be started. Raises CommandFailed where there is nothing."""
    disk, which = real_path(text(args, "disk")), number(args, "number")
    device, kind = partition_path(disk, which), text(args, "firmware", firmware())
    if device not in (there := await await_partitions(disk)):
        raise CommandFailed(f"{disk} has no partition {which}, but {', '.join(there) or 'none'}")
    if kind == "bios" and await asyncio.to_thread(_has_boot_sector, device):
        return Answer(output="its boot sector")
    loaders = EFI_LOADERS if kind == "uefi" else ()
    if found := await _first_of((*GRUB_MENUS, *loaders), device):
        return Answer(output=found)
    raise CommandFailed(f"{device} holds nothing to start: neither {_NEEDED[kind]} nor a menu of GRUB")


def _has_boot_sector(device: str) -> bool:
    with Path(device).open("rb") as opened:
        return opened.read(_SECTOR).endswith(_SIGNATURE)


async def _first_of(paths: tuple[str, ...], device: str) -> str:
    """Empty where the partition has none of them, or no file system that can be mounted."""
    if there := [entry.path for entry in mounted() if real_path(entry.source) == real_path(device)]:
        return _existing(paths, Path(there[-1]))
    if not (await signature_of(device)).kind:
        return ""
    with tempfile.TemporaryDirectory(prefix="kadeploy-") as folder:
        try:
            await mount(device, folder, options="ro")
        except CommandFailed:
            return ""
        try:
            return _existing(paths, Path(folder))
        finally:
            await unmount_all(lambda mounts: tuple(entry.path for entry in mounts if entry.path == folder))


def _existing(paths: tuple[str, ...], tree: Path) -> str:
    return next((path for path in paths if (tree / path.lstrip("/")).is_file()), "")
