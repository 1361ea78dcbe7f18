"""What a partition holds, as its superblock says."""

from __future__ import annotations

from dataclasses import dataclass

from kadeploy.errors import CommandFailed
from kadeploy.process import run


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """`kind` is the file system's type (or `swap`), empty when there is none; `uuid` as blkid writes it."""

    kind: str = ""
    uuid: str = ""


def parse_blkid(text: str) -> Signature:
    """The output of `blkid -o export`."""
    values = dict(line.split("=", 1) for line in text.splitlines() if "=" in line)
    return Signature(kind=values.get("TYPE", ""), uuid=values.get("UUID", ""))


async def signature_of(device: str) -> Signature:
    """Read from the device itself, never from blkid's cache."""
    found = await run(("blkid", "-p", "-o", "export", device), deadline=60)
    return parse_blkid(found.stdout) if found.ok else Signature()


async def uuid_of(device: str) -> str:
    """Raises CommandFailed when the partition holds no file system."""
    uuid = (await signature_of(device)).uuid
    if not uuid:
        raise CommandFailed(f"{device} holds no file system with a UUID")
    return uuid
