"""The installed system's /etc/fstab and /etc/hosts: pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

SWAP: Final = "swap"
_ON_DISKS: Final = ("UUID=", "LABEL=", "PARTUUID=", "PARTLABEL=", "/dev/")
_OPTIONS: Final = {"ext2": "errors=remount-ro", "ext3": "errors=remount-ro", "ext4": "errors=remount-ro"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A partition of this node and where it is mounted; `swap` for swap space.

    What several systems of a disk use may be formatted anew by each of them, and may be gone. So all but the root is
    found by its partition, is of whatever kind it is then, and is no condition for starting."""

    uuid: str
    where: str
    filesystem: str
    partuuid: str = ""

    def line(self) -> str:
        if self.where == "/":
            return f"UUID={self.uuid} / {self.filesystem} {_OPTIONS.get(self.filesystem, 'defaults')} 0 1"
        source = f"PARTUUID={self.partuuid}" if self.partuuid else f"UUID={self.uuid}"
        if self.where == SWAP:
            return f"{source} none swap sw,nofail 0 0"
        options = "umask=0077,nofail" if self.where == "/boot/efi" else "nofail"
        return f"{source} {self.where} auto {options} 0 2"


def fstab(old: str, entries: Iterable[Entry]) -> str:
    """This node's partitions, then what the image mounts from elsewhere (network, memory): its disks are not here."""
    ours = sorted(entries, key=lambda entry: (entry.where == SWAP, entry.where))
    places = {entry.where for entry in ours}
    kept = [line for line in old.splitlines() if _is_from_elsewhere(line, places)]
    return "\n".join(["# Written by Kadeploy for this node.", *(entry.line() for entry in ours), *kept]) + "\n"


def _is_from_elsewhere(line: str, places: set[str]) -> bool:
    words = line.split()
    if len(words) < 3 or words[0].startswith("#"):
        return False
    return not words[0].startswith(_ON_DISKS) and words[1] not in places and words[2] != SWAP


def hosts(old: str, name: str) -> str:
    """Debian's way: the node's own name is 127.0.1.1, the rest stays."""
    kept = [line for line in old.splitlines() if not re.match(r"127\.0\.1\.1\s", line)]
    if not any(re.match(r"127\.0\.0\.1\s", line) for line in kept):
        kept.insert(0, "127.0.0.1 localhost")
    short = name.split(".")[0]
    names = name if short == name else f"{name} {short}"
    index = next(index for index, line in enumerate(kept) if re.match(r"127\.0\.0\.1\s", line))
    return "\n".join([*kept[: index + 1], f"127.0.1.1 {names}", *kept[index + 1 :]]) + "\n"
