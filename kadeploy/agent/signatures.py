"""What a partition holds, as its superblock says."""

from __future__ import annotations

from dataclasses import dataclass

from kadeploy.agent.execute import execute
from kadeploy.errors import CommandFailed
from kadeploy.process import run


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """`kind` is the file system's type (or `swap`), empty when there is none; `uuid` as blkid writes it; `partuuid` is
    the partition's own, whatever it holds, empty where it is none."""

    kind: str = ""
    uuid: str = ""
    partuuid: str = ""


def parse_blkid(text: str) -> Signature:
    """The output of `blkid -o export`."""
    values = dict(line.split("=", 1) for line in text.splitlines() if "=" in line)
    partuuid = values.get("PART_ENTRY_UUID", "")
    return Signature(kind=values.get("TYPE", ""), uuid=values.get("UUID", ""), partuuid=partuuid)


async def signature_of(device: str) -> Signature:
    """Read from the device itself, never from blkid's cache."""
    found = await run(("blkid", "-p", "-o", "export", device), deadline=60)
    return parse_blkid(found.stdout) if found.ok else Signature()


async def wipe(*devices: str) -> None:
    """What other kinds of file systems, volumes and arrays keep at a device's end would else still be found there.

    Raises CommandFailed."""
    await execute(("wipefs", "--quiet", "--all", *devices))


async def uuid_of(device: str) -> str:
    """Raises CommandFailed when the partition holds no file system."""
    uuid = (await signature_of(device)).uuid
    if not uuid:
        raise CommandFailed(f"{device} holds no file system with a UUID")
    return uuid
