"""`configure_system`: make an unpacked tree this node's own."""

from __future__ import annotations

from pathlib import Path

from kadeploy.agent.arguments import Args, named_texts, text
from kadeploy.agent.fstab import SWAP, Entry, fstab, hosts
from kadeploy.agent.job import Answer, Job
from kadeploy.agent.signatures import signature_of
from kadeploy.agent.tree import inside, read, write
from kadeploy.errors import CommandFailed

_MACHINE_IDS = ("/etc/machine-id", "/var/lib/dbus/machine-id")


async def configure_system(args: Args, job: Job) -> Answer:
    """fstab (of partitions that hold a file system), host name, and no machine identity: each node makes its own."""
    tree = Path(text(args, "tree"))
    if not inside(tree, "/etc").is_dir():
        raise CommandFailed(f"there is no system in {tree}: it has no directory /etc")
    entries = [
        Entry(uuid=found.uuid, where=where, filesystem=found.kind, partuuid=found.partuuid)
        for device, where in named_texts(args, "mounts").items()
        if (found := await signature_of(device)).uuid
    ]
    write_fstab(tree, entries)
    if hostname := text(args, "hostname", ""):
        write_hostname(tree, hostname)
    forget_identity(tree)
    return Answer(output=" ".join(entry.where for entry in entries))


def write_fstab(tree: Path, entries: list[Entry]) -> None:
    write(tree, "/etc/fstab", fstab(read(tree, "/etc/fstab"), entries))
    for entry in entries:
        if entry.where != SWAP:
            inside(tree, entry.where).mkdir(parents=True, exist_ok=True)


def write_hostname(tree: Path, name: str) -> None:
    write(tree, "/etc/hostname", name + "\n")
    write(tree, "/etc/hosts", hosts(read(tree, "/etc/hosts"), name))


def forget_identity(tree: Path) -> None:
    """An empty /etc/machine-id is filled at the next boot (machine-id(5)), a second one would contradict it."""
    for name in _MACHINE_IDS:
        if inside(tree, name).exists():
            write(tree, name, "")
