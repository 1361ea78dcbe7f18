"""`BootTarget`: what a node boots when its firmware next asks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class BootKind(StrEnum):
    """The minimal environment over the network, the same with its root on NFS, the node's own disk, one partition of
    it, or a profile that somebody gave."""

    MINIMAL = "minimal"
    NFSROOT = "nfsroot"
    DISK = "disk"
    PARTITION = "partition"
    PROFILE = "profile"


@dataclass(frozen=True, slots=True, kw_only=True)
class BootTarget:
    """`params` are kernel arguments added for the minimal environment; a disk boot has none; of a partition they are
    its number; a profile is them itself, an iPXE script."""

    kind: BootKind
    params: str = ""

    @property
    def is_minimal(self) -> bool:
        """Whether our agent reports from it."""
        return self.kind in (BootKind.MINIMAL, BootKind.NFSROOT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """An iPXE script of the user's. In it NODE_SINGULARITY stands for what `singularities` has for the node."""

    script: str
    singularities: Mapping[str, str] = field(default_factory=dict)

    def target_of(self, node: str) -> BootTarget:
        script = self.script.replace("NODE_SINGULARITY", self.singularities.get(node, ""))
        return BootTarget(kind=BootKind.PROFILE, params=script)


LOCAL_DISK = BootTarget(kind=BootKind.DISK)


def of_partition(number: int) -> BootTarget:
    """Whatever starts from that partition of the node's disk; 0 is the disk itself."""
    return BootTarget(kind=BootKind.PARTITION, params=str(number)) if number else LOCAL_DISK
