"""`configure_system`: make an unpacked tree this node's own."""

from __future__ import annotations

from pathlib import Path

from kadeploy.agent.arguments import Args, named_texts, text
from kadeploy.agent.fstab import SWAP, Entry, fstab, hosts
from kadeploy.agent.job import Answer, Job
from kadeploy.agent.signatures import signature_of
from kadeploy.agent.tree import inside
from kadeploy.errors import CommandFailed

_MACHINE_IDS = ("/etc/machine-id", "/var/lib/dbus/machine-id")


async def configure_system(args: Args, job: Job) -> Answer:
    """fstab (of partitions that hold a file system), host name, and no machine identity: each node makes its own."""
    tree = Path(text(args, "tree"))
    if not inside(tree, "/etc").is_dir():
        raise CommandFailed(f"there is no system in {tree}: it has no directory /etc")
    entries = [
        Entry(uuid=found.uuid, where=where, filesystem=found.kind)
        for device, where in named_texts(args, "mounts").items()
        if (found := await signature_of(device)).uuid
    ]
    write_fstab(tree, entries)
    if hostname := text(args, "hostname", ""):
        write_hostname(tree, hostname)
    forget_identity(tree)
    return Answer(output=" ".join(entry.where for entry in entries))


def write_fstab(tree: Path, entries: list[Entry]) -> None:
    path = inside(tree, "/etc/fstab")
    path.write_text(fstab(_text(path), entries))
    for entry in entries:
        if entry.where != SWAP:
            inside(tree, entry.where).mkdir(parents=True, exist_ok=True)


def write_hostname(tree: Path, name: str) -> None:
    inside(tree, "/etc/hostname").write_text(name + "\n")
    path = inside(tree, "/etc/hosts")
    path.write_text(hosts(_text(path), name))


def forget_identity(tree: Path) -> None:
    """An empty /etc/machine-id is filled at the next boot (machine-id(5)), a second one would contradict it."""
    for name in _MACHINE_IDS:
        path = inside(tree, name)
        if path.exists():
            path.write_text("")


def _text(path: Path) -> str:
    return path.read_text(errors="replace") if path.is_file() else ""
