"""`BootTarget`: what a node boots when its firmware next asks."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class BootKind(StrEnum):
    """The minimal environment over the network, or the node's own disk."""

    MINIMAL = "minimal"
    DISK = "disk"


@dataclass(frozen=True, slots=True, kw_only=True)
class BootTarget:
    """`params` are kernel arguments added for the minimal environment; a disk boot has none."""

    kind: BootKind
    params: str = ""


LOCAL_DISK = BootTarget(kind=BootKind.DISK)
