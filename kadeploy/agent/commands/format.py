"""`format`: make a file system, or swap space."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from kadeploy.agent.arguments import Args, number, text, texts
from kadeploy.agent.blocks import await_disk
from kadeploy.agent.execute import execute
from kadeploy.agent.job import Answer, Job
from kadeploy.agent.mounts import unmount_all
from kadeploy.agent.signatures import signature_of, wipe
from kadeploy.agent.swaps import swap_off
from kadeploy.errors import CommandFailed

# ext4: inode tables and journal are zeroed by the installed system in the background.
_LAZY: Final = ("-E", "lazy_itable_init=1,lazy_journal_init=1,discard")
_MAKERS: Final[Mapping[str, tuple[tuple[str, ...], str]]] = {
    "ext2": (("mkfs.ext2", "-q", "-F", "-E", "lazy_itable_init=1,discard"), "-L"),
    "ext3": (("mkfs.ext3", "-q", "-F", *_LAZY), "-L"),
    "ext4": (("mkfs.ext4", "-q", "-F", *_LAZY), "-L"),
    "xfs": (("mkfs.xfs", "-q", "-f"), "-L"),
    "btrfs": (("mkfs.btrfs", "-q", "-f"), "-L"),
    "vfat": (("mkfs.vfat",), "-n"),
    "swap": (("mkswap", "-f"), "-L"),
}


def maker(device: str, filesystem: str, *, label: str = "", options: Sequence[str] = ()) -> tuple[str, ...]:
    """The command that makes it, never asking; raises CommandFailed for a file system it does not know."""
    if filesystem not in _MAKERS:
        raise CommandFailed(f"{filesystem!r} is not a file system this agent makes: {', '.join(_MAKERS)}")
    argv, label_option = _MAKERS[filesystem]
    named = (label_option, label) if label else ()
    return (*argv, *named, *options, device)


async def make_filesystem(device: str, filesystem: str, *, label: str = "", options: Sequence[str] = ()) -> None:
    """Raises CommandFailed."""
    argv = maker(device, filesystem, label=label, options=options)
    await unmount_all(lambda mounts: tuple(entry.path for entry in reversed(mounts) if entry.source == device))
    await swap_off(device)
    await wipe(device)
    await execute(argv)


async def make_esp(device: str) -> None:
    """An EFI system partition; one that is there may hold the loaders of other systems. Raises CommandFailed."""
    if (await signature_of(device)).kind != "vfat":
        await make_filesystem(device, "vfat", label="EFI")


async def format_partition(args: Args, job: Job) -> Answer:
    """With `keep` what holds a file system is left as it is; the answer says which. Raises CommandFailed."""
    device, filesystem = text(args, "device"), text(args, "filesystem")
    await await_disk(device, deadline=number(args, "wait", 15))
    if args.get("keep") and (kind := (await signature_of(device)).kind) in _MAKERS and kind != "swap":
        return Answer(output=f"{kind} is left as it is")
    await make_filesystem(device, filesystem, label=text(args, "label", ""), options=texts(args, "options"))
    return Answer()
